"""Articles as references: BibTeX (biblatex's newspaper article), RIS and CSL-JSON, as reference managers read them.

Written with bibtexparser and rispy. A record is a row of ``articles`` with ``outlet_name``.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, TextIO

import rispy
from bibtexparser import library
from bibtexparser.entrypoint import write_string
from bibtexparser.model import Entry, Field

CITED_COLUMNS = (
    "id", "url", "outlet", "outlet_name", "country", "language", "title", "authors", "section", "published",
    "published_local", "first_seen", "sha256",
)  # fmt: skip
_LANGIDS = {"es": "spanish", "en": "english"}
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
        "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    }
)  # fmt: skip

# Pairs that TeX would set as one sign: dashes, quotation marks, inverted marks.
_LIGATURES = re.compile(r"(?<=([-'`<>,]))(?=\1)|(?<=[?!])(?=`)")

Record = Mapping[str, Any]


def bibtex(records: Iterable[Record]) -> str:
    """Return the records as BibTeX, UTF-8, each an ``@article`` with ``entrysubtype = {newspaper}``."""
    return "".join(_bibtex_entry(record) for record in records)


def ris(records: Iterable[Record]) -> str:
    """Return the records as RIS, type NEWS."""
    return "".join(f"{rispy.dumps([_ris_fields(record)], implementation=_Ris)}\n" for record in records)


def write_bibtex(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as BibTeX, one at a time."""
    stream.writelines(_bibtex_entry(dict(zip(columns, row, strict=True))) for row in rows)


def write_ris(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as RIS, one at a time."""
    stream.writelines(ris([dict(zip(columns, row, strict=True))]) for row in rows)


def write_csl(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as one CSL-JSON array, one item a line."""
    stream.write("[")
    for number, row in enumerate(rows):
        item = _csl_item(dict(zip(columns, row, strict=True)))
        stream.write((",\n" if number else "\n") + json.dumps(item, ensure_ascii=False))
    stream.write("\n]\n")


class _Ris(rispy.RisWriter):  # type: ignore[misc]
    NEWLINE: ClassVar[str] = "\n"

    def set_header(self, count: int) -> str:  # a record number before each is not in the format
        return ""


def _bibtex_entry(record: Record) -> str:
    fields = {
        "author": " and ".join("{" + _latex(name) + "}" for name in _authors(record)),
        "title": "{" + _latex(record["title"]) + "}",  # styles would write "the u.s." and "rubio"
        "journal": _latex(record["outlet_name"]),
        "entrysubtype": "newspaper",
        "date": _day(record) or "",
        "year": (_day(record) or "")[:4],
        "url": _verbatim(record["url"]),
        "urldate": record["first_seen"][:10],
        "langid": _LANGIDS.get(record["language"], ""),
        "language": record["language"],
        "note": _latex(_note(record)),
    }
    kept = [Field(name, value) for name, value in fields.items() if value]
    return write_string(library.Library([Entry("article", _key(record), kept)])) + "\n"


def _ris_fields(record: Record) -> dict[str, Any]:
    day = _day(record)
    fields = {
        "title": in_one_line(record["title"]),
        "authors": _authors(record),
        "secondary_title": in_one_line(record["outlet_name"]),
        "year": day[:4] if day else "",
        "date": day.replace("-", "/") + "/" if day else "",
        "section": in_one_line(record["section"]),
        "language": record["language"],
        "urls": [in_one_line(record["url"])],
        "access_date": record["first_seen"][:10].replace("-", "/") + "/",
        "notes": [_note(record)],
        "id": _key(record),
    }
    return {"type_of_reference": "NEWS"} | {name: value for name, value in fields.items() if value}


def _csl_item(record: Record) -> dict[str, Any]:
    day = _day(record)
    item = {
        "id": _key(record),
        "type": "article-newspaper",
        "title": in_one_line(record["title"]),
        "container-title": in_one_line(record["outlet_name"]),
        "author": [{"literal": name} for name in _authors(record)],
        "issued": {"date-parts": [_parts(day)]} if day else None,
        "accessed": {"date-parts": [_parts(record["first_seen"][:10])]},
        "section": in_one_line(record["section"]),
        "language": record["language"],
        "URL": record["url"],
        "note": _note(record),
    }
    return {name: value for name, value in item.items() if value}


def _key(record: Record) -> str:
    return f"{record['outlet']}-{record['id']}"


def _day(record: Record) -> str | None:
    """Return the day of publication by the outlet's own clock."""
    moment = record["published_local"] or record["published"]
    return str(moment)[:10] if moment else None


def _parts(day: str) -> list[int]:
    return [int(part) for part in day.split("-")]


def _authors(record: Record) -> list[str]:
    return [name for name in (in_one_line(part) for part in record["authors"].split(";")) if name]


def _note(record: Record) -> str:
    published = f"Published {record['published_local']}. " if record["published_local"] else ""
    return f"{published}Captured {record['first_seen']}. SHA-256 of headline and text: {record['sha256']}"


def in_one_line(text: str) -> str:
    """Return a text as references hold it: any run of spaces, line ends and controls is one space."""
    return _SPACE.sub(" ", text).strip()


def _latex(text: str) -> str:
    """Return a text as TeX sets it, in one line.

    BibTeX counts braces even where a backslash stands before them: those without a partner go by their names.
    """
    line = _LIGATURES.sub("{}", in_one_line(text).translate(_LATEX))
    return (
        line
        if balanced(line)
        else line.replace(r"\{", r"{\textbraceleft}").replace(r"\}", r"{\textbraceright}")
    )


def balanced(text: str) -> bool:
    """Whether every brace of a text has its partner."""
    depth = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def _verbatim(url: str) -> str:
    """Return an address as a verbatim BibTeX field holds it: braces would end it."""
    return in_one_line(url).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
