import json
import time
from collections import Counter
from pathlib import Path

import pytest

from archive.comparison import compare_sides, log_odds
from archive.copies import group_new_copies
from archive.models import Article, Outlet, Verdict
from archive.speakers import speakers
from archive.store import open_archive, save_article, save_outlets


def test_a_word_only_one_side_says_comes_first_with_its_counts() -> None:
    here = Counter({"soberanía": 12, "reunión": 20, "frontera": 9})
    there = Counter({"reunión": 21, "frontera": 8, "terroristas": 11})
    background = Counter(
        {"soberanía": 20, "terroristas": 20, "reunión": 300, "frontera": 200, "seguridad": 5000}
    )
    found = log_odds(here, there, background)
    assert [(d.word, d.here, d.there) for d in found] == [("soberanía", 12, 0)]
    assert found[0].log_odds > 0
    assert found[0].z > 1.96
    assert found[0].beyond_chance


def test_what_leans_to_one_side_is_shown_and_marked_as_perhaps_chance() -> None:
    here, there = Counter({"puente": 5, "reunión": 20}), Counter({"puente": 1, "reunión": 20})
    (leaning,) = log_odds(here, there, Counter({"puente": 30, "reunión": 300, "seguridad": 5000}))
    assert (leaning.word, leaning.here, leaning.there, leaning.beyond_chance) == ("puente", 5, 1, False)


def test_the_prior_keeps_one_mention_from_counting() -> None:
    assert (
        log_odds(Counter({"raro": 1, "reunión": 20}), Counter({"reunión": 20}), Counter({"reunión": 40}))
        == []
    )


def test_what_is_said_equally_often_is_nobodys() -> None:
    both = Counter({"reunión": 20, "frontera": 9})
    assert log_odds(both, both, both + both) == []


QUOTED = [
    json.loads(line)
    for line in (Path(__file__).parent / "texts/speakers.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", QUOTED, ids=[case["text"][:40] for case in QUOTED])
def test_who_is_quoted(case: dict) -> None:
    assert speakers(case["text"]) == case["said"]


def test_a_text_of_names_alone_is_read_in_time() -> None:
    start = time.process_time()
    speakers("Ana Ruiz, vocera, y Luis Mora dijeron. " * 2000)
    speakers("Ana Ruiz, " * 5000)
    assert time.process_time() - start < 10


def test_both_sides_of_a_story(tmp_path: Path) -> None:
    db = open_archive(tmp_path / "archive.db")
    texts = {
        "MX": (
            "Canciller y secretario hablan de seguridad",
            "El canciller Juan Pérez y Ann Smith hablaron por teléfono. Respeto, dijo Juan Pérez."
            + " Soberanía ante todo." * 15,
        ),
        "US": (
            "Minister and secretary speak on security",
            "Juan Pérez and Ann Smith spoke by phone. It must stop, said Ann Smith."
            + " Fentanyl kills people." * 15,
        ),
    }
    for country, (title, text) in texts.items():
        language = "es" if country == "MX" else "en"
        for number in range(2):
            outlet = Outlet(id=f"{country}{number}", name=country, country=country, language=language,
                            homepage="https://x.example/", timezone="America/Mexico_City")  # fmt: skip
            save_outlets(db, [outlet])
            save_article(
                db, outlet,
                Article(url=f"https://{country}{number}.example/1", title=title, text=text, language=language,
                        published_local="2026-01-15T12:00:00-06:00"),
                Verdict(grade=2, score=5.0), seen="2026-01-16T00:00:00Z", snapshot=None,
            )  # fmt: skip
    group_new_copies(db)
    db.execute("INSERT INTO stories (id, title) VALUES (1, 'the call')")
    db.execute("UPDATE articles SET story = 1")
    found = compare_sides(db, 1)
    assert found.articles == {"MX": 1, "US": 1}  # the second of each is a copy
    assert found.concepts["MX"][0].word == "matter:sovereignty"
    assert found.concepts["US"][0].word == "matter:fentanyl"
    assert found.quoted == {"MX": [("Juan Pérez", 1)], "US": [("Ann Smith", 1)]}
    assert found.words == {}
