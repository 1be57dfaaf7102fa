"""How a search was read, in words, so that nothing is taken otherwise than meant without being seen."""

from collections.abc import Sequence

from archive.folding import WORD, harmless
from archive.search.filters import Filters
from archive.search.lexer import Note
from archive.search.tree import And, Both, Near, Node, Not, Or, Term

SHOWN_CHARACTERS = 80
SHOWN_NOTES = 5

_WORDS = {
    "es": {
        "all": "todos los artículos",
        "with": "artículos con {}",
        "articles": "artículos {}",
        "nothing": "nada que se pueda buscar",
        "word": "«{}»",
        "phrase": "la frase exacta «{}»",
        "form": "la forma exacta «{}»",
        "prefix": "palabras que empiezan por «{}»",
        "prefix_phrase": "la frase que empieza por «{}»",
        "near": "{} a no más de {} palabras entre sí",
        "also": "{} (también {})",
        "and": " y ",
        "or": " o ",
        "but": "{}, pero sin {}",
        "without": "sin {}",
        "title": "{} en el titular",
        "description": "{} en la entradilla",
        "text": "{} en el texto",
        "outlet": "medio: {}",
        "country": "país: {}",
        "language": "idioma: {}",
        "grade": "grado: {}",
        "section": "sección: {}",
        "wire": "agencia: {}",
        "year": "año: {}",
        "status": "estado: {}",
        "from_": "desde el {}",
        "to": "hasta el {}",
        "not": "salvo {}",
        "literal": "tomado literalmente: {}",
        "unsearchable": "no se puede buscar y se omite: {}",
        "unpaired": "suelto y omitido: {}",
        "cut": "solo cuentan los primeros {}",
        "terms": "términos",
        "characters": "caracteres",
        "whole": "los filtros valen para toda la búsqueda",
        "unordered": "esta edición no guarda el orden de las palabras: una frase vale como todas las suyas",
        "ñ": "la ñ cuenta",
        "exact": "los acentos cuentan",
        "more": "y otros {}",
    },
    "en": {
        "all": "all articles",
        "with": "articles with {}",
        "articles": "articles {}",
        "nothing": "nothing that can be searched for",
        "word": "“{}”",
        "phrase": "the exact phrase “{}”",
        "form": "the exact form “{}”",
        "prefix": "words beginning with “{}”",
        "prefix_phrase": "the phrase beginning with “{}”",
        "near": "{} within {} words of each other",
        "also": "{} (also {})",
        "and": " and ",
        "or": " or ",
        "but": "{}, but without {}",
        "without": "without {}",
        "title": "{} in the headline",
        "description": "{} in the summary",
        "text": "{} in the text",
        "outlet": "outlet: {}",
        "country": "country: {}",
        "language": "language: {}",
        "grade": "grade: {}",
        "section": "section: {}",
        "wire": "agency: {}",
        "year": "year: {}",
        "status": "status: {}",
        "from_": "from {}",
        "to": "until {}",
        "not": "except {}",
        "literal": "taken literally: {}",
        "unsearchable": "cannot be searched for and left out: {}",
        "unpaired": "unpaired and left out: {}",
        "cut": "only the first {} count",
        "terms": "terms",
        "characters": "characters",
        "whole": "filters hold for the whole search",
        "unordered": "this edition does not keep the order of words: a phrase counts as all of its words",
        "ñ": "ñ is told from n",
        "exact": "accents count",
        "more": "and {} more",
    },
}


class Wording:
    """Sentences about a search in one language; any other than ``es`` is English."""

    def __init__(self, language: str) -> None:
        self.words = _WORDS["es" if language == "es" else "en"]

    def of(
        self, tree: Node | None, filters: Filters, notes: Sequence[Note], nothing: bool, accents: str
    ) -> str:
        """Return the whole account: words, filters, and what was taken literally or left out."""
        first = self.words["nothing"] if nothing else self._articles(tree)
        accent = [self.words[accents]] if accents != "ignore" else []
        return "; ".join([first, *self._filters(filters), *accent, *self._notes(notes)])

    def _articles(self, tree: Node | None) -> str:
        if tree is None:
            return self.words["all"]
        only_without = isinstance(tree, Not) or (
            isinstance(tree, And) and all(isinstance(part, Not) for part in tree.parts)
        )
        return self.words["articles" if only_without else "with"].format(self._node(tree))

    def _node(self, node: Node, inside: bool = False) -> str:
        match node:
            case Term():
                return self._in_column(self._term(node), node.column)
            case Near():
                terms = self.words["and"].join(self._term(term) for term in node.terms)
                return self._in_column(self.words["near"].format(terms, node.distance), node.column)
            case Both():
                others = ", ".join(self.words["word"].format(_short(term.text)) for term in node.others)
                return self.words["also"].format(self._node(node.term, inside=True), others)
            case Not():
                return self.words["without"].format(self._node(node.part, inside=True))
            case And():
                said = self._all(node)
            case Or():
                said = self.words["or"].join(self._node(part, inside=True) for part in node.parts)
        return f"({said})" if inside else said

    def _all(self, node: And) -> str:
        wanted = [part for part in node.parts if not isinstance(part, Not)]
        unwanted = [part.part for part in node.parts if isinstance(part, Not)]
        said = self.words["and"].join(self._node(part, inside=True) for part in wanted)
        without = self.words["or"].join(self._node(part, inside=True) for part in unwanted)
        if not wanted:
            return self.words["without"].format(without)
        return self.words["but"].format(said, without) if unwanted else said

    def _term(self, term: Term) -> str:
        kind: str = term.kind
        if kind == "prefix" and " " in term.text:
            kind = "prefix_phrase"
        elif kind == "phrase" and WORD.fullmatch(term.text):
            kind = "form"
        return self.words[kind].format(_short(term.text))

    def _in_column(self, said: str, column: str) -> str:
        return self.words[column].format(said) if column else said

    def _filters(self, filters: Filters) -> list[str]:
        said = []
        for name in ("outlet", "country", "language", "grade", "section", "wire", "year", "status"):
            if values := getattr(filters, name):
                said.append(self.words[name].format(", ".join(map(_short, values))))
        said += [self.words[name].format(day) for name in ("from_", "to") if (day := getattr(filters, name))]
        return said + [
            self.words["not"].format(self.words[name].format(_short(value)))
            for name, value in filters.without
        ]

    def _notes(self, notes: Sequence[Note]) -> list[str]:
        said = []
        for kind in ("literal", "unsearchable", "unpaired"):
            texts = [self.words["word"].format(_short(note.text)) for note in notes if note.kind == kind]
            if texts:
                rest = (
                    [self.words["more"].format(len(texts) - SHOWN_NOTES)] if len(texts) > SHOWN_NOTES else []
                )
                said.append(self.words[kind].format(", ".join(texts[:SHOWN_NOTES] + rest)))
        for note in notes:
            if note.kind in ("terms", "characters"):
                said.append(self.words["cut"].format(f"{note.text} {self.words[note.kind]}"))
            elif note.kind in ("whole", "unordered"):
                said.append(self.words[note.kind])
        return said


def _short(text: str) -> str:
    text = harmless(text)  # a mark that turns the direction of writing would turn what follows, too
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
