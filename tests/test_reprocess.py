import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database

from archive.cli import main
from archive.ingest import ingest
from archive.models import Lead
from archive.options import SHIPPED_TOPIC
from archive.pages import file_lead
from archive.reprocess import Counts, reprocess
from archive.snapshots import Exchange, SnapshotWriter
from archive.store import open_archive, save_outlets
from archive.takedown import take_down
from archive.topic import Topic, load_topic
from tests.small_archive import OUTLETS

FARO = OUTLETS[0]
ABOUT_VERDICTS = re.compile("[\"']verdicts[\"']")  # which say when they were judged
TALKS = "https://faro.example/politica/cancilleres"
RECIPES = "https://faro.example/cocina/mole"
PAGES = {
    TALKS: (
        "Cancilleres de México y Estados Unidos acuerdan reunión de seguridad",
        "El secretario de Relaciones Exteriores, Juan Ramón de la Fuente, conversó con el secretario de Estado"
        " de Estados Unidos, Marco Rubio, sobre la cooperación bilateral en materia de seguridad y el combate al"
        " tráfico de armas y de fentanilo. Ambos gobiernos acordaron que el grupo de implementación de seguridad"
        " se reúna en enero para revisar los proyectos conjuntos contra los cárteles.",
    ),
    RECIPES: (
        "Un mole que sabe a domingo",
        "La cocinera tuesta los chiles en un comal de barro y los muele con almendras, plátano y chocolate."
        " La receta pasó de su abuela a su madre y de su madre a ella, y ahora la enseña en un taller de barrio"
        " al que llegan vecinas de toda la colonia con sus propias cazuelas y sus propias historias.",
    ),
}


@cache
def shipped_topic() -> Topic:
    return load_topic(SHIPPED_TOPIC)


def visit(db: Database, writer: SnapshotWriter, url: str, fetched: str, extra: str = "") -> None:
    title, text = PAGES[url]
    body = (
        f"<html lang='es'><head><title>{title}</title>"
        "<meta property='article:published_time' content='2026-01-15T10:00:00-06:00'></head>"
        f"<body><article><h1>{title}</h1><p>{text}</p><p>{text}</p><p>{extra}</p></article></body></html>"
    ).encode()
    file_lead(db, Lead(url=url, outlet="faro", via="feed"))
    exchange = Exchange(
        url=url,
        page=url,
        fetched=fetched,
        status=200,
        status_text="OK",
        request_headers=(),
        response_headers=(("Content-Type", "text/html; charset=utf-8"),),
        body=body,
    )
    ingest(db, writer, FARO, exchange, body, shipped_topic())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    archive = open_archive(folder / "archive.db")
    save_outlets(archive, OUTLETS)
    writer = SnapshotWriter(folder / "warc")
    for url in PAGES:
        visit(archive, writer, url, "2026-01-16T00:00:00Z")
    writer.close()
    states = dict(archive.execute("SELECT url, state FROM pages").fetchall())
    assert states == {TALKS: "archived", RECIPES: "off-topic"}
    archive.close()
    return folder


@pytest.fixture
def db(built: Path, tmp_path: Path) -> Database:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return open_archive(tmp_path / "archive.db")


def again(db: Database, folder: Path, topic: Path = SHIPPED_TOPIC) -> Counts:
    return reprocess(db, folder / "warc", {FARO.id: FARO}, topic)


def test_the_same_code_and_topic_change_nothing(db: Database, tmp_path: Path) -> None:
    before = list(db.conn.iterdump())
    counts = again(db, tmp_path)
    assert (counts.read, counts.changed, counts.added, counts.fell_out) == (2, 0, 0, 0)
    after = [line for line in db.conn.iterdump() if not ABOUT_VERDICTS.search(line)]
    assert after == [line for line in before if not ABOUT_VERDICTS.search(line)]


def test_what_an_older_version_read_badly_is_read_anew_and_is_no_revision(
    db: Database, tmp_path: Path
) -> None:
    with db.conn:
        db.execute("UPDATE articles SET title = 'Menú', sha256 = 'x', word_count = 1, grade = 0")
        db.execute("UPDATE texts SET text = 'Suscríbase'")
    counts = again(db, tmp_path)
    assert (counts.changed, counts.came_back) == (1, 1)
    assert db.execute("SELECT title, revisions FROM articles").fetchone() == (PAGES[TALKS][0], 1)
    assert "fentanilo" in db.execute("SELECT text FROM texts").fetchone()[0]
    assert db.execute("SELECT count(*) FROM revisions").fetchone() == (1,)


