"""Search: one query language and one engine for the site, its feeds, exports and the terminal.

query = parse('"caza furtiva" OR cartel* -outlet:reforma from:2025')
results = search(db, query, Filters(country=("MX",)), sort="newest")
"""

from archive.search.columns import warm
from archive.search.engine import Hit, Results, matching_ids, search
from archive.search.facets import Bin, Facets, facets, histogram
from archive.search.filters import Filters
from archive.search.matching import Selected, select
from archive.search.query import Query, parse
from archive.search.snippets import Segments

__all__ = [
    "Bin", "Facets", "Filters", "Hit", "Query", "Results", "Segments", "Selected", "facets", "histogram",
    "matching_ids", "parse", "search", "select", "warm",
]  # fmt: skip
