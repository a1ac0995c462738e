"""Project: a developer's application."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from kapsa.models.base import (
    Column,
    CommitSha,
    DnsLabel,
    Duration,
    GitRef,
    Glob,
    ImageDigest,
    Kind,
    Model,
    ObjectName,
    Rule,
    map_list,
    said,
)
from kapsa.models.build import Build, GlobFilter, Globs
from kapsa.models.ingress import Ingress
from kapsa.models.meta import (
    DomainReference,
    LocalSecretReference,
    ObjectMeta,
)
from kapsa.models.project_status import ProjectStatus
from kapsa.models.runtime import Runtime

ApiAddress = Annotated[
    str,
    Field(
        max_length=2048,
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/+-]*)?$",
        examples=["https://git.example.com/api/v1"],
        json_schema_extra=said(
            "must be an address such as https://git.example.com/api/v1, without user, password,"
            " query or fragment"
        ),
    ),
]


class Credentials(Model):
    """How Kapsa shows who it is to the git server and the forge."""

    secret_ref: LocalSecretReference
    """A Secret beside the Project: of type `kubernetes.io/basic-auth`, or with the key `token`."""


class Repository(Model):
    """The git repository whose branches and pull requests get environments."""

    url: Annotated[
        str,
        Field(
            max_length=2048,
            pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~/+-]+$",
            examples=["https://git.example.com/acme/shop.git"],
            json_schema_extra=said(
                "must be an address such as https://git.example.com/acme/shop.git; user and"
                " password belong into the Secret of spec.repository.credentials"
            ),
        ),
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
    poll_interval: Annotated[Duration | None, Field(examples=["1m"])] = None
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


class ProjectRegistry(Model):
    """Where the images of a Project are."""

    name: Annotated[ObjectName, Field(examples=["internal"])]
    """Name of a Registry."""
    image_repository: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                pattern=r"^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
                examples=["shop"],
                json_schema_extra=said(
                    "must be a path such as shop or shop/web: lower-case letters and digits, with"
                    " '.', '_' and '-' between them"
                ),
            ),
        ]
        | None
    ) = None
    """What stands for `{imageRepository}` in the Registry's `repositoryTemplate`. Left out: the
    Project's name."""


_NO_HOST: Final = Rule(
    "!has(self.ingress) || !has(self.ingress.host)",
    "only one environment can have a host; set it in environments[].ingress.host",
)


class PermanentEnvironment(Model):
    """An environment that stays, such as production."""

    name: Annotated[DnsLabel, Field(max_length=40, examples=["staging"])]
    """Name of the environment; part of its host."""
    branch: GitRef | None = None
    """The branch it follows. Exactly one of `branch`, `tag` and `promoteFrom` is set."""
    tag: Annotated[Glob, Field(examples=["v*"])] | None = None
    """Shell glob of tags, such as `v*`: it follows the newest version among them. Versions are
    ordered as Semantic Versioning says; other tags come before all versions, by name."""
    promote_from: Annotated[DnsLabel, Field(max_length=40, examples=["staging"])] | None = None
    """Name of another environment: it runs the image that proved itself there, by its digest.
    Until that one is Ready with another image, it stays at what it has."""
    auto_sync: bool = True
    """Whether a new commit is rolled out by itself. `false`: it only shows in
    `status.environments[].available`, until `revision` or `image` names it; before that, the
    environment isn't made."""
    revision: CommitSha | None = None
    """Run this commit, whatever the branch, tag or other environment says. Its image is looked up
    as that of any commit."""
    image: ImageDigest | None = None
    """Run this image, by its digest, whatever `revision` says; for promotion and rollback. It is
    looked up nowhere. `revision` then only says of which commit it is, where no environment of the
    Project knows."""
    runtime: Runtime | None = None
    """Merged over `spec.runtime`."""
    ingress: Ingress | None = None
    """Merged over `spec.ingress`."""

    rules: ClassVar = (
        Rule(
            "(has(self.branch) ? 1 : 0) + (has(self.tag) ? 1 : 0)"
            " + (has(self.promoteFrom) ? 1 : 0) == 1",
            "set exactly one of branch, tag and promoteFrom",
        ),
        Rule(
            "!has(self.promoteFrom) || self.promoteFrom != self.name",
            "promoteFrom names the environment itself; name another one of spec.environments",
        ),
        Rule(
            "!self.name.matches('^pr-[0-9]+$')",
            "names such as pr-7 are kept for the previews of pull requests; choose another name",
        ),
    )


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
    ttl: Duration = "7d"
    """How long a preview lives after its last commit or extension. Then it becomes `Expired` and
    keeps nothing but its host; a new commit brings it back."""
    max_lifetime: Duration = "30d"
    """How long a preview lives at most, whatever is committed or extended: from its creation, or
    from when it last came back after it had expired. Only the annotation
    `kapsa-project.io/pin: "true"` goes beyond it; where `ttl` is longer, this one counts."""
    runtime: Runtime | None = None
    """Merged over `spec.runtime`."""
    ingress: Ingress | None = None
    """Merged over `spec.ingress`."""

    rules: ClassVar = (_NO_HOST,)


