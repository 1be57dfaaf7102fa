import itertools
import json
import random
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from archive.calendar import announced
from archive.cli import main
from archive.clusters import Link, average_link
from archive.folding import fold
from archive.gazetteer import concepts_in
from archive.grouping import group_archive
from archive.linkage import FEATURES, Pool, crowds, group, load_model, reasons
from archive.models import Article, Outlet, Verdict
from archive.numerals import count_numbers
from archive.profiles import Profile, packed, read_profile, unpacked
from archive.senses import WORDS, cognate, sense_of, senses
from archive.store import open_archive, rows, save_article, save_outlets
from archive.stories import current_story, why_together

TEXTS = Path(__file__).parent / "texts/stories"
OUTLETS = {
    name: Outlet(id=name, name=name, country=country, language=language, homepage=f"https://{name}.example/",
                 timezone="America/Mexico_City" if country == "MX" else "America/New_York")
    for name, country, language in [
        ("correo", "MX", "es"), ("faro", "MX", "es"), ("valle", "MX", "es"),
        ("ledger", "US", "en"), ("beacon", "US", "en"), ("courier", "US", "en"),
    ]
}  # fmt: skip

CALL = {
    "correo": (
        "De la Fuente y Rubio hablan por teléfono y acuerdan reunión ministerial",
        "El canciller Juan Ramón de la Fuente y el secretario de Estado, Marco Rubio, sostuvieron este jueves una "
        "llamada telefónica sobre la cooperación en seguridad. Revisaron el Grupo de Implementación de Seguridad, que "
        "se reunirá el 23 de enero, y acordaron una reunión ministerial en Washington en febrero.",
    ),
    "faro": (
        "Tras llamada de cancilleres habrá ministerial de seguridad en Washington",
        "Una conversación telefónica entre Juan Ramón de la Fuente y Marco Rubio dejó dos fechas: el 23 de enero se "
        "reúne el Grupo de Implementación de Seguridad y en febrero habrá una reunión ministerial en Washington. El "
        "Departamento de Estado dijo que los avances graduales no bastan; la cancillería habló de soberanía.",
    ),
    "ledger": (
        "Rubio and De la Fuente speak by phone, agree on February security ministerial",
        "Secretary of State Marco Rubio and Foreign Secretary Juan Ramón de la Fuente spoke by phone on Thursday about "
        "security cooperation. They reviewed the Security Implementation Group, which will meet on Jan. 23, and agreed "
        "to hold a ministerial meeting in Washington in February, the State Department said.",
    ),
    "beacon": (
        "After phone call, Washington will host Mexican ministers",
        "Foreign Secretary Juan Ramón de la Fuente and Marco Rubio agreed in a phone call to hold a "
        "security ministerial in Washington in February. The Security Implementation Group meets Jan. 23. "
        "Incremental progress is not enough, the State Department said; the foreign ministry spoke of sovereignty.",
    ),
}
TRANSFER = {
    "valle": (
        "México entrega a 37 reos a Estados Unidos",
        "El Gabinete de Seguridad informó que 37 internos, varios de ellos del Cártel Jalisco Nueva Generación, fueron "
        "trasladados en siete aviones a Estados Unidos. Omar García Harfuch dijo que el Departamento de Justicia se "
        "comprometió a no pedir la pena de muerte. Los presos estaban en el Altiplano y otros penales.",
    ),
    "courier": (
        "Mexico hands over 37 cartel inmates to the United States",
        "Mexico transferred 37 prisoners, several of them from the Jalisco New Generation Cartel, on seven planes "
        "to the United States, its security cabinet said. Omar García Harfuch said the Justice Department had agreed "
        "not to seek the death penalty. The inmates were held at Altiplano and other prisons.",
    ),
}  # fmt: skip
DAYS = {"correo": "2026-01-15", "faro": "2026-01-16", "ledger": "2026-01-15", "beacon": "2026-01-16",
        "valle": "2026-01-16", "courier": "2026-01-16"}  # fmt: skip
ALL = {**CALL, **TRANSFER}


def profile(name: str, number: int, day: str | None = None) -> Profile:
    title, text = ALL[name]
    language = OUTLETS[name].language
    return read_profile(number, language, day or DAYS[name], title, text, load_model().telling)


PROFILES = {name: profile(name, number) for number, name in enumerate(ALL)}


def archive(path: Path) -> Database:
    db = open_archive(path / "archive.db")
    save_outlets(db, list(OUTLETS.values()))
    return db


