import random
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.copies import group_new_copies
from archive.copy_index import FURNITURE_PAGES, CopyIndex, find_pairs, sketch, without
from archive.models import Article, Outlet, Verdict
from archive.shingles import compare, groups, read_text
from archive.store import open_archive, row, rows, save_article, save_outlets

VOCABULARY = (
    "frontera acuerdo ministro llamada seguridad agente fiscal cooperación puerto aduana reunión informe carta "
    "semana gobierno embajada vecino norte sur capital lengua oficina programa medida avance mesa grupo plan "
    "trabajo jueves portavoz diario sobre desde hacia entre contra según durante tras mientras cuando donde aunque"
)
WORDS = VOCABULARY.split()


def prose(seed: int, size: int = 220) -> str:
    rng = random.Random(seed)
    sentences = []
    while sum(len(s.split()) for s in sentences) < size:
        sentences.append(
            " ".join(rng.choice(WORDS) + rng.choice(["", "s", "n"]) for _ in range(14)).capitalize() + "."
        )
    return " ".join(sentences)


STATEMENT = prose(99, 120)


def relation(a: str, b: str) -> str | None:
    pair = compare(read_text(1, 0, a), read_text(2, 0, b))
    return pair.relation if pair else None


def reworded(text: str, every: int) -> str:
    return " ".join("otra" if i % every == every - 1 else word for i, word in enumerate(text.split()))


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text,
        lambda text: "CIUDAD DE MÉXICO (Agencias).- " + text,
        lambda text: reworded(text, 15),
        lambda text: " ".join(text.split()[:90]),
        lambda text: text + "\n\n" + prose(7, 40),
        lambda text: "TIJUANA.- " + " ".join(reworded(text, 20).split()[:100]) + "\n\n" + prose(8, 40),
        lambda text: ". ".join(reversed(text.split(". "))),
        lambda text: (
            prose(9, 24) + " " + " ".join(reworded(text, 25).split()[40:170]) + "\n\n" + prose(8, 25)
        ),
    ],
    ids=["same", "dateline", "reworded", "cut", "local paragraph", "all of it", "moved", "another lede, cut"],
)
def test_an_edited_dispatch_is_a_copy(edit) -> None:
    dispatch = prose(1)
    assert relation(dispatch, edit(dispatch)) == "copy"


@pytest.mark.parametrize("own_words", [100, 200, 400])
@pytest.mark.parametrize("marks", ['"{}"', "«{}»", "“{}”", "{}"])
def test_two_reports_that_quote_one_statement_are_no_copies(own_words: int, marks: str) -> None:
    quoted = marks.format(STATEMENT)
    assert relation(f"{quoted}\n\n{prose(2, own_words)}", f"{prose(3, own_words)}\n\n{quoted}") in {
        "passage",
        None,
    }


@pytest.mark.parametrize("marks", ['"{}"', "«{}»", "“{}”"])
def test_a_report_that_quotes_a_release_is_no_copy_of_it(marks: str) -> None:
    assert relation(STATEMENT, f"{prose(2, 80)}\n\n{marks.format(STATEMENT)}") == "passage"


def test_what_is_left_of_a_quotation_hides_nothing() -> None:
    dispatch = f'{prose(1, 60)} "{prose(2, 40)}" {prose(3, 60)} "{prose(4, 40)}" {prose(5, 60)}'
    opened = dispatch.replace('"', "", 1)
    assert relation(dispatch, opened) == "copy"


def test_a_shared_passage_is_said_to_be_one() -> None:
    assert relation(prose(2, 150) + " " + STATEMENT, prose(3, 150) + " " + STATEMENT) == "passage"


def test_different_texts_have_nothing_in_common() -> None:
    assert relation(prose(4), prose(5)) is None


def test_the_same_pair_is_the_same_either_way() -> None:
    a, b = read_text(1, 0, prose(1)), read_text(2, 0, reworded(prose(1), 12))
    assert compare(a, b) == compare(b, a)


