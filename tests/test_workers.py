"""Whatever a page does to the process that reads it, it is that page's failure, and the next one is read."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from archive.models import Page
from archive.options import SHIPPED_TOPIC
from crawlers.workers import ReadingError, Workers


def run(*tasks: tuple[Callable[..., Any], tuple[Any, ...]], seconds: float = 20.0) -> list[Any]:
    """Run tasks one after the other in one worker; return results, or the words of failures."""

    async def main() -> list[Any]:
        workers = Workers(SHIPPED_TOPIC, number=1, memory_mb=300)
        results: list[Any] = []
        for function, arguments in tasks:
            try:
                results.append(await workers.call(function, *arguments, seconds=seconds))
            except ReadingError as error:
                results.append(str(error))
        await workers.close()
        return results

    return asyncio.run(main())


def test_a_crash_is_named_and_another_worker_takes_over() -> None:
    crash, after = run((os._exit, (11,)), (len, ("abc",)))
    assert crash == "reading it ended the parser (a crash, or out of memory)"
    assert after == 3


def test_a_kill_is_named_and_another_worker_takes_over() -> None:
    killed, after = run((signal.raise_signal, (signal.SIGKILL,)), (len, ("abc",)))
    assert (killed, after) == ("reading it ended the parser (a crash, or out of memory)", 3)


def test_what_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    slow, after = run((time.sleep, (60,)), (len, ("abc",)), seconds=1.5)
    assert (slow, after) == ("reading it took longer than 2 seconds", 3)
    assert time.monotonic() - began < 30


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux only")
def test_what_takes_too_much_memory_is_ended() -> None:
    hog, after = run((bytearray, (400_000_000,)), (len, ("abc",)))
    assert hog == "reading it needs more than 300 MB of memory"
    assert after == 3


class Unwelcome:
    """Something that a worker cannot take over, as a body that its memory has no room for."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return refuse, ()


def refuse() -> None:
    raise MemoryError


def test_what_no_worker_could_take_over_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawlers.workers.LOST_SECONDS", 2.0)

    async def main() -> tuple[Any, ...]:
        workers = Workers(SHIPPED_TOPIC, number=2, memory_mb=300)
        sleeping = asyncio.ensure_future(workers.call(time.sleep, 6, seconds=20.0))
        await asyncio.sleep(1.5)  # until it is under way: the pool forgets tasks only while others run
        with pytest.raises(ReadingError, match="took longer than 1 seconds"):
            await workers.call(repr, Unwelcome(), seconds=1.0)
        before = sleeping.done()
        after = await workers.call(len, "abc", seconds=20.0)
        await sleeping
        await workers.close()
        return before, after

    assert asyncio.run(main()) == (False, 3)


def test_a_page_is_extracted_and_judged() -> None:
    async def main() -> Any:
        workers = Workers(SHIPPED_TOPIC, number=1)
        page = Page(
            url="https://faro.example/nota",
            body=b"<html><body></body></html>",
            fetched="2026-03-03T12:00:00Z",
        )
        try:
            return await workers.read(page, seconds=20)
        except ReadingError as error:
            return str(error)
        finally:
            await workers.close()

    result = asyncio.run(main())
    assert isinstance(result, str) or result.verdict is None
