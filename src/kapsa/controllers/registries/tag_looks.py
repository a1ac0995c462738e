"""Remembers what looks at tags have found, so that registries aren't asked at every turn."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from kapsa.core.conditions import Blocked
from kapsa.core.projects.tag_looks import LookRates, wait_after
from kapsa.models.reasons import Reason


class Key(NamedTuple):
    """What is looked up, and for whom: what one Project asks for anew is no other's business.

    Attributes:
        reference: The tag.
        registry: Name of the Registry; nothing for none.
        commit: The commit that it is looked up for; nothing where that doesn't matter.
        project: UID of the Project; nothing for none.
    """

    reference: str
    registry: str
    commit: str = ""
    project: str = ""


_MOST = 1000
"""Looks at which those are forgotten that nobody asks for any more."""


@dataclass(frozen=True)
class _Look:
    answer: str | Blocked
    until: float
    misses: int = 0
    failures: int = 0


class TagLooks:
    """The last look at each tag. Times are those of the event loop, in seconds."""

    def __init__(self, rates: LookRates) -> None:
        """Remember nothing yet; `rates` says how often to look for what isn't there."""
        self._rates = rates
        self._looks: dict[Key, _Look] = {}

    def __len__(self) -> int:
        """Return how many looks are remembered."""
        return len(self._looks)

    def answer(self, key: Key, now: float) -> str | Blocked | None:
        """Return what was found, as long as it isn't time to look again; None where it is.

        An obstacle says what is left of the wait: else every question in between would put the next
        look off.
        """
        look = self._looks.get(key)
        if look is None or now >= look.until:
            return None
        if isinstance(look.answer, Blocked):
            return replace(look.answer, retry_after=look.until - now)
        return look.answer

    def note(self, key: Key, now: float, answer: str | Blocked, good_for: float) -> str | Blocked:
        """Remember what a look has found; return it, an obstacle with the wait for the next look.

        Args:
            key: What was looked at.
            now: When.
            answer: What was found.
            good_for: Seconds for which an image is believed to be what the tag names.
        """
        before = self._looks.pop(key, None)
        self._make_room(now)
        if isinstance(answer, str):
            if good_for:
                self._looks[key] = _Look(answer, now + good_for)
            return answer
        misses, failures = (before.misses, before.failures) if before else (0, 0)
        if answer.reason == Reason.IMAGE_NOT_FOUND:
            times, misses, failures = misses + 1, misses + 1, 0
        else:
            times = failures = failures + 1
        wait = wait_after(answer, times, self._rates)
        self._looks[key] = _Look(answer, now + wait, misses, failures)
        return replace(answer, retry_after=wait)

    def next_in(self, key: Key, now: float) -> float:
        """Return the seconds until the next look at a tag is due."""
        look = self._looks.get(key)
        return max(look.until - now, 0.0) if look else 0.0

    def forget(self, is_meant: Callable[[Key], bool]) -> None:
        """Have all that is meant looked at again at once."""
        self._looks = {key: look for key, look in self._looks.items() if not is_meant(key)}

    def _make_room(self, now: float) -> None:
        if len(self._looks) >= _MOST:
            self._looks = {key: look for key, look in self._looks.items() if now < look.until}
