"""The limit on how long a block may take."""

import time

import pytest

from archive.time_limit import PageTimeout, time_limit


class Finalised:
    """Takes its time when it is let go; an exception in there goes nowhere."""

    def __del__(self) -> None:
        time.sleep(0.2)


def wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(0.01)


def spin(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def let_go_and_wait(seconds: float) -> None:
    held = Finalised()
    del held
    wait(seconds)


@pytest.mark.parametrize("processor", [False, True])
def test_a_block_ends_in_time(processor: bool) -> None:
    with pytest.raises(PageTimeout), time_limit(0.05, processor=processor):
        spin(20)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_block_ends_where_the_first_alarm_is_lost_in_a_finaliser() -> None:
    with pytest.raises(PageTimeout), time_limit(0.05):
        let_go_and_wait(10)


def test_nothing_is_left_behind() -> None:
    with time_limit(0.05):
        pass
    wait(0.2)
