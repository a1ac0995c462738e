"""An event loop whose clock jumps to the next timer whenever nothing else is to be done."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

_START = 1000.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs an hour of timers in milliseconds; nothing in it ever really sleeps."""

    def __init__(self) -> None:
        self._now = _START
        super().__init__(_Selector(self.jump))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass at once, as it does for a process that was paused."""
        self._now += seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        self._jump(max(timeout, 0.0))
        return []


def loop() -> VirtualLoop:
    """Return the running loop."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


def now() -> float:
    """Return the seconds since the test began."""
    return loop().time() - _START


async def settle() -> None:
    """Let every task that has something to do now do it."""
    for _ in range(50):
        await asyncio.sleep(0)


async def cancel(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
