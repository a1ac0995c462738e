"""Settings of the operator, from environment variables `KAPSA_…`; read once, at the start."""

import json
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kapsa.core.projects.furnishings import NamespaceRules
from kapsa.core.projects.tag_looks import LookRates
from kapsa.utils.durations import parse_duration
from kapsa.utils.quantities import is_quantity, whole

Seconds = Annotated[int, BeforeValidator(parse_duration)]
"""A duration such as `90s` or `5m`, or a whole number of seconds; held as seconds."""

Names = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(
        lambda value: (
            tuple(filter(None, (part.strip() for part in value.split(","))))
            if isinstance(value, str)
            else value
        )
    ),
]
"""A list, separated by commas."""


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return networks as Kubernetes writes them.

    Raises:
        ValueError: They are none.
    """
    return tuple(str(ip_network(item)) for item in value)


Networks = Annotated[Names, AfterValidator(_networks)]
"""A list of networks such as `10.0.0.0/8`, separated by commas."""


def _decoded(value: object) -> object:
    try:
        return json.loads(value or "{}") if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from error


def _amounts(value: object) -> object:
    """Return amounts of resources as text.

    Raises:
        ValueError: They are none.
    """
    if not isinstance(value, dict):
        raise ValueError('must be amounts of resources, such as {"memory": "256Mi"}')
    for name, amount in value.items():
        if isinstance(amount, bool) or not is_quantity(amount):
            raise ValueError(f'{name}: {amount!r} is no quantity; write 500m, 256Mi or "20"')
    return {name: str(amount) for name, amount in value.items()}


Amounts = Annotated[dict[str, str], BeforeValidator(_amounts)]
"""Amounts of resources by name, such as `{"pods": "20"}`."""

LimitKind = Literal["default", "defaultRequest", "min", "max"]


class Settings(BaseSettings):
    """What an admin can set. Each field is the variable `KAPSA_` and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="KAPSA_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    namespace: str = "kapsa-system"
    """The operator's own namespace: its Lease, the claims of hosts, the Secrets of Registries."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""
    log_format: Literal["json", "console"] = "json"
    """`json`: one object a line; `console`: for people."""

    metrics_enabled: bool = True
    """Whether `/metrics` is served; `/healthz` and `/readyz` always are."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of `/metrics`, `/healthz` and `/readyz`; 0 takes any free one."""
    bind_address: str = "0.0.0.0"  # noqa: S104 - inside a pod, behind a Service
    """Address on which that port is opened."""

    default_poll_interval: Annotated[Seconds, Field(ge=1)] = 300
    """How often a repository is read where its Project says nothing."""
    min_poll_interval: Annotated[Seconds, Field(ge=1)] = 10
    """Floor below which no Project can go."""
    poll_concurrency_per_host: Annotated[int, Field(ge=1, le=64)] = 4
    """Most polls of one git host at a time."""
    poll_timeout: Annotated[Seconds, Field(ge=1)] = 30
    """Seconds after which a poll of one repository is given up."""
    image_retry_interval: Annotated[Seconds, Field(ge=1)] = 10
    """How soon an image that does not exist yet is looked up again; each further wait is twice as
    long."""
    max_image_retry_interval: Annotated[Seconds, Field(ge=1)] = 300
    """The longest wait between two looks for an image that does not exist yet, or whose registry
    doesn't answer. A new commit, a change of the Registry, and the annotation
    `kapsa-project.io/requestedAt` have it looked up at once."""
    registry_retry_interval: Annotated[Seconds, Field(ge=1)] = 60
    """How often a registry that can't be used is tried again, and a Secret of it that is missing or
    refused is read again."""
    reconciliation_timeout: Annotated[Seconds, Field(ge=1)] = 600
    """Seconds after which one reconciliation is given up and tried again."""
    mass_deletion_hold: Annotated[Seconds, Field(ge=0)] = 300
    """How long a mass disappearance of previews must last before it is believed."""

    allow_http_repositories: bool = False
    """Whether a repository may be read over plain http."""
    allowed_private_hosts: Names = ()
    """Hosts on loopback or private addresses that git, forges and registries may be on;
    `*` allows every private (but no loopback or link-local) address."""

    pod_security: Literal["restricted", "baseline"] = "restricted"
    """The laxest Pod Security Standard that an Environment may ask for. With `baseline`, images may
    run as root where `runtime.security.profile` says so. It is enforced in every namespace that
    Kapsa makes."""
    resource_quota: Annotated[Amounts, NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    """The most of each resource in every namespace that Kapsa makes, as in `spec.hard` of a
    ResourceQuota: `{"pods": "20", "limits.memory": "8Gi"}`."""
    limit_range: Annotated[dict[LimitKind, Amounts], NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=dict
    )
    """What containers get and may ask for in every namespace that Kapsa makes, as in a LimitRange:
    `{"default": {"memory": "256Mi"}, "max": {"memory": "1Gi"}}`."""
    developer_cluster_role: str = "kapsa-developer"
    """The ClusterRole to which those are bound whom a Project gives `access` to the namespaces that
    Kapsa makes for it; nothing for none. The operator needs the permission to `bind` it."""

    build_namespace: str = "kapsa-builds"
    """The namespace in which images are built. The operator makes it, and nothing else belongs
    there."""
    buildkit_image: str = "docker.io/moby/buildkit:v0.25.1-rootless"
    """The image with rootless BuildKit that builds Dockerfiles."""
    kpack_builder_image: str = "docker.io/paketobuildpacks/builder-jammy-base"
    """What builds for Projects of strategy `buildpack` that name no builder."""
    kpack_allowed_builders: Names = (
        *("docker.io/paketobuildpacks/*", "docker.io/heroku/builder", "gcr.io/buildpacks/builder"),
    )
    """Images that Projects may name as `build.builder.image`, without tags, as `host/path`; `*`
    stands for any characters. Whoever makes such an image can get at the credential that builds
    push with."""
    build_concurrency: Annotated[int, Field(ge=1, le=1000)] = 4
    """Most builds at a time."""
    build_concurrency_per_project: Annotated[int, Field(ge=1, le=1000)] = 2
    """Most builds of one Project at a time."""
    build_limits: Annotated[Amounts, NoDecode, BeforeValidator(_decoded)] = Field(
        default_factory=lambda: {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "20Gi"}
    )
    """The most that one build may use of each resource: `{"cpu": "2", "memory": "4Gi"}`."""
    build_egress_except: Networks = (
        *("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
    """Networks that builds can't reach: those of the cluster's pods, Services and nodes, and of a
    cloud's metadata. A NetworkPolicy of your own in the namespace of builds lets them reach more,
    such as a private registry."""
    build_retention: Annotated[Seconds, Field(ge=0)] = 3600
    """How long a build that succeeded is kept, so that its log can be read."""
    git_cache_directory: str = ""
    """Where parts of repositories are kept, to see what a commit changes; nothing for a temporary
    directory. Nothing that is there is missed when it is lost."""
    git_cache_size: Annotated[str, Field(pattern=r"^[0-9]+(k|Ki|M|Mi|G|Gi)?$")] = "1Gi"
    """The most that is kept there; what was not used for longest goes first."""

    lease_duration: Annotated[Seconds, Field(ge=2)] = 15
    """Seconds after which a Lease that isn't renewed is free for another operator."""
    renew_deadline: Annotated[Seconds, Field(ge=1)] = 10
    """Seconds without a renewal after which this operator writes nothing more."""
    renew_interval: Annotated[Seconds, Field(ge=1)] = 2
    """Seconds between renewals."""
    sweep_interval: Annotated[Seconds, Field(ge=1)] = 600
    """How often what deleted objects left behind is swept, and the caches are listed anew."""
    workers: Annotated[int, Field(ge=1, le=64)] = 8
    """Most reconciliations of one kind at a time."""

    pod_name: str = ""
    """Name of the operator's pod; with `pod_uid` its identity in the election."""
    pod_uid: str = ""
    """UID of the operator's pod."""

    @property
    def git_cache_bytes(self) -> int:
        """What `git_cache_size` is in bytes."""
        return whole(self.git_cache_size)

    @property
    def look_rates(self) -> LookRates:
        """How often an image is looked up that isn't found."""
        first = self.image_retry_interval
        return LookRates(
            first, max(first, self.max_image_retry_interval), self.registry_retry_interval
        )

    @property
    def namespace_rules(self) -> NamespaceRules:
        """What is wanted of every namespace that Kapsa makes."""
        return NamespaceRules(
            pod_security=self.pod_security,
            resource_quota=self.resource_quota,
            limit_range={str(kind): amounts for kind, amounts in self.limit_range.items()},
            developer_role=self.developer_cluster_role,
        )

    @model_validator(mode="after")
    def _keep_the_lease_longer_than_it_is_believed(self) -> Self:
        if not self.renew_interval < self.renew_deadline < self.lease_duration:
            raise ValueError(
                "KAPSA_RENEW_INTERVAL must be below KAPSA_RENEW_DEADLINE, and that below"
                " KAPSA_LEASE_DURATION: else two operators could write at a time"
            )
        return self


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable and what it should be."""


def read_settings() -> Settings:
    """Return the settings that the environment gives.

    Raises:
        SettingsError: One is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            ": ".join((f"KAPSA_{str(item['loc'][0]).upper()}", *_below(item["loc"]), item["msg"]))
            if item["loc"]
            else str(item["msg"])
            for item in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from error


def _below(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return where in a setting that is a map something is wrong; nothing for all of it."""
    path = ".".join(str(part) for part in location[1:] if part != "[key]")
    return (path,) if path else ()
