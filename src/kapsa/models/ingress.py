"""How requests reach an application."""

from typing import Annotated, ClassVar

from pydantic import Field

from kapsa.models.annotations import AnnotationMap, keys_rule
from kapsa.models.base import ATOMIC_LIST, Host, Model, ObjectName, Rule
from kapsa.models.process import Path


class IngressTls(Model):
    """The certificate of the host."""

    enabled: bool | None = None
    """Whether the host has one, where the DomainPool offers any. Left out: yes."""
    secret_name: Annotated[ObjectName, Field(examples=["shop-tls"])] | None = None
    """A Secret of type `kubernetes.io/tls` with a certificate of one's own; beside the Project, or,
    of an Environment that stands alone, beside it. Left out: the DomainPool decides."""


class Ingress(Model):
    """How requests reach the application. A Project's values are defaults for its environments."""

    enabled: bool | None = None
    """Whether the host leads to the application. Left out: yes. The host stays held meanwhile."""
    host: Annotated[Host, Field(examples=["shop.example.com"])] | None = None
    """A host of one's own, in place of one of the DomainPool, which then only says how it is
    routed. It must be in none of the base domains of any DomainPool, and only one Environment can
    have it."""
    paths: Annotated[tuple[Path, ...], Field(max_length=8, json_schema_extra=ATOMIC_LIST)] = ()
    """Paths that lead to the main process; nothing else of the host does. Left out: all."""
    tls: IngressTls | None = None
    """The certificate of the host."""
    annotations: Annotated[
        AnnotationMap, Field(examples=[{"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}])
    ] = Field(default_factory=dict)
    """Annotations of the Ingress or HTTPRoute; those whose keys the DomainPool allows."""

    rules: ClassVar = (
        Rule(
            "!has(self.paths) || self.paths.all(path, self.paths.exists_one(other, other == path))",
            "a path is there twice; leave one of them out",
        ),
        keys_rule("annotations"),
    )
