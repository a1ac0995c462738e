"""Who the operator is to a cloud: asked as seldom as what it gives lasts."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kapsa.adapters.clouds.grants import Grant
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_SPARE = 900.0
"""Seconds for which what is handed out is still good, where the cloud gives it for that long."""
_SHORTEST = 60.0
"""Seconds between two questions at least, where the answer can't be better or was a failure."""


@dataclass(frozen=True)
class _Held:
    """What a cloud gave, and for how many seconds it did."""

    grant: Grant
    life: float


@dataclass(frozen=True)
class CloudIdentity:
    """Gives credentials for the registries of one cloud.

    Attributes:
        type: `spec.type` of such Registries.
        extra: The extra of the package `kapsa` that brings the cloud's library.
        host: What hosts of such registries are called: what the cloud gives goes nowhere else.
        grant: Asks the cloud; raises ImportError where its library is not installed.
        timeout: Seconds that the cloud may take.
        now: The time (Unix seconds), by which the clouds say when something ends.
    """

    type: str
    extra: str
    host: re.Pattern[str]
    grant: Callable[[str], Awaitable[Grant]]
    timeout: float = 20.0
    now: Callable[[], float] = time.time
    _held: dict[str, _Held] = field(default_factory=dict, repr=False)
    _asking: dict[str, "asyncio.Task[_Held]"] = field(default_factory=dict, repr=False)

    async def credentials(self, endpoint: str, good_for: float = 0.0) -> Credentials:
        """Return credentials for a registry.

        Args:
            endpoint: Its host.
            good_for: Seconds for which they are to be good. Where the cloud gives none for so long,
                they are about as good as fresh ones.

        Raises:
            Stalled: NoCloudCredentials: the library is missing, or the cloud refuses.
                InvalidSpec: the host is none of that cloud.
            Waiting: NoCloudCredentials: the cloud does not answer in time.
        """
        if not self.host.fullmatch(endpoint.lower()):
            raise Stalled(
                Reason.INVALID_SPEC,
                f"{endpoint} is no registry of type {self.type}, so it gets no credentials of that"
                " cloud; correct spec.endpoint or spec.type, or set spec.pullAuth and spec.auth",
            )
        held = self._held.get(endpoint)
        if held is None or self._is_old(held, good_for):
            held = await self._renewed(endpoint)
        return held.grant.credentials

    def _is_old(self, held: _Held, good_for: float) -> bool:
        left = held.grant.expires_at - self.now()
        return left < _SPARE or left < min(good_for, held.life - _SHORTEST)

    async def _renewed(self, endpoint: str) -> _Held:
        """Return what the cloud gives now: those who ask at once share its answer."""
        task = self._asking.get(endpoint)
        if task is None:
            task = self._asking[endpoint] = asyncio.create_task(self._ask(endpoint))
            task.add_done_callback(lambda _: self._asking.pop(endpoint))
        # Who goes away leaves the answer to the others.
        return await asyncio.shield(task)

    async def _ask(self, endpoint: str) -> _Held:
        grant = await self._asked(endpoint)
        held = self._held[endpoint] = _Held(grant, grant.expires_at - self.now())
        return held

    async def _asked(self, endpoint: str) -> Grant:
        try:
            async with asyncio.timeout(self.timeout):
                return await self.grant(endpoint)
        except AdapterError:
            raise
        except ImportError:
            raise Stalled(
                Reason.NO_CLOUD_CREDENTIALS,
                f"Registries of type {self.type} need the extra {self.extra}: use an image of the"
                f" operator with kapsa[{self.extra}] installed, or set spec.pullAuth and spec.auth",
            ) from None
        except TimeoutError:
            raise Waiting(
                Reason.NO_CLOUD_CREDENTIALS,
                f"The cloud gave no credentials for {endpoint} within {self.timeout:g} s.",
            ) from None
        except Exception as error:  # noqa: BLE001 - the libraries share no class of errors
            words = sanitise(str(error) or type(error).__name__, 300)
            raise Waiting(
                Reason.NO_CLOUD_CREDENTIALS,
                f"The cloud gives the operator no credentials for {endpoint}: {words}",
                _SHORTEST,
            ) from None
