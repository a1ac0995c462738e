"""DomainPool: where hosts come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import (
    SET_LIST,
    Column,
    DnsLabel,
    Host,
    Kind,
    Model,
    ObjectName,
    Rule,
    map_list,
)
from kapsa.models.meta import AllowedNamespaces, Conditions, ObjectMeta


class GatewayReference(Model):
    """A Gateway, whose listeners admit routes of the environments' namespaces.

    Source: https://gateway-api.sigs.k8s.io/reference/spec/#parentreference
    """

    name: Annotated[ObjectName, Field(examples=["public"])]
    """Name of the Gateway."""
    namespace: Annotated[DnsLabel, Field(examples=["gateways"])]
    """Its namespace."""
    section_name: Annotated[ObjectName, Field(examples=["https"])] | None = None
    """Name of the listener. Left out: every listener that takes the host."""


class Routing(Model):
    """How requests reach the environments."""

    kind: Literal["Ingress", "Gateway"] = "Ingress"
    """What routes a host: an `Ingress`, or an HTTPRoute at a `Gateway` of Gateway API."""
    ingress_class_name: Annotated[str, Field(max_length=253, examples=["nginx"])] | None = None
    """The IngressClass, for kind `Ingress`. Left out: the cluster's default."""
    gateway_ref: GatewayReference | None = None
    """The Gateway, for kind `Gateway`."""

    rules: ClassVar = (
        Rule(
            "has(self.gatewayRef) == (self.kind == 'Gateway')",
            "kind Gateway needs gatewayRef, and kind Ingress has none",
        ),
        Rule(
            "!has(self.ingressClassName) || self.kind == 'Ingress'",
            "ingressClassName is for kind Ingress; leave it out",
        ),
    )


class AllocationPolicy(Model):
    """Which host is given to whom."""

    strategy: Literal["round-robin", "random", "least-used"] = "round-robin"
    """How a base domain is picked: each in turn, by chance, or the one with the fewest hosts."""
    reserved_subdomains: Annotated[
        tuple[DnsLabel, ...], Field(max_length=100, json_schema_extra=SET_LIST)
    ] = ()
    """Names right below a base domain that are never given away, such as `www`."""


BaseDomain = Annotated[Host, Field(max_length=125)]
"""A host name that leaves room for two DNS labels before it: 253 characters in all (RFC 1035)."""


class DomainPoolSpec(Model):
    """What an admin offers."""

    base_domains: Annotated[
        tuple[BaseDomain, ...], Field(min_length=1, max_length=32, json_schema_extra=SET_LIST)
    ]
    """Domains below which hosts are given out; each has a wildcard DNS record."""
    naming: Literal["flat", "nested"] = "flat"
    """`flat`: `<environment>-<subdomain>.<base domain>`, so that one wildcard covers all.
    `nested`: `<environment>.<subdomain>.<base domain>`."""
    primary_environment: DnsLabel = "production"
    """The permanent environment that gets `<subdomain>.<base domain>`."""
    routing: Routing = Routing()
    """How requests reach the environments."""
    allocation_policy: AllocationPolicy = AllocationPolicy()
    """Which host is given to whom."""
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    """Which namespaces' Projects and Environments may use the pool."""


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
