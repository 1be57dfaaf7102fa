"""The whole interface in Spanish and in English: every page is read in both, for words of the other one."""

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Any

import feedparser
import pytest
from icalendar import Calendar
from lxml import html as lxml_html

from archive.codebook import tables
from archive.gazetteer import CONCEPTS
from archive.site.i18n import LOCALES, Words, choose_language, messages, zone_name
from archive.site.metadata import read_metadata
from archive.site.reasons import shown_reasons, spanish
from archive.site.tables import in_language as half
from archive.site.togetherness import concept_names
from tests.archives import build_archive
from tests.site_pages import Get, all_pages, client, in_language

# Words that only one of the two languages has, and that hardly a sentence does without.
TELLING = {
    "en": frozenset(
        [
            "the",
            "of",
            "and",
            "with",
            "from",
            "by",
            "to",
            "is",
            "are",
            "was",
            "were",
            "has",
            "have",
            "this",
            "that",
            "these",
            "those",
            "it",
            "its",
            "on",
            "at",
            "for",
            "as",
            "or",
            "an",
            "be",
            "which",
            "who",
            "when",
            "where",
            "what",
            "why",
            "how",
            "all",
            "any",
            "each",
            "more",
            "than",
            "their",
            "they",
            "there",
            "here",
            "into",
            "out",
            "about",
            "after",
            "before",
            "between",
            "other",
            "same",
            "only",
            "first",
            "last",
            "every",
            "rows",
            "row",
            "link",
            "search",
            "show",
            "see",
            "read",
            "new",
            "home",
            "next",
            "sort",
            "apply",
        ]
    ),
    "es": frozenset(
        [
            "el",
            "la",
            "los",
            "las",
            "un",
            "una",
            "unos",
            "unas",
            "de",
            "del",
            "y",
            "en",
            "con",
            "por",
            "para",
            "que",
            "se",
            "su",
            "sus",
            "lo",
            "le",
            "les",
            "como",
            "más",
            "pero",
            "sin",
            "sobre",
            "entre",
            "este",
            "esta",
            "estos",
            "estas",
            "ese",
            "esa",
            "es",
            "son",
            "fue",
            "está",
            "están",
            "hay",
            "ha",
            "han",
            "cada",
            "todo",
            "toda",
            "todos",
            "todas",
            "otro",
            "otra",
            "también",
            "donde",
            "cuando",
            "qué",
            "quien",
            "desde",
            "hasta",
            "ya",
            "ningún",
            "ninguna",
            "buscar",
            "ver",
            "filas",
        ]
    ),
}
# What is quoted is somebody's words; operators and names are the same in both.
NAMES = re.compile(
    r"“[^”]*”|«[^»]*»|\bOR\b|De la Fuente|El (Chapo|Mayo|Mencho)|America/\w+|Last-Modified"
    r"|The (New York Times|Wall Street Journal)"
)
ATTRIBUTES = ("aria-label", "title", "placeholder", "alt")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("languages"))


@pytest.fixture(scope="module")
def get(archive: Path) -> Get:
    return client(archive)


def said(page: str) -> Iterator[str]:
    """Yield the texts of a page that are in its own language: not what outlets wrote, names, or code."""
    body = lxml_html.fromstring(page)
    for element in body.xpath("//*[@lang and not(self::html)] | //*[@translate='no'] | //script | //style"):
        for name in ATTRIBUTES:
            element.attrib.pop(name, None)
        for child in list(element):
            element.remove(child)
        element.text = ""
    yield from (text for text in body.xpath("//body//text()") if text.strip())
    for name in ATTRIBUTES:
        yield from body.xpath(f"//@{name}")


def foreign(text: str, language: str) -> set[str]:
    """Return the words of the other language in a text."""
    other = "en" if language == "es" else "es"
    found = set(re.findall(r"[^\W\d_]+", NAMES.sub("", text).lower()))
    return found & TELLING[other]


