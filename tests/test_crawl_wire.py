"""Twelve outlets on loopback that carry three dispatches, quote one statement, revise and remove: what is found."""

import json
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.newsroom import load_newsroom

pytestmark = pytest.mark.slow

WIRE = Path(__file__).parent / "texts/wire"
AGENCIES = {"d1": "EFE", "d2": "AP", "d3": "Agencia Reforma"}
FIRST = {"d1": {"farol"}, "d2": {"ledger", "herald"}, "d3": {"yunque"}}  # of two in one minute either
REVISED = {
    "consulado": [["headline"]],
    "harfuch-viaja": [["lede"]],
    "armas-tucson": [["number"]],
    "sheinbaum-tropas": [["quotation"]],
    "embajador-monterrey": [["correction"]],
    "agent-sentenced": [["correction"]],
    "shots-bridge": [["addition"], ["addition"]],
    "drones-hearing": [["cut"]],
    "fentanyl-denver": [["lede", "rewrite"]],
}
EVENTS = {
    "retirada-404": ["gone"], "gone-410": ["gone"], "to-home": ["gone"], "vuelve": ["gone", "returned"],
}  # fmt: skip


class Archive:
    """The archive after three visits, its articles by their slugs."""

    def __init__(self, path: Path, slugs: dict[str, str], events: dict[str, str]) -> None:
        self.connection = sqlite3.connect(path)
        self.slugs = {i: slugs[url] for i, url in self.rows("SELECT id, url FROM articles")}
        self.events = {number: events[slug] for number, slug in self.slugs.items()}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("wire")
    db = folder / "archive.db"
    with load_newsroom(WIRE) as newsroom:
        registry = newsroom.registry(folder / "outlets.toml")
        sites = {
            outlet: newsroom.site(outlet, phase=1) for outlet in newsroom.outlets
        }  # addresses do not change
        slugs = {s.canonical(v): v.article.slug for s in sites.values() for v in s.versions}
        for newsroom.phase in (1, 2, 3):
            done = subprocess.run(
                [sys.executable, "-m", "archive.cli", "crawl", "--db", db, "--outlets", registry,
                 "--allow-private-hosts", "--recheck", "all"],
                capture_output=True, text=True, timeout=240, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        made = Archive(db, slugs, {article.slug: article.event for article in newsroom.articles})
    yield made
    made.connection.close()


def test_each_dispatch_is_a_group_with_its_agency_and_first_carrier(archive: Archive) -> None:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for number, group in archive.rows("SELECT id, copy_group FROM articles WHERE copy_group IS NOT NULL"):
        groups[group].append(archive.events[number])
    assert sorted(groups.values()) == [["d1"] * 5, ["d2"] * 5, ["d3"] * 5]
    for agency, earliest, outlet in archive.rows(
        "SELECT agency, earliest, a.outlet FROM copy_groups g JOIN articles a ON a.id = earliest"
    ):
        assert agency == AGENCIES[archive.events[earliest]]
        assert outlet in FIRST[archive.events[earliest]]


def test_reports_that_quote_one_statement_share_a_passage(archive: Archive) -> None:
    quoting = [
        relation
        for a, b, relation in archive.rows("SELECT a, b, relation FROM copy_pairs")
        if "review" in (archive.events[a], archive.events[b])
    ]
    assert quoting == ["passage"] * 3


def test_what_a_carrier_added_and_cut_is_counted(archive: Archive) -> None:
    found = {
        archive.slugs[number]: sizes
        for number, *sizes in archive.rows("SELECT article, words_added, words_removed FROM copies")
    }
    added, removed = found["envian-catorce-presos"]  # without its last two paragraphs
    assert (added, removed) == (0, 73)
    assert found["general-bravo-ladera"][0] > 20  # a lede and a last sentence of its own


def test_every_revision_is_found_with_its_kind_and_no_other(archive: Archive) -> None:
    found: defaultdict[str, list[list[str]]] = defaultdict(list)
    for number, kinds in archive.rows(
        "SELECT article, kinds FROM revisions WHERE number > 1 ORDER BY number"
    ):
        found[archive.slugs[number]].append(json.loads(kinds))
    assert found == REVISED


def test_removals_a_redirect_home_and_a_return_are_events(archive: Archive) -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for number, event in archive.rows("SELECT article, event FROM events ORDER BY id"):
        found[archive.slugs[number]].append(event)
    assert found == EVENTS


def test_each_dispatch_and_the_statement_are_stories(archive: Archive) -> None:
    stories: defaultdict[str, set[int]] = defaultdict(set)
    for number, story in archive.rows("SELECT id, story FROM articles"):
        if archive.events[number] in {*AGENCIES, "review"}:
            stories[archive.events[number]].add(story)
    assert {len(found) for found in stories.values()} == {1}
    assert len(set().union(*stories.values())) == 4
