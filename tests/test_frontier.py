"""The order in which an outlet's pages are asked."""

import pytest

from crawlers.frontier import Frontier, newness, shape_of, spread

HOST = "https://www.elfaro.example"
EQUAL = [f"{HOST}/nota-de-seguridad-{n}.html" for n in range(1_000)]


def place_of(frontier: Frontier, url: str) -> int:
    """Return how many are taken before ``url``."""
    taken = [frontier.take() for _ in range(len(frontier))]
    return taken.index(url)


def waiting(urls: list[str], line: str = "feed") -> Frontier:
    frontier = Frontier()
    for url in urls:
        frontier.add(url, line)
    return frontier


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("/politica/2026/03/acuerdo-de-seguridad-12345.html?id=7", ("politica", "0", "0", "a-0.html", "?id")),
        ("/", ("", "?")),
        ("", ("", "?")),
        ("/ver.php?b=1&a=2&a=3", ("a.php", "?a&a&b")),
        ("/8f3a-99/x", ("0a0a-0", "a", "?")),
        ("/méxico/año-nuevo", ("méxico", "a", "?")),
    ],
)
def test_a_shape_keeps_folders_and_forgets_which_headline_and_number(
    url: str, shape: tuple[str, ...]
) -> None:
    assert shape_of(HOST + url) == shape


def test_the_shape_of_anything_can_be_told() -> None:
    assert shape_of("http://[broken") == ("?",)
    assert len(shape_of(HOST + "/a-b1" * 5_000)) <= 9


@pytest.mark.parametrize("place", [0, 400, 999])
def test_what_looks_otherwise_than_the_mass_is_not_hidden_by_it(place: int) -> None:
    for odd in (f"{HOST}/politica/acuerdo.html", f"{HOST}/nota.php?id=7", f"{HOST}/nota-de-seguridad-7"):
        assert place_of(waiting([*EQUAL[:place], odd, *EQUAL[place:]]), odd) < 3


def test_what_sounds_like_the_subject_and_what_is_newer_come_first() -> None:
    frontier = Frontier()
    for number, url in enumerate(EQUAL):
        frontier.add(url, "feed", likely=number == 500, newness=1_000.0 if number == 600 else 10.0)
    taken = [frontier.take() for _ in range(3)]
    assert {EQUAL[500], EQUAL[600]} <= set(taken)


def test_of_the_equal_both_ends_come_first() -> None:
    frontier = waiting(EQUAL)
    taken = [frontier.take() for _ in range(4)]
    assert set(taken) == {EQUAL[0], EQUAL[1], EQUAL[-1], EQUAL[-2]}
    dated = Frontier()
    for url in EQUAL:
        dated.add(url, newness=7.0)
    assert {dated.take() for _ in range(4)} >= {EQUAL[0], EQUAL[-1]}


def test_each_line_has_its_turn_and_everything_comes_once() -> None:
    frontier = waiting(EQUAL)
    other = [f"{HOST}/nota-de-otra-{n}.html" for n in range(10)]
    for url in other:
        frontier.add(url, "another feed")
    taken = [frontier.take() for _ in range(len(frontier))]
    assert set(taken[:20]) >= set(other)
    assert sorted(taken) == sorted(EQUAL + other)  # type: ignore[type-var]
    assert frontier.take() is None
    assert len(frontier) == 0


def test_what_has_no_date_has_turns_beside_what_has_one() -> None:
    frontier = waiting(EQUAL[:1])
    for url in EQUAL[1:]:
        frontier.add(url, "feed", newness=9e8)
    assert place_of(frontier, EQUAL[0]) < 3


def test_a_page_is_from_when_its_route_says_or_its_address_but_never_from_the_future() -> None:
    assert newness(HOST, "2026-03-03T09:30:00-06:00") == newness(HOST, "2026-03-03T15:30:00Z")
    assert newness(f"{HOST}/2026/03/03/acuerdo", None) == newness(HOST, "2026-03-03")
    assert newness(HOST, "2026-03-03 or so") == newness(HOST, "2026-03-03")
    for odd in (None, "", "ayer", "2090-01-01T00:00:00Z"):
        assert newness(HOST, odd) is None
    assert newness(f"{HOST}/2026/02/31/acuerdo", None) is None


def test_of_too_many_the_newest_are_taken_and_of_the_others_each_shape() -> None:
    odd = f"{HOST}/politica/acuerdo.html"
    dates = {url: float(number) for number, url in enumerate(EQUAL)} | {odd: -1.0}
    taken = spread([*EQUAL, odd, odd], 100, str, dates.get)
    assert len(taken) == 100
    assert odd in taken
    assert taken[:50] == EQUAL[:-51:-1]
    assert spread(EQUAL[:5], 100, str, dates.get) == EQUAL[:5]
