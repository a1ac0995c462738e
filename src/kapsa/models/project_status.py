"""Status of a Project."""

from typing import Annotated, Literal

from pydantic import Field

from kapsa.models.base import ATOMIC_LIST, CommitSha, DnsLabel, GitRef, Model, map_list
from kapsa.models.meta import Conditions


class LatestCommit(Model):
    """The newest commit of the default branch."""

    sha: CommitSha
    """Object name of the commit."""
    short_sha: Annotated[str, Field(max_length=7)] = ""
    """Its first seven digits, for people."""
    branch: GitRef
    """The default branch."""
    first_seen: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When Kapsa saw it first."""


class Available(Model):
    """What an environment could run, if it were told to."""

    commit: Annotated[str, Field(max_length=64)] = ""
    """The commit; nothing for a promoted image whose commit isn't known."""
    image: Annotated[str, Field(max_length=1024)] = ""
    """Its image; nothing as long as there is none."""


class EnvironmentSummary(Model):
    """One environment of the Project, in short."""

    name: DnsLabel
    """Name of the Environment object."""
    namespace: DnsLabel
    """Its namespace."""
    type: Literal["permanent", "preview"]
    """Whether it stays."""
    ready: bool = False
    """Whether it serves the commit below."""
    phase: Annotated[str, Field(max_length=32)] = "Pending"
    """Its phase."""
    url: Annotated[str, Field(max_length=512)] = ""
    """Where it answers."""
    commit: Annotated[str, Field(max_length=64)] = ""
    """The commit it should run."""
    image: Annotated[str, Field(max_length=1024)] = ""
    """The image it runs."""
    available: Available | None = None
    """With `autoSync: false`: what it would run otherwise, where that isn't what it is told to
    run."""


class Candidate(Model):
    """A branch or pull request, and why it has, or has not, an environment."""

    ref: GitRef
    """Name of the branch; for a permanent environment also its `tag` or `promoteFrom`."""
    pr: Annotated[int, Field(ge=0)] = 0
    """Number of the pull request; 0 for a branch."""
    sha: Annotated[str, Field(max_length=64)] = ""
    """Its newest commit."""
    decision: Literal["Previewed", "Queued", "Expired", "Skipped"]
    """What Kapsa does with it."""
    reason: Annotated[str, Field(max_length=64)]
    """Why, in one word."""


class ProjectStatus(Model):
    """What Kapsa found and did."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this status is about."""
    last_handled_requested_at: Annotated[str, Field(max_length=64)] = ""
    """The last value of the annotation `kapsa-project.io/requestedAt` that was acted on."""
    conditions: Conditions = ()
    """What holds of the Project."""
    namespace: Annotated[str, Field(max_length=63)] = ""
    """Where the environments run; nothing with isolation `Environment`, where
    `status.environments[].namespace` says it of each."""
    subdomain: Annotated[str, Field(max_length=63)] = ""
    """The name below the base domain that this Project holds."""
    latest_commit: LatestCommit | None = None
    """Newest commit of the default branch."""
    latest_image: Annotated[str, Field(max_length=1024)] = ""
    """The image of the newest commit of the default branch that has one."""
    last_poll_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When the repository was last read without an error; noted at most once a minute."""
    next_poll_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it will be read again."""
    environment_count: Annotated[int, Field(ge=0)] = 0
    """Number of permanent environments."""
    preview_count: Annotated[int, Field(ge=0)] = 0
    """Number of previews."""
    url: Annotated[str, Field(max_length=512)] = ""
    """Where the first permanent environment answers."""
    environments: Annotated[
        tuple[EnvironmentSummary, ...], Field(max_length=200, json_schema_extra=map_list("name"))
    ] = ()
    """The environments, permanent ones first."""
    candidates: Annotated[
        tuple[Candidate, ...], Field(max_length=200, json_schema_extra=ATOMIC_LIST)
    ] = ()
    """Open pull requests and branches, with why each has, or has not, a preview."""