def test_no_word_of_the_other_language_is_left_over_on_any_page(archive: Path, get: Get) -> None:
    for path in all_pages(archive):
        for language in ("es", "en"):
            page = get(in_language(path, language), follow_redirects=True).text
            assert f'<html lang="{language}">' in page, path
            left = [
                (text.strip()[:90], foreign(text, language)) for text in said(page) if foreign(text, language)
            ]
            assert not left, (path, language, left)


def test_the_check_above_finds_a_word_that_is_left_over() -> None:
    page = '<html lang="es"><body><p>Ver <b title="the other">las filas</b> <i lang="en">the rest</i></p></body></html>'
    assert [foreign(text, "es") for text in said(page) if foreign(text, "es")] == [{"the", "other"}]
    assert [foreign(text, "en") for text in said(page) if foreign(text, "en")] == [{"ver"}, {"las", "filas"}]


def test_the_language_stays_in_every_link_within_the_site(archive: Path, get: Get) -> None:
    data = re.compile(r"\.(json|csv|bib|ris|atom|ics|css|js|svg)(\?|$)")
    for path in all_pages(archive):
        tree = lxml_html.fromstring(get(in_language(path, "en"), follow_redirects=True).text)
        links = [
            link for link in tree.xpath("//body//a/@href") if link.startswith("/") or "://localhost" in link
        ]
        lost = [
            link
            for link in links
            if not data.search(link) and not re.search(r"[?&]_?lang=en|[?&]lang=es", link)
        ]
        assert not lost, (path, lost[:5])
        for form in tree.xpath("//form"):
            kept = form.xpath(".//input[@type='hidden' and (@name='lang' or @name='_lang')]/@value")
            assert kept == ["en"], path


def test_the_switch_leads_to_the_very_page_in_the_other_language(archive: Path, get: Get) -> None:
    for path in all_pages(archive):
        tree = lxml_html.fromstring(get(in_language(path, "es"), follow_redirects=True).text)
        (switch,) = tree.xpath("//a[@class='switch']/@href")
        assert switch.endswith("lang=en")
        assert '<html lang="en">' in get(switch).text, path
        assert switch.partition("?")[0] == path.partition("?")[0]


def test_feeds_and_the_calendar_speak_the_language_asked_for(get: Get) -> None:
    for language in ("es", "en"):
        for path in ("/search.atom?q=armas", "/changes.atom"):
            feed = feedparser.parse(get(in_language(path, language)).content)
            assert feed.feed.title_detail.language == language
            assert not foreign(feed.feed.subtitle, language), path
        for entry in feedparser.parse(get(in_language("/changes.atom", language)).content).entries:
            assert not foreign(entry.title.partition(":")[0], language)
        calendar = Calendar.from_ical(get(in_language("/calendar.ics", language)).content)
        assert not [e for e in calendar.walk("VEVENT") if foreign(str(e["summary"]), language)]


def test_language_is_chosen_by_the_link_and_then_by_the_browser(get: Get) -> None:
    assert choose_language(None, "fr, en;q=0.8, es;q=0.3") == "en"
    assert choose_language("es", "en") == "es"
    assert choose_language(None, None) == "es"
    assert '<html lang="en">' in get("/", headers={"accept-language": "en-US"}).text
    assert '<html lang="en">' in get("/archive/articles", headers={"accept-language": "en-US"}).text
    assert "accept-language" in get("/").headers["vary"]


def test_every_message_has_both_languages_and_the_same_places_to_fill() -> None:
    for key, texts in messages().items():
        assert set(texts) == {"es", "en"}, key
        fields = [
            sorted(name or "" for _, name, _, _ in Formatter().parse(t) if name) for t in texts.values()
        ]
        assert fields[0] == fields[1], key


