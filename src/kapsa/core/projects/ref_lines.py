"""What `git ls-remote` prints, read.

Source: https://git-scm.com/docs/git-ls-remote#_output
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from kapsa.core.projects.listings import RefListing

NAME_LIMIT: Final = 250
"""Longest name of a branch or tag (characters); a longer one is left out of the listing."""

_LINE: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\t(refs/[^\n]+)")
_PULL_REQUEST: Final = re.compile(rb"refs/(?:pull|merge-requests)/([1-9][0-9]{0,9})/head")
_BRANCH: Final = b"refs/heads/"
_TAG: Final = b"refs/tags/"
_PEELED: Final = b"^{}"
"""Ends the line that follows an annotated tag and has the commit that it points to."""


def read_refs(output: bytes) -> RefListing:
    """Return the branches, tags and heads of pull requests that the output of git names.

    The listing is complete if every line was understood, and ended. Branches and tags whose name
    isn't UTF-8 or is longer than 250 characters are left out, since they can't be written into a
    Kubernetes object.
    """
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}
    peeled: dict[str, str] = {}
    pull_requests: dict[int, str] = {}
    *lines, rest = output.split(b"\n")
    complete = rest == b""
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            complete = False
            continue
        sha, ref = match[1].decode(), match[2]
        if ref.startswith(_BRANCH):
            branches.update((name, sha) for name in _name(ref, _BRANCH))
        elif ref.startswith(_TAG):
            known = peeled if ref.endswith(_PEELED) else tags
            known.update((name, sha) for name in _name(ref.removesuffix(_PEELED), _TAG))
        elif pull_request := _PULL_REQUEST.fullmatch(ref):
            pull_requests[int(pull_request[1])] = sha
    return RefListing(branches, complete, pull_requests, tags | peeled)


def _name(ref: bytes, prefix: bytes) -> Iterator[str]:
    with suppress(UnicodeDecodeError):
        name = ref.removeprefix(prefix).decode()
        if 0 < len(name) <= NAME_LIMIT:
            yield name