def test_an_off_topic_page_that_is_on_the_subject_now_becomes_an_article(
    db: Database, tmp_path: Path
) -> None:
    with db.conn:  # as if an older topic had let it pass by
        db.execute("UPDATE pages SET state = 'off-topic', article = NULL WHERE url = ?", [TALKS])
        db.execute("UPDATE snapshots SET outcome = 'off-topic', article = NULL")
        for table in ("revisions", "texts", "articles"):
            db.execute(f"DELETE FROM {table}")
    counts = again(db, tmp_path)
    assert counts.added == 1
    assert db.execute("SELECT url, first_seen FROM articles").fetchall() == [(TALKS, "2026-01-16T00:00:00Z")]
    assert db.execute("SELECT state FROM pages WHERE url = ?", [TALKS]).fetchone() == ("archived",)


def test_an_article_that_falls_off_the_subject_keeps_all_it_has(db: Database, tmp_path: Path) -> None:
    number = db.execute("SELECT id FROM articles").fetchone()[0]
    with db.conn:  # as if the recipe had been taken for the article
        db.execute("UPDATE pages SET state = 'queued' WHERE url = ?", [RECIPES])
        db.execute("UPDATE snapshots SET article = ?, outcome = 'new' WHERE page = ?", [number, RECIPES])
        db.execute("UPDATE snapshots SET outcome = 'unchanged' WHERE page = ?", [TALKS])
        db.execute("UPDATE revisions SET snapshot = (SELECT id FROM snapshots WHERE page = ?)", [RECIPES])
    counts = again(db, tmp_path)
    assert counts.fell_out == 1
    assert db.execute("SELECT grade, url FROM articles").fetchone() == (0, TALKS)
    assert "mole" in db.execute("SELECT title FROM articles").fetchone()[0]


def test_a_revised_article_keeps_its_first_date_and_all_revisions(db: Database, tmp_path: Path) -> None:
    writer = SnapshotWriter(tmp_path / "warc")
    added = (
        "El gobierno agregó después que en la reunión estará también el fiscal, según un segundo comunicado."
    )
    visit(db, writer, TALKS, "2026-01-17T00:00:00Z", extra=added)
    writer.close()
    assert db.execute("SELECT revisions FROM articles").fetchone() == (2,)
    counts = again(db, tmp_path)
    assert counts.read == 2
    texts = [text for (text,) in db.execute("SELECT text FROM revisions ORDER BY number")]
    assert [added in text for text in texts] == [False, True]


def test_an_interrupted_run_goes_on_where_it_was(db: Database, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        reprocess(db, tmp_path / "warc", {}, SHIPPED_TOPIC, progress=stop)
    seen = []
    counts = reprocess(db, tmp_path / "warc", {}, SHIPPED_TOPIC, progress=lambda done, of: seen.append(done))
    assert seen == [1, 2]
    assert counts.read == 2
    assert db.execute("SELECT count(*) FROM reprocessing").fetchone() == (0,)


def test_a_missing_record_is_counted_and_stops_nothing(db: Database, tmp_path: Path) -> None:
    for path in (tmp_path / "warc").glob("*/*"):
        path.unlink()
    assert again(db, tmp_path).missing == 2
    assert db.execute("SELECT count(*) FROM articles").fetchone() == (1,)


def test_what_was_withdrawn_stays_withdrawn(db: Database, tmp_path: Path) -> None:
    take_down(db, TALKS, "asked")
    again(db, tmp_path)
    assert "conversó con el secretario" not in "\n".join(db.conn.iterdump())


def test_the_command_reports_and_refuses_a_bad_topic(db: Database, tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["reprocess", "--db", str(tmp_path / "archive.db"), *arguments])

    result = run()
    assert result.exit_code == 0, result.output
    assert "2 pages read again" in result.output
    bad = tmp_path / "bad.toml"
    bad.write_text("= no toml")
    result = run("--topic", str(bad))
    assert result.exit_code == 2
    assert "bad.toml" in result.output


def test_a_topic_edited_without_a_new_number_is_another_topic(tmp_path: Path) -> None:
    edited = tmp_path / "topic.toml"
    edited.write_text(SHIPPED_TOPIC.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    shutil.copy(SHIPPED_TOPIC.with_name("topic_fitted.tsv"), tmp_path)
    assert load_topic(edited).version != shipped_topic().version
    assert load_topic(SHIPPED_TOPIC).version == shipped_topic().version
