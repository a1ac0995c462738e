"""Waits for what the cluster does by itself, and tells how it goes on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.adapters.resources import ENVIRONMENTS, NAMESPACES
from kapsa.cli.remote.desk import Desk, NotReadyError

T = TypeVar("T")

_EVERY = 1.0
_SETTLES = 3.0
"""Seconds for which a failure that was there before the change is not believed."""


@dataclass(frozen=True)
class Patience:
    """Until when to wait.

    Attributes:
        desk: Where.
        seconds: How long.
        end: When that is over, by the desk's clock.
    """

    desk: Desk
    seconds: float
    end: float

    @classmethod
    def of(cls, desk: Desk, seconds: float) -> "Patience":
        """Return a patience that begins now."""
        return cls(desk, seconds, desk.elapsed() + seconds)

    async def until(self, look: Callable[[], Awaitable[T | None]], why: Callable[[], str]) -> T:
        """Look until there is something to see, and return it.

        An API server that is away for a while is waited for, too.

        Raises:
            NotReadyError: It did not come in time; `why` says what is missing.
        """
        problem = ""
        while True:
            try:
                found = await look()
            except Waiting as error:
                found, problem = None, error.message
            else:
                problem = ""
            if found is not None:
                return found
            if self.desk.elapsed() >= self.end:
                raise NotReadyError(f"not within {self.seconds:.0f} s: {problem or why()}")
            await self.desk.sleep(_EVERY)


class Progress:
    """Follows an Environment until it is Ready."""

    def __init__(self, desk: Desk, live: Manifest) -> None:
        """Begin with the Environment as it was written."""
        self._desk = desk
        self._metadata = live["metadata"]
        self._since = desk.elapsed()
        self._said = ""

    async def look(self) -> Manifest | None:
        """Return the Environment if it is Ready; otherwise tell what is new.

        Raises:
            NotReadyError: It has failed, or is gone.
        """
        name, namespace = self._metadata["name"], self._metadata["namespace"]
        live = await self._desk.cluster.get(ENVIRONMENTS, name, namespace)
        if live is None or live["metadata"]["uid"] != self._metadata["uid"]:
            raise NotReadyError(f"Environment {namespace}/{name} was deleted meanwhile")
        ready = self._condition(live, "Ready")
        if ready.get("status") == "True":
            return live
        if ready:
            self._tell(f"{ready.get('reason')}: {ready.get('message')}")
        stalled = self._condition(live, "Stalled")
        settled = self._desk.elapsed() - self._since >= _SETTLES
        if stalled.get("status") == "True" and settled:
            raise NotReadyError(
                f"Environment {namespace}/{name} has failed:"
                f" {stalled.get('reason')}: {stalled.get('message')}"
            )
        return None

    def why(self) -> str:
        """Return what it still waits for."""
        where = f"Environment {self._metadata['namespace']}/{self._metadata['name']}"
        if self._said:
            return f"{where} is Ready; {self._said}"
        return f"{where} is Ready; nothing looks at it: does the operator run?"

    def _condition(self, live: Manifest, type_: str) -> dict[str, Any]:
        """Return a condition, as far as it is about what was written."""
        conditions = (live.get("status") or {}).get("conditions") or ()
        found: dict[str, Any] = next((item for item in conditions if item["type"] == type_), {})
        generation = live["metadata"].get("generation", 0)
        return found if found.get("observedGeneration", 0) >= generation else {}

    def _tell(self, what: str) -> None:
        if what != self._said:
            self._said = what
            self._desk.say(what)


async def until_ready(patience: Patience, live: Manifest) -> Manifest:
    """Return the Environment once it is Ready.

    Raises:
        NotReadyError: It has failed, or is not Ready in time.
    """
    progress = Progress(patience.desk, live)
    return await patience.until(progress.look, progress.why)


async def until_gone(patience: Patience, live: Manifest) -> None:
    """Return once an Environment or a namespace is gone.

    Raises:
        NotReadyError: It is there for too long.
    """
    metadata = live["metadata"]
    resource = NAMESPACES if live["kind"] == "Namespace" else ENVIRONMENTS

    async def look() -> bool | None:
        found = await patience.desk.cluster.get(
            resource, metadata["name"], metadata.get("namespace", "")
        )
        is_gone = found is None or found["metadata"]["uid"] != metadata["uid"]
        return True if is_gone else None

    await patience.until(look, lambda: f"{live['kind']} {metadata['name']} is gone")
