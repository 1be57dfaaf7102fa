"""`bilateral extract` as programs outside use it: lines in, lines out, in order."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive.cli import main

PAGES = Path(__file__).parent / "pages"
FIELDS = "path url title text authors published modified language canonical_url description image section paywalled"


def run(lines: str, *options: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["extract", *options], input=lines)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_lines_come_back_in_order_with_all_fields(tmp_path: Path) -> None:
    missing = tmp_path / "missing.html"
    picture = tmp_path / "picture.html"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    lines = [f"{PAGES / 'nota.html'}\thttps://a.example/1", f"{missing}\thttps://a.example/2"]
    lines += [f"{picture}\thttps://a.example/3", f"{PAGES / 'story.html'}\thttps://a.example/4"]
    out = run("\n".join(lines) + "\n", "--timezone", "America/Mexico_City")
    assert [row["url"] for row in out] == [f"https://a.example/{n}" for n in range(1, 5)]
    assert set(FIELDS.split()) <= set(out[0])
    assert out[0]["published"] == "2026-03-04T18:42:00-06:00"
    assert out[0]["authors"] == ["Marisol Aguirre Tejeda"]
    assert set(out[1]) == set(out[2]) == {"path", "url", "error"}
    assert "No such file" in out[1]["error"]
    assert out[2]["error"] == "not a page but a picture"
    assert out[3]["title"] == "Border agencies agree on joint gun tracing"


def test_times_of_a_known_outlet_are_read_in_its_zone(tmp_path: Path) -> None:
    registry = tmp_path / "outlets.toml"
    registry.write_text(
        '[[outlet]]\nid = "faro"\nname = "El Faro"\ncountry = "MX"\nlanguage = "es"\n'
        'homepage = "https://www.faro.example/"\ntimezone = "America/Tijuana"\n',
        encoding="utf-8",
    )
    line = f"{PAGES / 'nota.html'}\thttps://faro.example/una-nota\n"
    assert run(line, "--outlets", str(registry))[0]["published"] == "2026-03-04T18:42:00-08:00"
    assert run(line)[0]["published"] == "2026-03-04T18:42:00+00:00"


def test_a_page_that_takes_too_long_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "large.html"
    large.write_text("<body>" + '<a href="/x">y</a>' * 100_000, encoding="utf-8")
    monkeypatch.setattr("archive.commands.extract.PAGE_SECONDS", 0.5)
    # Hypothesis, where it is loaded, has one; an alarm that goes off within it is lost.
    callbacks, gc.callbacks[:] = list(gc.callbacks), []
    out = run(f"{large}\thttps://a.example/1\n{PAGES / 'story.html'}\thttps://a.example/2\n")
    gc.callbacks[:] = callbacks
    assert out[0]["error"].startswith("reading it took longer than")
    assert out[1]["title"] == "Border agencies agree on joint gun tracing"


def test_a_bad_registry_is_one_clear_error(tmp_path: Path) -> None:
    registry = tmp_path / "outlets.toml"
    registry.write_text("[[outlet]]\nid = 3\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["extract", "--outlets", str(registry)], input="")
    assert result.exit_code == 2
    assert "outlets.toml" in result.output


def test_what_no_table_takes_is_taken_out(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    names = r'"author":{"name":"Ana \udc00 Ruiz"},"keywords":["a\ud800b"]'
    said = r'{"@type":"NewsArticle","headline":"Nota \ud83d con \u0000 restos",' + names + "}"
    page.write_text(f"<script type='application/ld+json'>{said}</script><p>Hola</p>", encoding="utf-8")
    row = run(f"{page}\thttps://a.example/1\n")[0]
    assert row["title"] == "Nota con restos"
    assert row["authors"] == ["Ana Ruiz"]
    assert row["tags"] == ["ab"]
