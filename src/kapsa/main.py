"""Start-up and shutdown: wires settings, adapters and controllers to kopf's watch streams.

`kapsa run` and `kopf run --all-namespaces src/kapsa/main.py` both start the operator. kopf only
says that something happened: its handlers put events into the caches, and decide nothing.
"""

import asyncio
import gc
import os
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click
import kopf
import structlog
from aiohttp import web
from git.cmd import Git
from kubernetes.aio.config import ConfigException

from kapsa import logging as kapsa_logging
from kapsa.adapters import resources
from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.clouds import identities
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.connection import Connection, connect
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.forges.gitea import GiteaForge
from kapsa.adapters.git import GitClient, require_git
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from kapsa.adapters.registry import RegistryClient
from kapsa.config import Settings, SettingsError, read_settings
from kapsa.controllers.election import Elector, Timing
from kapsa.controllers.operator import Operator
from kapsa.controllers.outside import Outside
from kapsa.kopf_settings import configure_kopf
from kapsa.web.server import Probes, make_app, serve

_GIT_THREADS = 64
_FETCH_THREADS = 8
_REGISTRY_TIMEOUT = 10.0

_OURS = (
    resources.PROJECTS,
    resources.ENVIRONMENTS,
    resources.DOMAIN_POOLS,
    resources.REGISTRIES,
)
_WATCHED = (
    *_OURS,
    *resources.CHILDREN,
    *resources.FURNISHINGS,
    *resources.BUILDS,
    resources.PODS,
    resources.NAMESPACES,
    resources.LEASES,
)

log = structlog.get_logger(__name__)


@dataclass
class _Running:
    """What has to be ended at the end."""

    operator: Operator
    connection: Connection
    server: web.AppRunner
    threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor]
    repositories: GitRepositories
    task: "asyncio.Task[None]"


_running: _Running | None = None


@kopf.on.startup(errors=kopf.ErrorsMode.PERMANENT)
async def _start(settings: kopf.OperatorSettings, **_: Any) -> None:
    global _running  # noqa: PLW0603 - kopf's handlers share nothing else
    ours = read_settings()
    kapsa_logging.configure(ours.log_level, ours.log_format)
    configure_kopf(settings)
    try:
        require_git(Git().version_info)
        connection = await connect()
    except (RuntimeError, ConfigException) as error:
        raise kopf.PermanentError(str(error)) from error
    threads = ThreadPoolExecutor(_GIT_THREADS, thread_name_prefix="git")
    # Fetches take longer than polls, which are not to wait for them.
    fetching = ThreadPoolExecutor(_FETCH_THREADS, thread_name_prefix="git-fetch")
    await _require_crds(connection)
    policy = AddressPolicy(
        ours.allowed_private_hosts, extra_forbidden=await _addresses_of(connection.server)
    )
    repositories = GitRepositories(
        GitRemote(policy, ours.allow_http_repositories),
        fetching,
        directory=ours.git_cache_directory,
        cache_size=ours.git_cache_bytes,
    )
    operator = Operator(ours, _outside(ours, connection, threads, policy, repositories))
    probes = Probes(is_ready=lambda: operator.is_ready, stuck=operator.stuck)
    app = make_app(probes, metrics=ours.metrics_enabled)
    server = await serve(app, ours.bind_address, ours.metrics_port)
    # What is there now stays: the collector need not look at it, and comes sooner to what goes.
    gc.collect()
    gc.freeze()
    task = asyncio.create_task(operator.run(), name="operator")
    task.add_done_callback(_die)
    _running = _Running(operator, connection, server, (threads, fetching), repositories, task)


async def _require_crds(connection: Connection) -> None:
    """Raise where the API server does not know Kapsa's kinds: kopf would never watch them.

    An API server that does not answer is waited for later on.
    """
    cluster = Cluster(connection, fence=lambda: None)
    try:
        unknown = [resource for resource in _OURS if not await cluster.serves(resource)]
    except AdapterError as error:
        log.warning("the API server was not reached yet", error=error.message)
        return
    if unknown:
        await connection.close()
        names = ", ".join(f"{resource.plural}.{resource.group}" for resource in unknown)
        raise kopf.PermanentError(
            f"the API server does not know {names}: install the CRDs"
            " (kubectl apply --server-side -f crds/), and start Kapsa again"
        )


async def _addresses_of(server: str) -> tuple[str, ...]:
    """Return the API server's addresses: no repository or registry is there."""
    parts = urlsplit(server)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple({str(address[4][0]) for address in found})


def _outside(
    settings: Settings,
    connection: Connection,
    threads: ThreadPoolExecutor,
    policy: AddressPolicy,
    repositories: GitRepositories,
) -> Outside:
    timing = Timing(settings.lease_duration, settings.renew_deadline, settings.renew_interval)
    unfenced = Cluster(connection, fence=lambda: None)
    elector = Elector(unfenced, settings.namespace, _identity(settings), timing)
    registry = RegistryClient(policy, _REGISTRY_TIMEOUT)
    return Outside(
        cluster=Cluster(connection, fence=elector.fence),
        elector=elector,
        clock=connection.clock,
        refs=GitClient(policy, threads, settings.poll_timeout, settings.allow_http_repositories),
        forge=GiteaForge(policy, settings.poll_timeout, settings.allow_http_repositories),
        registry=registry,
        verifier=registry,
        tokens=registry,
        clouds=identities(policy),
        repositories=repositories,
    )


def _identity(settings: Settings) -> str:
    """Return a name that no other candidate has; a restarted container keeps its pod's."""
    if settings.pod_name and settings.pod_uid:
        return f"{settings.pod_name}_{settings.pod_uid}"
    return f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"


def _die(task: "asyncio.Task[None]") -> None:
    """End the process where the operator ended by itself: a restart begins from the truth."""
    if not task.cancelled():
        log.critical("the operator ended", exc_info=task.exception())
        os._exit(1)


@kopf.on.login()
async def _log_in(**_: Any) -> kopf.AiohttpSession:
    connection = await connect(on_list=_listed)
    return kopf.AiohttpSession(server=connection.server, aiohttp_session=connection.session)


def _listed(path: str) -> None:
    if _running is not None:
        _running.operator.listed(path)


@kopf.on.cleanup()
async def _stop(**_: Any) -> None:
    if _running is None:
        return
    _running.task.cancel()
    await asyncio.gather(_running.task, return_exceptions=True)
    await _running.server.cleanup()
    await _running.connection.close()
    _running.repositories.close()
    for threads in _running.threads:
        threads.shutdown(wait=False, cancel_futures=True)


def _watch(resource: resources.ResourceType) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, id=resource.plural)
    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        if _running is not None:
            cache = _running.operator.state.by_kind(resource.kind)
            cache.observe(event["type"], dict(event["object"]))


for _resource in _WATCHED:
    _watch(_resource)


def run() -> None:
    """Run the operator until SIGINT or SIGTERM.

    Raises:
        click.ClickException: It can't start; the message says why.
    """
    try:
        read_settings()
        kopf.run(clusterwide=True, standalone=True)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:
        # kopf wraps what a start-up handler raised.
        if isinstance(error.__cause__, kopf.PermanentError):
            raise click.ClickException(f"the operator can't start: {error.__cause__}") from error
        raise
