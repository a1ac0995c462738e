"""Ask container registries which image a tag names.

Sources: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md and
https://distribution.github.io/distribution/spec/auth/token/
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.http_client import guarded_session, waiting_on_failure
from kapsa.adapters.registry_session import RegistrySession
from kapsa.models.reasons import Reason
from kapsa.utils.image_reference import (
    DOCKER_HUB,
    ImageReference,
    is_digest,
    parse_reference,
)
from kapsa.utils.text import sanitise

_DOCKER_HUB_API = "registry-1.docker.io"
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "TAG_UNKNOWN"})
"""Error codes for what does not exist; the last two are Harbor's and Quay's."""


@dataclass(frozen=True)
class RegistryClient:
    """Looks up images by the OCI distribution API.

    Attributes:
        policy: Which addresses may be dialled.
        timeout: Seconds for one call of a method, all its requests together.
    """

    policy: AddressPolicy
    timeout: float = 30.0

    async def resolve(
        self,
        reference: str,
        *,
        credentials: Credentials | None = None,
        insecure: bool = False,
    ) -> str | None:
        """Return `host/path@sha256:…` for `reference`; None while the registry has no such image.

        A reference that holds a digest is looked up by it, and comes back without its tag.

        Args:
            reference: `[host[:port]/]path[:tag][@digest]`.
            credentials: For that host. They go to it, or to the https address to which it sends
                clients for tokens, and never along a redirect.
            insecure: Speak plain http.

        Raises:
            Stalled: InvalidSpec if `reference` is none; RegistryUnauthorized.
            Waiting: RegistryUnreachable or RateLimited.
        """
        try:
            image = parse_reference(reference)
        except ValueError as error:
            shown = sanitise(reference, 300)
            raise Stalled(
                Reason.INVALID_SPEC, f"{shown} is no reference to an image: {error}."
            ) from None
        async with self._session(image.host, credentials, insecure, image.path) as session:
            digest = await _digest(session, image)
        return f"{image.repository}@{digest}" if digest else None

    async def ping(
        self, endpoint: str, credentials: Credentials | None = None, insecure: bool = False
    ) -> None:
        """Return if the registry at `endpoint` speaks the API and accepts the credentials.

        Args:
            endpoint: Host, with a port where it isn't the default.
            credentials: As for `resolve`.
            insecure: Speak plain http.

        Raises:
            Stalled: RegistryUnauthorized.
            Waiting: RegistryUnreachable or RateLimited.
        """
        async with self._session(endpoint.lower(), credentials, insecure, "") as session:
            answer = await session.request("GET", "/v2/")
        if answer.status != 200:
            raise session.problem(answer)
        if "html" in answer.headers.get("Content-Type", ""):
            raise _not_a_registry(session.host)

    @asynccontextmanager
    async def _session(
        self, host: str, credentials: Credentials | None, insecure: bool, repository: str
    ) -> AsyncIterator[RegistrySession]:
        dialled = _DOCKER_HUB_API if host == DOCKER_HUB else host
        base = f"{'http' if insecure else 'https'}://{dialled}"
        reason = Reason.REGISTRY_UNREACHABLE
        secrets = credentials.secrets if credentials else ()
        with waiting_on_failure(reason, f"The registry {host}", secrets):
            async with (
                asyncio.timeout(self.timeout),
                guarded_session(
                    self.policy, self.timeout, refused=Reason.REGISTRY_REFUSED, unreachable=reason
                ) as http,
            ):
                yield RegistrySession(http, host, base, credentials, repository)


async def _digest(session: RegistrySession, image: ImageReference) -> str | None:
    """Return the digest of the manifest, or None if there is no such manifest."""
    path = f"/v2/{image.path}/manifests/{image.version}"
    answer = await session.request("HEAD", path, _MANIFESTS)
    named = answer.headers.get("Docker-Content-Digest", "")
    if answer.status == 200 and is_digest(named):
        return _expected(session, image, named)
    # An answer to HEAD has no body, and only a body tells why.
    answer = await session.request("GET", path, _MANIFESTS)
    if answer.status == 200 and "schemaVersion" in answer.value:
        return _expected(session, image, f"sha256:{hashlib.sha256(answer.body).hexdigest()}")
    if answer.status == 404 and any(code in _ABSENT for code, _ in answer.errors):
        return None
    if answer.status in {200, 404}:
        raise _not_a_registry(session.host)
    raise session.problem(answer)


def _expected(session: RegistrySession, image: ImageReference, digest: str) -> str:
    if image.digest in {"", digest}:
        return digest
    raise Waiting(
        Reason.REGISTRY_UNREACHABLE,
        f"The registry {session.host} answered with {digest} where {image.digest} was asked for.",
    )


def _not_a_registry(host: str) -> Waiting:
    return Waiting(
        Reason.REGISTRY_UNREACHABLE,
        f"The server {host} does not answer as a registry does: check the address.",
    )
