import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from archive import evaluation, sampling
from archive.cli import main
from archive.evaluation import record_label
from archive.models import Outlet
from archive.options import SHIPPED_TOPIC
from archive.store import open_archive, save_outlets
from archive.topic import load_topic
from archive.urls import url_key

NOW = "2026-03-01T12:00:00Z"


def outlet(name: str, language: str, kind: str, screen: str = "all") -> Outlet:
    return Outlet(
        id=name, name=name, country="MX" if language == "es" else "US", language=language, kind=kind,
        homepage=f"https://{name}.example/", timezone="UTC", screen=screen,
    )  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> Database:
    archive = open_archive(tmp_path / "archive.db")
    save_outlets(
        archive,
        [
            outlet("faro", "es", "newspaper"),
            outlet("ledger", "en", "broadcaster", "summary"),
        ],
    )
    return archive


def judged(
    db: Database, name: str, grade: int, score: float, source: str = "faro", headline: str = ""
) -> str:
    url = f"https://{source}.example/{name}"
    db.execute(
        "INSERT INTO pages (url, key, outlet, discovered, via, headline, summary, state) VALUES (?,?,?,?,?,?,?,?)",
        [url, url, source, NOW, "feed", headline, headline, "archived" if grade else "off-topic"],
    )
    db.execute(
        "INSERT INTO verdicts (page, judged, title, grade, score, topic_version) VALUES (?,?,?,?,?,'1')",
        [url, NOW, name, grade, score],
    )
    db.conn.commit()
    return url


def run(db_path: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*arguments, "--db", str(db_path)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_wilson_matches_the_published_example_and_stays_inside_zero_and_one() -> None:
    low, high = evaluation.wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert evaluation.wilson(0, 10)[0] == 0.0
    assert evaluation.wilson(10, 10)[1] == pytest.approx(1.0)
    assert evaluation.wilson(0, 0) == (0.0, 1.0)


def test_precision_recall_and_f1_are_of_relevance_and_grades_are_compared_apart() -> None:
    score = evaluation.score_pages([(2, 1), (1, 1), (1, 0), (0, 2), (0, 0)])
    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(2 / 3)
    assert score.f1 == pytest.approx(2 / 3)
    assert score.grade_accuracy == pytest.approx(2 / 5)
    low, high = score.f1_interval
    assert low < 2 / 3 < high


def test_a_label_is_kept_beside_earlier_ones_and_the_last_of_each_person_counts(db: Database) -> None:
    url = judged(db, "a", 1, 4.0)
    record_label(db, url, 0, coder="ana", created="2026-03-01T10:00:00Z")
    record_label(db, url, 2, coder="ana", note="the talks are the story", created="2026-03-01T11:00:00Z")
    record_label(db, url, 1, coder="ben", created="2026-03-01T10:30:00Z")
    assert len(evaluation.all_labels(db)) == 3
    [page] = evaluation.coded_pages(db)
    assert (page.gold, page.judged, page.note) == (2, 1, "the talks are the story")
    assert evaluation.all_labels(db)[0]["topic_version"] == "1"


def test_a_grade_that_is_none_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="not 3"):
        record_label(db, "https://faro.example/a", 3)


def test_scores_are_given_by_language_and_kind_of_outlet(db: Database) -> None:
    record_label(db, judged(db, "a", 2, 9.0), 2)
    record_label(db, judged(db, "b", 0, 0.0, "ledger"), 1)
    found = {
        (what, which): score for what, which, score in evaluation.score_groups(evaluation.coded_pages(db))
    }
    assert found["language", "es"].recall == 1.0
    assert found["kind", "broadcaster"].recall == 0.0
    assert found["all", "all"].pages == 2
    assert [page.url for page in evaluation.disagreements(evaluation.coded_pages(db))] == [
        "https://ledger.example/b"
    ]


def fill(db: Database) -> None:
    for number in range(4):
        judged(db, f"core{number}", 2, 9.0)
    for number in range(6):
        judged(db, f"related{number}", 1, 4.0)
    for number in range(30):
        judged(db, f"near{number}", 0, 1.0)
    for number in range(60):
        judged(db, f"far{number}", 0, -1.0)


def test_a_sample_is_the_same_for_the_same_seed_and_drawn_from_every_stratum(db: Database) -> None:
    fill(db)
    drawn = sampling.draw_sample(db, 24, seed=7, name="march")
    assert [page["url"] for page in drawn] == [
        page["url"] for page in sampling.draw_sample(db, 24, seed=7, name="march")
    ]
    counts = {stratum: sum(page["stratum"] == stratum for page in drawn) for stratum in sampling.STRATA}
    assert counts == {"core": 4, "related": 6, "near": 7, "far": 7}
    assert {page["population"] for page in drawn if page["stratum"] == "far"} == {60}
    assert db["samples"].count == 24