def publish(db: Database, name: str, *, instead: tuple[str, str] | None = None, grade: int = 2) -> None:
    title, words = instead or ALL[name]
    save_article(
        db,
        OUTLETS[name],
        Article(url=f"https://{name}.example/1", title=title, text=words, language=OUTLETS[name].language,
                published_local=f"{DAYS[name]}T12:00:00-06:00"),
        Verdict(grade=grade, score=5.0),
        seen="2026-01-17T00:00:00Z",
        snapshot=None,
    )  # fmt: skip


def stories(db: Database) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for article in rows(db, "SELECT outlet, story FROM articles WHERE story IS NOT NULL ORDER BY outlet"):
        found.setdefault(article["story"], []).append(article["outlet"])
    return found


def test_concepts_are_the_same_in_both_languages() -> None:
    spanish = {c for _, c in concepts_in("El Departamento de Estado confirmó el traslado de los reos", "es")}
    english = {c for _, c in concepts_in("The State Department confirmed the transfer of the inmates", "en")}
    assert spanish == english == {"body:state_dept", "act:transfer", "matter:prison"}


def test_a_longer_phrase_hides_what_is_inside_it() -> None:
    assert [c for _, c in concepts_in("high-level security implementation group", "en")][
        -1
    ] == "body:security_group"
    assert concepts_in("the marinade was tariffless", "en") == [(17, "matter:tariffs")]


@pytest.mark.parametrize(
    ("spanish", "english"),
    [("detuvieron", "arrested"), ("armas", "weapons"), ("helicóptero", "helicopter"), ("biométricos", "biometric"),
     ("extraditado", "extradited"), ("frontera", "border"), ("espías", "spies")],
)  # fmt: skip
def test_words_of_one_meaning_or_one_origin_are_one(spanish: str, english: str) -> None:
    def said(word: str, language: str) -> set[str]:
        folded = fold(word)
        return {*senses(folded, language)} or {cognate(folded) or ""}

    assert said(spanish, "es") & said(english, "en") - {""}


def test_a_name_that_only_begins_sentences_is_a_name_and_an_ordinary_word_there_is_none() -> None:
    text = "Ochoa no dijo nada en la sala. Durante una hora miró la mesa. Afuera llovía. Ochoa volvió."
    read = read_profile(1, "es", "2026-03-24", "El silencio del testigo", text, load_model().telling)

    assert set(read.names) == {"name:ochoa"}


def test_another_number_in_the_headline_speaks_against_one_event() -> None:
    text = (
        "El gabinete de seguridad informó que {} internos de alta peligrosidad viajaron en aviones militares."
    )
    one, same, other = (
        read_profile(
            n, "es", "2026-05-12", f"Envían a {count} reos a EU", text.format(count), load_model().telling
        )
        for n, count in enumerate((26, 26, 37))
    )
    counts = Pool([one, same, other]).features(0, 0, 3)[FEATURES.index("counts")]
    assert counts.tolist() == [1.0, 1.0, -1.0]


def test_each_line_of_the_glossary_has_a_name_of_its_own() -> None:
    lines = [pair for table in tomllib.loads(WORDS.read_text("utf-8")).values() for pair in table.items()]
    names = Counter(sense_of(*pair) for pair in lines)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("treinta y siete reos", {"37"}), ("thirty-seven inmates", {"37"}), ("10 mil guardias", {"10000"}),
     ("10,000 troops", {"10000"}), ("veintiséis capos", {"26"}), ("el 15 de enero de 2026", set()),
     ("on March 14, 2026", set()), ("1.5 millones", {"1.5e+06"}), ("noventa días", {"90"}), ("seis", set())],
)  # fmt: skip
def test_numbers_have_one_notation(text: str, numbers: set[str]) -> None:
    assert set(count_numbers([fold(t.strip(",")) for t in text.split()])) == {f"number:{n}" for n in numbers}


def test_the_crowd_is_counted_in_powers_of_two() -> None:
    assert crowds(np.array([1.0])).tolist() == [0]
    assert crowds(np.array([1.0, 2.0, 3.5, 40.0])).tolist() == [2, 2, 2, 0]


def test_in_a_crowd_two_articles_must_share_more() -> None:
    pair = [PROFILES["correo"], PROFILES["ledger"]]
    alone, crowded = (
        Pool(pair, dict.fromkeys((p.id for p in pair), crowd)).likenesses(0, 0, 2, load_model())[1]
        for crowd in (0, 8)
    )
    assert crowded < alone


