"""References to container images, taken apart.

Source of the grammar: https://github.com/distribution/reference/blob/main/reference.go
"""

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
"""Host that a reference without one means."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = re.compile(
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?"
)
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class ImageReference:
    """One image on one registry.

    Attributes:
        host: Host of the registry in lower case, with a port where one was written.
        path: Repository on that registry, such as `acme/shop`.
        tag: Tag; empty where there is only a digest.
        digest: `sha256:` and 64 hexadecimal digits, or empty.
    """

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """`host/path`."""
        return f"{self.host}/{self.path}"

    @property
    def version(self) -> str:
        """What names the manifest: the digest if there is one, otherwise the tag."""
        return self.digest or self.tag


def is_digest(text: str) -> bool:
    """Whether `text` is a SHA-256 digest as registries write it."""
    return _DIGEST.fullmatch(text) is not None


def registry_host(endpoint: str) -> str:
    """Return the one name that a registry's host has in references: Docker Hub has several."""
    host = endpoint.lower()
    return DOCKER_HUB if host in {"index.docker.io", "registry-1.docker.io"} else host


def parse_reference(reference: str) -> ImageReference:
    """Return the parts of `[host[:port]/]path[:tag][@digest]`.

    As in Docker, the first component is a host if it holds a dot or a colon or is `localhost`;
    otherwise Docker Hub is meant, where a path of one component lies below `library/`. Without a
    tag and a digest the tag is `latest`.

    Raises:
        ValueError: The text is no such reference; the message says which part is wrong.
    """
    name, at, digest = reference.partition("@")
    if at and not is_digest(digest):
        raise ValueError("what follows @ is not a sha256 digest")
    host, path = _split_host(name)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError("what follows the last colon is not a tag")
    if not _HOST.fullmatch(host):
        raise ValueError("the host is malformed")
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if not _PATH.fullmatch(path) or len(host) + len(path) >= _LONGEST_NAME:
        raise ValueError("the path must be lower-case words joined by / . _ or -")
    return ImageReference(host, path, tag or ("" if digest else "latest"), digest)


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first.lower() == "localhost"):
        return DOCKER_HUB, name
    return registry_host(first), rest