def test_the_stratified_estimate_weighs_each_stratum_by_what_it_stands_for(db: Database) -> None:
    fill(db)
    for page in sampling.draw_sample(db, 24, seed=7, name="march"):
        missed = page["stratum"] == "near" and page["url"].endswith("near0")
        record_label(db, page["url"], 1 if page["grade"] or missed else 0)
    [estimate] = sampling.estimate_samples(db)
    near = [page for page in sampling.draw_sample(db, 24, seed=7, name="march") if page["stratum"] == "near"]
    lost = 30 * sum(page["url"].endswith("near0") for page in near) / 7
    assert estimate["precision"] == 1.0
    assert estimate["recall"] == pytest.approx(10 / (10 + lost))
    assert estimate["precision_interval"][0] < 1.0
    assert estimate["recall_interval"][0] < 10 / (10 + lost)


def test_no_estimate_is_made_while_a_stratum_has_no_label(db: Database) -> None:
    fill(db)
    drawn = sampling.draw_sample(db, 8, seed=1, name="few")
    record_label(db, next(page["url"] for page in drawn if page["stratum"] == "core"), 2)
    [estimate] = sampling.estimate_samples(db)
    assert "precision" not in estimate
    assert set(estimate["unlabelled_strata"]) == {"related", "near", "far"}


def test_agreement_is_none_at_all_where_people_answer_at_random_and_full_where_alike(db: Database) -> None:
    for number, (ana, ben) in enumerate([(2, 2), (0, 0), (1, 1), (0, 0)]):
        record_label(db, f"https://faro.example/{number}", ana, coder="ana")
        record_label(db, f"https://faro.example/{number}", ben, coder="ben")
    assert evaluation.agreement(db)["alpha"] == pytest.approx(1.0)
    record_label(db, "https://faro.example/9", 2, coder="ana")
    record_label(db, "https://faro.example/9", 0, coder="ben")
    found = evaluation.agreement(db)
    assert found["alpha"] < 1.0
    assert [page["url"] for page in found["disagreements"]] == ["https://faro.example/9"]


def test_agreement_without_pages_in_common_has_no_number(db: Database) -> None:
    record_label(db, "https://faro.example/1", 2, coder="ana")
    assert evaluation.agreement(db)["alpha"] is None


def test_the_screens_loss_is_read_off_the_pages_fetched_in_spite_of_it(db: Database) -> None:
    judged(db, "recipe", 0, 0.0, "ledger", "A soup for a rainy evening with beans and a little time")
    judged(db, "oblique", 2, 9.0, "ledger", "What two men in suits said to each other over breakfast")
    judged(db, "plain", 2, 9.0, "ledger", "Mexico and the United States agree on security")
    for number in range(10):
        db.execute(
            "INSERT INTO pages (url, key, outlet, discovered, via, state) VALUES (?,?,?,?,?,?)",
            [f"https://ledger.example/out{number}", str(number), "ledger", NOW, "feed", "screened-out"],
        )
    found = evaluation.screen_loss(db, load_topic(SHIPPED_TOPIC))
    assert (found["fetched"], found["relevant"], found["screened_out"]) == (2, 1, 10)
    assert found["estimated_lost"] == 5.0


