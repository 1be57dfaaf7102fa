"""Atom feeds (RFC 4287) of searches and of changes."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

ATOM = "http://www.w3.org/2005/Atom"
_atom = ElementMaker(namespace=ATOM, nsmap={None: ATOM})
_xml = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True)
class Entry:
    """One entry: ``id`` never changes, so that a reader of feeds gets it once."""

    id: str
    title: str
    link: str
    updated: str  # UTC
    published: str | None
    summary: str
    author: str
    language: str


def entry_id(name: str) -> str:
    """Return an id made from an address of the outlet's: the same for ever, by whatever name this site is reached."""
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def atom_feed(
    *,
    feed_id: str,
    title: str,
    subtitle: str,
    link: str,
    self_link: str,
    updated: str,
    entries: Iterable[Entry],
    language: str,
) -> bytes:
    """Return a feed as UTF-8 bytes. Characters that XML cannot carry are left out."""
    feed = _atom.feed(
        _atom.id(feed_id),
        _atom.title(_clean(title)),
        _atom.subtitle(_clean(subtitle)),
        _atom.updated(updated),
        _atom.link(rel="self", type="application/atom+xml", href=self_link),
        _atom.link(rel="alternate", type="text/html", href=link),
        _atom.generator("Bilateral"),
        *(_entry(entry) for entry in entries),
        **{f"{_xml}lang": language},
    )
    document: bytes = etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return document


def _entry(entry: Entry) -> Any:
    element = _atom.entry(
        _atom.id(entry.id),
        _atom.title(_clean(entry.title)),
        _atom.link(rel="alternate", type="text/html", href=entry.link),
        _atom.updated(entry.updated),
        _atom.author(_atom.name(_clean(entry.author))),
        _atom.summary(_clean(entry.summary)),
        **{f"{_xml}lang": entry.language},
    )
    if entry.published:
        element.append(_atom.published(entry.published))
    return element


def _clean(text: str) -> str:
    return "".join(
        character
        for character in text
        if character in "\t\n\r" or "\x20" <= character <= "\ud7ff" or "\ue000" <= character <= "\ufffd"
        or character >= "\U00010000"
    )  # fmt: skip
