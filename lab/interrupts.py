"""Makes SIGTERM end us like Ctrl-C does: through every `finally` on the way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. A KeyboardInterrupt, so that nothing catches it as an ordinary error."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Within the block SIGTERM raises Terminated in the main thread.

    Does nothing in other threads, nor where somebody else already handles SIGTERM.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds back Ctrl-C and SIGTERM within the block, for cleaning up; they take effect after.

    The block must end by itself in bounded time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    previous = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            # None: somebody set it from C; Python can't put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for each in dict.fromkeys(arrived):
            signal.raise_signal(each)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