def test_furniture_on_hundreds_of_pages_is_no_passage() -> None:
    footer = prose(50, 150)
    texts = [read_text(number, 0, f"{prose(1000 + number, 150)}\n\n{footer}") for number in range(150)]
    assert compare(texts[0], texts[1]) is not None
    common = set.intersection(*(set(sketch(text)) for text in texts))
    assert compare(without(texts[0], common), without(texts[1], common)) is None
    assert list(find_pairs(texts)) == []


def test_texts_a_season_apart_are_not_compared() -> None:
    index = CopyIndex.in_memory()
    index.enter([(read_text(1, 0, prose(1)), ""), (read_text(2, 90, prose(1)), "")])
    assert list(index.pairs({2})) == []
    index.enter([(read_text(3, 20, prose(1)), "")])
    assert [(pair.a, pair.b) for pair in index.pairs({3})] == [(1, 3)]


def test_a_group_is_named_after_its_first_article() -> None:
    texts = [read_text(number, 0, reworded(prose(1), 12 + number)) for number in (30, 10, 20)]
    assert groups(find_pairs([*texts, read_text(40, 0, prose(2))])) == {10: 10, 20: 10, 30: 10}


OUTLETS = [
    Outlet(id=f"diario-{n}", name=f"Diario {n}", country="MX", language="es", homepage=f"https://d{n}.example/",
           timezone="America/Mexico_City")
    for n in range(6)
]  # fmt: skip


def archive(path: Path) -> Database:
    db = open_archive(path / "archive.db")
    save_outlets(db, OUTLETS)
    return db


def publish(
    db: Database, outlet: int, text: str, hour: int, name: str = "nota", wire: str | None = None
) -> None:
    moment = f"2026-01-15T{hour:02d}:00:00"
    save_article(
        db,
        OUTLETS[outlet],
        Article(url=f"https://d{outlet}.example/{name}", title=f"{name} {outlet}", text=text, language="es", wire=wire,
                published_local=f"{moment}-06:00"),
        Verdict(grade=2, score=5.0),
        seen="2026-01-16T12:00:00Z",
        snapshot=None,
    )  # fmt: skip


def state(db: Database) -> list[list[dict]]:
    return [
        rows(db, "SELECT a.url, g.url AS g FROM articles a LEFT JOIN articles g ON g.id = a.copy_group ORDER BY 1"),
        rows(db, "SELECT agency, articles, outlets, first_published, last_published FROM copy_groups ORDER BY 4"),
        rows(db, "SELECT a.url, c.words_added, c.words_removed FROM copies c JOIN articles a ON a.id = c.article"
                 " ORDER BY a.url"),
    ]  # fmt: skip


def test_a_dispatch_in_five_papers(tmp_path: Path) -> None:
    db = archive(tmp_path)
    publish(db, 1, prose(1), 9, wire="EFE")
    publish(db, 0, "MORELIA.- " + prose(1), 10)
    publish(db, 2, prose(1) + "\n\nLos vecinos de la plaza no quisieron opinar.", 11, wire="EFE")
    publish(db, 3, prose(2), 11)
    counts = group_new_copies(db)
    assert (counts.read, counts.groups, counts.copies) == (4, 1, 3)
    group = row(db, "SELECT g.*, a.outlet FROM copy_groups g JOIN articles a ON a.id = g.earliest")
    assert group is not None
    assert (group["agency"], group["outlet"], group["articles"], group["outlets"]) == (
        "EFE",
        "diario-1",
        3,
        3,
    )
    longer = row(
        db, "SELECT c.* FROM copies c JOIN articles a ON a.id = c.article WHERE a.outlet = 'diario-2'"
    )
    assert longer is not None
    assert (longer["words_added"], longer["words_removed"], longer["own_headline"]) == (8, 0, 1)
    assert row(db, "SELECT count(*) AS n FROM articles WHERE copy_group IS NULL") == {"n": 1}


