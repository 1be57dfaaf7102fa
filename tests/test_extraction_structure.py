"""Pages told by their structure: text without paragraphs, links, teasers, comments, layout tables, documentation."""

import time
import tomllib
from pathlib import Path

import pytest

from archive.extraction import extract
from archive.models import Article, Page

LINES = tomllib.loads((Path(__file__).parent / "pages" / "lines.toml").read_text("utf-8"))
TEXT: list[str] = LINES["en"]["paragraphs"]
OTHER: list[str] = LINES["es"]["paragraphs"]
TITLE = "How the second phase began"


def read(body: str, url: str = "https://www.ledger.example/guides/second-phase") -> Article:
    html = f"<html lang='en'><head><title>{TITLE}</title></head><body>{body}</body></html>"
    return extract(Page(url=url, body=html.encode(), fetched="2026-01-20T00:00:00Z"))


def paragraphs(texts: list[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def linked(text: str) -> str:
    """The third word as a link, as articles have them."""
    words = text.split()
    return " ".join([*words[:2], f"<a href='/x'>{words[2]}</a>", *words[3:]])


@pytest.mark.parametrize("between", ["<br><br>", "<br/>\n<br/>\n", "<br><br><br>"])
def test_loose_text_between_breaks_is_paragraphs_and_links_join_no_words(between: str) -> None:
    article = read(f"<div><h1>{TITLE}</h1><div class='c'>{between.join(map(linked, TEXT))}</div></div>")
    assert article.text.split("\n\n") == TEXT


def test_loose_text_beside_paragraphs_of_a_footer_is_the_article() -> None:
    footer = "<div class='legal'>" + paragraphs(OTHER[:2]) + "</div>"
    article = read(f"<div><h1>{TITLE}</h1><div class='c'>{'<br><br>'.join(TEXT * 2)}</div></div>{footer}")
    assert all(text in article.text for text in TEXT)


def test_a_paragraph_may_be_a_div_of_its_own() -> None:
    parts = [TEXT[0], "It did not help.", *TEXT[1:]]
    article = read(
        f"<main><h1>{TITLE}</h1>" + "".join(f"<div class='b'>{text}</div>" for text in parts) + "</main>"
    )
    assert article.text.split("\n\n") == parts


def test_a_table_that_lays_out_the_page_holds_paragraphs() -> None:
    cell = "<br><br>".join(TEXT)
    article = read(f"<table><tr><td><a href='/'>Home</a></td><td><h1>{TITLE}</h1>{cell}</td></tr></table>")
    assert article.text.split("\n\n") == TEXT


def test_a_table_of_data_stays_rows() -> None:
    rows = "".join(f"<tr><td>Pump {n}</td><td>{n * 7} litres</td></tr>" for n in range(1, 5))
    article = read(
        f"<main><h1>{TITLE}</h1>{paragraphs(TEXT[:4])}<table>{rows}</table>{paragraphs(TEXT[4:])}</main>"
    )
    assert "Pump 3 | 21 litres" in article.text


def test_a_list_of_links_to_other_sites_is_text_and_one_of_the_site_is_not() -> None:
    outside = "".join(
        f"<li><a href='https://tool{n}.test/'>Tool number {n} for measuring</a></li>" for n in range(4)
    )
    inside = "".join(f"<li><a href='/story/{n}'>Another story number {n} of ours</a></li>" for n in range(4))
    article = read(
        f"<main><h1>{TITLE}</h1>{paragraphs(TEXT[:3])}<ul>{outside}</ul>{paragraphs(TEXT[3:])}<ul>{inside}</ul></main>"
    )
    assert "Tool number 2 for measuring" in article.text
    assert "Another story" not in article.text


def test_boxes_with_a_linked_heading_are_other_stories() -> None:
    heading = "<h3><a href='/other'>Another story of this site</a></h3>"
    box = f"<div class='k'>{heading}<div><p>What it tells in a line.</p></div></div>"
    wrapped = "<a href='/third'><div><h4>A third story</h4><p>And what that one tells.</p></div></a>"
    article = read(f"<main><h1>{TITLE}</h1>{paragraphs(TEXT[:3])}{box}{paragraphs(TEXT[3:])}{wrapped}</main>")
    assert article.text.split("\n\n") == TEXT


def test_sections_of_a_roundup_with_linked_headings_stay() -> None:
    parts = "".join(
        f"<div><h2><a href='/p/{n}'>Number {n}</a></h2><p>{text}</p></div>" for n, text in enumerate(TEXT)
    )
    article = read(f"<main><h1>{TITLE}</h1><p>{OTHER[0]}</p>{parts}</main>")
    assert all(text in article.text for text in TEXT)


def test_comments_far_longer_than_the_article_are_not_the_article() -> None:
    comments = "".join(f"<li class='comment'>{paragraphs(OTHER)}</li>" for _ in range(5))
    article = read(
        f"<main><article><h1>{TITLE}</h1>{paragraphs(TEXT[:3])}</article><ol id='comments'>{comments}</ol></main>"
    )
    assert article.text.split("\n\n") == TEXT[:3]


def test_headings_of_documentation_lose_their_anchors() -> None:
    body = f"<h2>Setting up<a class='headerlink' href='#setting-up'>¶</a></h2>{paragraphs(TEXT[3:])}"
    article = read(
        f"<div role='main'><h1>{TITLE}<a class='headerlink' href='#x'>¶</a></h1>{paragraphs(TEXT[:3])}{body}</div>"
    )
    assert article.title == TITLE
    assert article.text.split("\n\n") == [*TEXT[:3], "Setting up", *TEXT[3:]]


def test_a_second_h1_between_paragraphs_is_a_subheading() -> None:
    article = read(
        f"<main><h1>{TITLE}</h1>{paragraphs(TEXT[:3])}<h1>What changed at night</h1>{paragraphs(TEXT[3:])}</main>"
    )
    assert article.text.split("\n\n") == [*TEXT[:3], "What changed at night", *TEXT[3:]]


def test_an_introduction_above_a_heading_like_the_title_stays() -> None:
    inner = f"<p>{OTHER[0]}</p><h1>How the phase began</h1>{paragraphs(TEXT)}"
    article = read(f"<main><div><h2>{TITLE}</h2></div><div class='t'>{inner}</div></main>")
    assert OTHER[0] in article.text


def test_captions_that_hold_much_of_a_short_text_go() -> None:
    caption = f"<div class='embed-caption'>{TEXT[5]} {TEXT[4]}</div>"
    article = read(
        f"<main><h1>{TITLE}</h1><div class='lead-feature'>{caption}</div>{paragraphs(TEXT[:3])}</main>"
    )
    assert article.text.split("\n\n") == TEXT[:3]


@pytest.mark.parametrize(
    ("window", "heading", "title"),
    [
        ("How the second phase began | Ledger Politics", "", "How the second phase began"),
        ("Ledger Daily: news of the coast | How the second phase began", "", "How the second phase began"),
        (
            "How the second phase began » Notes",
            "<h1>ledger.example</h1>",
            "How the second phase began » Notes",
        ),
    ],
)
def test_the_sites_name_is_no_part_of_the_headline(window: str, heading: str, title: str) -> None:
    html = f"<html><head><title>{window}</title></head><body>{heading}<main>{paragraphs(TEXT)}</main></body></html>"
    page = Page(url="https://www.ledger.example/a", body=html.encode(), fetched="2026-01-20T00:00:00Z")
    assert extract(page).title == title


def test_what_stands_after_the_text_beside_the_headlines_box_is_not_the_article() -> None:
    after = f"<div class='x'><h2>Elsewhere in the house</h2><p>{OTHER[0][:90]}</p></div>"
    inner = "".join(f"<p>{text}</p>" for text in TEXT * 2)
    article = read(f"<main><div class='top'><h1>{TITLE}</h1></div><div class='t'>{inner}</div>{after}</main>")
    assert "Elsewhere" not in article.text
    assert OTHER[0][:90] not in article.text
    assert TEXT[-1] in article.text


def test_lines_of_a_short_text_and_cells_in_a_quotation_are_not_joined() -> None:
    article = read(
        f"<article><h1>{TITLE}</h1><p>Bridge one is open.<br>Bridge two is shut<br>until Monday.</p></article>"
    )
    assert article.text == "Bridge one is open.\n\nBridge two is shut\n\nuntil Monday."
    rows = "<tr><td>Hidalgo</td><td>1,204</td></tr><tr><td>Laredo</td><td>977</td></tr>"
    article = read(
        f"<article><h1>{TITLE}</h1>{paragraphs(TEXT)}<blockquote><table>{rows}</table></blockquote></article>"
    )
    assert "Hidalgo1,204" not in article.text
    assert "1,204Laredo" not in article.text


def test_short_paragraphs_of_a_dense_script_outweigh_a_long_footer() -> None:
    lines = [
        "両国の代表は火曜日に国境の町で会い、密輸の取り締まりについて話し合った。",
        "会議は三時間続き、双方は押収した武器の一覧を交換することで合意したという。",
        "次の会議は三月に開かれ、両市の市長も招かれる予定だと関係者は述べた。",
        "橋を渡る貨物の検査については、別の部会が夏までに案をまとめる。",
        "住民からは、列の長さが半分になれば十分だという声も聞かれた。",
        "市は来週、待ち時間を知らせる掲示板を三か所に置く。",
    ] * 5
    unique = [f"{number}。{line}" for number, line in enumerate(lines)]
    foot = (
        "このサイトに掲載された文章と写真の権利はすべて発行元に属し、許可なく転載することはできません。" * 2
    )
    article = read(
        f"<div><div><h1>{TITLE}</h1></div><div>{paragraphs(unique)}</div></div><div><p>{foot}</p></div>"
    )
    assert article.text.split("\n\n") == unique


def test_several_forms_in_one_box_go_with_it() -> None:
    form = "<form><input type='email'><button>Go</button></form>"
    box = f"<div><h3>The Sunday letter</h3><div>{form}</div><div>{form}</div></div>"
    article = read(f"<main><h1>{TITLE}</h1>{paragraphs(TEXT[:2])}{box}{paragraphs(TEXT[2:])}</main>")
    assert article.text.split("\n\n") == TEXT


def test_comments_of_a_class_that_says_so_are_not_the_region_though_longer_than_the_article() -> None:
    readers = "".join(f"<li><p>{OTHER[n % len(OTHER)]} {n}</p></li>" for n in range(12))
    comments = f"<div class='user-comments'><ul class='list'>{readers}</ul></div>"
    article = read(f"<h1>{TITLE}</h1><div><div class='text'>{paragraphs(TEXT)}</div></div>{comments}")
    assert article.text.split("\n\n") == TEXT


def test_a_standfirst_in_a_list_with_one_link_is_no_teaser() -> None:
    lines = [
        "The two sides meet on Tuesday in the capital, with a list of twelve requests",
        "Eleven mayors ask for a seat",
    ]
    items = [*lines, "<a href='/live'>Follow it live</a>"]
    deck = f"<ul>{''.join(f'<li><h2>{item}</h2></li>' for item in items)}</ul>"
    article = read(f"<article><h1>{TITLE}</h1><div>{deck}</div>{paragraphs(TEXT * 2)}</article>")
    assert lines[0] in article.text


def test_links_that_say_in_brackets_what_they_lead_to_are_other_stories() -> None:
    others = (
        "<p><a href='/a'>A bridge that never closed</a> [VIDEO]<br>"
        "<a href='/b'>The mayor's other job</a> [INSIGHT]</p>"
    )
    article = read(f"<article><h1>{TITLE}</h1>{paragraphs(TEXT[:3])}{others}{paragraphs(TEXT[3:])}</article>")
    assert article.text.split("\n\n") == TEXT


@pytest.mark.parametrize("part", ["<h3><a href='/x'></a></h3>", "<form><input type='email'></form>"])
def test_thousands_of_empty_boxes_take_no_time(part: str) -> None:
    before = time.process_time()
    article = read(f"<main><h1>{TITLE}</h1>{paragraphs(TEXT)}<div>{part * 5_000}</div></main>")
    assert article.text.split("\n\n") == TEXT
    assert (
        time.process_time() - before < 6
    )  # of this process, whatever else runs; 0.1 s it takes, 40 s it took once


def test_many_links_out_of_the_site_take_no_time_that_grows_with_their_square() -> None:
    links = '<a href="https://otro.example/x">Ana Ruiz</a>' * 20_000
    before = time.process_time()
    read(f"<div>{links}</div>")
    assert time.process_time() - before < 5  # one second; ten where each link was taken out by itself
