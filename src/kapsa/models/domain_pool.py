"""DomainPool: where hosts come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.annotations import AnnotationMap, AnnotationPattern, keys_rule
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
from kapsa.models.meta import AllowedNamespaces, Conditions, LabelValue, ObjectMeta


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


LabelMap = Annotated[dict[str, LabelValue], Field(max_length=16)]


class Routing(Model):
    """How requests reach the environments."""

    kind: Literal["Ingress", "Gateway"] = "Ingress"
    """What routes a host: an `Ingress`, or an HTTPRoute at a `Gateway` of Gateway API."""
    ingress_class_name: Annotated[str, Field(max_length=253, examples=["nginx"])] | None = None
    """The IngressClass, for kind `Ingress`. Left out: the cluster's default."""
    gateway_ref: GatewayReference | None = None
    """The Gateway, for kind `Gateway`."""
    annotations: Annotated[AnnotationMap, Field(examples=[{"example.com/team": "web"}])] = Field(
        default_factory=dict
    )
    """Annotations of every Ingress or HTTPRoute. They go over those of Projects."""
    preview_annotations: Annotated[
        AnnotationMap,
        Field(
            examples=[
                {
                    "traefik.ingress.kubernetes.io/router.middlewares": (
                        "traefik-noindex@kubernetescrd"
                    )
                }
            ],
        ),
    ] = Field(default_factory=dict)
    """Annotations of the Ingresses and HTTPRoutes of previews, such as one that has the ingress
    controller answer with `X-Robots-Tag: noindex`. HTTPRoutes of previews do that by themselves.
    They go over `annotations`."""
    allowed_annotations: Annotated[
        tuple[AnnotationPattern, ...], Field(max_length=64, json_schema_extra=SET_LIST)
    ] = ()
    """Keys that `ingress.annotations` of Projects and Environments may have; a `*` at the end of
    one stands for any rest of what comes after the `/`. Left out: none."""
    router_namespace: Annotated[DnsLabel, Field(examples=["ingress-nginx"])] | None = None
    """Namespace of the pods that lead requests to the environments: only they, and pods of the same
    namespace, may connect to pods in namespaces that Kapsa makes. Left out: pods of every namespace
    that Kapsa did not make."""
    router_pod_selector: Annotated[
        LabelMap, Field(examples=[{"app.kubernetes.io/name": "ingress-nginx"}])
    ] = Field(default_factory=dict)
    """Labels of those pods. Left out: all pods of `routerNamespace`."""

    rules: ClassVar = (
        Rule(
            "has(self.gatewayRef) == (self.kind == 'Gateway')",
            "kind Gateway needs gatewayRef, and kind Ingress has none",
        ),
        Rule(
            "!has(self.ingressClassName) || self.kind == 'Ingress'",
            "ingressClassName is for kind Ingress; leave it out",
        ),
        Rule(
            "!has(self.routerPodSelector) || has(self.routerNamespace)",
            "routerPodSelector needs routerNamespace: say where those pods are",
        ),
        keys_rule("annotations"),
        keys_rule("previewAnnotations"),
    )


class IssuerReference(Model):
    """Who signs certificates.

    Source: https://cert-manager.io/docs/configuration/
    """

    name: Annotated[ObjectName, Field(examples=["letsencrypt"])]
    """Name of the issuer."""
    kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Its kind. An `Issuer` is in the operator's namespace, and signs only what is issued there."""


class CertManager(Model):
    """How hosts of the pool get certificates, by cert-manager."""

    issuer_ref: IssuerReference | None = None
    """Who signs them."""
    mode: Literal["wildcard", "perHost", "none"] = "wildcard"
    """`wildcard`: one certificate for each base domain (nested: for each subdomain), issued once
    and used by all. `perHost`: one for each host. `none`: no certificates; URLs are `http://`."""
    delivery: Literal["copy", "router"] = "copy"
    """How a wildcard certificate gets to the router. `copy`: its Secret is copied into the
    namespaces that Kapsa makes; hosts elsewhere get a certificate of their own. `router`: it stays
    in the operator's namespace, and the router is told by its admin to use it, or one of its own:
    a Gateway's listener, or the ingress controller's default certificate."""

    rules: ClassVar = (
        Rule(
            "has(self.issuerRef) || self.mode == 'none'"
            " || (self.mode == 'wildcard' && self.delivery == 'router')",
            "issuerRef is needed to issue certificates; name an issuer, or set mode to none",
        ),
        Rule(
            "self.delivery == 'copy' || self.mode == 'wildcard'",
            "delivery router is for mode wildcard; leave it out",
        ),
        Rule(
            "self.mode != 'perHost' || !has(self.issuerRef) || self.issuerRef.kind != 'Issuer'",
            "mode perHost needs a ClusterIssuer: an Issuer signs in its own namespace only",
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
    cert_manager: CertManager | None = None
    """How hosts get certificates. Left out: they get none, and URLs are `http://`."""
    routing: Routing = Routing()
    """How requests reach the environments."""
    allocation_policy: AllocationPolicy = AllocationPolicy()
    """Which host is given to whom."""
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    """Which namespaces' Projects and Environments may use the pool."""

    rules: ClassVar = (
        Rule(
            "!has(self.certManager) || !has(self.routing) || self.routing.kind != 'Gateway'"
            " || self.certManager.mode == 'none' || self.certManager.delivery == 'router'",
            "a Gateway has its certificates at its listeners: set certManager.mode to wildcard and"
            " certManager.delivery to router",
        ),
    )


class DomainAllocation(Model):
    """How many hosts of a base domain are held."""

    domain: Host
    """The base domain."""
    allocated: Annotated[int, Field(ge=0)] = 0
    """Number of hosts held."""


class HostAllocation(Model):
    """A host, and who holds it."""

    host: Host
    """The host."""
    holder: Annotated[str, Field(max_length=150)]
    """The Environment that holds it: `<namespace>/<name>`."""


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
    allocations: Annotated[
        tuple[HostAllocation, ...], Field(max_length=100, json_schema_extra=map_list("host"))
    ] = ()
    """The first hundred hosts, by name, and who holds them."""


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
