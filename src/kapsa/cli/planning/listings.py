"""What is known of a repository without asking it: from a file, or assumed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kapsa.cli.planning.values import UNKNOWN_COMMIT
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.ref_lines import read_refs
from kapsa.models.base import CommitSha
from kapsa.models.environment import Environment
from kapsa.models.project import ProjectSpec


class ListingError(ValueError):
    """A file doesn't hold what it should; the message says what to do."""


class _PullRequest(BaseModel):
    """An entry of the list of open pull requests."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1)]
    head: Annotated[str, Field(min_length=1)]
    sha: CommitSha
    title: str = ""
    author: str = ""
    url: str = ""
    labels: frozenset[str] = frozenset()
    draft: bool = False
    fork: bool = False
    created: str = ""


_PULL_REQUESTS = TypeAdapter(list[_PullRequest])


def refs_in(text: bytes, name: str) -> RefListing:
    """Return what the output of `git ls-remote`, in the file of that name, says.

    Raises:
        ListingError: It is no such output.
    """
    # Not asked for by the operator, but printed by a plain `git ls-remote`.
    lines = [line for line in text.splitlines() if line and not line.endswith(b"\tHEAD")]
    listing = read_refs(b"".join(line + b"\n" for line in lines))
    if not listing.complete or not listing.branches:
        raise ListingError(
            f"{name} isn't a listing of refs: write it with `git ls-remote <url> > {name}`"
        )
    return listing


def pull_requests_in(text: bytes, name: str) -> PullRequestListing:
    """Return the open pull requests that the file of that name lists, as JSON or YAML.

    Raises:
        ListingError: It is no such list.
    """
    try:
        found = _PULL_REQUESTS.validate_python(yaml.safe_load(text) or [])
    except yaml.YAMLError as error:
        raise ListingError(f"{name} is neither JSON nor YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ListingError(f"{name}: {where}: {first['msg']}".replace(": : ", ": ")) from error
    items = tuple(
        OpenPullRequest(**item.model_dump()) for item in sorted(found, key=lambda one: one.number)
    )
    return PullRequestListing(items, complete=True, empty_answers=0 if items else 2)


def assumed_refs(spec: ProjectSpec, existing: Iterable[Environment]) -> RefListing:
    """Return a listing for a repository of which nothing is known.

    Each branch that the Project names is there. Environments keep the commit that they have; any
    other branch has a made-up one.
    """
    named = [spec.repository.branch, *(item.branch for item in spec.environments if item.branch)]
    branches = dict.fromkeys(named, UNKNOWN_COMMIT)
    # Where a permanent environment and a preview show the same branch, the former counts.
    for item in sorted(existing, key=lambda one: one.spec.type, reverse=True):
        if item.spec.branch and item.spec.commit:
            branches[item.spec.branch] = item.spec.commit
    return RefListing(branches, complete=True)


def with_what_is_known(
    pull_requests: PullRequestListing, existing: Iterable[Environment]
) -> PullRequestListing:
    """Return the pull requests with title, author and address, where an Environment has them.

    Refs say nothing of those.
    """
    shown = {
        item.spec.pull_request.number: item.spec.pull_request
        for item in existing
        if item.spec.pull_request is not None
    }
    items = []
    for item in pull_requests.items:
        known = shown.get(item.number)
        items.append(
            replace(item, title=known.title, author=known.author, url=known.url) if known else item
        )
    return replace(pull_requests, items=tuple(items))
