"""Metadata, conditions and references that several kinds share."""

from typing import Annotated, Literal

from pydantic import Field

from kapsa.models.base import DnsLabel, Model, ObjectName


class ObjectMeta(Model):
    """The part of an object's metadata that decisions need.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
    """

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None


class Condition(Model):
    """One aspect of an object's state, in the standard form.

    Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
    """

    type: Annotated[str, Field(max_length=316)]
    """What the condition is about, such as `Ready`."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[
        str,
        Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
    ]
    """Why, in one word for programs."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """Why, in a sentence for people, and what to do about it."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When the status last changed."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this was said of."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


class LocalSecretReference(Model):
    """A Secret in the namespace of the object that names it."""

    name: ObjectName
    """Name of the Secret."""


class ClusterObjectReference(Model):
    """A cluster-scoped object, by name."""

    name: ObjectName
    """Name of the object."""


class ProjectReference(Model):
    """The Project that an Environment belongs to."""

    name: DnsLabel
    """Name of the Project."""
    namespace: DnsLabel
    """Namespace of the Project."""
    uid: Annotated[str, Field(min_length=1, max_length=64)]
    """UID of the Project; an Environment outlives none but its own."""


class DomainReference(Model):
    """Where the host of an Environment comes from."""

    domain_pool_ref: ClusterObjectReference
    """The DomainPool that gives the host."""
    subdomain: DnsLabel | None = None
    """The name below the base domain."""
