"""The topic file: who and what the judge looks for, and what it makes of what it finds.

``load_topic`` reads the TOML, refuses a bad one by line, and compiles the entries to one automaton. The
format is described in docs/relevance.md and by comments in ``archive/topic.toml``.
"""

import functools
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import ahocorasick

from archive.fitted import NONE, Fitted, read_fitted
from archive.lexicon import Entry, Joins, Person, Point, Topic, fold

__all__ = ["Person", "Point", "Topic", "TopicError", "fold", "load_topic", "spellings", "vacant_offices"]

SIDE_LISTS = ("government", "former", "before", "after")  # lists that every side has, if only empty ones
LISTS_DEPTH = 100  # references one entry may hold, those of lists in lists included
SCOPES = ("title", "lede", "opening", "sentence", "window", "text")
TABLES = {
    "version", "name", "thresholds", "required", "required_why", "vocabulary", "sides", "masks", "implies",
    "groups", "screen", "roster", "points", "weak", "lists", "joins", "fitted",
}  # fmt: skip
THRESHOLDS = {"relevant", "core", "lede_words", "window_sentences", "grace_days"}
SCREEN = {"any", "sections_off", "sections_off_unless"}
ROSTER_KEYS = {"name", "aliases", "short", "office", "side", "from", "to"}
POINT_KEYS = {
    "name", "scope", "all", "none", "at_least", "at_most", "share", "min_words", "max_words",
    "unless", "after", "points", "core", "why",
}  # fmt: skip
FITTED = {"file", "why", "common"}
JOIN_KEYS = {"words", "links"}  # every other key of [joins] is a class of nouns
_REFERENCE = re.compile(r"<([^<>]*)>")


class TopicError(Exception):
    """The topic file cannot be used; the message names file, line and key."""