def test_every_feature_has_its_weight() -> None:
    model = load_model()
    pool = Pool([PROFILES["correo"], PROFILES["ledger"]])
    assert len(model.weights) == len(FEATURES) == len(pool.features(0, 0, 2))


def test_one_call_in_two_countries_is_one_story_and_a_transfer_another() -> None:
    found = group(list(PROFILES.values()), load_model())
    numbers = {name: p.id for name, p in PROFILES.items()}
    assert found == [sorted(numbers[n] for n in CALL), sorted(numbers[n] for n in TRANSFER)]


def test_grouping_does_not_depend_on_the_order_of_arrival() -> None:
    expected = group(list(PROFILES.values()), load_model())
    for order in itertools.islice(itertools.permutations(PROFILES.values()), 0, 720, 97):
        assert group(list(order), load_model()) == expected


def test_articles_further_apart_than_the_window_are_never_one_story() -> None:
    late = profile("faro", 9, "2026-02-20")
    assert group([PROFILES["correo"], late], load_model()) == []


def test_groups_are_joined_by_their_mean_likeness() -> None:
    order = {number: number for number in range(4)}
    pairs = [Link(0, 1, 0.9), Link(1, 2, 0.5), Link(2, 3, 0.8), Link(0, 2, 0.1)]
    assert average_link(pairs, order, 0.2) == [[0, 1], [2, 3]]
    assert average_link(pairs, order, 0.15) == [[0, 1, 2, 3]]


def test_a_profile_is_written_down_whole() -> None:
    for written in PROFILES.values():
        assert unpacked(packed(written)) == written


def test_a_link_says_why_in_words() -> None:
    why = " | ".join(reasons(PROFILES["valle"], PROFILES["courier"]))
    assert "numbers: 37" in why
    assert "transfer" in why
    assert "hours apart" in why


