"""From a fetched page to an article: text, headline, names, times, and whether it is the article at all.

Only this package imports trafilatura.
"""

from archive.extraction.article import extract
from archive.extraction.errors import ExtractionError

__all__ = ["ExtractionError", "extract"]
