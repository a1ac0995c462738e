"""Environment: one running deployment of one revision."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import (
    Column,
    CommitSha,
    DnsLabel,
    Duration,
    GitRef,
    Kind,
    Model,
    ObjectName,
    Rule,
    map_list,
    said,
)
from kapsa.models.ingress import Ingress
from kapsa.models.meta import (
    ClusterObjectReference,
    Conditions,
    DomainReference,
    ObjectMeta,
    ProjectReference,
)
from kapsa.models.runtime import Runtime

Phase = Literal[
    "Pending",
    "Building",
    "Deploying",
    "Running",
    "Succeeded",
    "Failed",
    "Expired",
    "Terminating",
]
RunResult = Literal["Running", "Succeeded", "Failed"]


class PullRequest(Model):
    """The pull request that a preview shows."""

    number: Annotated[int, Field(ge=1, examples=[42])]
    """Number of the pull request."""
    title: Annotated[str, Field(max_length=256, examples=["Let people log in"])] = ""
    """Its title."""
    author: Annotated[str, Field(max_length=256, examples=["jane"])] = ""
    """Who opened it."""
    url: Annotated[
        str, Field(max_length=2048, examples=["https://git.example.com/acme/shop/pulls/42"])
    ] = ""
    """Where people read it."""


class EnvironmentSpec(Model):
    """What should run."""

    project_ref: ProjectReference | None = None
    """The Project that this belongs to; written by Kapsa. Left out: the Environment stands alone.
    It can't be changed."""
    type: Literal["permanent", "preview"] = "preview"
    """Whether it stays."""
    branch: Annotated[GitRef, Field(examples=["feature/login"])] | None = None
    """The branch that the commit is of."""
    commit: CommitSha | None = None
    """The commit that should run."""
    pull_request: PullRequest | None = None
    """The pull request that the commit is of."""
    image: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?$",
                examples=["registry.example.com/acme/shop:1.2"],
                json_schema_extra=said(
                    "must be an image such as registry.example.com/acme/shop:1.2, or better"
                    " registry.example.com/acme/shop@sha256:..."
                ),
            ),
        ]
        | None
    ) = None
    """The image that should run; a digest never moves. Left out: it is still being built, and what
    runs keeps running."""
    registry: ClusterObjectReference | None = None
    """The Registry that the image is on, with whose read-only credentials it is pulled. Left out:
    none are needed. A Project fills it in."""
    ttl: Duration | None = None
    """How long it lives after its last change of commit or image, or its extension. Left out: for
    ever, as for permanent ones. An Environment of a Project then becomes `Expired`; one that stands
    alone is deleted."""
    suspend: bool = False
    """Stop: nothing of this Environment is made, changed or deleted until this is false again."""
    domain: DomainReference | None = None
    """Where the host comes from. Left out: no URL."""
    runtime: Runtime = Runtime()
    """How the application runs."""
    ingress: Ingress = Ingress()
    """How requests reach it."""


class OwnedResource(Model):
    """An object that Kapsa made for the Environment."""

    kind: Annotated[str, Field(max_length=63)]
    """Its kind."""
    name: ObjectName
    """Its name."""
    namespace: DnsLabel
    """Its namespace."""
    ready: bool = False
    """Whether it does what it is there for."""


class JobRun(Model):
    """The last run of a release or of a job: remembered, so that a deleted Job isn't run again."""

    process: DnsLabel
    """Name of the process; `web` for the main one, `release` for the release."""
    run: Annotated[str, Field(max_length=64)]
    """What it was run for: a digest of the image, and of `requestedAt` where a person asked."""
    result: RunResult
    """How it ended."""
    started_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it began."""
    ended_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it ended; nothing while it runs."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """Why it failed, with the last lines of its log."""


class HistoryEntry(Model):
    """One roll-out."""

    commit: Annotated[str, Field(max_length=64)] = ""
    """The commit that was rolled out."""
    image: Annotated[str, Field(max_length=1024)] = ""
    """Its image."""
    started_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When it began; it identifies the roll-out."""
    ended_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it came to its end, or the next one took its place."""
    release: RunResult | None = None
    """How its release ended; nothing where it has none."""
    result: Literal["Running", "Succeeded", "Failed", "Superseded"] = "Running"
    """How it ended: `Superseded` where the next one began before it was done."""


class EnvironmentStatus(Model):
    """What runs."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this status is about."""
    last_handled_requested_at: Annotated[str, Field(max_length=64)] = ""
    """The last value of the annotation `kapsa-project.io/requestedAt` that was acted on."""
    phase: Phase = "Pending"
    """The state in one word."""
    conditions: Conditions = ()
    """What holds of the Environment."""
    url: Annotated[str, Field(max_length=512)] = ""
    """Where it answers."""
    host: Annotated[str, Field(max_length=253)] = ""
    """Its host; once given, it never moves."""
    image: Annotated[str, Field(max_length=1024)] = ""
    """The image that is running now."""
    commit: Annotated[str, Field(max_length=64)] = ""
    """The commit that is running now."""
    last_activity_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When its commit or image last changed, or it was asked back."""
    last_activity_of: Annotated[str, Field(max_length=1024)] = ""
    """The commit, or else the image, whose arrival that was."""
    active_since: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it was created, or last came back after it had expired; `maxLifetime` counts from
    there."""
    expires_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When it expires; nothing for one that stays."""
    resources: Annotated[
        tuple[OwnedResource, ...],
        Field(max_length=64, json_schema_extra=map_list("kind", "name", "namespace")),
    ] = ()
    """What Kapsa made for it."""
    jobs: Annotated[
        tuple[JobRun, ...], Field(max_length=16, json_schema_extra=map_list("process"))
    ] = ()
    """The last runs of its release and of its jobs."""
    history: Annotated[
        tuple[HistoryEntry, ...],
        Field(max_length=10, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """The last ten roll-outs, the newest first."""


class Environment(Model):
    """One running deployment of one revision, written by a Project or by CI."""

    definition: ClassVar = Kind(
        kind="Environment",
        plural="environments",
        short_names=("kenv",),
        scope="Namespaced",
        columns=(
            Column("Project", ".spec.projectRef.name"),
            Column("Type", ".spec.type"),
            Column("Branch", ".spec.branch"),
            Column("Phase", ".status.phase"),
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("URL", ".status.url"),
            Column("Expires", ".status.expiresAt"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Commit", ".status.commit", priority=1),
            Column("Image", ".status.image", priority=1),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ),
        selectable_fields=(".spec.projectRef.name", ".spec.type"),
    )
    rules: ClassVar = (
        Rule(
            "self.metadata.name.size() <= 63 &&"
            " self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "an Environment's name is a DNS label of at most 63 characters that starts with a"
            " letter: its Service has the same",
        ),
        # At the root, not beside the field: beside it, the rule would end with the spec, and taking
        # the whole spec away and putting another back would get around it.
        Rule(
            "has(self.spec) && has(self.spec.projectRef)"
            " ? has(oldSelf.spec) && has(oldSelf.spec.projectRef)"
            " && self.spec.projectRef == oldSelf.spec.projectRef"
            " : !has(oldSelf.spec) || !has(oldSelf.spec.projectRef)",
            "projectRef can't be changed; make a new Environment",
        ),
    )

    metadata: ObjectMeta
    spec: EnvironmentSpec = EnvironmentSpec()
    status: EnvironmentStatus = EnvironmentStatus()
