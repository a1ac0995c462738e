"""Which previews a Project wants, before any limit: the filters over branches and pull requests."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kapsa.core.projects import filters, naming
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.plans import DesiredEnvironment, Preview, candidate
from kapsa.models.environment import Environment, PullRequest
from kapsa.models.project import ProjectSpec
from kapsa.models.project_status import Candidate
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise
from kapsa.utils.times import from_rfc3339

_TITLE_LIMIT = 256
_REF_LIMIT = 250
_URL_LIMIT = 2048

Build = Callable[[naming.Identity, str, str, PullRequest | None], DesiredEnvironment]
"""Makes the desired preview for an identity, branch, commit and pull request."""


@dataclass(frozen=True)
class PreviewInput:
    """What the wish for previews depends on.

    Attributes:
        spec: The Project's spec.
        refs: The branches, as last listed.
        pull_requests: The open pull requests, as last listed.
        existing: The Project's Environments by what they stand for.
        build: Makes a desired preview.
    """

    spec: ProjectSpec
    refs: RefListing
    pull_requests: PullRequestListing
    existing: dict[naming.Identity, Environment]
    build: Build


def wanted_previews(known: PreviewInput) -> tuple[tuple[Preview, ...], tuple[Candidate, ...]]:
    """Return the previews that the filters let through, oldest first, and why others aren't there.

    What a listing can't say for certain stays as it is: its previews are wanted at the commit that
    they have, and there are no new ones.
    """
    rules = known.spec.preview_environments
    if not rules.enabled:
        return (), ()
    results: list[Preview | Candidate] = []
    if rules.pull_requests.enabled:
        results += _of_pull_requests(known)
    if rules.branches.enabled:
        shown = {item.environment.branch for item in results if isinstance(item, Preview)}
        results += _of_branches(known, shown)
    return (
        tuple(item for item in results if isinstance(item, Preview)),
        tuple(item for item in results if isinstance(item, Candidate)),
    )


def uncertain_kinds(
    spec: ProjectSpec, refs: RefListing, pull_requests: PullRequestListing
) -> frozenset[str]:
    """Return the kinds of previews that are wanted, but of which the listings are no proof."""
    rules = spec.preview_environments
    kinds = set()
    if rules.enabled and rules.pull_requests.enabled and not pull_requests.certain:
        kinds.add(naming.PULL_REQUEST)
    # Which branches have an open pull request, and no preview of their own, only the forge knows.
    if rules.enabled and rules.branches.enabled and (kinds or not refs.certain):
        kinds.add(naming.BRANCH)
    return frozenset(kinds)


def _of_pull_requests(known: PreviewInput) -> Iterator[Preview | Candidate]:
    rules = known.spec.preview_environments.pull_requests
    certain = known.pull_requests.certain
    for item in sorted(known.pull_requests.items, key=_age):
        refusal = filters.refuse_pull_request(item, rules)
        if refusal is None and certain:
            yield _pull_request_preview(item, known.build)
        elif refusal is not None and (certain or _identity(item) not in known.existing):
            yield candidate(item.head, refusal, pr=item.number, sha=item.sha)
    if not certain:
        yield from _left_alone(known, naming.PULL_REQUEST)


def _age(item: OpenPullRequest) -> tuple[float, int]:
    """Return what sorts pull requests, the oldest first; forges write times in several zones."""
    created = from_rfc3339(item.created)
    return (float("inf") if created is None else created, item.number)


def _identity(item: OpenPullRequest) -> naming.Identity:
    return (naming.PULL_REQUEST, str(item.number))


def _of_branches(known: PreviewInput, shown: AbstractSet[str]) -> Iterator[Preview | Candidate]:
    """Yield what becomes of the branches; `shown` are those that pull requests' previews show."""
    if naming.BRANCH in uncertain_kinds(known.spec, known.refs, known.pull_requests):
        yield from _left_alone(known, naming.BRANCH)
        return
    rules = known.spec.preview_environments
    permanent = {environment.branch for environment in known.spec.environments}
    for branch, sha in sorted(known.refs.branches.items()):
        if not filters.matches(branch, rules.branches.include, rules.branches.exclude):
            continue
        if branch in permanent:
            yield candidate(branch, Reason.PERMANENT_ENVIRONMENT, sha=sha)
        elif branch in shown:
            yield candidate(branch, Reason.PREVIEWED_AS_PULL_REQUEST, sha=sha)
        else:
            yield Preview(
                known.build((naming.BRANCH, branch), branch, sha, None),
                candidate(branch, Reason.BRANCH_INCLUDED, sha=sha, decision="Previewed"),
            )


def _left_alone(known: PreviewInput, kind: str) -> Iterator[Preview | Candidate]:
    """Yield the existing previews of a kind at the commit that they have, oldest first."""
    reason = Reason.PULL_REQUEST_OPEN if kind == naming.PULL_REQUEST else Reason.BRANCH_INCLUDED
    by_age = sorted(
        known.existing.items(),
        key=lambda entry: (entry[1].metadata.creation_timestamp, entry[1].metadata.name),
    )
    for identity, environment in by_age:
        spec = environment.spec
        if identity[0] != kind or not spec.commit:
            continue
        branch = spec.branch or ("" if spec.pull_request else environment.metadata.name)
        yield Preview(
            known.build(identity, branch, spec.commit, spec.pull_request),
            candidate(
                branch,
                reason,
                pr=spec.pull_request.number if spec.pull_request else 0,
                sha=spec.commit,
                decision="Previewed",
            ),
        )


def _pull_request_preview(item: OpenPullRequest, build: Build) -> Preview:
    pull_request = PullRequest(
        number=item.number,
        title=sanitise(item.title, _TITLE_LIMIT),
        author=sanitise(item.author, _TITLE_LIMIT),
        url=item.url if len(item.url) <= _URL_LIMIT else "",
    )
    return Preview(
        build(_identity(item), sanitise(item.head, _REF_LIMIT), item.sha, pull_request),
        candidate(
            item.head,
            Reason.PULL_REQUEST_OPEN,
            pr=item.number,
            sha=item.sha,
            decision="Previewed",
        ),
    )


def merged_into(spec: ProjectSpec) -> frozenset[str]:
    """Return the branches that pull requests of the Project's repository are merged into."""
    followed = (permanent.branch for permanent in spec.environments)
    return frozenset({spec.repository.branch, *filter(None, followed)})


def pull_requests_from_refs(refs: RefListing, targets: frozenset[str]) -> PullRequestListing:
    """Return the pull requests that a server without a forge's API shows through its refs.

    A closed pull request keeps its `refs/pull/N/head`, so one counts only while its commit is also
    the head of a branch of the repository: then it is open, and from no fork.

    Args:
        refs: All refs of the repository.
        targets: Branches that pull requests are merged into: a commit that has arrived at the
            head of one is merged.
    """
    merged = {refs.branches[name] for name in targets if name in refs.branches}
    heads: dict[str, str] = {}
    for branch, sha in sorted(refs.branches.items()):
        if branch not in targets:
            heads.setdefault(sha, branch)
    items = tuple(
        OpenPullRequest(number=number, sha=sha, head=heads[sha])
        for number, sha in sorted(refs.pull_request_heads.items())
        if sha in heads and sha not in merged
    )
    complete = refs.complete and bool(refs.branches)
    return PullRequestListing(items=items, complete=complete, empty_answers=0 if items else 2)