def test_every_message_is_used_and_every_one_asked_for_is_there() -> None:
    site = Path(__file__).parents[1] / "archive" / "site"
    sources = "".join(p.read_text(encoding="utf-8") for p in (*site.rglob("*.html"), *site.rglob("*.py")))
    asked = set(re.findall(r"words\.t\(\s*['\"]([\w-]+)['\"]\s*[,)]", sources))
    assert asked <= set(messages())
    counted = {
        f"{key}_{n}"
        for key in re.findall(r"words\.count\(\s*['\"](\w+)['\"]", sources)
        for n in ("one", "many")
    }
    assert counted <= set(messages())
    made = set(re.findall(r"['\"](\w+_)(?:%[sd])?['\"]\s*(?:~|%)|f['\"](\w+_)\{", sources))
    beginnings = tuple(sorted({part for pair in made for part in pair if part}))
    quoted = set(re.findall(r"['\"]([\w-]+)['\"]", sources))
    unused = [
        key for key in messages() if key not in asked | counted | quoted and not key.startswith(beginnings)
    ]
    assert not unused


def test_dates_and_numbers_are_written_as_each_reader_writes_them() -> None:
    spanish_words, english = Words("es"), Words("en")
    assert LOCALES == {"es": "es_MX", "en": "en_US"}
    assert spanish_words.number(1234567.5) == "1,234,567.5"
    assert spanish_words.moment("2026-01-15T16:35:00-08:00") == "15 ene 2026, 16:35 UTC−8"
    assert english.moment("2026-01-15T16:35:00-08:00") == "Jan 15, 2026, 4:35 PM UTC−8"
    assert zone_name(datetime.fromisoformat("2026-01-15T16:35:00+05:30")) == "UTC+5:30"
    assert spanish_words.day("2026-01-15", "long") == "15 de enero de 2026"
    assert [words.day("2026-01-15", words.short_day) for words in (spanish_words, english)] == [
        "15 ene",
        "Jan 15",
    ]
    assert 'title="15 ene 2026, 16:35 UTC−8"' in spanish_words.local_time(
        "2026-01-16T00:35:00Z", "America/Tijuana"
    )
    assert ">15 ene 2026<" in spanish_words.local_time("2026-01-16T00:35:00Z", "America/Tijuana", "day")
    assert "2026" in spanish_words.local_time("2026-01-16T00:35:00Z", "Nowhere/At all")


def test_every_reason_of_the_shipped_topic_is_known_in_spanish() -> None:
    topic = tomllib.loads((Path(__file__).parents[1] / "archive" / "topic.toml").read_text(encoding="utf-8"))
    said_of = {str(v) for v in _values(topic, "why")} | set(topic["required_why"])
    assert not said_of - set(spanish())
    assert not [text for text in spanish().values() if foreign(text, "es")]


def _values(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, key)


def test_a_reason_is_shown_in_parts_and_in_the_readers_language() -> None:
    term = {
        "text": "Rubio · armas", "where": "lede", "points": 1.5,
        "why": "the title has both governments; a rule of one's own; and 4 more of the kind:"
        " “Rubio habló” … “de armas (muchas)” (title, sentence 5)",
    }  # fmt: skip
    (reason,) = shown_reasons([term], Words("es"))
    assert [(s.text, s.language) for s in reason.sentences] == [
        ("el titular nombra a ambos gobiernos", "es"),
        ("a rule of one's own", "en"),
        ("y 4 indicios más por el estilo", "es"),
    ]
    assert reason.quotes == ("Rubio habló", "de armas (muchas)")
    assert reason.places == "titular, oración 5"
    assert reason.words == ("Rubio", "armas")
    against = {
        "text": "",
        "where": "text",
        "points": 0.0,
        "why": "core: the title has a word of talks (against it: x)",
    }
    (reason,) = shown_reasons([against], Words("en"))
    assert (reason.lead, reason.against[0].text) == ("It is core:", "x")


def test_every_concept_and_every_ready_made_query_has_a_name_in_both() -> None:
    concepts = {
        name for table in tomllib.loads(CONCEPTS.read_text(encoding="utf-8")).values() for name in table
    }
    assert not concepts - set(concept_names())
    for query in read_metadata()["databases"]["archive"]["queries"].values():
        for text in (query["title"], query["description"]):
            assert half(text, "es") != half(text, "en"), text
            assert not foreign(half(text, "es"), "es"), text
            assert not foreign(half(text, "en"), "en"), text
    assert all(table.title["es"] and table.title["en"] for table in tables().values())
