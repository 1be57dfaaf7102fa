"""What a misbehaving outlet is, as the later sets describe them: what its paths do, and what is to come of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.hostile import TEXT, Behaviour, Call, Web, article
from tests.hostile_more import Paths, WideWeb, placed

BAD = Web.BAD
LOST = ("failed", "blocked", "queued")
# Of another subject matter than `TEXT`, so that the two are told apart by what they say.
OTHER_TEXT = """
La Secretaría de Relaciones Exteriores de México y el Departamento de Justicia de Estados Unidos firmaron el lunes un
protocolo para la extradición acelerada de jefes de los cárteles, con plazos de noventa días y una mesa de fiscales que
se reunirá por videoconferencia cada semana.

El fiscal general mexicano explicó que las solicitudes pendientes suman ciento doce y que una tercera parte corresponde
a delitos de lavado de dinero en bancos de Texas y Arizona. La embajada estadounidense celebró el protocolo y ofreció
capacitar a jueces en materia de cadenas de custodia.

Organizaciones civiles pidieron que el protocolo bilateral de seguridad respete el amparo y que los acuerdos se
publiquen completos en el Diario Oficial antes de su entrada en vigor.
"""


@dataclass(frozen=True)
class Case:
    """One outlet: ``paths`` beside the usual ones, the state and reason its page ends in, and what is checked besides.

    ``ends`` are the states its page `BAD` may end in, none where it has no such page. ``reason`` is a regular
    expression. ``says`` stands in the text of what was archived at `BAD`. ``good`` says whether its good article is
    to be had; ``route`` is the state and the reason (a regular expression) of its first feed.
    """

    paths: Paths = field(default_factory=dict)
    ends: tuple[str, ...] = ()
    reason: str = ""
    says: str = ""
    good: bool = True
    route: tuple[str, str] | None = None
    block: str = ""
    delay: float = 0.0


def lost(behaviour: Behaviour, reason: str = ".", *states: str) -> Case:
    """Return an outlet whose page is not to be had."""
    return Case({BAD: behaviour}, states or LOST, reason)


def read(behaviour: Behaviour, **paths: Behaviour) -> Case:
    """Return an outlet whose page is an article, however it comes."""
    return Case({BAD: behaviour, **paths}, ("archived",), says="señaló avances")


def feed(behaviour: Behaviour, state: str = "ok", reason: str = "", **more: object) -> Case:
    """Return an outlet whose first feed is odd; its second names the good article."""
    return Case({"/feed.xml": behaviour}, route=(state, reason), **more)  # type: ignore[arg-type]


def own_text(call: Call, text: str = TEXT) -> str:
    """Return an article's text that is this outlet's and this page's alone."""
    return f"{text}\n\nSegún {call.outlet}, la cooperación señaló avances en {call.path.strip('/')}."


def html(call: Call, *, head: str = "", title: str = "", text: str = OTHER_TEXT) -> bytes:
    """Return an article of this outlet as a page."""
    title = title or f"Protocolo de extradición entre México y Estados Unidos, según {call.outlet}"
    return article(title, call.base, call.path, head=placed(head, call), text=own_text(call, text))


def page(
    *, head: str = "", title: str = "", change: Callable[[bytes], bytes] = bytes, **headers: str
) -> Behaviour:
    """Return a behaviour: an article, changed; and headers of its answer, in which places are named."""

    async def behave(call: Call) -> None:
        body = change(html(call, head=head, title=title))
        named = {name: placed(value, call) for name, value in headers.items()}
        kind = named.pop("kind", "text/html; charset=utf-8")
        await call.answer(body, kind=kind, **named)

    return behave


def wire(make: Callable[[Call, bytes], bytes]) -> Behaviour:
    """Return a behaviour: an article as the bytes that ``make`` puts on the wire."""

    async def behave(call: Call) -> None:
        call.writer.write(make(call, html(call)))
        await call.writer.drain()

    return behave


def head(*lines: str, status: str = "HTTP/1.1 200 OK", end: str = "\r\n") -> bytes:
    """Return a head of an answer."""
    return (end.join([status, "Content-Type: text/html; charset=utf-8", *lines]) + end + end).encode(
        "latin-1"
    )


def canary(web: WideWeb, path: str = "/") -> str:
    """Return an address that nobody may ask."""
    return f"http://127.0.0.1:{web.canaries['other-port']}{path}"