def test_one_by_one_and_anew_end_alike(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for number, (outlet, text) in enumerate(
        [
            (0, prose(1)),
            (1, prose(2)),
            (2, reworded(prose(1), 14)),
            (3, reworded(prose(2), 13)),
            (4, prose(1) + prose(3)),
        ]
    ):
        publish(db, outlet, text, 8 + number)
        assert group_new_copies(db).read == 1
    arrived = state(db)
    assert len(arrived[1]) == 2
    group_new_copies(db, anew=True)
    assert state(db) == arrived
    assert group_new_copies(db).read == 0


def test_a_revised_article_may_leave_its_group(tmp_path: Path) -> None:
    db = archive(tmp_path)
    publish(db, 0, prose(1), 8)
    publish(db, 1, prose(1), 9)
    assert group_new_copies(db).groups == 1
    publish(db, 1, prose(5), 9)
    assert group_new_copies(db).groups == 0
    assert row(db, "SELECT count(*) AS n FROM articles WHERE copy_group IS NOT NULL") == {"n": 0}


def test_a_withdrawn_article_leaves_its_group(tmp_path: Path) -> None:
    db = archive(tmp_path)
    for outlet in range(3):
        publish(db, outlet, prose(1), 8 + outlet)
    group_new_copies(db)
    for count, expected in ((2, (1, 2)), (1, (0, 0))):
        last = db.execute("SELECT max(id) FROM articles").fetchone()[0]
        for table in ("revisions", "texts"):
            db.execute(f"DELETE FROM {table} WHERE article = ?", [last])
        db.execute("DELETE FROM articles WHERE id = ?", [last])
        db.conn.commit()
        counts = group_new_copies(db)
        assert (counts.groups, counts.copies) == expected
        assert [g["articles"] for g in rows(db, "SELECT articles FROM copy_groups")] == [count] * expected[0]
    assert rows(db, "SELECT copy_group FROM articles") == [{"copy_group": None}]


def pairs_and_furniture(db: Database) -> list[list[tuple]]:
    return [
        db.execute("SELECT a, b, relation, containment FROM copy_pairs ORDER BY a, b").fetchall(),
        db.execute("SELECT shingle, stale FROM copy_furniture ORDER BY shingle").fetchall(),
        db.execute("SELECT count(*) FROM copy_sketches").fetchall(),
    ]


def test_a_footer_becomes_furniture_and_ceases_to_be_one(tmp_path: Path) -> None:
    db = archive(tmp_path)
    footer = prose(50, 90)
    for number in range(FURNITURE_PAGES + 5):
        publish(db, number % 6, f"{prose(1000 + number, 90)}\n\n{footer}", 8, name=f"nota-{number}")
        if number % 20 == 0 or number > FURNITURE_PAGES - 3:
            group_new_copies(db)
        if number == FURNITURE_PAGES - 2:
            assert row(db, "SELECT count(*) AS n FROM copy_furniture") == {"n": 0}
            assert len(rows(db, "SELECT * FROM copy_pairs")) > 4000
    arrived = pairs_and_furniture(db)
    assert arrived[0] == []
    assert len(arrived[1]) > 10
    group_new_copies(db, anew=True)
    assert pairs_and_furniture(db) == arrived
    for (number,) in db.execute("SELECT id FROM articles ORDER BY id DESC LIMIT 10").fetchall():
        for table in ("revisions", "texts"):
            db.execute(f"DELETE FROM {table} WHERE article = ?", [number])
        db.execute("DELETE FROM articles WHERE id = ?", [number])
    db.conn.commit()
    group_new_copies(db)
    fewer = pairs_and_furniture(db)
    assert fewer[1] == []
    assert len(fewer[0]) > 4000
    group_new_copies(db, anew=True)
    assert pairs_and_furniture(db) == fewer


def test_an_article_taken_off_the_subject_leaves_no_fingerprint(tmp_path: Path) -> None:
    db = archive(tmp_path)
    publish(db, 0, prose(1), 8)
    publish(db, 1, prose(1), 9)
    group_new_copies(db)
    db.execute("UPDATE articles SET grade = 0")
    assert group_new_copies(db).groups == 0
    for table in ("copy_shingles", "copy_sketches", "copy_pairs", "copies", "copy_queue"):
        assert rows(db, f"SELECT * FROM {table}") == []


def test_a_brief_cut_from_a_long_dispatch_is_found(tmp_path: Path) -> None:
    db = archive(tmp_path)
    dispatch = prose(1, 700)
    publish(db, 0, dispatch, 8)
    publish(db, 1, " ".join(dispatch.split()[:60]) + ".", 9)
    assert group_new_copies(db).copies == 2
