"""Times as the archive keeps them: UTC strings to the second."""

from datetime import UTC, datetime, timedelta

UTC_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_ahead = timedelta(0)  # of the true clock; only a demonstration turns it


def set_clock(moment: datetime | None) -> None:
    """Let this process's clock go on from an aware moment, or be the true one again (None).

    For the replay of a recording whose articles should look as old as they were when it was made.
    """
    global _ahead
    _ahead = moment - datetime.now(UTC) if moment is not None else timedelta(0)


def now() -> datetime:
    """Return the present, aware, in UTC."""
    return datetime.now(UTC) + _ahead


def utc_now() -> str:
    """Return the present as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return format_utc(now())


def format_utc(moment: datetime) -> str:
    """Return an aware datetime as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return moment.astimezone(UTC).strftime(UTC_FORMAT)


def parse_utc(text: str) -> datetime:
    """Read what `format_utc` wrote. Raises ValueError on anything else."""
    return datetime.strptime(text, UTC_FORMAT).replace(tzinfo=UTC)


def local_to_utc(local: str | None) -> str | None:
    """Return an ISO 8601 time with offset as UTC; None stays None.

    Raises ValueError where the time is not ISO 8601 or has no offset.
    """
    if local is None:
        return None
    moment = datetime.fromisoformat(local)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {local!r}")
    return format_utc(moment)
