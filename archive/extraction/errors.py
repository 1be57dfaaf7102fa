"""The one error that extraction raises."""


class ExtractionError(Exception):
    """These bytes cannot be read as a page; the message says why."""
