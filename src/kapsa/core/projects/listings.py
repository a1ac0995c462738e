"""What was seen in a git repository and its forge, and whether it is the whole truth."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RefListing:
    """The branches and tags of a repository.

    Attributes:
        branches: Commit SHA (hexadecimal) by branch name, without `refs/heads/`.
        complete: Whether the server answered to the end. Nothing is deleted on the word of an
            incomplete listing.
        pull_request_heads: Commit SHA by pull request number, from `refs/pull/N/head` or
            `refs/merge-requests/N/head`; closed pull requests keep theirs.
        tags: Commit SHA by tag, without `refs/tags/`; that of an annotated tag is what it points
            to.
    """

    branches: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    pull_request_heads: dict[int, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def certain(self) -> bool:
        """Whether a branch that isn't listed is gone.

        No repository that has environments has no branch at all: that is a fault of the server.
        """
        return self.complete and bool(self.branches)


@dataclass(frozen=True)
class OpenPullRequest:
    """One open pull request of a forge.

    Attributes:
        number: What the forge calls it.
        sha: Commit SHA of its head.
        head: Name of the head branch, in the head's repository.
        title: One line, as its author wrote it.
        author: Login of who opened it.
        url: Where people read it.
        labels: Names of its labels.
        draft: Whether its author says that it isn't ready.
        fork: Whether the head is in another repository, or in one that is gone.
        created: When it was opened (RFC 3339), for the order of the queue.
    """

    number: int
    sha: str
    head: str
    title: str = ""
    author: str = ""
    url: str = ""
    labels: frozenset[str] = frozenset()
    draft: bool = False
    fork: bool = False
    created: str = ""


@dataclass(frozen=True)
class PullRequestListing:
    """The open pull requests of a repository.

    Attributes:
        items: One entry for each, by ascending number.
        complete: Whether the forge answered to the end, and in the form that was expected.
        empty_answers: How many times in a row the forge said that there is none; the first such
            word after there were some is not believed.
    """

    items: tuple[OpenPullRequest, ...] = ()
    complete: bool = False
    empty_answers: int = 0

    @property
    def certain(self) -> bool:
        """Whether a pull request that isn't listed is closed."""
        return self.complete and (bool(self.items) or self.empty_answers > 1)
