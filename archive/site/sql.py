"""SQL functions that canned queries use, so that no reader's input can be a syntax error."""

import sqlite3

from datasette import hookimpl

from archive.search import parse

NOTHING = '"\ue000"'  # a private-use character: matches no article


def fts_match(text: str | None) -> str:
    """Return the full-text expression for what a reader typed; for nothing typed, one that finds nothing."""
    return parse(text or "").match or NOTHING


@hookimpl
def prepare_connection(conn: sqlite3.Connection, database: str) -> None:
    """Register the functions on each of Datasette's connections."""
    del database
    conn.create_function("fts_match", 1, fts_match, deterministic=True)
