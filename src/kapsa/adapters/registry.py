"""Ask container registries which image a tag names, and what Kapsa may do there.

Sources: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md and
https://distribution.github.io/distribution/spec/auth/token/
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.http_client import guarded_session, waiting_on_failure
from kapsa.adapters.registry_rights import refusal
from kapsa.adapters.registry_session import RegistrySession
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.adapters.tls import context_of
from kapsa.core.images.rights import Right
from kapsa.models.reasons import Reason
from kapsa.utils.image_reference import (
    DOCKER_HUB,
    ImageReference,
    is_digest,
    parse_reference,
    registry_host,
)
from kapsa.utils.text import sanitise

_DOCKER_HUB_API = "registry-1.docker.io"
_ROUNDS = 3
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "TAG_UNKNOWN"})
"""Error codes for what does not exist; the last two are Harbor's and Quay's."""


@dataclass(frozen=True, repr=False)
class Access:
    """How a registry is spoken to.

    Attributes:
        credentials: For its host; None for none. They go to it, or to the https address to which
            it sends clients for tokens, and never along a redirect.
        insecure: Speak plain http.
        ca: Certificates (PEM) that it is known by; nothing for those of public authorities.
    """

    credentials: Credentials | None = None
    insecure: bool = False
    ca: str = ""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Access(hidden)"


ANONYMOUS = Access()
"""Access to a registry that is known publicly, and asks nobody who they are."""


@dataclass(frozen=True)
class RegistryClient:
    """Looks up images, and tries credentials, by the OCI distribution API.

    Attributes:
        policy: Which addresses may be dialled.
        timeout: Seconds for one call of a method, all its requests together; thrice as many for
            `verify`, which has many.
    """

    policy: AddressPolicy
    timeout: float = 30.0

    async def resolve(self, reference: str, access: Access = ANONYMOUS) -> str | None:
        """Return `host/path@sha256:…` for `reference`; None while the registry has no such image.

        A reference that holds a digest is looked up by it, and comes back without its tag.

        Args:
            reference: `[host[:port]/]path[:tag][@digest]`.
            access: How its registry is spoken to.

        Raises:
            Stalled: InvalidSpec if `reference` is none; RegistryUnauthorized.
            Waiting: RegistryUnreachable or RateLimited.
        """
        image = _parsed(reference)
        async with self._session(image.host, access, Right(image.path)) as session:
            digest = await _digest(session, image)
        return f"{image.repository}@{digest}" if digest else None

    async def verify(
        self, endpoint: str, access: Access, rights: Sequence[Right] = ()
    ) -> Mapping[Right, str]:
        """Return which of `rights` the registry refuses, with its words.

        Args:
            endpoint: Host, with a port where it isn't the default.
            access: How it is spoken to.
            rights: What Kapsa is to do there. None of it is done: for a push, an upload is begun
                and given up where the registry tells in no other way.

        Raises:
            Stalled: RegistryUnauthorized: it takes the credentials for nothing at all.
            Waiting: RegistryUnreachable or RateLimited.
        """
        async with self._session(registry_host(endpoint), access, rounds=_ROUNDS) as session:
            answer, challenges = await session.greet()
            # A stranger may be let in for nothing but single repositories.
            is_known_by_rights = bool(challenges and rights and access.credentials is None)
            if challenges and not is_known_by_rights:
                await session.authorize(challenges)
                answer = await session.request("GET", "/v2/")
            if answer.status != 200 and not is_known_by_rights:
                raise session.problem(answer)
            if "html" in answer.headers.get("Content-Type", ""):
                raise _not_a_registry(session.host)
            refusals = await asyncio.gather(
                *(refusal(session.of(right), challenges, right) for right in rights)
            )
        return {right: words for right, words in zip(rights, refusals, strict=True) if words}

    async def scoped_token(
        self, repository: str, actions: Sequence[str], access: Access
    ) -> ScopedToken | None:
        """Return a token that is good for one repository alone; None where there are no tokens.

        Args:
            repository: Host and path, such as `registry.example.com/acme/shop`.
            actions: What it is for: `pull`, `push`.
            access: How the registry is spoken to.

        Raises:
            Stalled: RegistryUnauthorized; InvalidSpec.
            Waiting: RegistryUnreachable or RateLimited.
        """
        image = _parsed(repository)
        right = Right(image.path, tuple(actions))
        async with self._session(image.host, access, right) as session:
            _, challenges = await session.greet()
            if challenges:
                await session.authorize(challenges)
            token = session.token
        if token is not None and token.grants(right) is False:
            raise session.refused(f"gives no token to {' and '.join(actions)} {image.path}")
        return token

    @asynccontextmanager
    async def _session(
        self, host: str, access: Access, right: Right | None = None, rounds: int = 1
    ) -> AsyncIterator[RegistrySession]:
        dialled = _DOCKER_HUB_API if host == DOCKER_HUB else host
        base = f"{'http' if access.insecure else 'https'}://{dialled}"
        reason = Reason.REGISTRY_UNREACHABLE
        secrets = access.credentials.secrets if access.credentials else ()
        with waiting_on_failure(reason, f"The registry {host}", secrets):
            async with (
                asyncio.timeout(self.timeout * rounds),
                guarded_session(
                    self.policy,
                    self.timeout,
                    refused=Reason.REGISTRY_REFUSED,
                    unreachable=reason,
                    tls=context_of(access.ca),
                ) as http,
            ):
                yield RegistrySession(http, host, base, access.credentials, right)


def _parsed(reference: str) -> ImageReference:
    try:
        return parse_reference(reference)
    except ValueError as error:
        shown = sanitise(reference, 300)
        raise Stalled(
            Reason.INVALID_SPEC, f"{shown} is no reference to an image: {error}."
        ) from None


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