def load_topic(path: Path) -> Topic:
    """Read and compile a topic file. Raises TopicError naming file, line and key."""
    try:
        source = path.read_text(encoding="utf-8")
        data = tomllib.loads(source)
    except OSError as error:
        raise TopicError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TopicError(f"{path}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise TopicError(f"{path}: {error}") from error
    return _Compiler(path, source, data).topic()


def vacant_offices(topic: Topic, day: str) -> list[str]:
    """Return the offices, with their side, that nobody in the roster holds on this ISO day."""
    offices = {(person.side, person.office): False for person in topic.roster}
    for person in topic.roster:
        offices[person.side, person.office] |= person.holds(day, 0)
    return [f"{office} ({side})" for (side, office), held in sorted(offices.items()) if not held]


def spellings(entry: str) -> Iterator[str]:
    """Expand the brackets of an entry: ``(el|la) president(e|a)`` is four, ``(drug(s|)|)`` three."""
    for spelling in _expanded(entry):
        yield " ".join(spelling.split())


def _expanded(entry: str) -> Iterator[str]:
    start = entry.find("(")
    end = _closing(entry, start) if start >= 0 else -1
    if end < 0:
        yield entry
        return
    for rest in list(_expanded(entry[end + 1 :])):
        for choice in _choices(entry[start + 1 : end]):
            for spelling in _expanded(choice):
                yield f"{entry[:start]}{spelling}{rest}"


def _closing(entry: str, start: int) -> int:
    """Return the place of the bracket that closes the one at ``start``, -1 where none does."""
    depth = 0
    for place in range(start, len(entry)):
        depth += (entry[place] == "(") - (entry[place] == ")")
        if not depth:
            return place
    return -1


def _choices(inside: str) -> Iterator[str]:
    """Split at the bars that stand in no inner bracket."""
    depth = start = 0
    for place, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            yield inside[start:place]
            start = place + 1
    yield inside[start:]


@functools.cache
def _entry(**fields: Any) -> Entry:
    return Entry(**fields)


class _Compiler:
    """Checks one topic file and compiles it."""

    def __init__(self, path: Path, source: str, data: dict[str, Any]) -> None:
        self.path, self.lines, self.data = path, source.splitlines(), data
        self.classes: dict[str, int] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.shared: dict[Any, Any] = {}  # equal values of the forty thousand spellings are one object

    def topic(self) -> Topic:
        self.check_keys(self.data, TABLES, "")
        thresholds = self.table("thresholds")
        self.check_keys(thresholds, THRESHOLDS, "thresholds")
        self.number_classes()
        self.add_vocabulary()
        roster = tuple(self.person(number, block) for number, block in enumerate(self.blocks("roster")))
        for number, person in enumerate(roster):
            self.add_person(number, person)
        screen = self.table("screen")
        self.check_keys(screen, SCREEN, "screen")
        fitted, weak = self.read_fitted(), self.weak()
        return Topic(
            path=self.path,
            version=f"{self.text(self.data, 'version', '')}+{self.digest(fitted)}",
            name=self.text(self.data, "name", ""),
            relevant=round(self.number(thresholds, "relevant", "thresholds") + fitted.thresholds[0], 2),
            core=round(self.number(thresholds, "core", "thresholds") + fitted.thresholds[1], 2),
            lede_words=int(self.number(thresholds, "lede_words", "thresholds")),
            window_sentences=int(self.number(thresholds, "window_sentences", "thresholds")),
            grace_days=int(self.number(thresholds, "grace_days", "thresholds")),
            classes=self.classes,
            required=self.required(),
            roster=roster,
            former={side: self.bits(f"{side}.former", "sides") for side in self.table("sides")},
            weak=weak,
            loose=reduce(or_, (bits for bits, _ in weak), 0),
            rival=self.any_of(self.strings(self.table("weak"), "against", "weak"), "weak", "against"),
            joins=self.joins(),
            sides=self.any_of(list(self.table("sides")), "sides"),
            fitted=fitted,
            points=tuple(
                self.point(number, block, fitted) for number, block in enumerate(self.blocks("points"))
            ),
            screen_any=self.any_of(self.strings(screen, "any", "screen"), "screen"),
            screen_sections_off=frozenset(map(fold, self.strings(screen, "sections_off", "screen"))),
            screen_unless=self.any_of(
                self.strings(screen, "sections_off_unless", "screen"), "screen", "sections_off_unless"
            ),
            entries=len(self.entries),
            automaton=self.automaton(),
        )

    # -- where in the file -------------------------------------------------------------------------------

    def fail(self, table: str, key: str, problem: str, block: int = 0, entry: str = "") -> TopicError:
        line = self.line_of(table, key, block)
        if entry:
            below = enumerate(self.lines[line - 1 :], line)
            line = next((number for number, text in below if f'"{entry}"' in text), line)
        where = f"{table}.{key}" if table and key else table or key
        return TopicError(f"{self.path}, line {line}: {where}: {problem}")

    def line_of(self, table: str, key: str, block: int = 0) -> int:
        """Return the line of a key in a table (``block`` counts [[tables]] of one name), else of the table."""
        start, seen = 0, -1
        for number, line in enumerate(self.lines):
            if table and line.strip() in (f"[{table}]", f"[[{table}]]"):
                seen += 1
                if seen == block:
                    start = number
                    break
        for number, line in enumerate(self.lines[start:], start):
            if key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return number + 1
            if number > start and line.startswith("["):
                break
        return start + 1

    def digest(self, fitted: Fitted) -> str:
        """Return what tells two files of one version apart: an edit without a new number is a new topic."""
        return hashlib.sha256("\n".join([*self.lines, fitted.source]).encode()).hexdigest()[:12]

    # -- values ------------------------------------------------------------------------------------------

    def check_keys(self, values: Mapping[str, Any], known: set[str], table: str, block: int = 0) -> None:
        for key in values:
            if key not in known:
                near = ", ".join(sorted(known))
                raise self.fail(table, key, f"unknown key (known: {near})", block)

    def table(self, name: str) -> dict[str, Any]:
        value = self.data.get(name, {})
        if not isinstance(value, dict):
            raise self.fail("", name, "must be a table")
        return value

    def blocks(self, name: str) -> list[dict[str, Any]]:
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
            raise self.fail("", name, f"must be [[{name}]] blocks")
        return value

    def text(
        self, values: Mapping[str, Any], key: str, table: str, block: int = 0, default: str | None = None
    ) -> str:
        value = values.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.fail(table, key, "must be a text that is not empty", block)
        return value

    def number(
        self, values: Mapping[str, Any], key: str, table: str, block: int = 0, default: float | None = None
    ) -> float:
        value = values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(table, key, "must be a number", block)
        return float(value)

    def strings(self, values: Mapping[str, Any], key: str, table: str, block: int = 0) -> list[str]:
        value = values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.fail(table, key, "must be a list of texts, none empty", block)
        return value

    def day(self, values: Mapping[str, Any], key: str, block: int) -> str:
        value = values.get(key, "")
        if value == "":
            return ""
        if isinstance(value, date):
            return value.isoformat()
        raise self.fail("roster", key, "must be a day such as 2024-10-01", block)

    # -- classes -----------------------------------------------------------------------------------------

    def number_classes(self) -> None:
        """Give every class a bit; a side stands for any of its classes, a group for those it names."""
        names = list(self.table("vocabulary"))
        for side, lists in self.table("sides").items():
            if not isinstance(lists, dict):
                raise self.fail("sides", side, "must be a table of lists")
            names += [f"{side}.{name}" for name in dict.fromkeys([*lists, *SIDE_LISTS])]
        self.classes = {name: 1 << number for number, name in enumerate(names)}
        for name in names:
            side, dot, _ = name.partition(".")
            if dot:
                self.classes[side] = self.classes.get(side, 0) | self.classes[name]
        for name in self.table("groups"):
            self.classes[name] = self.any_of(
                self.strings(self.table("groups"), name, "groups"), "groups", name
            )

    def bits(self, name: str, table: str, key: str = "", block: int = 0) -> int:
        if name not in self.classes:
            raise self.fail(table, key, f"{name!r} is no class, side or group of this file", block)
        return self.classes[name]

    def any_of(self, names: list[str], table: str, key: str = "", block: int = 0) -> int:
        total = 0
        for name in names:
            for part in name.split("|"):
                total |= self.bits(part.strip(), table, key, block)
        return total

    def implied(self, name: str) -> int:
        also = self.table("implies").get(name, [])
        return self.classes[name] | self.any_of(also, "implies", name)

    def required(self) -> tuple[tuple[int, str], ...]:
        needs = self.strings(self.data, "required", "")
        whys = self.strings(self.data, "required_why", "")
        if len(needs) != len(whys):
            raise self.fail("", "required_why", "must say one thing for each of required")
        return tuple(
            (self.any_of([need], "", "required"), why) for need, why in zip(needs, whys, strict=True)
        )

    def read_fitted(self) -> Fitted:
        """Read the fitted weights from the file beside the topic that [fitted] names."""
        table = self.table("fitted")
        self.check_keys(table, FITTED, "fitted")
        if not table:
            return NONE
        path, why = self.path.parent / self.text(table, "file", "fitted"), self.text(table, "why", "fitted")
        common = frozenset(" ".join(self.strings(table, "common", "fitted")).split())
        try:
            fitted = read_fitted(path, why, common)
        except (OSError, ValueError) as error:
            raise self.fail("fitted", "file", str(error)) from error
        for name in fitted.points.keys() - {block.get("name") for block in self.blocks("points")}:
            raise self.fail("fitted", "file", f"{path}: no point is called {name!r}")
        return fitted

    def weak(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Read which classes count only where their sides are named more often than the rival is."""
        table = {name: sides for name, sides in self.table("weak").items() if name != "against"}
        loose = 0
        for name in table:
            loose |= self.bits(name, "weak", name)
        return tuple(
            (
                self.classes[name],
                tuple(self.bits(side, "weak", name) & ~loose for side in self.strings(table, name, "weak")),
            )
            for name in table
        )

    def joins(self) -> Joins:
        """Read which nouns go with a side's words beside them, and what the whole means."""
        table = self.table("joins")
        nouns: dict[int, dict[str, int]] = {}
        for name, meaning in table.items():
            if name in JOIN_KEYS:
                continue
            if not isinstance(meaning, str):
                raise self.fail("joins", name, 'must name a list of the sides, such as "government"')
            nouns[self.bits(name, "joins", name)] = {
                side: self.bits(f"{side}.{meaning}", "joins", name) | self.implied(f"{side}.{meaning}")
                for side in self.table("sides")
            }
        before = {self.classes[f"{side}.before"]: side for side in self.table("sides")}
        after = {self.classes[f"{side}.after"]: side for side in self.table("sides")}
        return Joins(
            words=int(self.number(table, "words", "joins", default=0)),
            links=frozenset(map(fold, self.strings(table, "links", "joins"))),
            before=before,
            after=after,
            nouns=nouns,
            beside=sum(before) | sum(after),
            noun=sum(nouns),
        )

    # -- entries -----------------------------------------------------------------------------------------

    def add_vocabulary(self) -> None:
        for name in self.table("implies"):
            self.bits(name, "implies", name)
        for name in self.table("vocabulary"):
            for entry in self.strings(self.table("vocabulary"), name, "vocabulary"):
                self.add(entry, self.implied(name), "vocabulary", name)
        for side, lists in self.table("sides").items():
            for name in lists:
                for entry in self.strings(lists, name, f"sides.{side}"):
                    self.add(entry, self.implied(f"{side}.{name}"), f"sides.{side}", name)
        for entry in self.strings(self.data, "masks", ""):
            self.add(entry, 0, "", "masks")

    def add(self, entry: str, bits: int, table: str, key: str) -> None:
        for spelling in set(spellings(self.referred(entry, table, key))):
            if "(" in spelling or ")" in spelling or "|" in spelling:
                raise self.fail(table, key, f"{entry!r}: a bracket is not closed", entry=entry)
            if not spelling.strip("* "):
                raise self.fail(table, key, f"{entry!r}: one of its spellings is empty", entry=entry)
            self.put(spelling, bits=bits)

    def referred(self, entry: str, table: str, key: str) -> str:
        """Put the lists of [lists] where an entry refers to them: ``<office> of <state>``."""
        for _ in range(LISTS_DEPTH):
            reference = _REFERENCE.search(entry)
            if reference is None:
                return entry
            if reference[1] not in self.table("lists"):
                raise self.fail(table, key, f"{entry!r}: [lists] has no {reference[1]!r}", entry=entry)
            listed = self.strings(self.table("lists"), reference[1], "lists")
            entry = f"{entry[: reference.start()]}({'|'.join(listed)}){entry[reference.end() :]}"
        raise self.fail(table, key, f"{entry[:60]!r} ... refers to itself")

    def put(self, spelling: str, **fields: Any) -> None:
        language = spelling[:2] if spelling[2:3] == ":" else ""
        spelling = spelling[3:] if language else spelling
        stem = spelling.endswith("*")
        spelling = spelling.removesuffix("*")
        small = spelling.lower() == spelling  # as nearly all are
        cased = () if small else tuple(place for place, letter in enumerate(spelling) if letter.isupper())
        new = _entry(cased=cased, stem=stem, language=language, **fields)
        self.entries.setdefault(fold(spelling), []).append(new)

    def person(self, number: int, block: dict[str, Any]) -> Person:
        self.check_keys(block, ROSTER_KEYS, "roster", number)
        since, to = self.day(block, "from", number), self.day(block, "to", number)
        if not since:
            raise self.fail("roster", "from", "is missing", number)
        if to and to < since:
            raise self.fail("roster", "to", f"{to} is before {since}", number)
        side = self.text(block, "side", "roster", number)
        if side not in self.table("sides"):
            raise self.fail("roster", "side", f"{side!r} is not one of the sides", number)
        return Person(
            name=self.text(block, "name", "roster", number),
            office=self.text(block, "office", "roster", number),
            side=side,
            since=since,
            to=to,
            aliases=tuple(self.strings(block, "aliases", "roster", number)),
            short=tuple(self.strings(block, "short", "roster", number)),
        )

    def add_person(self, number: int, person: Person) -> None:
        bits = self.classes[f"{person.side}.government"]
        for name in (person.name, *person.aliases):
            self.put(name, bits=bits, person=number)
        for name in person.short:
            self.put(name, bits=bits, person=number, needs_full_name=True)

    # -- rules -------------------------------------------------------------------------------------------

    def point(self, number: int, block: dict[str, Any], fitted: Fitted) -> Point:
        self.check_keys(block, POINT_KEYS, "points", number)
        scope = self.text(block, "scope", "points", number)
        if scope not in SCOPES:
            raise self.fail("points", "scope", f"{scope!r} is not one of {', '.join(SCOPES)}", number)
        earlier = {other.get("name") for other in self.blocks("points")[:number]}
        for key in ("unless", "after"):
            for name in self.strings(block, key, "points", number):
                if name not in earlier:
                    raise self.fail("points", key, f"no earlier point is called {name!r}", number)
        needs = self.strings(block, "all", "points", number)
        name = self.text(block, "name", "points", number)
        points, core = fitted.points.get(name, (0.0, 0.0))
        return Point(
            name=name,
            scope=scope,
            all=tuple(self.any_of([need], "points", "all", number) for need in needs),
            none=self.any_of(self.strings(block, "none", "points", number), "points", "none", number),
            at_least=int(self.number(block, "at_least", "points", number, 1)),
            at_most=int(self.number(block, "at_most", "points", number, 1_000_000)),
            share=self.number(block, "share", "points", number, 0),
            min_words=int(self.number(block, "min_words", "points", number, 0)),
            max_words=int(self.number(block, "max_words", "points", number, 1_000_000)),
            unless=frozenset(self.strings(block, "unless", "points", number)),
            after=frozenset(self.strings(block, "after", "points", number)),
            points=round(self.number(block, "points", "points", number, 0) + points, 2),
            core=round(self.number(block, "core", "points", number, 0) + core, 2),
            why=self.text(block, "why", "points", number),
        )

    def automaton(self) -> Any:
        automaton = ahocorasick.Automaton()
        for spelling, entries in self.entries.items():
            value = len(spelling), tuple(entries)
            automaton.add_word(spelling, self.shared.setdefault(value, value))
        if not self.entries:
            raise self.fail("", "vocabulary", "names no entry at all")
        automaton.make_automaton()
        return automaton