class Subject(Model):
    """A person, or a group of people, as the cluster's authentication names them."""

    kind: Literal["User", "Group"]
    """Whether it is one or many."""
    name: Annotated[str, Field(min_length=1, max_length=253, examples=["team-a"])]
    """The name. Of those that begin with `system:` only ServiceAccounts, and groups of them."""

    rules: ClassVar = (
        Rule(
            "!self.name.startsWith('system:') || self.name.startsWith('system:serviceaccount')",
            "names that begin with system: mean everybody, or Kubernetes itself; name a person, a"
            " group, or a ServiceAccount such as system:serviceaccount:team-a:robot",
        ),
    )


class ProjectSpec(Model):
    """What a developer wants."""

    suspend: bool = False
    """Stop: nothing is polled, made, changed or deleted until this is false again."""
    isolation: Literal["Shared", "Project", "Environment"] = "Project"
    """Where the environments run. `Project`: in one namespace that Kapsa makes for this Project.
    `Environment`: each in a namespace of its own, made for it. `Shared`: in the Project's own
    namespace. It can't be changed."""
    access: Annotated[
        tuple[Subject, ...], Field(max_length=32, json_schema_extra=map_list("kind", "name"))
    ] = ()
    """Who may look into the namespaces that Kapsa makes for this Project: see its pods, read their
    logs and forward ports, as far as the operator's ClusterRole for developers allows."""
    repository: Repository
    """The git repository."""
    build: Build
    """Where images come from."""
    registry: ProjectRegistry | None = None
    """The Registry that images are pushed to and pulled from, with its credentials. Left out: none,
    for public images that CI has pushed."""
    domain: DomainReference | None = None
    """Where hosts come from. Left out: environments have no URL. The subdomain defaults to the
    Project's name."""
    runtime: Runtime = Runtime()
    """How the application runs: defaults for every environment."""
    ingress: Ingress = Ingress()
    """How requests reach it: defaults for every environment."""
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
        _NO_HOST,
        Rule(
            "!has(self.build.strategy) || self.build.strategy == 'prebuilt' || has(self.registry)",
            "registry says where images are pushed that Kapsa builds; set it, or build.strategy to"
            " prebuilt",
        ),
        Rule(
            "!has(self.environments) || self.environments.all(item, !has(item.promoteFrom)"
            " || self.environments.exists(other, other.name == item.promoteFrom))",
            "promoteFrom must be the name of another environment in spec.environments",
        ),
    )


class Project(Model):
    """A git repository whose branches and pull requests get environments, each with its own URL."""

    definition: ClassVar = Kind(
        kind="Project",
        plural="projects",
        short_names=("proj",),
        scope="Namespaced",
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("Commit", ".status.latestCommit.shortSha"),
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
