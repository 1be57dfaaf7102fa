"""Grouping: the last stage of the line. Copies, stories and the calendar, for what is new or for everything."""

from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from archive.calendar import note_new_mentions
from archive.copies import group_new_copies
from archive.stories import group_new_stories


def group_archive(db: Database, *, anew: bool = False) -> dict[str, Any]:
    """Group what is new in an archive, or everything; called after each crawl. Returns the counts."""
    return {
        "copies": asdict(group_new_copies(db, anew=anew)),
        "stories": asdict(group_new_stories(db, anew=anew)),
        "mentions": {"read": note_new_mentions(db, anew=anew)},
    }
