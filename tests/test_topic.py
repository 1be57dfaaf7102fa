import pickle
import re
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.fitted import topic_files
from archive.options import SHIPPED_TOPIC
from archive.relevance import find, judge
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


def test_a_mask_hides_a_phrase_that_reaches_into_it(fish: Path) -> None:
    fish.write_text(FISH.replace('"council of suvia"', '"council of suvia", "suvian fish"'), encoding="utf-8")
    assert found("The suvian fish market. A suvian fish", load_topic(fish)) == ["suvian fish"]


def test_an_entry_may_refer_to_lists_and_lists_to_lists(fish: Path) -> None:
    lists = '[lists]\nsmall = ["cod", "<tiny>"]\ntiny = ["sprat(s|)"]\n\n[thresholds]'
    fish.write_text(
        FISH.replace("[thresholds]", lists).replace('"herring(s|)"', '"<small> (soup|stew)"'),
        encoding="utf-8",
    )
    topic = load_topic(fish)
    assert found("Cod stew, sprats soup, sprat alone", topic) == ["Cod stew", "sprats soup"]


@pytest.mark.parametrize(
    ("lists", "says"),
    [('small = ["cod"]', "[lists] has no 'tiny'"), ('tiny = ["a <tiny>"]', "refers to itself")],
)
def test_a_reference_that_leads_nowhere_is_refused(fish: Path, lists: str, says: str) -> None:
    text = FISH.replace("[thresholds]", f"[lists]\n{lists}\n\n[thresholds]").replace(
        '"herring(s|)"', '"<tiny> soup"'
    )
    fish.write_text(text, encoding="utf-8")
    with pytest.raises(TopicError, match=re.escape(says)):
        load_topic(fish)


JOINS = """
[joins]
words = 1
links = ["and"]
body = "government"
"""


@pytest.fixture
def joining(fish: Path) -> Topic:
    text = FISH.replace(
        'country = ["nordia", "NO"]',
        'country = ["nordia", "NO"]\nbefore = ["nordian"]\nafter = ["of nordia"]',
    )
    text = text.replace('country = ["suvia"]', 'country = ["suvia"]\nbefore = ["suvian"]')
    text = text.replace('talks = ["met"', 'body = ["minister(s|)", "ministers council"]\ntalks = ["met"')
    fish.write_text(text.replace("[[roster]]", f"{JOINS}\n[[roster]]"), encoding="utf-8")
    return load_topic(fish)


@pytest.mark.parametrize(
    ("text", "phrase", "sides"),
    [
        ("The Nordian minister left", "Nordian minister", {"nordia"}),
        ("The Nordian fishery minister left", "Nordian fishery minister", {"nordia"}),
        ("The Nordian and Suvian ministers left", "Nordian and Suvian ministers", {"nordia", "suvia"}),
        ("The ministers council of Nordia met", "ministers council of Nordia", {"nordia"}),
        ("Nordian boats, said the minister", "minister", set()),
        ("The Nordian cold water minister", "minister", set()),
        ("He is Nordian. Minister or not", "Minister", set()),
        ("The Nordian minister saw the minister", "minister", set()),
    ],
)
def test_a_noun_and_a_sides_word_beside_it_are_one_phrase(
    joining: Topic, text: str, phrase: str, sides: set[str]
) -> None:
    last = [
        hit
        for hit in find(text, joining, "en", None)
        if hit.bits & joining.joins.noun or "inister" in text[hit.start : hit.end]
    ][-1]
    assert text[last.start : last.end] == phrase
    assert {
        side for side in ("nordia", "suvia") if last.bits & joining.classes[f"{side}.government"]
    } == sides


def test_a_joined_phrase_keeps_what_is_inside_it(joining: Topic) -> None:
    [hit] = find("Nordian fishery minister", joining, "en", None)
    assert hit.bits & joining.classes["catch"]


FITTED = """
[fitted]
file = "fitted.tsv"
why = "words of fishing"
"""


def fit(path: Path, *lines: str) -> Topic:
    path.write_text(FISH.replace("[[roster]]", f"{FITTED}\n[[roster]]", 1), encoding="utf-8")
    content = "".join(f"{line}\n" for line in ("kind\tname\trelevant\tcore", *lines))
    (path.parent / "fitted.tsv").write_text(content, encoding="utf-8")
    return load_topic(path)


def test_fitted_weights_are_added_to_points_and_thresholds(fish: Path) -> None:
    plain = load_topic(fish)
    topic = fit(fish, "point\ttalks\t0.5\t-0.25", "threshold\t\t1\t0.5")
    assert [(point.points, point.core) for point in topic.points] == [(2.0, 0.0), (1.5, 0.75)]
    assert (topic.relevant, topic.core) == (plain.relevant + 1, plain.core + 0.5)
    assert topic.version != plain.version


def test_single_words_weigh_by_the_fitted_file(fish: Path) -> None:
    plain = load_topic(fish)
    topic = fit(fish, "word\tquota\t1.2\t0.5", "word\tmarket\t-0.4\t0")
    title, text = "Herring", "Nordia and Suvia: the quota, the quota, and the market."
    weighed, bare = judge(title, text, topic), judge(title, text, plain)
    assert weighed.score == pytest.approx(bare.score + 0.8 / 2**0.5, abs=0.01)
    [words] = [term for term in weighed.terms if term.why.startswith("words of fishing")]
    assert (words.text, words.why) == ("quota", "words of fishing (against it: market)")


def test_common_words_weigh_but_are_named_only_where_no_others_are(fish: Path) -> None:
    lines = "word\tquota\t1.2\t0.5", "word\tand\t2.4\t0"
    text = "Nordia and Suvia: the quota."
    all_named = judge("Herring", text, fit(fish, *lines))
    fish.write_text(
        fish.read_text().replace('why = "words', 'common = ["and the"]\nwhy = "words'), encoding="utf-8"
    )
    topic = load_topic(fish)
    verdict, of_common = judge("Herring", text, topic), judge("Herring", "Nordia and Suvia fish.", topic)
    assert verdict.score == all_named.score
    named = [
        [t.text for t in v.terms if t.why == "words of fishing"] for v in (all_named, verdict, of_common)
    ]
    assert named == [["and · quota"], ["quota"], ["and"]]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("word\tquota\t1", "line 2: must be kind, name and two numbers"),
        ("word\tquota\t1\tone", "line 2: must be kind, name and two numbers"),
        ("rule\tboth\t1\t1", "line 2: 'rule' is not point, threshold or word"),
        ("point\tneither\t1\t1", "no point is called 'neither'"),
    ],
)
def test_bad_fitted_weights_are_refused_by_line(fish: Path, line: str, says: str) -> None:
    with pytest.raises(TopicError, match=re.escape(says)) as refused:
        fit(fish, line)
    assert str(fish) in str(refused.value)
    assert "fitted.tsv" in str(refused.value)


def test_a_file_of_fitted_weights_that_is_not_there_is_named(fish: Path) -> None:
    fish.write_text(FISH.replace("[[roster]]", f"{FITTED}\n[[roster]]", 1), encoding="utf-8")
    with pytest.raises(TopicError, match=r"fitted\.file: .*fitted\.tsv"):
        load_topic(fish)


def test_the_files_of_a_topic_are_its_own_and_the_fitted_weights(fish: Path) -> None:
    assert topic_files(fish) == [fish]
    fit(fish)
    assert topic_files(fish) == [fish, fish.with_name("fitted.tsv")]
    assert [file.name for file in topic_files(SHIPPED_TOPIC)] == ["topic.toml", "topic_fitted.tsv"]


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
