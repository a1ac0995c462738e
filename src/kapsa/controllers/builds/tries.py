"""Does one thing after the other: what fails is put off, and holds up nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.reconciling.outcome import interpret

UNFORESEEN_RETRY: Final = 30.0
"""Seconds after which to try again what failed for a reason that nobody foresaw."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tries:
    """What is tried in one round.

    Attributes:
        retries: Seconds after which to try again what has failed.
    """

    retries: list[float] = field(default_factory=list)

    @contextmanager
    def one(self, **about: str) -> Iterator[None]:
        """Do one thing; where it fails, say so and go on.

        Args:
            about: What the log calls it.

        Raises:
            NotFenced: Nothing may be written any more.
        """
        try:
            yield
        except NotFenced:
            raise
        except AdapterError as error:
            self.retries.append(interpret(error).retry_after)
            log.warning("put off", **about, why=str(error), retry_in=self.retries[-1])
        except Exception:
            self.retries.append(UNFORESEEN_RETRY)
            log.exception("failed", **about, retry_in=UNFORESEEN_RETRY)
