"""Whole pages, written for these tests: what each must yield."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from archive.extraction import ExtractionError, extract
from archive.folding import block_digest
from archive.models import Article, Lead, Page

PAGES = Path(__file__).parent / "pages"
ADDRESS = "https://elfarodelnorte.example/politica/2026/03/una-nota-con-titulo-largo.html"


def page(name: str, **changes: object) -> Page:
    body = (PAGES / f"{name}.html").read_bytes()
    known = Page(
        url=ADDRESS,
        body=body,
        fetched="2026-03-20T00:00:00Z",
        timezone="America/Mexico_City",
        country="MX",
        language="es",
    )
    return replace(known, **changes)


def paragraphs(article: Article) -> list[str]:
    return article.text.split("\n\n")


def lead(**fields: str) -> Lead:
    return Lead(
        **{"url": ADDRESS, "outlet": "faro", "via": "feed", "headline": "Un titular del canal", **fields}
    )


def test_spanish_story_has_its_text_and_none_of_the_furniture() -> None:
    article = extract(page("nota"))
    text = paragraphs(article)
    assert text[0].startswith("Las delegaciones acordaron un calendario")
    assert text[1].startswith("EL PASO, 4 mar (EFE).- Los equipos negociadores")
    assert "Un calendario hasta diciembre" in text
    assert "Grupo técnico en Ciudad Juárez y El Paso." in text
    assert text[-1].startswith("Fe de errores:")
    assert len(text) == 11
    for furniture in (
        "interesar",
        "boletín",
        "periodista",
        "Etiquetas",
        "Foto:",
        "WhatsApp",
        "derechos",
        "Lee también",
        "Ojalá",
    ):
        assert furniture not in article.text


def test_spanish_story_has_its_metadata() -> None:
    article = extract(page("nota"))
    assert article.title == "Reanudan México y Estados Unidos mesa de seguridad en El Paso"
    assert (
        article.url
        == "https://elfarodelnorte.example/politica/2026/03/04/reanudan-mesa-de-seguridad-en-el-paso/"
    )
    assert article.authors == ("Marisol Aguirre Tejeda",)
    assert article.wire == "EFE"
    assert (article.published_local, article.published_source) == ("2026-03-04T18:42:00-06:00", "json-ld")
    assert (article.published_precision, article.zone_assumed) == ("minute", True)
    assert article.modified_local == "2026-03-04T20:05:00-06:00"
    assert (article.section, article.language) == ("Política", "es")
    assert article.tags == ("seguridad", "frontera", "tráfico de armas")
    assert article.image == "https://elfarodelnorte.example/img/mesa.jpg"
    assert (article.completeness, article.form, article.paywalled) == ("full", "article", False)


def test_english_story_has_its_text_and_its_credit() -> None:
    article = extract(page("story", timezone="America/Phoenix", country="US", language="en"))
    text = paragraphs(article)
    assert text[0].startswith("NOGALES, Ariz. (AP) — Federal agents")
    assert text[-1] == "Neither side would say what the system costs, or who pays for it."
    assert len(text) == 5
    assert article.authors == ("Dana Whitcomb", "Luis Ferrer")
    assert (article.wire, article.language) == ("AP", "en")
    assert article.published_local == "2026-03-05T09:30:00-07:00"
    assert not article.zone_assumed


def test_visible_dates_and_a_desk_are_read_where_no_structured_data_is() -> None:
    article = extract(page("noticia-jornada"))
    assert article.authors == ("La Redacción",)
    assert article.published_local == "2026-03-10T07:05:00-06:00"
    assert article.modified_local == "2026-03-10T11:40:00-06:00"
    assert article.published_source == "text"
    assert paragraphs(article)[0].startswith("NUEVO LAREDO, Tamps.-")
    assert paragraphs(article)[-1] == "Información en desarrollo."


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("nota", "article"),
        ("envivo", "live"),
        ("estenografica", "transcript"),
        ("galeria", "gallery"),
        ("comunicado", "release"),
        ("video", "video"),
    ],
)
def test_form_is_recognised(name: str, form: str) -> None:
    article = extract(page(name))
    assert article.form == form
    assert article.completeness == "full"
    assert "Foto:" not in article.text


def test_transcript_keeps_questions_and_answers_in_order() -> None:
    text = paragraphs(extract(page("estenografica")))
    assert sum(line.startswith("PREGUNTA:") for line in text) == 2
    assert text[-1].startswith("SUBSECRETARIO ERNESTO VALDIVIA:")


@pytest.mark.parametrize(
    ("name", "completeness"),
    [
        ("reto", "wall"),
        ("consentimiento", "wall"),
        ("no-encontrada", "soft-404"),
        ("seccion", "index"),
        ("teaser", "teaser"),
    ],
)
def test_what_is_not_the_article_is_told(name: str, completeness: str) -> None:
    article = extract(page(name))
    assert article.completeness == completeness
    assert article.completeness_reason


def test_teaser_keeps_what_is_shown_and_not_the_offer() -> None:
    article = extract(page("teaser"))
    assert article.paywalled
    assert article.text.endswith("estuvo a punto de romperse…")
    assert "suscr" not in article.text.lower()


def test_feed_text_wins_over_a_teaser() -> None:
    content = "".join(
        f"<p>Párrafo {n} del canal, que trae la nota completa con todos sus detalles y sus cifras.</p>"
        for n in range(20)
    )
    article = extract(page("teaser", lead=lead(content=content)))
    assert article.text_source == "feed"
    assert article.completeness == "full"
    assert "Párrafo 19 del canal" in article.text
    assert article.title == "Lo que no se dijo en la mesa de seguridad"


def test_shorter_feed_text_does_not_replace_the_page() -> None:
    article = extract(page("teaser", lead=lead(content="<p>Solo una línea.</p>")))
    assert article.text_source == "page"
    assert article.completeness == "teaser"


def test_lead_alone_is_a_teaser() -> None:
    said = lead(summary="Dos frases del canal.", published_local="2026-03-04T10:00:00-06:00")
    article = extract(page("nota", body=b"", lead=said))
    assert (article.completeness, article.text_source) == ("teaser", "feed")
    assert (article.title, article.text) == ("Un titular del canal", "Dos frases del canal.")
    assert (article.published_local, article.published_source) == ("2026-03-04T10:00:00-06:00", "feed")


def test_empty_body_without_a_lead_is_empty() -> None:
    assert extract(page("nota", body=b"")).completeness == "empty"


def test_blocks_the_outlet_repeats_are_dropped() -> None:
    line = "La siguiente sesión será el 15 de abril en la Ciudad de México, con la presencia de las dos fiscalías."
    digest = block_digest(line)
    assert digest
    before, after = extract(page("nota")), extract(page("nota", boilerplate=frozenset({digest})))
    assert line in before.text
    assert line not in after.text
    assert len(paragraphs(after)) == len(paragraphs(before)) - 1


def test_digest_ignores_case_spacing_and_marks() -> None:
    assert block_digest("Síguenos en  todas nuestras REDES.") == block_digest(
        "síguenos en todas nuestras redes"
    )
    assert len(block_digest("Síguenos en todas nuestras redes") or "") == 16
    assert block_digest("Continúa:") is None


def test_canonical_of_another_site_or_of_the_front_page_is_not_believed() -> None:
    body = (PAGES / "nota.html").read_bytes()
    for declared in (
        b"https://otro.example/nota/1234567/un-titular-cualquiera",
        b"https://elfarodelnorte.example/",
    ):
        changed = body.replace(
            b"https://elfarodelnorte.example/politica/2026/03/04/reanudan-mesa-de-seguridad-en-el-paso/",
            declared,
        )
        assert extract(page("nota", body=changed)).url == ADDRESS


def test_second_article_below_is_not_taken_along() -> None:
    body = (PAGES / "nota.html").read_text(encoding="utf-8")
    other = "".join(
        f"<p>Relato número {n} de otra nota muy distinta, sobre la cosecha de nuez en la sierra y sus precios.</p>"
        for n in range(15)
    )
    body = body.replace("</main>", f"<article><h1>La cosecha de nuez</h1>{other}</article></main>")
    article = extract(page("nota", body=body.encode()))
    assert "nuez" not in article.text
    assert "La siguiente sesión" in article.text


@pytest.mark.parametrize("body", [b"%PDF-1.7 ...", b"\x89PNG\r\n", b"\x1f\x8b\x08\x00"])
def test_other_files_are_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(ExtractionError, match="not a page"):
        extract(page("nota", body=body))


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>" + b"<div>" * 120_000 + b"fin</body></html>",
        b"<html><body><p>" + b"<b>" * 120_000 + b"fin</p></body></html>",
        b"\x00" * 5000,
        b"<html><body><p>ho\x00la</p>\x00</body></html>",
        b"<html>" + b"<p>" * 30_000,
        b"<script type='application/ld+json'>" + b"[" * 50_000 + b"</script><p>hola</p>",
        b"<p>Sin cerrar <a href='",
        b"<html><head><title></title></head><body></body></html>",
    ],
)
def test_hostile_pages_end_in_an_article_without_text(body: bytes) -> None:
    article = extract(page("nota", body=body))
    assert len(article.text) < 200


@pytest.mark.parametrize(
    "body",
    [
        b'<script type=\'application/ld+json\'>{"@type":"Article","headline":'
        + b"[" * 900
        + b"]" * 900
        + b"}</script>",
    ],
)
def test_pages_that_break_parsers_are_refused_by_name(body: bytes) -> None:
    with pytest.raises(ExtractionError, match="cannot be read: RecursionError"):
        extract(page("nota", body=body))


def test_what_lies_too_deep_costs_only_itself() -> None:
    text = b"<p>" + b"El acuerdo de seguridad fue firmado por ambos gobiernos. " * 12 + b"</p>"
    body = (
        b"<html><body><article><h1>Acuerdo</h1>" + text + b"</article>" + b"<table><tr><td>" * 5_000 + b"fin"
    )
    article = extract(page("nota", body=body))
    assert "firmado por ambos gobiernos" in article.text
    assert "fin" not in article.text.split()


def test_a_tag_of_too_many_attributes_is_read_without_them() -> None:
    attributes = b" ".join(b"a%d=b" % number for number in range(30_000))
    text = b"<p>" + b"El acuerdo de seguridad fue firmado por ambos gobiernos. " * 12 + b"</p>"
    body = b"<html><body><article " + attributes + b"><h1>Acuerdo</h1>" + text
    began = time.process_time()
    assert "firmado por ambos gobiernos" in extract(page("nota", body=body)).text
    assert time.process_time() - began < 2


@pytest.mark.slow
def test_huge_page_is_bounded() -> None:
    body = (
        b"<html><body><article>"
        + b"<p>Una frase cualquiera que llena la pagina sin decir nada.</p>" * 1_300_000
    )
    article = extract(page("nota", body=body))
    assert article.completeness == "full"


def test_text_that_only_a_script_would_show_is_found() -> None:
    body = "".join(
        f"<p>Frase número {n} de una nota que el navegador arma con un guion.</p>" for n in range(12)
    )
    state = body.replace("<", "\\u003c").replace('"', '\\"')
    html = f'<html><body><div id="app"></div><script>window.__S={{"contentHtml":"{state}"}}</script></body></html>'
    article = extract(page("nota", body=html.encode()))
    assert article.completeness == "full"
    assert "Frase número 11 de una nota" in article.text


def test_soft_hyphens_go_in_spanish_and_stay_in_german() -> None:
    spanish = (PAGES / "nota.html").read_text(encoding="utf-8").replace("negociadores", "nego\u00adciadores")
    assert "negociadores" in extract(page("nota", body=spanish.encode())).text
    german = "<p>Die Außen\u00administer der beiden Länder trafen sich in der Haupt\u00adstadt und sprachen lange.</p>"
    html = f"<html lang='de'><body><article><h1>Treffen</h1>{german}</article></body></html>"
    assert "Außen\u00administer" in extract(page("nota", body=html.encode(), language="de")).text


def test_page_wrapped_in_a_form_or_an_aside_is_still_read() -> None:
    text = (PAGES / "nota.html").read_text(encoding="utf-8")
    for tag in ("form", "aside"):
        wrapped = text.replace("<main>", f"<main><{tag}>").replace("</main>", f"</{tag}></main>")
        article = extract(page("nota", body=wrapped.encode()))
        assert "La siguiente sesión será el 15 de abril" in article.text
        assert article.completeness == "full"


def test_teaser_cards_below_a_story_do_not_make_it_an_index() -> None:
    text = (PAGES / "nota.html").read_text(encoding="utf-8")
    card = "<article><h3><a href='/n{0}'>Otra nota número {0}</a></h3><p>Un resumen breve.</p></article>"
    cards = "".join(card.format(n) for n in range(8))
    article = extract(
        page("nota", body=text.replace("</main>", f"<section>{cards}</section></main>").encode())
    )
    assert article.completeness == "full"
    assert "Otra nota" not in article.text


def test_sections_and_tags_name_subjects() -> None:
    node = (
        '{"@type": "NewsArticle", "articleSection": "Homepage", "keywords": ["Puertos,Aduanas", "ctp_video", "@hp-top",'
        ' "Category: Viajes", "26157981-b4f7-4929-adc1-e860c6f03636", "Comercio, industria y puertos"]}'
    )
    html = (
        f'<html><head><script type="application/ld+json">{node}</script><meta name="section" content="México,Política">'
        "</head><body><h1>Una nota</h1><p>Un párrafo de la nota que dice algo de los puertos.</p></body></html>"
    )
    article = extract(Page(url=ADDRESS, body=html.encode(), fetched="2026-03-04T00:00:00Z"))
    assert article.section == "México"
    assert article.tags == ("Puertos", "Aduanas", "Comercio, industria y puertos")


def test_what_is_declared_a_headline_and_is_a_description_gives_way_to_what_the_page_is_called() -> None:
    html = (
        '<html><head><title>Tratado de aguas de 1944 - Enciclopedia</title><script type="application/ld+json">'
        '{"@type": "Article", "headline": "acuerdo entre dos países vecinos"}</script></head><body>'
        "<h1>Tratado de aguas de 1944</h1><p>Un párrafo que dice algo de los ríos.</p></body></html>"
    )
    page = Page(url=ADDRESS, body=html.encode(), fetched="2026-03-04T00:00:00Z")
    assert extract(page).title == "Tratado de aguas de 1944"


@pytest.mark.parametrize(
    ("declared", "language"), [("zh", "es"), ("xx", "es"), ("en-US", "es"), ("pt", "pt")]
)
def test_a_page_that_declares_another_language_is_in_the_one_it_is_written_in(
    declared: str, language: str
) -> None:
    text = (
        "El gobierno de México y el de los Estados Unidos dijeron que la reunión de seguridad se hará en la ciudad de "
        "Laredo, donde los delegados de las dos partes hablarán de las armas que cruzan la frontera y de lo que se ha "
        "hecho para que no lleguen a los grupos del crimen en el norte del país, según el comunicado de ayer."
    )
    body = f"<html lang='{declared}'><body><article><h1>Reunión en Laredo</h1><p>{text}</p></article></body></html>"
    assert extract(page("nota", body=body.encode(), language="es")).language == language