def test_the_way_of_a_sample_from_draw_to_report(db: Database, tmp_path: Path) -> None:
    fill(db)
    path, sheet = tmp_path / "archive.db", tmp_path / "sheet.csv"
    run(path, "sample", "--size", "12", "--name", "march", "-o", str(sheet))
    lines = list(csv.DictReader(sheet.open(encoding="utf-8-sig")))
    assert len(lines) == 12
    assert set(lines[0]) == {"sample", "url", "outlet", "language", "title", "grade", "note"}
    for line in lines:
        line["grade"] = "1" if "core" in line["url"] or "near" in line["url"] else "0"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    assert run(path, "label", "--from", str(sheet), "--coder", "ana") == "12 labels kept\n"
    report = json.loads(run(path, "evaluate", "--json"))
    assert report["labelled"] == 12
    assert report["samples"][0]["recall"] < 0.5
    assert len(report["disagreements"]) == 9
    again = run(path, "label", "--from", str(sheet), "--coder", "ana")
    assert again == "0 labels kept\n"
    for words in (run(path, "evaluate"), run(path, "agreement")):
        assert "sample march" in words
        assert ", F1 0." in words
    found = json.loads(run(path, "agreement", "--json"))
    assert found["samples"] == report["samples"]
    estimate = found["samples"][0]
    assert estimate["f1"] == pytest.approx(
        2 * estimate["precision"] * estimate["recall"] / (estimate["precision"] + estimate["recall"])
    )
    assert estimate["f1_interval"][0] <= estimate["f1"] <= estimate["f1_interval"][1]
    assert found["labelled"]["pages"] == 12
    words = run(path, "evaluate")
    assert "people say 1, the judge 0" in words


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "cp1252"), (";", "utf-8-sig"), ("\t", "utf-8"), (",", "cp1252")]
)
def test_a_sheet_comes_back_however_a_spreadsheet_saved_it(
    db: Database, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    url = judged(db, "a", 2, 9.0)
    columns = ["sample", "url", "outlet", "language", "title", "grade", "note"]
    cells = ["march", url, "faro", "es", "'=México; «sí»", "1", "reunión, armas; aduanas"]
    with (tmp_path / "sheet.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([columns, cells])
    assert run(tmp_path / "archive.db", "label", "--from", str(tmp_path / "sheet.csv")) == "1 labels kept\n"
    (kept,) = evaluation.all_labels(db)
    assert (kept["url"], kept["grade"], kept["note"]) == (url, 1, "reunión, armas; aduanas")


def test_a_sample_runs_no_headline_as_a_formula(db: Database, tmp_path: Path) -> None:
    judged(db, "a", 2, 9.0)
    with db.conn:
        db.execute("UPDATE verdicts SET title = '=HYPERLINK(1)'")
    run(tmp_path / "archive.db", "sample", "-o", str(tmp_path / "sheet.csv"))
    (line,) = csv.DictReader((tmp_path / "sheet.csv").open(encoding="utf-8-sig"))
    assert line["title"] == "'=HYPERLINK(1)"


def test_of_a_file_with_a_bad_line_no_label_is_kept(db: Database, tmp_path: Path) -> None:
    good = json.dumps({"url": judged(db, "a", 2, 9.0), "grade": 1})
    for name, content in (
        ("bad.jsonl", f'{good}\n{{"url": "x", "grade": 7}}\n'),
        ("bad.csv", "address,mark\nx,1\n"),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert "line" in run(tmp_path / "archive.db", "label", "--from", str(tmp_path / name), code=1)
    assert evaluation.all_labels(db) == []


def test_exported_labels_come_back_once(db: Database, tmp_path: Path) -> None:
    url = judged(db, "a", 2, 9.0)
    path, kept = tmp_path / "archive.db", tmp_path / "labels.jsonl"
    run(path, "label", url, "1", "--coder", "ana", "--note", "no talks")
    kept.write_text(run(path, "label", "--export"), encoding="utf-8")
    assert json.loads(kept.read_text(encoding="utf-8"))["note"] == "no talks"
    assert run(path, "label", "--from", str(kept)) == "0 labels kept\n"


def test_a_bad_line_of_labels_is_named(db: Database, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"url": "https://faro.example/a", "grade": 7}\n', encoding="utf-8")
    output = run(tmp_path / "archive.db", "label", "--from", str(bad), code=1)
    assert "line 1" in output


def test_evaluate_and_agreement_on_an_archive_without_labels_say_so(db: Database, tmp_path: Path) -> None:
    assert "no page has been labelled yet" in run(tmp_path / "archive.db", "evaluate")
    assert "no page has been labelled by two people" in run(tmp_path / "archive.db", "agreement")
    assert "nothing has been judged" in run(tmp_path / "archive.db", "sample", code=1)


def test_a_label_of_an_article_is_one_of_the_page_it_was_read_off(db: Database, tmp_path: Path) -> None:
    """Exports give an article's own address, which need not be that of the page the judge read."""
    page, own = judged(db, "n/8841", 2, 9.0, "ledger"), "https://ledger.example/2026/headline"
    with db.conn:
        db.execute(
            "INSERT INTO articles (id, url, key, outlet, country, language, title, first_seen, last_checked, grade,"
            " score, word_count, sha256) VALUES (1, ?, ?, 'ledger', 'US', 'en', 'A headline', ?, ?, 2, 9, 200, '')",
            [own, url_key(own), NOW, NOW],
        )
        db.execute("UPDATE pages SET article = 1 WHERE url = ?", [page])
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"url,grade\n{own}?utm_source=x,2\nno address,1\n", encoding="utf-8")
    for kept in (2, 0):
        found = run(tmp_path / "archive.db", "label", "--from", str(sheet), "--coder", "ana")
        assert found == f"{kept} labels kept\n"
    assert {coded.url: coded.judged for coded in evaluation.coded_pages(db)} == {page: 2, "no address": None}
