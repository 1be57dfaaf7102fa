"""Times as the archive keeps them: UTC strings to the second."""

from datetime import UTC, datetime

UTC_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def utc_now() -> str:
    """Return the present as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return format_utc(datetime.now(UTC))


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
