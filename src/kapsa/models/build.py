"""How the image of a commit comes to be."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import (
    ATOMIC_LIST,
    Duration,
    Glob,
    Model,
    ObjectName,
    Rule,
    map_list,
    said,
)

Globs = Annotated[tuple[Glob, ...], Field(max_length=50, json_schema_extra=ATOMIC_LIST)]


class GlobFilter(Model):
    """Names let through: matched by an include (none: any), and by no exclude."""

    include: Globs = ()
    """Shell globs, one of which must match. Left out: any name."""
    exclude: Globs = ()
    """Shell globs, none of which may match."""


BuildPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=250,
        pattern=r"^(\.|([A-Za-z0-9_][A-Za-z0-9._-]*|\.[A-Za-z0-9_-][A-Za-z0-9._-]*)"
        r"(/([A-Za-z0-9_][A-Za-z0-9._-]*|\.[A-Za-z0-9_-][A-Za-z0-9._-]*))*)$",
        json_schema_extra=said(
            "must be a path inside the repository, such as services/web, of letters, digits, '.',"
            " '_' and '-', without a leading '/' and without '..'"
        ),
    ),
]
"""A path inside a repository; `.` is its root."""


class BuildVariable(Model):
    """A name and its value."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$",
            examples=["VERSION"],
            json_schema_extra=said(
                "must be letters, digits, '_' and '.', and not begin with a digit"
            ),
        ),
    ]
    """Its name."""
    value: Annotated[str, Field(max_length=4096, examples=["1.2"])] = ""
    """Its value. No secret: images and the objects of builds show it."""


class Builder(Model):
    """What turns source code into an image, without a Dockerfile."""

    image: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=255,
                pattern=r"^([a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/)?([a-z0-9]+([._-]+[a-z0-9]+)*/)*"
                r"([a-z0-9]{2,}|[a-z0-9]+([._-]+[a-z0-9]+)+)"
                r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$",
                examples=["paketobuildpacks/builder-jammy-base"],
                json_schema_extra=said(
                    "must be an image such as paketobuildpacks/builder-jammy-base, in lower case"
                    " but for the tag"
                ),
            ),
        ]
        | None
    ) = None
    """An image with buildpacks."""
    kind: Literal["ClusterBuilder", "Builder"] | None = None
    """Kind of a builder that kpack keeps. A `Builder` is in the namespace of builds."""
    name: Annotated[ObjectName, Field(examples=["base"])] | None = None
    """Its name."""

    rules: ClassVar = (
        Rule(
            "has(self.image) ? !has(self.kind) && !has(self.name)"
            " : has(self.kind) && has(self.name)",
            "set either image, or kind and name",
        ),
    )


class Build(Model):
    """Where the image of a commit comes from."""

    strategy: Literal["prebuilt", "dockerfile", "buildpack"] = "prebuilt"
    """`prebuilt`: CI pushes an image for each commit, and the environment waits until it exists.
    `dockerfile`: Kapsa builds the Dockerfile of the commit. `buildpack`: Kapsa has kpack build the
    commit without one. What Kapsa builds is pushed to `spec.registry`."""
    image: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=512,
                pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
                r":([a-zA-Z0-9_.-]|\{(sha|shortSha|branch|pr)\})+$",
                examples=["ghcr.io/acme/shop:{sha}"],
                json_schema_extra=said(
                    "must name registry, repository and tag, such as ghcr.io/acme/shop:{sha}; the"
                    " tag may use {sha}, {shortSha}, {branch} and {pr}, and nothing else in braces"
                ),
            ),
        ]
        | None
    ) = None
    """`prebuilt` only: the image of a commit, with a tag made of `{sha}`, `{shortSha}` (7 digits),
    `{branch}` or `{pr}`, such as `ghcr.io/acme/shop:{sha}`. For an environment that follows tags,
    `{branch}` is the tag. A tag with neither `{sha}` nor `{shortSha}` may move, and Kapsa follows
    it."""
    dockerfile: Annotated[BuildPath, Field(examples=["Dockerfile"])] | None = None
    """`dockerfile` only: the Dockerfile, inside `context`. Left out: `Dockerfile`."""
    context: Annotated[BuildPath, Field(examples=["services/web"])] | None = None
    """The directory of the repository that is built. Left out: all of it. A commit that changes
    nothing in it causes no build."""
    args: Annotated[
        tuple[BuildVariable, ...], Field(max_length=64, json_schema_extra=map_list("name"))
    ] = ()
    """`dockerfile` only: values of the Dockerfile's `ARG`s."""
    env: Annotated[
        tuple[BuildVariable, ...], Field(max_length=64, json_schema_extra=map_list("name"))
    ] = ()
    """`buildpack` only: environment variables of the build, such as `BP_JVM_VERSION`."""
    builder: Builder | None = None
    """`buildpack` only: what builds. Left out: the operator's setting."""
    timeout: Annotated[Duration, Field(examples=["30m"])] = "30m"
    """How long a build may take."""
    paths: GlobFilter = GlobFilter()
    """Files of `context` that matter, by their paths there: a commit that changes none of them
    causes no build, and runs the image that is there."""

    rules: ClassVar = (
        Rule(
            "(!has(self.strategy) || self.strategy == 'prebuilt') == has(self.image)",
            "image names what CI has pushed: set it with strategy prebuilt, and with no other",
        ),
        Rule(
            "(has(self.strategy) && self.strategy == 'dockerfile')"
            " || (!has(self.dockerfile) && (!has(self.args) || self.args.size() == 0))",
            "dockerfile and args are for strategy dockerfile only",
        ),
        Rule(
            "(has(self.strategy) && self.strategy == 'buildpack')"
            " || (!has(self.builder) && (!has(self.env) || self.env.size() == 0))",
            "builder and env are for strategy buildpack only",
        ),
        Rule(
            "(has(self.strategy) && self.strategy != 'prebuilt') || !has(self.context)",
            "context is for strategies dockerfile and buildpack only: nothing is built otherwise",
        ),
    )
