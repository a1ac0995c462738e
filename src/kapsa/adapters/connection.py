"""One authenticated HTTP session to the Kubernetes API, for kopf and for Kapsa alike."""

import os
import ssl
from asyncio import sslproto
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration

from kapsa import __version__
from kapsa.adapters.clock import ServerClock

_CONNECTIONS = 64
_TLS_BUFFER = 16 * 1024
"""Bytes set aside for each connection, in place of 256 KiB as asyncio has it: a TLS record has at
most 16 KiB (RFC 8446, section 5.1), and there is a connection for each kind that is watched."""
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_BEARER = "BearerToken"
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1, application/json"
"""A list without its objects, from whoever can give it so:
https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables"""
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Connection:
    """A session to one API server.

    Attributes:
        server: Address of the API server, without a trailing slash.
        session: Sends the credentials with each request, renewed when they expire.
        clock: The API server's time.
    """

    server: str
    session: aiohttp.ClientSession
    clock: ServerClock

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()


async def connect(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    on_list: Callable[[str], None] | None = None,
) -> Connection:
    """Return a session, by a kubeconfig or the ServiceAccount of this pod.

    Args:
        kubeconfig: Path of a kubeconfig; left out: `$KUBECONFIG`, the ServiceAccount, `~/.kube`.
        context: Context of the kubeconfig; left out: its current one.
        on_list: Called with the path (as of `ResourceType.path`) of each list whose first page was
            read with success. Such lists come as tables, without `items`: who is told of them
            reads the objects elsewhere, and they aren't held twice.

    Raises:
        kubernetes.aio.config.ConfigException: There are no usable credentials.
    """
    sslproto.SSLProtocol.max_size = _TLS_BUFFER
    configuration = await _load(kubeconfig, context)
    clock = ServerClock()
    server = configuration.host.rstrip("/")
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=_tls(configuration)),
        headers={"User-Agent": f"kapsa/{__version__}"},
        timeout=_REQUEST_TIMEOUT,
        middlewares=(
            _authenticator(configuration),
            *(() if on_list is None else (_ask_for_tables,)),
        ),
        trace_configs=[_tracer(clock, on_list, urlsplit(server).path)],
        # A cluster's API is reached through a proxy where the environment says so, as by kubectl.
        trust_env=True,
    )
    return Connection(server, session, clock)


def current_namespace(kubeconfig: str | None = None, context: str | None = None) -> str:
    """Return the namespace of who names none, as kubectl sees it: the context's, or this pod's.

    Args:
        kubeconfig: As for `connect`.
        context: As for `connect`.

    Raises:
        kubernetes.aio.config.ConfigException: There is no usable kubeconfig.
    """
    if _is_pod(kubeconfig):
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    contexts, current = kubernetes_config.list_kube_config_contexts(config_file=kubeconfig)
    chosen = next((item for item in contexts if item["name"] == context), current)
    return str(chosen["context"].get("namespace") or "default")


async def _load(kubeconfig: str | None, context: str | None) -> Configuration:
    configuration = Configuration()
    if _is_pod(kubeconfig):
        kubernetes_config.load_incluster_config(client_configuration=configuration)
    else:
        await kubernetes_config.load_kube_config(
            config_file=kubeconfig, context=context, client_configuration=configuration
        )
    return configuration


def _is_pod(kubeconfig: str | None) -> bool:
    """Tell whether the ServiceAccount of this pod is who reaches the API server."""
    named = kubeconfig is not None or "KUBECONFIG" in os.environ
    return not named and "KUBERNETES_SERVICE_HOST" in os.environ


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data
    )
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authenticator(configuration: Configuration) -> aiohttp.ClientMiddlewareType:
    async def authenticate(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # Asked each time: tokens of ServiceAccounts and of exec plugins are renewed.
        token = await configuration.get_api_key_with_prefix(_BEARER)
        if token:
            request.headers["Authorization"] = token
        return await handler(request)

    return authenticate


async def _ask_for_tables(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    if _is_list(request.method, request.url.query):
        request.headers["Accept"] = _TABLE
    return await handler(request)


def _is_list(method: str, query: Mapping[str, str]) -> bool:
    """Tell whether a request reads a list; kopf, whose lists are told, reads no single objects."""
    return method == "GET" and "watch" not in query


def _tracer(
    clock: ServerClock, on_list: Callable[[str], None] | None, prefix: str
) -> aiohttp.TraceConfig:
    """Return what listens to answers; `prefix` is where below its host the API server is."""

    async def finished(
        _: aiohttp.ClientSession, __: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        clock.observe(params.response.headers.get("Date"))
        # The first page decides the version of the others.
        begins = _is_list(params.method, params.url.query) and "continue" not in params.url.query
        if on_list is not None and begins and params.response.status == 200:
            on_list(params.url.path.removeprefix(prefix))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(finished)
    return trace
