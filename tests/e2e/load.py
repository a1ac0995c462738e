"""Steady load on an address: people who go on reading a page, whatever is rolled out meanwhile."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.httpclient import request
from lab.scenario import wait_for

_READERS = 8
_INTERVAL = 0.2
"""Seconds between two requests of a reader, which make 40 a second of all."""
_TIMEOUT = 5.0


class Load:
    """Readers that each GET an address five times a second, on a new connection each time.

    An answer counts that has status 200 and says of which commit it is; all else is a failure.

    Attributes:
        commits: How many answers came of each commit.
        failures: What went wrong, one line each.
    """

    def __init__(self, address: str, ca_file: Path) -> None:
        self.commits: Counter[str] = Counter()
        self.failures: list[str] = []
        self._address = address
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._read) for _ in range(_READERS)]

    @property
    def answers(self) -> int:
        """How many answers came."""
        with self._lock:
            return self.commits.total()

    @property
    def rate(self) -> float:
        """How many answers came per second so far."""
        return self.answers / (time.monotonic() - self._begun)

    def go_on(self, answers: int = 40) -> None:
        """Return after so many more answers."""
        enough = self.answers + answers
        wait_for(f"{answers} more answers of {self._address}", lambda: self.answers >= enough)

    def start(self) -> None:
        """Begin."""
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Return once each reader has its last answer."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + _INTERVAL, time.monotonic())
            try:
                self._note(*self._ask())
            except OSError as error:
                self._note("", repr(error))

    def _ask(self) -> tuple[str, str]:
        """Return the commit that answers; or nothing, and what came instead."""
        found = request("GET", self._address, ca_file=self._ca_file, timeout=_TIMEOUT)
        commit = str(found.headers.get("X-Commit") or "")
        if found.status == 200 and commit:
            return commit, ""
        return "", f"{found.status} {found.body[:200]!r}"

    def _note(self, commit: str, failure: str) -> None:
        with self._lock:
            if failure:
                self.failures.append(f"{time.monotonic() - self._begun:.2f} s: {failure}")
            else:
                self.commits[commit] += 1


@contextmanager
def steady_load(address: str, ca_file: Path) -> Iterator[Load]:
    """Have an address read until the block ends."""
    load = Load(address, ca_file)
    load.start()
    try:
        yield load
    finally:
        load.end()
