"""One conversation with one container registry, including how it wants to know who asks."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from yarl import URL

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.http_client import read_bounded, retry_after_seconds
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.core.images.rights import Right
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

BODY_LIMIT = 4 * 1024 * 1024
"""Largest manifest (bytes) that a registry must accept, by the distribution specification."""

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Answer:
    """What a registry answered.

    Attributes:
        status: HTTP status.
        headers: Looked up without regard to case.
        body: As it came, at most 4 MiB.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """Codes and messages of the registry's errors."""
        errors = self.value.get("errors")
        return tuple(
            (str(error.get("code") or ""), str(error.get("message") or ""))
            for error in (errors if isinstance(errors, list) else ())
            if isinstance(error, dict)
        )


@dataclass
class RegistrySession:
    """Sends requests to one registry, and answers its challenge once.

    Attributes:
        http: Dials only what the policy lets pass.
        host: Host of the registry for messages, with a port where there is one.
        base: Scheme and host that are dialled.
        credentials: For that registry.
        right: What is to be done, and no more is asked for; None: nothing to any repository.
        token: The bearer token that the registry's service gave, once it was asked for one.
    """

    http: aiohttp.ClientSession
    host: str
    base: str
    credentials: Credentials | None
    right: Right | None = None
    token: ScopedToken | None = None
    _authorization: str = field(default="", repr=False)

    async def request(self, method: str, path: str, accept: Sequence[str] = ()) -> Answer:
        """Return the answer to a request; if it is a challenge, the answer after that.

        Args:
            method: HTTP method.
            path: Absolute path on the registry, with its query.
            accept: Media types.

        Raises:
            Stalled: RegistryUnauthorized, from where the token should come.
            Waiting: RateLimited or RegistryUnreachable (5xx, redirect, unusable token service).
        """
        answer, challenges = await self._send(method, path, accept)
        is_asked = answer.status == 401 and not self._authorization and challenges
        if is_asked and await self.authorize(challenges):
            answer, _ = await self._send(method, path, accept)
        self._check_available(answer, self.base)
        return answer

    async def greet(self) -> tuple[Answer, list[str]]:
        """Return what the registry answers to a stranger, and how it wants to know who asks.

        Raises:
            Waiting: RateLimited or RegistryUnreachable.
        """
        answer, challenges = await self._send("GET", "/v2/", ())
        self._check_available(answer, self.base)
        return answer, challenges if answer.status == 401 else []

    async def authorize(self, challenges: list[str]) -> bool:
        """Tell whether `challenges` can be answered: then further requests say who asks.

        Raises:
            Stalled: RegistryUnauthorized, from where the token should come.
            Waiting: RateLimited or RegistryUnreachable.
        """
        known = dict(_challenge(text) for text in reversed(challenges))
        if "bearer" in known:
            self.token = await self._bearer(known["bearer"])
            self._authorization = f"Bearer {self.token.value}"
        elif "basic" in known and self.credentials:
            self._authorization = f"Basic {self.credentials.basic}"
        return bool(self._authorization)

    def of(self, right: Right) -> "RegistrySession":
        """Return a session with the same registry that asks for `right` alone."""
        return replace(self, right=right, token=None, _authorization="")

    def refused(self, what: str) -> Stalled:
        """Return the error that the registry doesn't let Kapsa do `what`."""
        return Stalled(Reason.REGISTRY_UNAUTHORIZED, f"The registry {self.host} {what}.")

    def problem(self, answer: Answer) -> AdapterError:
        """Return the error that `answer` is."""
        if answer.status in {401, 403}:
            return self._unauthorized(answer)
        return self._unreachable(f"answers HTTP {answer.status}.{self.words(answer)}")

    async def _send(
        self, method: str, path: str, accept: Sequence[str]
    ) -> tuple[Answer, list[str]]:
        headers = {"Accept": ", ".join(accept)} if accept else {}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return await self._fetch(method, URL(self.base + path), headers)

    async def _fetch(
        self, method: str, url: URL, headers: Mapping[str, str]
    ) -> tuple[Answer, list[str]]:
        async with self.http.request(
            method, url, headers=headers, allow_redirects=False
        ) as response:
            body = await read_bounded(response, BODY_LIMIT)
            challenges = response.headers.getall("WWW-Authenticate", [])
            return Answer(response.status, response.headers.copy(), body), challenges

    async def _bearer(self, challenge: dict[str, str]) -> ScopedToken:
        realm = self._checked_realm(challenge.get("realm", ""))
        scope = self.right.scope if self.right else challenge.get("scope")
        query = {"service": challenge.get("service"), "scope": scope}
        url = realm.extend_query({key: value for key, value in query.items() if value})
        headers = {"Authorization": f"Basic {self.credentials.basic}"} if self.credentials else {}
        answer, _ = await self._fetch("GET", url, headers)
        self._check_available(answer, str(realm.origin()))
        if answer.status in {401, 403}:
            raise self._unauthorized(answer)
        token = ScopedToken.of_answer(answer.value) if answer.status == 200 else None
        if token is None:
            raise self._unreachable(f"sends clients to {realm.origin()}, which gave no token")
        return token

    def _checked_realm(self, text: str) -> URL:
        """Return where tokens come from, if the credentials may go there.

        That is an https address anywhere, since a registry that is known by its certificate named
        it. A registry spoken to over http is known by nothing: there it must be the same host.
        """
        try:
            realm, base = URL(text), URL(self.base)
            same_host = realm.host is not None and realm.host == base.host
            trusted = same_host or base.scheme == "https"
            secure = realm.scheme == "https" or (realm.scheme == "http" == base.scheme)
            if trusted and secure and realm.host and realm.user is None and realm.password is None:
                return realm
        except ValueError:
            pass
        raise Stalled(
            Reason.REGISTRY_UNAUTHORIZED,
            f"The registry {self.host} sends clients for a token to {sanitise(text, 200) or '?'},"
            " where Kapsa does not send credentials: it must be https, or on the registry's own"
            " host if that is insecure.",
        )

    def _check_available(self, answer: Answer, server: str) -> None:
        if answer.status == 429:
            pause = retry_after_seconds(answer.headers, 60.0)
            raise Waiting(Reason.RATE_LIMITED, f"The registry {server} asks for a pause.", pause)
        if answer.status >= 500 and answer.status != 501:
            pause = retry_after_seconds(answer.headers, 15.0)
            raise self._unreachable(f"answers HTTP {answer.status}", pause)
        if 300 <= answer.status < 400:
            target = sanitise(answer.headers.get("Location", ""), 200, self._secrets)
            raise self._unreachable(
                f"redirects to {target or 'another address'}, which Kapsa does not follow; name"
                " that registry instead"
            )

    def _unauthorized(self, answer: Answer) -> Stalled:
        if self.credentials:
            advice = "refuses the credentials: check that they are valid and not too narrow."
        else:
            advice = "asks for credentials: name a Registry that has some."
        if self.right:
            advice += f" It may also be that {self.right.repository} does not exist."
        return Stalled(
            Reason.REGISTRY_UNAUTHORIZED,
            f"The registry {self.host} {advice}{self.words(answer)}",
        )

    def _unreachable(self, what: str, retry_after: float = 15.0) -> Waiting:
        return Waiting(
            Reason.REGISTRY_UNREACHABLE,
            f"The registry {self.host} {what.rstrip('.')}.",
            retry_after,
        )

    def words(self, answer: Answer) -> str:
        """Return what the registry says in an error, as a sentence without secrets; or nothing."""
        words = "; ".join(": ".join(filter(None, error)) for error in answer.errors)
        return f" It says: {sanitise(words, 300, self._secrets)}" if words else ""

    @property
    def _secrets(self) -> tuple[str, ...]:
        token = self._authorization.partition(" ")[2]
        return (*(self.credentials.secrets if self.credentials else ()), token)


def _challenge(text: str) -> tuple[str, dict[str, str]]:
    """Return the scheme, in lower case, and the parameters of a challenge (RFC 9110, 11.6.1)."""
    scheme, _, rest = text.strip().partition(" ")
    parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return scheme.lower(), parameters
