"""A search as its address spells it, and the addresses of searches like it."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from datasette.utils.asgi import Request

from archive.folding import harmless
from archive.search import Filters, Query, parse
from archive.search.query import Accents
from archive.site.i18n import Words

Sort = Literal["relevance", "newest", "oldest"]
Copies = Literal["fold", "all"]
SORTS: tuple[Sort, ...] = get_args(Sort)
ACCENTS: tuple[Accents, ...] = get_args(Accents)
FACETS = ("country", "outlet", "language", "grade", "section", "wire", "year")

Parameters = dict[str, list[str]]


@dataclass(frozen=True)
class Asked:
    """A search as its address spells it. ``more`` names the facet that is to be shown whole."""

    text: str
    query: Query
    filters: Filters
    sort: Sort
    copies: Copies
    both: bool
    accents: Accents
    cursor: str | None
    more: str

    def parameters(self, filters: Filters | None = None) -> Parameters:
        """Return the address's parameters by name, with other filters where given, without the cursor."""
        found: Parameters = {"q": [self.text] if self.text else []}
        found["sort"] = [self.sort] if self.sort != default_sort(self.text) else []
        found["copies"] = ["all"] if self.copies == "all" else []
        found["both"] = ["1"] if self.both else []
        found["accents"] = [self.accents] if self.accents != "ignore" else []
        for name, value in (filters if filters is not None else self.filters).parameters():
            found.setdefault(name, []).append(value)
        return found

    def link(
        self, words: Words, path: str = "/search", *, parameters: Parameters | None = None, **more: str | None
    ) -> str:
        """Return a link to this search, or one with other parameters, in the page's language."""
        kept = self.parameters() if parameters is None else parameters
        pairs = [(key, value) for key, values in kept.items() for value in values]
        return words.link_pairs(path, pairs + [(key, value) for key, value in more.items() if value])

    def adding(self, words: Words, filters: Filters | None = None) -> str:
        """Return the beginning of links to this search with one parameter more: ``name=value`` is to follow."""
        base = self.link(words, parameters=self.parameters(filters))
        return f"{base}{'&' if '?' in base else '?'}"

    def without(self, words: Words, name: str, value: str) -> str:
        """Return a link to this search with one value of a filter taken away."""
        return self.link(words, parameters=self.parameters(self.filters.removing(name, value)))


def default_sort(text: str) -> Sort:
    """Return the order of a search that names none: by relevance where there are words to be relevant to."""
    return "relevance" if text.strip() else "newest"


def asked_of(request: Request, *, public: bool, **fixed: Any) -> Asked:
    """Read a search off an address. Whatever it holds, this is a search.

    In a public edition accents never count: the texts that would have to be read are not there.
    """
    text = harmless(request.args.get("q") or "")
    both = request.args.get("both") == "1"
    sort = next((order for order in SORTS if order == request.args.get("sort")), default_sort(text))
    heeded = "ignore" if public else request.args.get("accents")
    accents: Accents = next((kind for kind in ACCENTS if kind == heeded), "ignore")
    found: dict[str, Any] = {
        "text": text,
        "query": parse(text, both_languages=both, accents=accents),
        "filters": Filters.from_parameters({key: request.args.getlist(key) for key in request.args}),
        "sort": sort,
        "copies": "all" if request.args.get("copies") == "all" else "fold",
        "both": both,
        "accents": accents,
        "cursor": request.args.get("cursor") or None,
        "more": request.args.get("more") or "",
    }
    return Asked(**{**found, **fixed})