def test_a_story_keeps_its_number_while_it_grows(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ("correo", "ledger"):
        publish(db, name)
    group_archive(db)
    (first,) = stories(db)
    for name in ("beacon", "valle", "faro", "courier"):
        publish(db, name)
        group_archive(db)
    assert stories(db)[first] == ["beacon", "correo", "faro", "ledger"]
    story = rows(db, "SELECT * FROM stories WHERE id = ?", [first])[0]
    assert (story["articles"], story["mx_articles"], story["us_articles"], story["outlets"]) == (4, 2, 2, 4)
    assert (story["first_published"], story["last_published"]) == (
        "2026-01-15T18:00:00Z",
        "2026-01-16T18:00:00Z",
    )
    assert why_together(db, first)[0]["why"]


def test_anew_ends_where_one_by_one_does(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ("courier", "beacon", "correo", "valle", "faro", "ledger"):
        publish(db, name)
        assert group_archive(db)["stories"]["read"] == 1
    before = stories(db), rows(db, "SELECT * FROM stories ORDER BY id"), rows(db, "SELECT * FROM story_links")
    assert len(before[0]) == 2
    assert group_archive(db, anew=True)["stories"]["read"] == 6
    assert (
        stories(db),
        rows(db, "SELECT * FROM stories ORDER BY id"),
        rows(db, "SELECT * FROM story_links"),
    ) == before
    assert group_archive(db)["stories"]["read"] == 0


def test_an_article_rewritten_about_something_else_leaves_and_it_is_recorded(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in TRANSFER:
        publish(db, name)
    group_archive(db)
    (story,) = stories(db)
    publish(
        db,
        "courier",
        instead=("County fair opens", "A fair in Ohio opened with tractors and a pie contest on Sunday."),
    )
    group_archive(db)
    assert stories(db) == {}
    changes = rows(db, "SELECT kind, story, other, articles FROM story_changes")
    assert [(c["kind"], c["story"], c["other"]) for c in changes] == [("dissolved", story, None)]
    assert len(json.loads(changes[0]["articles"])) == 2
    assert current_story(db, story) is None
    assert rows(db, "SELECT * FROM stories") == []


def test_a_withdrawn_article_is_counted_no_more(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in CALL:
        publish(db, name)
    group_archive(db)
    for outlet, left in (("faro", 3), ("beacon", 2), ("ledger", None)):
        (number,) = db.execute("SELECT id FROM articles WHERE outlet = ?", [outlet]).fetchone()
        for table in ("revisions", "texts"):
            db.execute(f"DELETE FROM {table} WHERE article = ?", [number])
        db.execute("DELETE FROM articles WHERE id = ?", [number])
        db.conn.commit()
        group_archive(db)
        assert [story["articles"] for story in rows(db, "SELECT articles FROM stories")] == (
            [left] if left else []
        )


def test_two_stories_that_join_leave_a_trace(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ("correo", "ledger", "faro"):
        publish(db, name)
    group_archive(db)
    (kept,) = stories(db)
    db.execute("INSERT INTO stories (id, title) VALUES (77, 'apart')")
    db.execute("UPDATE articles SET story = 77 WHERE outlet = 'faro'")
    db.conn.commit()
    report = group_archive(db, anew=True)
    assert report["stories"]["merges"] == 1
    assert list(stories(db)) == [kept]
    assert current_story(db, 77) == kept


def test_articles_off_the_subject_are_not_grouped(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in TRANSFER:
        publish(db, name, grade=0)
    assert group_archive(db)["stories"]["read"] == 0
    assert stories(db) == {}


def test_the_calendar_of_what_was_announced(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ALL:
        publish(db, name)
    group_archive(db)
    (story,) = (s for s, outlets in stories(db).items() if "faro" in outlets)
    talks = {talk.date: talk for talk in announced(db, "2026-01-18")}
    assert set(talks) == {"2026-01-23", "2026-02"}
    assert (talks["2026-02"].kind, talks["2026-02"].precision, talks["2026-02"].fate) == (
        "ministerial",
        "month",
        "announced",
    )
    assert set(talks["2026-01-23"].outlets) == set(CALL)
    assert talks["2026-01-23"].stories == (story,)
    later = {talk.date: talk.fate for talk in announced(db, "2026-02-10")}
    assert later == {"2026-01-23": "unreported", "2026-02": "announced"}
    db.execute(
        "INSERT INTO mentions (article, kind, tense, date, precision, sentence)"
        " SELECT max(id), 'ministerial', 'past', '2026-02-18', 'day', 'Ministers met.' FROM articles"
    )
    held = {talk.date: talk.fate for talk in announced(db, "2026-03-10")}
    assert held["2026-02"] == "held"


def test_what_a_later_version_put_in_is_dated_from_that_version(tmp_path: Path) -> None:
    db = archive(tmp_path)
    publish(
        db, "valle", instead=("El grupo bilateral", "Los dos gobiernos hablaron por teléfono este jueves.")
    )
    first = "Los dos gobiernos hablaron por teléfono este jueves, según la cancillería."
    save_article(
        db,
        OUTLETS["valle"],
        Article(url="https://valle.example/1", title="El grupo bilateral", language="es",
                text=f"{first}\n\nLa reunión del grupo terminó ayer con doce acuerdos sobre armas.",
                published_local=f"{DAYS['valle']}T12:00:00-06:00"),
        Verdict(grade=2, score=5.0),
        seen="2026-01-24T18:00:00Z",
        snapshot=None,
    )  # fmt: skip
    group_archive(db)
    found = {(kind, date) for kind, date in db.execute("SELECT kind, date FROM mentions").fetchall()}
    assert found == {("call", "2026-01-15"), ("meeting", "2026-01-23")}


def test_a_talk_that_was_called_off_is_no_longer_announced(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in CALL:
        publish(db, name)
    publish(
        db, "valle",
        instead=("Cancelan la reunión del grupo", "La reunión del Grupo de Implementación prevista para el 23 de enero "
                 "fue cancelada, informó la Secretaría de Relaciones Exteriores."),
    )  # fmt: skip
    db.execute("UPDATE articles SET published = '2026-01-18T12:00:00Z' WHERE outlet = 'valle'")
    db.conn.commit()
    group_archive(db)
    fates = {talk.date: talk.fate for talk in announced(db, "2026-01-19")}
    assert fates == {"2026-01-23": "cancelled", "2026-02": "announced"}


def lines(**changes: object) -> str:
    found = []
    for name, (title, text) in ALL.items():
        row = {
            "id": name,
            "lang": OUTLETS[name].language,
            "date": DAYS[name],
            "title": title,
            "text": text,
            **changes,
        }
        found.append(json.dumps(row))
    return "\n".join(found)


def test_the_command_groups_lines_in_their_order() -> None:
    result = CliRunner().invoke(main, ["group", "--stdin"], input=lines())
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == list(ALL)
    events = {answer["id"]: answer["event"] for answer in answers}
    assert len({events[name] for name in CALL}) == len({events[name] for name in TRANSFER}) == 1
    assert events["correo"] != events["valle"]
    assert all(answer["why"] for answer in answers)


def test_lines_with_grade_0_stay_alone() -> None:
    result = CliRunner().invoke(main, ["group", "--stdin"], input=lines(grade=0))
    assert [json.loads(line)["event"] for line in result.stdout.splitlines()] == [None] * len(ALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"date": "yesterday"}, "no ISO 8601"),
        ({"lang": "fr"}, "neither es nor en"),
        ({"text": 5}, "must be texts"),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_with_words(change: dict, message: str) -> None:
    result = CliRunner().invoke(main, ["group", "--stdin"], input=lines(**change))
    assert result.exit_code == 1
    assert message in json.loads(result.stdout.splitlines()[0])["error"]


def test_the_command_reports_as_json(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ALL:
        publish(db, name)
    db.close()
    result = CliRunner().invoke(main, ["group", "--json", "--db", str(tmp_path / "archive.db")])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["stories"]["stories"], report["stories"]["articles"], report["copies"]["groups"]) == (
        2,
        6,
        0,
    )


def labelled(name: str) -> list[dict]:
    lines = (TEXTS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


LABELLED = labelled("invented")


def b_cubed(gold: dict[int, str], found: dict[int, int]) -> float:
    """Return the F1 of a grouping (Bagga and Baldwin 1998)."""

    def shares(one: dict, other: dict) -> float:
        return sum(
            sum(other[j] == other[i] for j in one if one[j] == one[i]) / sum(one[j] == one[i] for j in one)
            for i in one
        ) / len(one)

    precision, recall = shares(found, gold), shares(gold, found)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("invented", 0.98),
        ("talks", 0.92),
        ("neighbours", 0.95),
        ("longer", 0.93),
        ("later", 0.97),
        ("reports", 0.95),
    ],
)
def test_labelled_texts_are_grouped_by_their_events(name: str, floor: float) -> None:
    texts, model = labelled(name), load_model()
    profiles = [
        read_profile(n, row["lang"], row["date"], row["title"], row["text"], model.telling)
        for n, row in enumerate(texts)
    ]
    gold = {n: row["event"] or row["id"] for n, row in enumerate(texts)}
    found = {n: -n for n in gold}
    for place, cluster in enumerate(group(profiles, model), 1):
        found.update(dict.fromkeys(cluster, place))
    assert b_cubed(gold, found) >= floor


def arrive(db: Database, batch: list[dict]) -> None:
    """Save labelled texts as articles and group what is new."""
    for row in batch:
        outlet = OUTLETS["faro" if row["lang"] == "es" else "beacon"]
        save_article(
            db,
            outlet,
            Article(url=f"https://{outlet.id}.example/{row['id']}", title=row["title"], text=row["text"],
                    language=row["lang"], published_local=f"{row['date']}T12:00:00-06:00"),
            Verdict(grade=2, score=5.0), seen="2026-01-17T00:00:00Z", snapshot=None,
        )  # fmt: skip
    group_archive(db)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_the_order_of_arrival_the_archive_ends_as_if_grouped_at_once(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    db = archive(tmp_path)
    waiting = rng.sample(LABELLED, len(LABELLED))
    while waiting:
        batch, waiting = waiting[: (size := rng.randint(1, 20))], waiting[size:]
        arrive(db, batch)
    (tmp_path / "other").mkdir()
    other = archive(tmp_path / "other")
    arrive(other, LABELLED)
    by_address = "SELECT group_concat(url) FROM (SELECT url, story FROM articles ORDER BY url) GROUP BY story"
    assert sorted(db.execute(by_address).fetchall()) == sorted(other.execute(by_address).fetchall())
    (gone,) = rng.sample(rows(db, "SELECT id FROM articles WHERE story IS NOT NULL"), 1)
    db.execute("UPDATE articles SET grade = 0 WHERE id = ?", [gone["id"]])
    db.conn.commit()
    group_archive(db)

    def found() -> tuple[list, ...]:
        parts = rows(
            db,
            "SELECT group_concat(id) AS ids FROM (SELECT id, story FROM articles ORDER BY id) GROUP BY story",
        )
        kept = rows(db, "SELECT article, crowd, profile FROM story_articles ORDER BY article")
        return (
            sorted(part["ids"] for part in parts),
            kept,
            rows(db, "SELECT * FROM story_links ORDER BY a, b"),
        )

    before = found()
    group_archive(db, anew=True)
    assert found() == before


def test_an_article_in_a_third_language_does_not_end_the_grouping(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for name in ("correo", "ledger", "faro"):
        publish(db, name)
    with db.conn:
        db.execute("UPDATE articles SET language = 'zh' WHERE outlet = 'faro'")
    assert group_archive(db)["stories"]["read"] == 3
    assert any("correo" in members for members in stories(db).values())
