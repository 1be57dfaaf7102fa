import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.cli import main
from archive.ingest import record_reading
from archive.integrity import verify
from archive.models import Lead, Outcome, Reading, Verdict
from archive.pages import due_revisits, file_lead
from archive.publish import publish
from archive.snapshots import find_snapshot
from archive.store import replace_reading
from archive.takedown import TakedownError, take_down, takedown_log
from tests.small_archive import OUTLETS, Small, article_of, build

URL = "https://faro.example/n/0"
WORDS = "Fe de errores: el número era otro"  # in the text of the article's second version only


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def run(small: Small, *arguments: str) -> Result:
    return CliRunner().invoke(main, [arguments[0], "--db", str(small.path), *arguments[1:]])


def test_the_text_is_gone_from_every_table_and_from_the_file(small: Small) -> None:
    assert WORDS in "\n".join(small.db.conn.iterdump())
    assert run(small, "takedown", URL, "--reason", "asked by the author").exit_code == 0
    assert WORDS not in "\n".join(small.db.conn.iterdump())
    small.db.close()
    for path in small.path.parent.glob("archive.db*"):
        assert WORDS.encode() not in path.read_bytes()


def test_exports_and_search_no_longer_hold_it(small: Small) -> None:
    take_down(small.db, URL, "asked")
    exported = run(small, "export", "--with-text", "--format", "jsonl").stdout
    assert exported.count("\n") == 8
    assert WORDS not in exported
    assert WORDS not in run(small, "export", "--table", "revisions", "--columns", "article,text").stdout
    assert URL not in run(small, "export", "--table", "snapshots").stdout
    assert run(small, "export", "--query", "corrección").stdout.count("\n") == 1


def test_the_log_is_public_and_says_why(small: Small) -> None:
    run(small, "takedown", URL, "--reason", "asked by the author")
    assert "asked by the author" in run(small, "takedown").output
    assert "asked by the author" in run(small, "export", "--table", "takedowns").output
    assert takedown_log(small.db)[0]["url"] == URL


def test_nothing_brings_the_text_back(small: Small) -> None:
    number = take_down(small.db, URL, "asked").article
    assert number is not None
    _, article = article_of(0, revised=True)
    verdict = Verdict(grade=2, score=9.0)
    assert not replace_reading(small.db, number, article, verdict)
    snapshot = find_snapshot(small.db, 1)
    assert snapshot is not None
    result = record_reading(small.db, OUTLETS[0], snapshot, Reading(article=article, verdict=verdict))
    assert result.outcome is Outcome.WITHDRAWN
    assert WORDS not in "\n".join(small.db.conn.iterdump())
    assert URL not in [visit.page for visit in due_revisits(small.db, "faro", everything=True)]


def test_an_address_that_was_not_archived_is_refused_from_then_on(small: Small) -> None:
    url = "https://faro.example/later"
    assert take_down(small.db, url, "asked").article is None
    filed = file_lead(small.db, Lead(url=url + "?utm_source=x", outlet="faro", via="feed"))
    assert filed.state == "blocked"
    assert "withdrawn on request" in run(small, "why", url).output


def test_another_form_of_it_in_a_feed_brings_no_words_back(small: Small) -> None:
    take_down(small.db, URL, "asked")
    lead = Lead(
        url=URL + "?utm_source=feed", outlet="faro", via="feed", summary="Words of it", content="More words"
    )
    assert file_lead(small.db, lead).state == "duplicate"
    later = Lead(url="https://faro.example/later", outlet="faro", via="feed", summary="Words of it")
    take_down(small.db, later.url, "asked")
    assert file_lead(small.db, later).state == "blocked"
    assert "ords of it" not in "\n".join(small.db.conn.iterdump())


def test_a_site_published_before_is_not_kept_with_the_text_in_it(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    publish(small.path, folder, public=False)
    publish(small.path, folder, public=False)
    assert len(list(folder.iterdir())) == 2
    take_down(small.db, URL, "asked")
    publish(small.path, folder, public=False)
    for path in folder.iterdir():
        assert WORDS.encode() not in path.read_bytes()
    assert len(list(folder.iterdir())) == 1
    publish(small.path, folder, public=False)
    assert len(list(folder.iterdir())) == 2


def test_an_archive_with_a_takedown_verifies(small: Small) -> None:
    take_down(small.db, URL, "asked")
    assert [f for f in verify(small.path, small.warc) if f.severity == "damage"] == []


def test_twice_is_refused_and_a_reason_is_needed(small: Small) -> None:
    assert run(small, "takedown", URL).exit_code == 2
    take_down(small.db, URL, "asked")
    with pytest.raises(TakedownError, match="already"):
        take_down(small.db, URL + "?utm_source=x", "asked")
    assert run(small, "takedown", "javascript:alert(1)", "--reason", "x").exit_code == 1


def test_a_lifted_takedown_can_be_read_again(small: Small) -> None:
    number = take_down(small.db, URL, "asked").article
    assert number is not None
    assert run(small, "takedown", URL, "--lift").exit_code == 0
    outcomes = small.db.execute("SELECT outcome FROM snapshots WHERE article = ?", [number]).fetchall()
    assert outcomes == [("new",), ("revised",)]
    _, article = article_of(0, revised=True)
    assert replace_reading(small.db, number, article, Verdict(grade=2, score=9.0))


def test_a_published_site_holds_the_log_and_not_the_text(small: Small, tmp_path: Path) -> None:
    take_down(small.db, URL, "asked by the author")
    published = publish(small.path, tmp_path / "site", public=False)
    assert WORDS.encode() not in published.path.read_bytes()
    site = sqlite3.connect(published.path)
    assert site.execute("SELECT url, reason FROM takedowns").fetchall() == [(URL, "asked by the author")]
    assert site.execute("SELECT count(*) FROM snapshots WHERE url = ?", [URL]).fetchone() == (0,)


def test_why_tells_of_the_takedown(small: Small) -> None:
    take_down(small.db, URL, "asked by the author")
    assert "Withdrawn on request" in run(small, "why", URL).output
    take_down(small.db, "https://faro.example/never-seen", "asked too")
    assert "asked too" in run(small, "why", "https://faro.example/never-seen").output
