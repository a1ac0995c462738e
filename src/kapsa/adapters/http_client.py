"""One way to speak HTTP with servers that Project authors name."""

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import aiohttp

from kapsa.adapters.addresses import AddressPolicy, GuardedResolver, is_literal
from kapsa.adapters.errors import Waiting
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

LONGEST_RETRY_AFTER = 3600.0
"""Most seconds for which a server can ask Kapsa to stay away."""

_CONNECT_TIMEOUT = 10.0


class ResponseTooLargeError(aiohttp.ClientError):
    """The server sends more than Kapsa reads."""


def guarded_session(
    policy: AddressPolicy,
    timeout: float,
    *,
    refused: str = Reason.REPOSITORY_REFUSED,
    unreachable: str = Reason.FORGE_UNREACHABLE,
    tls: ssl.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """Return a session that dials only what `policy` lets pass.

    It takes no proxy and no `.netrc` from the environment, keeps no cookies, and asks for
    uncompressed bodies, since a small compressed one can be huge. Callers pass
    `allow_redirects=False`, read with `read_bounded`, and close the session.

    Args:
        policy: The rule for addresses, asked for names by the resolver and for literal addresses,
            which aiohttp does not resolve, before each request.
        timeout: Seconds for one request, until its body is read.
        refused: Reason of the Stalled that a refused address raises.
        unreachable: Reason of the Waiting that an unresolvable name raises.
        tls: By which certificates servers are known; None for those of public authorities.
    """

    async def check_literal(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        host = request.url.host or ""
        if is_literal(host):
            await policy.resolve(
                host, request.url.port or 0, refused=refused, unreachable=unreachable
            )
        return await handler(request)

    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(policy, refused, unreachable), use_dns_cache=False, ssl=tls or True
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_TIMEOUT)),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "kapsa", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
        middlewares=(check_literal,),
    )


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of `response`.

    Raises:
        ResponseTooLargeError: It has more than `limit` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        body += chunk
        if len(body) > limit:
            response.close()
            raise ResponseTooLargeError(f"the answer is longer than {limit} bytes")
    return bytes(body)


def retry_after_seconds(headers: Mapping[str, str], default: float) -> float:
    """Return how long a server wants to be left alone, in seconds from 1 to 3600.

    Args:
        headers: Of its answer. Retry-After is a number of seconds or a date (RFC 9110, 10.2.3); a
            date is measured by the server's own Date, as clocks differ.
        default: Seconds where it says nothing readable.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        wanted = float(text[:10])
    else:
        until = _timestamp(text)
        now = _timestamp(headers.get("Date", "")) or time.time()
        wanted = default if until is None else until - now
    return min(max(wanted, 1.0), LONGEST_RETRY_AFTER)


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


@contextmanager
def waiting_on_failure(reason: str, server: str, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Turn what aiohttp and the network raise inside into Waiting.

    Args:
        reason: Reason of the Waiting.
        server: What does not answer, for the message.
        secrets: Values to redact in the message.
    """
    try:
        yield
    except TimeoutError:
        raise Waiting(reason, f"{server} did not answer in time; Kapsa tries again.") from None
    except (aiohttp.ClientError, OSError) as error:
        # `from None`: aiohttp's exceptions hold the request, and so its Authorization header.
        words = sanitise(str(error) or type(error).__name__, 300, secrets)
        raise Waiting(reason, f"{server} can't be reached: {words}.") from None
