"""Fixtures that several test modules share."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.newsroom import Article, Change, Newsroom, Outlet, load_newsroom


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    """The demo's outlets, served on loopback, in their first phase."""
    with load_newsroom() as running:
        yield running


@pytest.fixture
def small_newsroom() -> Iterator[Newsroom]:
    """Two outlets with three articles each, one of them revised and one removed in phase 2."""
    with Newsroom(SMALL_OUTLETS, SMALL_ARTICLES) as running:
        yield running


@pytest.fixture
def archive_path(tmp_path: Path) -> Path:
    """Where an archive may be made."""
    return tmp_path / "archive.db"


SMALL_OUTLETS = (
    Outlet(
        id="faro",
        name="El Faro de Pruebas (ficticio)",
        host="www.faro-pruebas.example",
        routes={"rss2": "/rss.xml", "news-sitemap": "/sitemap-news.xml"},
        sections={"politica": "Política"},
    ),
    Outlet(
        id="ledger",
        name="The Test Ledger (fictional)",
        country="US",
        language="en",
        timezone="America/New_York",
        host="www.test-ledger.example",
        routes={"atom": "/feed/"},
        sections={"world": "World"},
        layout="wordpress",
        dates="opengraph",
        path="/{y}/{m}/{slug}/",
    ),
)

SMALL_ARTICLES = (
    Article(
        outlet="faro",
        slug="cancilleres-acuerdan-reunion",
        title="Cancilleres de México y Estados Unidos acuerdan reunión de seguridad",
        dek="La cita del grupo de trabajo será el 23 de enero, informó la Secretaría de Relaciones Exteriores.",
        byline="Irene Salcedo",
        published=datetime(2026, 1, 15, 18, 42),
        text=(
            "El secretario de Relaciones Exteriores, Juan Ramón de la Fuente, conversó por teléfono este jueves "
            "con el secretario de Estado de Estados Unidos, Marco Rubio, sobre la cooperación bilateral en "
            "materia de seguridad y el combate al tráfico de armas y de fentanilo.",
            "Ambos funcionarios acordaron que el grupo de implementación de seguridad se reúna el 23 de enero "
            "y que equipos de los dos gobiernos presenten entonces 14 proyectos conjuntos.",
            "La cancillería dijo que la conversación fue cordial y que México insistió en el respeto a la "
            "soberanía. El Departamento de Estado habló de resultados medibles contra los cárteles.",
            "Información en desarrollo.",
        ),
        changes=(
            Change(
                phase=2,
                title="México y Estados Unidos fijan para el 23 de enero su reunión de seguridad",
                replace=(("14 proyectos", "12 proyectos"),),
                append=("Fe de errores: una versión anterior de esta nota decía que los proyectos eran 14.",),
            ),
        ),
    ),
    Article(
        outlet="faro",
        slug="feria-del-libro-de-la-colina",
        title="La feria del libro de la Colina recibe a cuarenta editoriales",
        published=datetime(2026, 1, 14, 9, 5),
        section="politica",
        grade=0,
        text=(
            "La feria del libro de la Colina abrió sus puertas con cuarenta editoriales independientes y un "
            "programa de lecturas para niñas y niños que durará hasta el domingo.",
            "Los organizadores esperan a doce mil visitantes y regalarán un ejemplar de poesía a quienes lleguen "
            "en bicicleta durante la primera jornada.",
        ),
    ),
    Article(
        outlet="faro",
        slug="aduanas-armas-decomiso",
        title="Aduanas y agentes de Estados Unidos decomisan armas en operativo conjunto",
        published=datetime(2026, 1, 13, 21, 30),
        grade=1,
        text=(
            "Personal de la Agencia Nacional de Aduanas de México decomisó 62 armas largas en un operativo "
            "coordinado con la oficina estadounidense que rastrea el tráfico de armas, informaron ambos gobiernos.",
            "La embajada de Estados Unidos en México calificó la acción de ejemplo de cooperación en seguridad "
            "entre los dos países y ofreció ayuda para rastrear las series.",
        ),
        changes=(Change(phase=2, status="404"), Change(phase=3, status="live")),
    ),
    Article(
        outlet="ledger",
        slug="rubio-de-la-fuente-call",
        title="Rubio and Mexico's foreign secretary set a date for security talks",
        byline="Dana Whitlock",
        section="world",
        published=datetime(2026, 1, 15, 20, 10),
        text=(
            "Secretary of State Marco Rubio and Mexico's foreign secretary, Juan Ramón de la Fuente, spoke by "
            "phone on Thursday about cartels, fentanyl and the guns that flow south across the border.",
            "The two agreed that a joint security implementation group would meet on Jan. 23, and that ministers "
            "would gather in Washington in February, according to accounts from both governments.",
            "Neither side said whether the question of American forces on Mexican soil had come up.",
        ),
    ),
    Article(
        outlet="ledger",
        slug="library-roof",
        title="Leaky roof closes the Harmon Street library for a month",
        section="world",
        published=datetime(2026, 1, 12, 7, 0),
        grade=0,
        text=(
            "The Harmon Street library will close for a month while workers replace a roof that has leaked "
            "onto the children's shelves since the autumn, the city's building office said.",
            "Readers can pick up reserved books at the fire station next door in the meantime.",
        ),
    ),
    Article(
        outlet="ledger",
        slug="joint-patrols-plan",
        title="Washington and Mexico City weigh parallel border patrols",
        section="world",
        published=datetime(2026, 1, 11, 16, 45),
        traits=frozenset({"moved"}),
        text=(
            "Officials of the United States and Mexico are weighing patrols that would run in parallel on both "
            "banks of the Rio Grande, two people briefed on the security negotiations said on Sunday.",
            "Mexico's government has ruled out joint operations under foreign command but has signaled that it "
            "would share intelligence on smuggling crews in real time.",
        ),
        changes=(Change(phase=2, status="home"),),
    ),
)
