"""The ConfigMaps and Secrets that an Environment names: which, as what its pods see them."""

import hashlib
import hmac
import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kapsa.core import labels
from kapsa.core.hosts.routing import route_absence
from kapsa.models.configuration import ConfigReference
from kapsa.models.environment import Environment
from kapsa.utils.names import with_digest

SourceKind = Literal["ConfigMap", "Secret"]

OPAQUE: Final = "Opaque"
TLS_TYPE: Final = "kubernetes.io/tls"
"""Type of Secrets that hold a certificate.

Source: https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets"""
_TLS_KEYS: Final = ("tls.crt", "tls.key", "ca.crt")
_SHORTEST_SECRET: Final = 6
"""Characters below which a value is too common a word to be found in a text."""

CopyKind = Literal["copy", "certificate"]
"""What a copy is: what pods read, or the certificate of a host."""


@dataclass(frozen=True)
class Reference:
    """That a spec names a ConfigMap or Secret.

    Attributes:
        path: The field that names it.
        kind: What it names.
        name: Name of that.
        mount_path: The folder in which each key is a file; None: each is a variable.
        is_certificate: Whether it is the certificate of the host, which pods don't see.
    """

    path: str
    kind: SourceKind
    name: str
    mount_path: str | None = None
    is_certificate: bool = False


@dataclass(frozen=True)
class Source:
    """A ConfigMap or Secret as it was read.

    Attributes:
        type: The type of a Secret.
        is_managed: Whether Kapsa made it.
        digest: Digest of the content, with the UID as its key: it betrays nothing of a short value
            to who sees it elsewhere.
        data: The values of its keys; a Secret's are in base64.
        binary_data: More of them, of a ConfigMap, in base64.
    """

    type: str = ""
    is_managed: bool = False
    digest: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    binary_data: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Binding:
    """What the pods get.

    Attributes:
        kind: What it is.
        name: Its name where the pods run.
        source: Its name where it comes from.
        mount_path: The folder in which each key is a file; None: each is a variable.
    """

    kind: SourceKind
    name: str
    source: str
    mount_path: str | None = None


@dataclass(frozen=True)
class Copy:
    """A ConfigMap or Secret that is kept where the Environment is.

    Attributes:
        kind: What it is.
        name: Its name.
        source: Namespace and name of what it is a copy of.
        type: The type of a Secret.
        data: Its content; nothing where that is not known.
        binary_data: The rest of it.
    """

    kind: SourceKind
    name: str
    source: str
    type: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    binary_data: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Configuration:
    """What an Environment gets of the ConfigMaps and Secrets that it names.

    Attributes:
        bindings: What its pods get; of two that have the same key, the later one counts.
        copies: What is to be kept beside it.
        digest: Digest of all that its pods get; nothing where that is not known.
        secrets: The content of its Secrets, in base64.
    """

    bindings: tuple[Binding, ...] = ()
    copies: tuple[Copy, ...] = ()
    digest: str = ""
    secrets: tuple[Mapping[str, str], ...] = field(default=(), repr=False)

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Values that must not show anywhere, and the lines of which they consist."""
        found: dict[str, None] = {}
        for data in self.secrets:
            for value in data.values():
                text = _text(value)
                found |= dict.fromkeys((text, *text.splitlines()))
        return tuple(text for text in found if len(text.strip()) >= _SHORTEST_SECRET)


NO_CONFIGURATION: Final = Configuration()


def source_namespace(environment: Environment) -> str:
    """Return the namespace of what the Environment names: its Project's, or its own."""
    reference = environment.spec.project_ref
    return reference.namespace if reference else environment.metadata.namespace


def references_of(environment: Environment) -> tuple[Reference, ...]:
    """Return what the Environment names, in the order in which the one goes over the other."""
    runtime, tls = environment.spec.runtime, environment.spec.ingress.tls
    found = [
        *_references("ConfigMap", "spec.runtime.configRefs", runtime.config_refs),
        *_references("Secret", "spec.runtime.secretRefs", runtime.secret_refs),
    ]
    is_used = environment.spec.domain is not None and route_absence(environment) is None
    if is_used and tls and tls.secret_name and tls.enabled is not False:
        path = "spec.ingress.tls.secretName"
        found.append(Reference(path, "Secret", tls.secret_name, is_certificate=True))
    return tuple(found)


def _references(
    kind: SourceKind, path: str, said: tuple[ConfigReference, ...]
) -> Iterator[Reference]:
    for index, item in enumerate(said):
        yield Reference(f"{path}[{index}].name", kind, item.name, item.mount_path)


def name_of(environment: Environment, reference: Reference) -> str:
    """Return what the ConfigMap or Secret is called where the Environment is.

    Beside its source it is the source; elsewhere a copy. That of a certificate has another type,
    and so is another object.
    """
    if source_namespace(environment) == environment.metadata.namespace:
        return reference.name
    what: CopyKind = "certificate" if reference.is_certificate else "copy"
    return copy_name(environment.metadata.name, reference.name, what)


def copy_name(environment: str, source: str, what: CopyKind = "copy") -> str:
    """Return the name of an Environment's copy, which no other object of its kind has."""
    identity = f"{what}\n{len(environment)}\n{environment}{source}"
    return with_digest(f"{environment}-{source}", identity)


def source_of(manifest: Mapping[str, Any]) -> Source:
    """Return a ConfigMap or Secret that was read, without what nobody needs of it."""
    data = {key: value or "" for key, value in (manifest.get("data") or {}).items()}
    binary = {key: value or "" for key, value in (manifest.get("binaryData") or {}).items()}
    uid = str(manifest["metadata"].get("uid", ""))
    text = json.dumps([data, binary], sort_keys=True, separators=(",", ":"))
    keyed = hmac.new(uid.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return Source(
        type=str(manifest.get("type", "")),
        is_managed=labels.is_managed(manifest),
        digest=keyed.hexdigest(),
        data=data,
        binary_data=binary,
    )


def configuration_of(
    environment: Environment, sources: Mapping[Reference, Source] | None = None
) -> Configuration | None:
    """Return what the Environment gets; None where it names nothing.

    Args:
        environment: The Environment.
        sources: All that it names; None where nobody has read that. It is then as it will be, but
            for the content.
    """
    references = references_of(environment)
    if not references:
        return None
    beside = source_namespace(environment) == environment.metadata.namespace
    read = sources or {}
    seen = [reference for reference in references if not reference.is_certificate]
    return Configuration(
        bindings=tuple(
            Binding(item.kind, name_of(environment, item), item.name, item.mount_path)
            for item in seen
        ),
        copies=() if beside else tuple(_copy(environment, item, read) for item in references),
        digest=_digest([read[item].digest for item in seen]) if seen and read else "",
        secrets=tuple(source.data for item, source in read.items() if item.kind == "Secret"),
    )


def _copy(
    environment: Environment, reference: Reference, sources: Mapping[Reference, Source]
) -> Copy:
    source = sources.get(reference, Source())
    data = source.data
    type_ = OPAQUE if reference.kind == "Secret" else ""
    if reference.is_certificate:
        data = {key: value for key, value in data.items() if key in _TLS_KEYS}
        type_ = TLS_TYPE
    return Copy(
        kind=reference.kind,
        name=name_of(environment, reference),
        source=f"{source_namespace(environment)}/{reference.name}",
        type=type_,
        data=data,
        binary_data=source.binary_data,
    )


def _digest(digests: list[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


def _text(value: str) -> str:
    """Return a Secret's value as text; nothing where it is none."""
    try:
        return b64decode(value).decode("utf-8")
    except (NotBase64, UnicodeDecodeError):
        return ""
