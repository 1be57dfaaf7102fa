"""Which blocks are not the article: rules by cause, each with a name.

Every rule looks at language, place and link share, never at an outlet. `clean` returns what it cut beside what it
kept, so that a reader can be shown both.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archive.extraction.blocks import Block, block_digest
from archive.extraction.moments import fold, read_moment

LEDE_WORDS = 25  # a block of this length is the first paragraph proper

# "Read more: …", "Te puede interesar: …" — a pointer elsewhere set between two paragraphs.
POINTER = re.compile(
    r"^\W*(?:(?:read|see|watch|listen|view)\s+(?:also|more|next|too|this|related|the full|our)\b|also (?:read|see|on|in)\b|read:|watch:|listen:|"
    r"more\s*(?:from|on|about|:|stories|news|coverage)\b|related(?:\s+(?:stories|articles?|coverage|news|content|links?|topics?|posts?|reading))?\s*(?::|\||$|-)|"
    r"recommended\b|you (?:may|might) (?:also\s+)?(?:like|be interested|want)|don'?t miss\b|must[- ]read|up next|trending|most (?:read|popular|viewed)|"
    r"what to read next|further reading|click here (?:for|to)|keep reading|continue reading|"
    r"lee?\s+(?:tambien|mas|aqui|ademas|la nota|el articulo)\b|lea\s+(?:tambien|mas|aqui|ademas)\b|leer\s+(?:tambien|mas)\b|tambien\s+(?:lee|lea|puedes|te puede|ve|mira|checa|en)\b|"
    r"te\s+(?:puede|podria|recomendamos|sugerimos|interesa)\b|le (?:puede|podria|recomendamos)\b|puedes?\s+(?:leer|ver|consultar)\b|no te pierdas|"
    r"mas\s+(?:informacion|noticias|sobre|de|en|leidas?|contenido|notas)\b(?!\s+(?:cien|mil|\d))|notas?\s+relacionadas?|noticias?\s+relacionadas?|articulos?\s+relacionados?|"
    r"contenido\s+relacionado|relacionad[oa]s?\s*:?|(?:ve|ver|mira|checa|consulta|escucha|descubre)\s+(?:tambien|mas|aqui|ademas)\b|sigue leyendo|continuar leyendo|"
    r"recomendad[oa]s?\b|lo mas (?:leido|visto)|de interes\s*:|en otras noticias|entra aqui|haz clic|da clic|"
    r"lesen sie|mehr zum thema|auch interessant|lire aussi|a lire|leggi anche|lees ook|leia tambem|veja tambem|saiba mais)"
)
# Labels that head a run of links.
LABEL = re.compile(
    r"^\W*(?:related.*|more (?:from|on|stories|news|coverage|in|to explore|like this).*|recommended.*|trending.*|most (?:read|popular|viewed|recent).*|latest.*|popular.*|"
    r"read (?:more|next|also).*|you (?:may|might).*|see also.*|top stories.*|editor'?s'? picks?.*|from (?:our|the) .{0,30}|in this (?:story|article|section).*|topics?.*|tags?.*|"
    r"also (?:read|see|on).*|more\W*|sponsored.*|promoted.*|advertisement.*|around the web.*|further reading.*|external links?|share (?:this|via|on).*|follow.*|comments?.*|\d+ comments?|"
    r"te puede interesar.*|tambien te .*|te recomendamos.*|notas? relacionad.*|noticias? relacionad.*|articulos? relacionad.*|relacionad[oa]s?.*|mas (?:noticias|notas|leid|vist|sobre|de|en|informacion|contenido).*|"
    r"lo mas (?:leido|visto|reciente|nuevo).*|ultimas? (?:noticias|hora|notas).*|recomendad.*|temas?.*|etiquetas?.*|en esta nota.*|no te pierdas.*|lee (?:tambien|mas).*|lea (?:tambien|mas).*|"
    r"ver mas.*|leer mas.*|publicidad.*|anuncio.*|contenido (?:relacionado|patrocinado|para).*|comparte.*|compartir.*|siguenos.*|comentarios.*|newsletter.*|boletin.*|"
    r"mehr zum thema.*|verwandte.*|themen.*|lire aussi.*|sur le meme.*|leggi anche.*)\W*$"
)
# Subscriptions, apps, following, donating.
PROMO = re.compile(
    r"\b(?:sign(?:ing)?[- ]up (?:for|to|here|now|below|today)|subscribe (?:to|now|here|today|for)|newsletters?\b|(?:get|receive) .{0,60}(?:in|to) your inbox|"
    r"follow (?:us|me|him|her|them|along)\b|follow .{2,60} (?:on|@) ?(?:twitter|facebook|instagram|x\b|threads|bluesky|tiktok|linkedin|google)|"
    r"(?:like|find|join|connect with) us on\b|on (?:our )?(?:whatsapp|telegram) channel|download (?:the|our) .{0,30}app\b|get (?:the|our) .{0,20} app\b|"
    r"become a (?:member|subscriber|supporter)|support (?:our|independent) .{0,20}journalism|make a (?:donation|contribution)|donate (?:now|today|here)|"
    r"add .{2,40} (?:as a preferred source|on google)|breaking news alerts?|push notifications?|share (?:this )?(?:on|via|with your)|"
    r"suscri(?:bete|base|birse|bir|ption)\b|suscripcion(?:es)? (?:a|al|digital)|boletin(?:es)?\b|(?:recibe|recibir|recibelo) .{0,60}(?:correo|bandeja|email|noticias|whatsapp)|"
    r"sigue(?:nos| a .{2,40} en| nuestr[ao]s?)\b|siga(?:nos)? (?:en|a)\b|unete a(?:l| nuestr| la| su)|canal de (?:whatsapp|telegram)|descarga (?:la|nuestra|aqui) .{0,20}app\b|descarga la aplicacion|"
    r"(?:dale|da) (?:me gusta|like)|activa las notificaciones|haz clic (?:aqui|en)|da click|registrate|hazte (?:socio|miembro)|apoya (?:a|nuestro|el) .{0,30}periodismo|dona (?:aqui|ahora)|"
    r"preferencias? en google|fuente preferida|click here (?:to|for)|google news|google noticias|newsletter abonnieren|abonnieren sie|folgen sie uns|abonnez-vous|inscrivez-vous|iscriviti)"
)
# What stands under an article: credits, biographies, rights, tags.
TAIL = re.compile(
    r"^\W*(?:©|\(c\)\s*(?:19|20)\d\d|copyright\b|(?:all|some) rights reserved|todos los derechos|derechos reservados|prohibid[ao] (?:la|su) reproduccion|queda prohibid|this material may not be|"
    r"tags?\s*:|topics?\s*:|filed under|categor(?:y|ies|ia|ias)\s*:|temas?\s*:|etiquetas?\s*:|palabras clave|keywords\s*:|"
    r"(?:photo|photograph|image|picture|foto|fotos|fotografia|imagen|imagenes|video|credit|credits|credito|creditos|ilustracion|illustration|graphic|source|fuente|fuentes|via)\s*(?:by|de|por|credit|courtesy|:|\|)|"
    r"con (?:informacion|datos|reportes|material) (?:de|e)\b|informacion de (?:la )?agencia|with (?:reporting|additional reporting|files|information) (?:by|from)|(?:additional )?reporting by|"
    r"(?:edited|editing|edicion|editado|writing|written|compiled|produced|translated|traduccion|traducido|fact[- ]checked) (?:by|por|de|:)|"
    r"(?:this (?:story|article|post|column|piece|essay|report|content)|a version of this (?:article|story)) (?:was|has been|is|originally|first|appear|may)|(?:originally|first) (?:published|appeared)|"
    r"(?:este (?:articulo|texto|contenido|reportaje)|esta (?:nota|informacion|historia|publicacion)) (?:fue|ha sido|es|se publico|aparecio|contiene|puede)|publicado originalmente|"
    r"(?:contact|email|e-mail|reach|write to|contacto|escribe a|correo)\b.{0,60}(?:@|at\b|:)|(?:send|got) (?:a |us |your )?(?:tips?|feedback|comments?|questions?)|have a (?:tip|story|question)|"
    r"do you have (?:a|any)|if you have (?:a|any) (?:tip|question|story)|what do you think|let us know|leave a (?:comment|reply)|join the (?:conversation|discussion)|(?:deja|comparte) (?:tu|un) (?:comentario|opinion)|"
    r"share (?:this|on|via)|compart(?:e|ir|elo)\b.{0,40}$|print\b.{0,12}$|imprimir\b|comments? (?:are )?closed|view (?:all )?comments|advertisement|publicidad|"
    r"(?:the )?(?:views|opinions) (?:and opinions )?expressed|las opiniones (?:expresadas|vertidas)|disclaimer|aviso legal|terms of|nota del editor:? este|to (?:learn|find out|read) more(?: about)?,? (?:visit|click|go)|for more (?:information|news|stories|on|from|about)|para mas (?:informacion|noticias)|"
    r"about the (?:author|writer|reporter)|sobre (?:el|la) autor|acerca del autor|(?:last )?updated?\s*(?::|on|at|\d)|ultima actualizacion|actualizad[oa]\b.{0,40}$|published (?:on|in|at)\b.{0,50}$|publicado (?:el|en)\b.{0,50}$)"
)
CONTRIBUTED = re.compile(
    r"\b(?:contributed (?:to|reporting)|contribut(?:ed|ing) (?:from|to) (?:this|the)|contribuy(?:o|eron) (?:a|con|en) (?:este|esta)|colabor(?:o|aron) (?:en|con) (?:este|esta)|associated press writers?|"
    r"reported from|reporto desde|reporting (?:was )?(?:supported|contributed)|all rights reserved|todos los derechos reservados|may not be (?:published|reproduced|reprinted)|all material subject to)\b"
)
BIO = re.compile(
    r"^(?:[\w.'’-]+\s+){1,5}(?:is|was|es|ha sido|has been|covers|writes|joined|cubre|escribe|lives in|works as|serves as)\s+(?:(?:a|an|the|un|una|el|la|about|for|sobre|para|en)\s+)?(?:[\w'’-]+\s+){0,6}?"
    r"(?:reporter|editor|writer|correspondent|journalist|columnist|contributor|producer|author of|fellow|freelance|intern|professor|photographer|anchor|host|director of|politics|periodista|reporter[oa]|editora?|corresponsal|"
    r"columnista|escritora?|redactora?|colaborador[a]?|maestr[oa]|licenciad[oa]|profesora?|politica|economia|analista|conductora?)\b"
)
PICTURE = re.compile(
    r"(?:\b(?:ap photo|getty images?|reuters/|afp/|photo(?:graph)? by|foto:|photo:|fotografia:|\(foto|\(photo|file photo|photo courtesy|via ap\)|/ap\)?$|/afp\b|/efe\b|cuartoscuro|especial\)?$|archivo\)?$|shutterstock|screenshot|captura de pantalla|handout|courtesy of|cortesia(?: de)?:?)|\bcredit: )"
)
_TOP = re.compile(
    r"^\W*(?:\d+\s*(?:min(?:ute)?s?|minutos?)\b.{0,20}|(?:by|por|von|par|de|text|texto|escrito por|written by|author|autor)\b\s*:?.{0,70}|redaccion.{0,40}|staff.{0,30}|"
    r"(?:updated?|published|posted|publicad[oa]|actualizad[oa]|creado|modified|first published|last modified|ultima actualizacion|fecha)\b.{0,80}|"
    r"share.{0,40}|compart.{0,40}|listen.{0,50}|escucha.{0,50}|print|imprimir|save|guardar|comments?|comentarios?|advertisement|publicidad|anuncio|photos?|fotos?|video|play|reproducir|"
    r"(?:photo|image|foto|imagen|credit|credito|getty images?)\b.{0,120}|seguir|follow|x|facebook|twitter|whatsapp|email|copy link|copiar (?:enlace|link)|skip to.{0,40}|ir al contenido.{0,20})$"
)
_COOKIES = re.compile(
    r"\b(?:we use cookies|this (?:site|website) uses cookies|cookie (?:policy|settings|preferences)|accept (?:all )?cookies|usamos cookies|utilizamos cookies|politica de cookies|aceptar (?:todas )?(?:las )?cookies|aviso de privacidad|privacy policy)\b"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """One block that was left out, and the rule that did it."""

    rule: str
    text: str


def clean(
    blocks: list[Block], titles: Iterable[str], boilerplate: frozenset[str] = frozenset()
) -> tuple[list[Block], list[Cut]]:
    """Return the blocks that are the article, and those that are not with the rule that says so.

    ``titles`` are all variants of the headline; ``boilerplate`` the digests of blocks that the outlet repeats.
    """
    cuts: list[Cut] = []
    for rule, step in (
        ("repeated", lambda b: _flag(b, lambda x: bool(boilerplate) and block_digest(x.text) in boilerplate)),
        ("headline", lambda b: _headline(b, [_words(t) for t in titles])),
        ("before the lede", _before_lede),
        ("related", _related),
        ("promotion", lambda b: _flag(b, is_promo)),
        ("duplicate", _duplicates),
        ("after the end", _after_end),
    ):
        drop = step(blocks)
        if drop and len(drop) < len(blocks):
            cuts.extend(Cut(rule, blocks[i].text) for i in sorted(drop))
            blocks = [block for i, block in enumerate(blocks) if i not in drop]
    return blocks, cuts


def _flag(blocks: list[Block], test: Callable[[Block], bool]) -> set[int]:
    return {i for i, block in enumerate(blocks) if test(block)}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", fold(text)))


def _headline(blocks: list[Block], titles: list[frozenset[str]]) -> set[int]:
    """The headline set again as a first line: same words as one of its variants."""
    drop = set()
    for i, block in enumerate(blocks[:6]):
        words = _words(block.text)
        if words and any(len(words & title) >= 0.75 * len(words | title) for title in titles if title):
            drop.add(i)
        elif block.words >= LEDE_WORDS and i > 1:
            break
    return drop


def _before_lede(blocks: list[Block]) -> set[int]:
    """Dates, bylines, reading time, share bars and picture captions above the first paragraph."""
    drop = set()
    for i, block in enumerate(blocks[:14]):
        folded = fold(block.text)
        if block.words <= 14 and (_TOP.match(folded) or _is_dateline(block.text)):
            drop.add(i)
        elif block.words <= 60 and PICTURE.search(folded) and block.kind == "p" and _ends_as_caption(folded):
            drop.add(i)
        elif block.words >= LEDE_WORDS:
            break
    return drop


def _is_dateline(text: str) -> bool:
    return any(c.isdigit() for c in text) and read_moment(text) is not None


def _ends_as_caption(folded: str) -> bool:
    return bool(PICTURE.search(folded[-60:])) or bool(PICTURE.match(folded))


def _related(blocks: list[Block]) -> set[int]:
    """Pointers to other pages: "Lee también: …", labels with the run of links below, lists that are links."""
    drop: set[int] = set()
    for i, block in enumerate(blocks):
        folded = fold(block.text)
        if _is_shouted_link(block):
            drop.add(i)
        if POINTER.match(folded) and (
            (block.words <= 30 and block.link_share >= 0.3) or (block.words <= 5 and block.kind != "head")
        ):
            drop.add(i)
        if block.words <= 8 and LABEL.match(folded):
            run = _link_run(blocks, i + 1)
            if run:
                drop.update({i, *run})
            elif block.words <= 5 and block.kind != "head" and POINTER.match(folded):
                drop.add(i)
    return drop | _link_lists(blocks)


def _link_run(blocks: list[Block], start: int) -> list[int]:
    run = []
    for i in range(start, len(blocks)):
        if blocks[i].link_share < 0.7 or blocks[i].words > 40:
            break
        run.append(i)
    return run


def _is_shouted_link(block: Block) -> bool:
    """A headline in capitals that is all link, set between two paragraphs."""
    return block.link_share >= 0.95 and block.words >= 4 and block.text.upper() == block.text and block.kind == "p"


def _is_address(block: Block) -> bool:
    return block.words == 1 and block.text.startswith(("http://", "https://", "www."))


def _link_lists(blocks: list[Block]) -> set[int]:
    """Lists of which every item is (nearly) a link, and nothing but."""
    drop: set[int] = set()
    for group in {block.group for block in blocks if block.kind == "item"}:
        members = [i for i, block in enumerate(blocks) if block.group == group and block.kind == "item"]
        if all(blocks[i].link_share >= 0.9 for i in members):
            drop.update(members)
    return drop


def is_promo(block: Block) -> bool:
    """Whether a block asks to subscribe, follow, install or donate, or to accept cookies."""
    if block.words > 40:
        return False
    folded = fold(block.text)
    if _COOKIES.search(folded):
        return True
    return bool(PROMO.search(folded)) and (block.words <= 14 or block.link_share >= 0.2)


def _duplicates(blocks: list[Block]) -> set[int]:
    """A long block word for word again: the pull quote's or the mobile layout's copy."""
    seen: set[str] = set()
    drop = set()
    for i, block in enumerate(blocks):
        if block.words < 12 or block.kind in ("item", "row"):
            continue
        if block.text in seen:
            drop.add(i)
        seen.add(block.text)
    return drop


def _after_end(blocks: list[Block]) -> set[int]:
    """Peel from the bottom while what stands there is a credit, a biography, a promotion, links or an orphan heading."""
    drop: set[int] = set()
    for i in range(len(blocks) - 1, 0, -1):
        if _is_tail(blocks[i]):
            drop.add(i)
        elif not (i > 1 and _is_fragment(blocks[i]) and _is_tail(blocks[i - 1])):
            break
        else:
            drop.add(i)
    return drop


def _is_fragment(block: Block) -> bool:
    """A few words that are no sentence: what a template leaves between two pieces of furniture."""
    return block.words <= 8 and block.text[-1] not in ".!?…”\"»"


def _is_tail(block: Block) -> bool:
    if block.kind == "head" or block.link_share >= 0.9 or _is_address(block):
        return True
    folded = fold(block.text)
    if block.words <= 60 and (TAIL.match(folded) or CONTRIBUTED.search(folded)):
        return True
    if block.words <= 90 and BIO.match(folded):
        return True
    if block.words <= 45 and (PROMO.search(folded) or POINTER.match(folded)):
        return True
    return block.words <= 12 and (bool(LABEL.match(folded)) or bool(_TOP.match(folded)))
