"""Forges: the software around a git server that knows pull requests. One file for each API."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.core.projects.listings import PullRequestListing
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SEGMENT = re.compile(r"[A-Za-z0-9._~+-]+")


@dataclass(frozen=True)
class ForgeRepository:
    """A repository as a forge's API names it.

    Attributes:
        api_url: Address of the API, without a final slash.
        owner: User or organisation.
        name: Name of the repository, without `.git`.
    """

    api_url: str
    owner: str
    name: str


class Forge(Protocol):
    """What Kapsa asks of a forge."""

    async def open_pull_requests(
        self, repository: ForgeRepository, credentials: Credentials | None = None
    ) -> PullRequestListing:
        """Return the pull requests that are open.

        Raises:
            Stalled: A person must change the address or the credentials.
            Waiting: The forge can't answer now.
        """
        ...


def forge_repository(url: str, api_url: str | None = None) -> ForgeRepository:
    """Return what the API calls the repository at `url`.

    Owner and name are the last two parts of the path. What is before them is the path of the forge
    itself, below which lies its API: `https://host/git/acme/shop` is `acme/shop` of
    `https://host/git/api/v1`.

    Args:
        url: Address of the repository, with or without `.git`.
        api_url: Address of the API where it is elsewhere on the same scheme, host and port.

    Raises:
        Stalled: ForgeUnknown if the path holds no owner and name; RepositoryRefused if `api_url` is
            on another origin, since the credentials would go there.
    """
    shown = sanitise(url, 300)
    parts = urlsplit(url)
    segments = parts.path.strip("/").split("/")
    segments[-1] = segments[-1].removesuffix(".git")
    usable = all(_SEGMENT.fullmatch(part) and part not in {".", ".."} for part in segments)
    if len(segments) < 2 or not usable:
        raise Stalled(
            Reason.FORGE_UNKNOWN,
            f"{shown} does not end with an owner and a repository, as addresses of Gitea and"
            " Forgejo do: correct it, or set spec.repository.provider to git.",
        )
    *prefix, owner, name = segments
    if api_url is None:
        base = "/".join([f"{parts.scheme}://{parts.netloc}", *prefix])
        return ForgeRepository(f"{base}/api/v1", owner, name)
    if _origin(urlsplit(api_url)) != _origin(parts):
        raise Stalled(
            Reason.REPOSITORY_REFUSED,
            f"spec.repository.apiURL must have the scheme, host and port of {shown}: the"
            " credentials are sent there.",
        )
    return ForgeRepository(api_url.rstrip("/"), owner, name)


def _origin(parts: SplitResult) -> tuple[str, str]:
    scheme = parts.scheme.lower()
    # `netloc` is compared whole, so that a user in front of the host makes a difference.
    return scheme, parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ""))
