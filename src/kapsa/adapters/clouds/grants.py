"""What a cloud gives, and a way to wait for its library."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from kapsa.adapters.credentials import Credentials

Given = TypeVar("Given")

_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="cloud")
"""The clouds' libraries block. They have threads of their own: one that hangs keeps few others."""


@dataclass(frozen=True, repr=False)
class Grant:
    """Credentials with an end.

    Attributes:
        credentials: For the registry.
        expires_at: When they end (Unix seconds).
    """

    credentials: Credentials
    expires_at: float

    def __repr__(self) -> str:
        """Show nothing of the credentials."""
        return f"Grant(hidden, expires_at={self.expires_at:g})"


async def in_thread(ask: Callable[[], Given]) -> Given:
    """Return what a call returns that blocks."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, ask)
