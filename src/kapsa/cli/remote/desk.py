"""Where commands work: a cluster, a namespace in it, and a clock."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import click
from kubernetes.aio.config import ConfigException

from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.connection import connect, current_namespace
from kapsa.adapters.errors import AdapterError

OK: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2

MANAGER: Final = "kapsa-cli"


class CommandError(click.ClickException):
    """A command can't do what was asked; the message says why, and what to do."""

    exit_code = UNUSABLE


class NotReadyError(CommandError):
    """What is meant has failed, isn't as awaited in time, or isn't there."""

    exit_code = FAILED


def _say(line: str) -> None:
    click.echo(line, err=True)


@dataclass(frozen=True)
class Desk:
    """What a command works with.

    Attributes:
        cluster: The API, as one field manager.
        as_manager: Gives the same API as another field manager.
        namespace: Where the person works.
        asked: The namespace that the person named; nothing for none.
        now: Unix time, as the API server has it.
        elapsed: Seconds since any moment.
        sleep: Waits that many seconds.
        say: Tells the person something, beside the output.
    """

    cluster: Cluster
    as_manager: Callable[[str], Cluster]
    namespace: str
    asked: str | None = None
    now: Callable[[], float] = time.time
    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    say: Callable[[str], None] = _say

    @property
    def here(self) -> str:
        """The namespace that is meant: the one that the person named, or works in."""
        return self.asked or self.namespace


Reach = Callable[[], AbstractAsyncContextManager[Desk]]
"""Gives the desk, for a while."""


def at_kubeconfig(kubeconfig: str | None, context: str | None, asked: str | None) -> Reach:
    """Return what gives a desk at the cluster of a kubeconfig."""

    @asynccontextmanager
    async def reach() -> AsyncIterator[Desk]:
        try:
            connection = await connect(kubeconfig=kubeconfig, context=context)
            namespace = current_namespace(kubeconfig, context)
        except (ConfigException, OSError) as error:
            raise CommandError(f"there is no usable kubeconfig: {error}") from error

        def as_manager(manager: str) -> Cluster:
            return Cluster(connection, lambda: None, manager)

        try:
            yield Desk(as_manager(MANAGER), as_manager, namespace, asked, now=connection.clock.now)
        finally:
            await connection.close()

    return reach


@contextmanager
def told() -> Iterator[None]:
    """Turn what the API server refuses into what the person is told."""
    try:
        yield
    except NotFound as error:
        raise CommandError(
            f"{error.message}; does the namespace exist, and are Kapsa's CRDs installed?"
        ) from error
    except AdapterError as error:
        raise CommandError(error.message) from error


def at_work(reach: Reach, work: Callable[[Desk], Awaitable[int]]) -> int:
    """Return the exit code of some work at a desk."""

    async def whole() -> int:
        async with reach() as desk:
            with told():
                return await work(desk)

    return asyncio.run(whole())
