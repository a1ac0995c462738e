"""Project: a developer's application."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import (
    ATOMIC_LIST,
    Column,
    CommitSha,
    DnsLabel,
    Duration,
    GitRef,
    Glob,
    Kind,
    Model,
    Rule,
    map_list,
)
from kapsa.models.meta import (
    ClusterObjectReference,
    Conditions,
    DomainReference,
    LocalSecretReference,
    ObjectMeta,
)
from kapsa.models.runtime import Runtime

ApiAddress = Annotated[
    str,
    Field(
        max_length=2048,
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/+-]*)?$",
    ),
]
Globs = Annotated[tuple[Glob, ...], Field(max_length=50, json_schema_extra=ATOMIC_LIST)]


class Credentials(Model):
    """How Kapsa shows who it is to the git server and the forge."""

    secret_ref: LocalSecretReference
    """A Secret beside the Project: of type `kubernetes.io/basic-auth`, or with the key `token`."""


class Repository(Model):
    """The git repository whose branches and pull requests get environments."""

    url: Annotated[
        str,
        Field(max_length=2048, pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~/+-]+$"),
    ]
    """Address of the repository: `https://`, without a user or password. `http://` only where the
    operator allows it."""
    branch: GitRef = "main"
    """The default branch."""
    provider: Literal["auto", "gitea", "forgejo", "git"] = "auto"
    """The software behind the URL, asked for open pull requests. `git` means any server: branches
    only. `auto` asks the server."""
    api_url: Annotated[ApiAddress | None, Field(alias="apiURL")] = None
    """Address of the forge's API. Left out: derived from `url`. It must be on the host of `url`,
    since the credentials go there."""
    poll_interval: Duration | None = None
    """How often to look for changes. Left out, or below the operator's floor: the operator's
    setting."""
    credentials: Credentials | None = None
    """Who Kapsa is to the server. Left out: nobody, for public repositories."""

    rules: ClassVar = (
        Rule(
            "!has(self.apiURL) ||"
            " (self.apiURL + '/').startsWith(self.url.find('^https?://[^/]+') + '/')",
            "apiURL must have the scheme, host and port of url: the credentials are sent there",
        ),
    )


class Build(Model):
    """Where the image of a commit comes from."""

    strategy: Literal["prebuilt"] = "prebuilt"
    """`prebuilt`: CI pushes an image for each commit, and the environment waits until it exists."""
    image: Annotated[
        str,
        Field(
            min_length=1,
            max_length=512,
            pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
            r":([a-zA-Z0-9_.-]|\{(sha|shortSha|branch|pr)\})+$",
        ),
    ]
    """The image of a commit, with a tag made of `{sha}`, `{shortSha}` (7 digits), `{branch}` or
    `{pr}`, such as `ghcr.io/acme/shop:{sha}`."""


class PermanentEnvironment(Model):
    """An environment that stays, such as production."""

    name: Annotated[DnsLabel, Field(max_length=40)]
    """Name of the environment; part of its host."""
    branch: GitRef
    """The branch it follows."""
    runtime: Runtime | None = None
    """Merged over `spec.runtime`."""


class GlobFilter(Model):
    """Names let through: matched by an include (none: any), and by no exclude."""

    include: Globs = ()
    """Shell globs, one of which must match. Left out: any name."""
    exclude: Globs = ()
    """Shell globs, none of which may match."""


class PullRequestPreviews(Model):
    """Which pull requests get a preview. Those from forks never do."""

    enabled: bool = True
    """Whether open pull requests get previews."""
    heads: GlobFilter = GlobFilter()
    """Filter by the name of the head branch."""
    labels: GlobFilter = GlobFilter()
    """Filter by labels: one must be included (none listed: any), none may be excluded."""
    drafts: bool = False
    """Whether drafts get previews too."""


class BranchPreviews(Model):
    """Which branches get a preview. A branch with an open pull request has that one instead."""

    enabled: bool = False
    """Whether branches get previews."""
    include: Globs = ("preview/*",)
    """Shell globs, one of which must match."""
    exclude: Globs = ()
    """Shell globs, none of which may match."""


class PreviewEnvironments(Model):
    """Environments that come and go with pull requests and branches."""

    enabled: bool = True
    """Whether there are any previews at all."""
    pull_requests: PullRequestPreviews = PullRequestPreviews()
    """Previews of pull requests."""
    branches: BranchPreviews = BranchPreviews()
    """Previews of branches."""
    max_active: Annotated[int, Field(ge=0, le=500)] = 20
    """The most previews at a time; further ones wait (`Queued`), oldest first."""
    runtime: Runtime | None = None
    """Merged over `spec.runtime`."""


class ProjectSpec(Model):
    """What a developer wants."""

    suspend: bool = False
    """Stop: nothing is polled, made, changed or deleted until this is false again."""
    isolation: Literal["Shared", "Project"] = "Project"
    """Where the environments run. `Project`: in one namespace that Kapsa makes for this Project.
    `Shared`: in the Project's own namespace. It can't be changed."""
    repository: Repository
    """The git repository."""
    build: Build
    """Where images come from."""
    registry: ClusterObjectReference | None = None
    """The Registry whose credentials Kapsa uses to look up images. Left out: none, for public
    images."""
    domain: DomainReference | None = None
    """Where hosts come from. Left out: environments have no URL. The subdomain defaults to the
    Project's name."""
    runtime: Runtime = Runtime()
    """How the application runs: defaults for every environment."""
    environments: Annotated[
        tuple[PermanentEnvironment, ...],
        Field(max_length=20, json_schema_extra=map_list("name")),
    ] = ()
    """Environments that stay."""
    preview_environments: PreviewEnvironments = PreviewEnvironments()
    """Environments that come and go."""

    rules: ClassVar = (
        Rule(
            "self.isolation == oldSelf.isolation", "isolation can't be changed; make a new Project"
        ),
    )


class LatestCommit(Model):
    """The newest commit of the default branch."""

    sha: CommitSha
    """Object name of the commit."""
    branch: GitRef
    """The default branch."""
    first_seen: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When Kapsa saw it first."""


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


class Candidate(Model):
    """An open pull request or a branch, and why it has, or has not, a preview."""

    ref: GitRef
    """Name of the branch."""
    pr: Annotated[int, Field(ge=0)] = 0
    """Number of the pull request; 0 for a branch."""
    sha: Annotated[str, Field(max_length=64)] = ""
    """Its newest commit."""
    decision: Literal["Previewed", "Queued", "Skipped"]
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
    """Where the environments run."""
    subdomain: Annotated[str, Field(max_length=63)] = ""
    """The name below the base domain that this Project holds."""
    latest_commit: LatestCommit | None = None
    """Newest commit of the default branch."""
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


class Project(Model):
    """A git repository whose branches and pull requests get environments, each with its own URL."""

    definition: ClassVar = Kind(
        kind="Project",
        plural="projects",
        short_names=("proj",),
        scope="Namespaced",
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("Commit", ".status.latestCommit.sha", priority=1),
            Column("Environments", ".status.environmentCount", "integer"),
            Column("Previews", ".status.previewCount", "integer"),
            Column("URL", ".status.url"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ),
    )
    rules: ClassVar = (
        Rule(
            "self.metadata.name.size() <= 40 &&"
            " self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "a Project's name is a DNS label of at most 40 characters that starts with a letter:"
            " the names of its objects begin with it",
        ),
    )

    metadata: ObjectMeta
    spec: ProjectSpec
    status: ProjectStatus = ProjectStatus()
