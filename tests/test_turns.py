"""Who may use a worker next: whoever has used them least, and of what takes much memory one at a time."""

import asyncio

from crawlers.turns import Turns


async def use(
    turns: Turns, outlet: str, order: list[str], *, heavy: bool = False, seconds: float = 0.0
) -> None:
    async with turns.turn(outlet, heavy=heavy):
        order.append(outlet)
        await asyncio.sleep(seconds)


def test_an_outlet_that_used_much_waits_for_those_that_used_little() -> None:
    async def main() -> list[str]:
        turns, order = Turns(1), list[str]()
        await use(turns, "greedy", order, seconds=0.05)
        holding = asyncio.ensure_future(use(turns, "modest", order, seconds=0.01))
        await asyncio.sleep(0)
        waiting = [use(turns, outlet, order) for outlet in ("greedy", "greedy", "new", "modest")]
        await asyncio.gather(holding, *waiting)
        return order

    assert asyncio.run(main()) == ["greedy", "modest", "new", "modest", "greedy", "greedy"]


def test_heavy_tasks_take_turns_and_light_ones_pass_them_by() -> None:
    async def main() -> tuple[list[str], int]:
        turns, order = Turns(2), list[str]()
        tasks = [
            use(turns, "heavy", order, heavy=True, seconds=0.05),
            use(turns, "heavy too", order, heavy=True),
        ]
        tasks += [use(turns, f"light {number}", order) for number in range(3)]
        await asyncio.gather(*tasks)
        return order, turns.free

    order, free = asyncio.run(main())
    assert order == ["heavy", "light 0", "light 1", "light 2", "heavy too"]
    assert free == 2


def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    async def main() -> int:
        turns, order = Turns(1), list[str]()
        holding = asyncio.ensure_future(use(turns, "a", order, seconds=0.02))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(use(turns, "b", order))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(holding, waiting, return_exceptions=True)
        await use(turns, "c", order)
        return turns.free

    assert asyncio.run(main()) == 1
