"""Registry: where images come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import Column, Kind, Model, said
from kapsa.models.meta import AllowedNamespaces, Conditions, LocalSecretReference, ObjectMeta


class RegistryCredentials(Model):
    """Who Kapsa is to the registry."""

    secret_ref: LocalSecretReference
    """A Secret in the operator's namespace, of type `kubernetes.io/dockerconfigjson` or
    `kubernetes.io/basic-auth`."""


class RegistrySpec(Model):
    """What an admin offers."""

    type: Literal["generic"] = "generic"
    """The software behind the endpoint. `generic` speaks the OCI distribution API."""
    endpoint: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?$",
            examples=["harbor.example.com"],
            json_schema_extra=said(
                "must be a host such as harbor.example.com or localhost:5000, without scheme and"
                " path"
            ),
        ),
    ]
    """Host of the registry, with a port where it isn't the default."""
    insecure: bool = False
    """Speak plain http; for laboratories."""
    pull_auth: RegistryCredentials | None = None
    """Read-only credentials, used to look up images. Left out: none."""
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    """Which namespaces' Projects may use the Registry."""


class RegistryStatus(Model):
    """Whether the registry can be used."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """What holds of the registry."""


class Registry(Model):
    """A registry of container images, with the credentials that Kapsa uses there."""

    definition: ClassVar = Kind(
        kind="Registry",
        plural="registries",
        short_names=("kreg",),
        scope="Cluster",
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("Type", ".spec.type"),
            Column("Endpoint", ".spec.endpoint"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ),
    )

    metadata: ObjectMeta
    spec: RegistrySpec
    status: RegistryStatus = RegistryStatus()
