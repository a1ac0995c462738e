"""Where clones are kept: on disk, of a bounded size, for as long as the process lives.

A clone belongs to an address *and* to credentials: what one may read by credentials nobody sees
who has others, or none. That costs a second clone where two Projects with different credentials
read one repository, and needs no judgement of what a server would allow whom.

Every process has a directory of its own below the one that it is given, with a lock that the
system gives back however the process ends. So what a killed process was about to write is never
read, no other operator is in the way, and the next one that starts removes what nobody holds. What
is in a clone is known in memory, and nothing on disk is named after an address or a password.
"""

import asyncio
import fcntl
import os
import shutil
import stat
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.git_clone import Clone

Key = tuple[str, Credentials | None]
"""Address of a repository, and who reads it."""

_PREFIX: Final = "process-"


@dataclass(eq=False)
class _Place:
    clone: Clone
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class GitCache:
    """Lends clones, each to one user at a time, and removes what was not used for longest."""

    def __init__(self, directory: Path, limit: int) -> None:
        """Take a directory that is there, in which nobody else writes.

        Args:
            directory: Where clones come to be.
            limit: Most bytes of all clones that nobody uses just now.
        """
        self._directory = directory
        self._limit = limit
        self._places: OrderedDict[Key, _Place] = OrderedDict()
        self._made = 0

    @property
    def size(self) -> int:
        """Bytes of all clones."""
        return sum(place.clone.size for place in self._places.values())

    def __len__(self) -> int:
        """Return the number of clones."""
        return len(self._places)

    @asynccontextmanager
    async def lend(self, url: str, credentials: Credentials | None) -> AsyncIterator[Clone]:
        """Lend the clone of a repository; who else wants it waits until it is given back."""
        key = (url, credentials)
        place = self._places.get(key)
        if place is None:
            self._made += 1
            place = self._places[key] = _Place(Clone(self._directory / f"{self._made}.git"))
        place.users += 1
        try:
            async with place.lock:
                yield place.clone
        finally:
            place.users -= 1
            if key in self._places:
                self._places.move_to_end(key)
            self._evict()

    def _evict(self) -> None:
        excess = self.size - self._limit
        for key, place in list(self._places.items()):
            if excess <= 0:
                return
            if not place.users:
                excess -= place.clone.size
                del self._places[key]
                place.clone.throw_away()


class CacheDirectory:
    """A directory that belongs to this process alone."""

    def __init__(self, parent: str) -> None:
        """Make it, and remove those of processes that are gone.

        Args:
            parent: Where it comes to be; nothing for a place among the temporary files.

        Raises:
            OSError: It can't be made.
        """
        base = Path(parent) if parent else _temporary()
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Nobody else looks for leftovers before the new directory is locked.
        with _locked(base):
            _remove_leftovers(base)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _temporary() -> Path:
    path = Path(tempfile.gettempdir()) / f"kapsa-git-{os.getuid()}"
    with suppress(FileNotFoundError):
        found = path.lstat()
        # Anybody may write there: what somebody else has put in the way is not used.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to somebody else")
    return path


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(base: Path) -> None:
    for path in base.glob(f"{_PREFIX}*"):
        # Held by its process, or gone meanwhile.
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)
