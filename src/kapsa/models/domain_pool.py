"""DomainPool: where hosts come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import SET_LIST, Column, DnsLabel, Host, Kind, Model, map_list
from kapsa.models.meta import Conditions, ObjectMeta


class Routing(Model):
    """How requests reach the environments."""

    kind: Literal["Ingress"] = "Ingress"
    """The kind of object that routes a host."""
    ingress_class_name: Annotated[str, Field(max_length=253)] | None = None
    """The IngressClass. Left out: the cluster's default."""


class AllocationPolicy(Model):
    """Which host is given to whom."""

    strategy: Literal["round-robin"] = "round-robin"
    """How a base domain is picked: each in turn."""
    reserved_subdomains: Annotated[
        tuple[DnsLabel, ...], Field(max_length=100, json_schema_extra=SET_LIST)
    ] = ()
    """First labels that are never given away, such as `www`."""


class DomainPoolSpec(Model):
    """What an admin offers."""

    base_domains: Annotated[
        tuple[Host, ...], Field(min_length=1, max_length=32, json_schema_extra=SET_LIST)
    ]
    """Domains below which hosts are given out; each has a wildcard DNS record."""
    naming: Literal["flat"] = "flat"
    """`flat`: `<environment>-<subdomain>.<base domain>`, so that one wildcard covers all."""
    primary_environment: DnsLabel = "production"
    """The permanent environment that gets `<subdomain>.<base domain>`."""
    routing: Routing = Routing()
    """How requests reach the environments."""
    allocation_policy: AllocationPolicy = AllocationPolicy()
    """Which host is given to whom."""


class DomainAllocation(Model):
    """How many hosts of a base domain are held."""

    domain: Host
    """The base domain."""
    allocated: Annotated[int, Field(ge=0)] = 0
    """Number of hosts held."""


class DomainPoolStatus(Model):
    """What is given out."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """What holds of the pool."""
    allocated: Annotated[int, Field(ge=0)] = 0
    """Number of hosts held."""
    per_domain: Annotated[
        tuple[DomainAllocation, ...], Field(max_length=32, json_schema_extra=map_list("domain"))
    ] = ()
    """The same for each base domain."""


class DomainPool(Model):
    """Base domains from which environments get their hosts."""

    definition: ClassVar = Kind(
        kind="DomainPool",
        plural="domainpools",
        short_names=("dpool",),
        scope="Cluster",
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("Domains", ".spec.baseDomains"),
            Column("Allocated", ".status.allocated", "integer"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ),
    )

    metadata: ObjectMeta
    spec: DomainPoolSpec
    status: DomainPoolStatus = DomainPoolStatus()
