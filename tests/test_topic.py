import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.options import SHIPPED_TOPIC
from archive.relevance import find
from archive.topic import Topic, TopicError, fold, load_topic, spellings, vacant_offices

# Another desk's subject: fishing rights between two invented islands.
FISH = """
version = "7"
name = "Fishing rights between Nordia and Suvia"
required = ["nordia", "suvia", "catch"]
required_why = ["nothing names Nordia", "nothing names Suvia", "nothing is about fishing"]
masks = ["fish market"]

[thresholds]
relevant = 2.0
core = 1.0
lede_words = 20
window_sentences = 2
grace_days = 10

[screen]
any = ["nordia", "suvia"]

[sides.nordia]
government = ["nordian ministry"]
country = ["nordia", "NO"]

[sides.suvia]
government = ["council of suvia"]
country = ["suvia"]

[vocabulary]
catch = ["fish*",
  "herring(s|)", "es:arenque",
]
talks = ["met", "quota talks"]

[[roster]]
name = "Olga Berg"
short = ["Berg"]
office = "Fisheries minister"
side = "nordia"
from = 2020-01-01
to = 2024-12-31

[[points]]
name = "both"
scope = "sentence"
all = ["nordia", "suvia", "catch"]
points = 2.0
why = "both islands and fish in one sentence"

[[points]]
name = "talks"
scope = "text"
all = ["talks"]
after = ["both"]
points = 1.0
core = 1.0
why = "there are talks"
"""


@pytest.fixture
def fish(tmp_path: Path) -> Path:
    path = tmp_path / "fish.toml"
    path.write_text(FISH, encoding="utf-8")
    return path


def found(text: str, topic: Topic, language: str = "en", date: str | None = None) -> list[str]:
    return [text[hit.start : hit.end] for hit in find(text, topic, language, date)]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("lede_words = 20", "lede_words = true", "thresholds.lede_words: must be a number"),
        ("lede_words = 20", "lead_words = 20", "thresholds.lead_words: unknown key"),
        ('side = "nordia"', 'side = "nordland"', "roster.side: 'nordland' is not one of the sides"),
        ("from = 2020-01-01", 'from = "2020"', "roster.from: must be a day"),
        ("to = 2024-12-31", "to = 2019-12-31", "roster.to: 2019-12-31 is before 2020-01-01"),
        ('all = ["talks"]', 'all = ["talk"]', "points.all: 'talk' is no class"),
        ('after = ["both"]', 'after = ["neither"]', "points.after: no earlier point is called"),
        ('scope = "text"', 'scope = "page"', "points.scope: 'page' is not one of"),
        ('"herring(s|)"', '"herring(s|"', "vocabulary.catch: 'herring(s|': a bracket is not closed"),
        ('"herring(s|)"', '"herring(|)"', None),
        ('"fish*"', "3", "vocabulary.catch: must be a list of texts"),
        ('version = "7"', "version = 7", "version: must be a text"),
        ("[sides.suvia]", "[sides.suvia", "table declaration"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_key(
    fish: Path, before: str, after: str, says: str | None
) -> None:
    assert FISH.count(before) == 1
    fish.write_text(FISH.replace(before, after), encoding="utf-8")
    if says is None:
        load_topic(fish)
        return
    with pytest.raises(TopicError) as refused:
        load_topic(fish)
    assert str(fish) in str(refused.value)
    line = FISH[: FISH.index(before)].count("\n") + 1
    assert says in str(refused.value)
    assert f"line {line}" in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopicError, match=r"none\.toml"):
        load_topic(tmp_path / "none.toml")


def test_brackets_expand_to_every_spelling() -> None:
    assert sorted(spellings("(el|la) jef(e|a)(s|)")) == sorted(
        ["el jefe", "el jefes", "el jefa", "el jefas", "la jefe", "la jefes", "la jefa", "la jefas"]
    )
    assert set(spellings("drug(gang(s|)|)")) == {"drug", "druggang", "druggangs"}


def test_folding_keeps_every_place() -> None:
    text = "¿Qué pidió el Ñandú en “Örebro”? – İstanbul"
    assert len(fold(text)) == len(text)
    assert fold("Cancillería")[-2:] == "ia"


def test_phrases_are_whole_words_stems_any_ending_and_capitals_capitals(fish: Path) -> None:
    topic = load_topic(fish)
    assert found("A fishery and starfish in Nordia", topic) == ["fishery", "Nordia"]
    assert found("We have no herrings, says NO", topic) == ["herrings", "NO"]
    assert found("arenque", topic, "es") == ["arenque"]
    assert found("arenque", topic, "en") == []


def test_a_mask_hides_what_is_inside_it(fish: Path) -> None:
    assert found("The fish market of Nordia", load_topic(fish)) == ["Nordia"]


def test_a_common_surname_counts_only_beside_the_full_name(fish: Path) -> None:
    topic = load_topic(fish)
    assert found("Berg left", topic) == []
    assert found("Olga Berg came. Berg left", topic) == ["Olga Berg", "Berg"]


def test_a_name_counts_as_government_only_in_office(fish: Path) -> None:
    topic = load_topic(fish)
    government, former = topic.classes["nordia.government"], topic.classes["nordia.former"]
    [hit] = find("Olga Berg", topic, "en", "2024-06-01")
    assert hit.bits == government
    [hit] = find("Olga Berg", topic, "en", "2025-01-05T10:00:00Z")  # within the grace days
    assert hit.bits == government
    [hit] = find("Olga Berg", topic, "en", "2026-06-01")
    assert hit.bits == former
    [hit] = find("Olga Berg", topic, "en", None)
    assert hit.bits == government


def test_a_topic_can_be_sent_to_a_worker(fish: Path) -> None:
    topic = load_topic(fish)
    again = pickle.loads(pickle.dumps(topic))
    assert again == topic
    assert found("herring", again) == ["herring"]


def test_offices_without_a_holder_are_named(fish: Path) -> None:
    topic = load_topic(fish)
    assert vacant_offices(topic, "2024-12-31") == []
    assert vacant_offices(topic, "2025-01-01") == ["Fisheries minister (nordia)"]


def test_topic_check_reports_a_good_file_and_ends_with_2_on_a_bad_one(fish: Path) -> None:
    result = CliRunner().invoke(main, ["topic", "check", "--topic", str(fish), "--on", "2025-03-01"])
    assert result.exit_code == 0
    assert "version 7" in result.output
    assert "no holder on 2025-03-01: Fisheries minister (nordia)" in result.output
    fish.write_text(FISH.replace("core = 1.0\nlede", "cor = 1.0\nlede"), encoding="utf-8")
    result = CliRunner().invoke(main, ["topic", "check", "--topic", str(fish)])
    assert result.exit_code == 2
    assert "line 10: thresholds.cor" in result.output


def test_the_shipped_topic_loads_and_both_presidents_are_in_office_at_a_known_date() -> None:
    topic = load_topic(SHIPPED_TOPIC)
    vacant = vacant_offices(topic, "2025-09-03")
    assert not any(
        office.startswith(("President ", "Foreign secretary", "Secretary of state")) for office in vacant
    )
    assert topic.entries > 1000


def test_no_two_people_hold_a_highest_office_at_once() -> None:
    topic = load_topic(SHIPPED_TOPIC)
    for office in ("Foreign secretary", "Secretary of state", "Attorney general"):
        for side in ("mexico", "united_states"):
            terms = sorted(
                (p.since, p.to or "9999") for p in topic.roster if (p.side, p.office) == (side, office)
            )
            assert all(one[1] <= other[0] for one, other in pairwise(terms)), (
                side,
                office,
            )
