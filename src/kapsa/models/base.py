"""What every model shares: aliases, immutability, bounded types, rules for the API server."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from kapsa.utils.durations import MAXIMUM, PATTERN, parse_duration

GROUP: Final = "kapsa-project.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"


@dataclass(frozen=True)
class Rule:
    """A CEL rule that the API server checks, with what it says to who breaks it.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
    """

    rule: str
    message: str


@dataclass(frozen=True)
class Column:
    """A printer column of `kubectl get`; priority 1 shows only with `-o wide`."""

    name: str
    json_path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class Kind:
    """How a kind is registered with the API server."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    scope: Literal["Namespaced", "Cluster"]
    columns: tuple[Column, ...]
    selectable_fields: tuple[str, ...] = ()


class Model(BaseModel):
    """A value of the API: camelCase outside, frozen inside.

    Fields that this version doesn't know are ignored when read, so that an object stored by
    another version is still served; the API server refuses them when they are written.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules over the whole value, put into the CRD beside it."""

    def to_json(self) -> dict[str, Any]:
        """Return the value as the API server stores it.

        What is unset is left out, and what is empty where leaving it out means the same.
        """
        dumped = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        kept: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            alias = field.alias or name
            if alias in dumped:
                value = _to_json(getattr(self, name), dumped[alias])
                if value not in _EMPTY or not _is_empty(
                    field.get_default(call_default_factory=True)
                ):
                    kept[alias] = value
        return kept


_EMPTY: Final[tuple[Any, ...]] = ({}, [], "")


def _to_json(value: Any, dumped: Any) -> Any:
    """Return a field's value as JSON; `dumped` is what pydantic makes of it."""
    if isinstance(value, Model):
        return value.to_json()
    if isinstance(value, tuple):
        return [_to_json(item, written) for item, written in zip(value, dumped, strict=True)]
    return dumped


def _is_empty(default: Any) -> bool:
    """Tell whether a field that is left out reads as empty; None is not: it means something."""
    return default.to_json() == {} if isinstance(default, Model) else default in ((), {}, "")


def map_list(*keys: str) -> dict[str, Any]:
    """Return the schema keywords of a list whose items are identified by `keys`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


SET_LIST: Final[dict[str, Any]] = {"x-kubernetes-list-type": "set"}
ATOMIC_LIST: Final[dict[str, Any]] = {"x-kubernetes-list-type": "atomic"}


def said(message: str) -> dict[str, Any]:
    """Return the schema keyword for what a value that breaks its `pattern` is told.

    Editors know the keyword; in a CRD, pattern and message become a CEL rule, since the API server
    would show no more than the pattern.
    """
    return {"patternErrorMessage": message}


DnsLabel = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        examples=["shop"],
        json_schema_extra=said(
            "must be a DNS label: lower-case letters, digits and '-', with a letter or digit at"
            " both ends, such as 'shop-1'"
        ),
    ),
]
"""RFC 1123 label."""

ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
        examples=["shop"],
        json_schema_extra=said(
            "must be the name of an object: lower-case letters, digits, '-' and '.', with a letter"
            " or digit at both ends"
        ),
    ),
]
"""Name of a Kubernetes object: an RFC 1123 subdomain."""

Host = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$",
        examples=["apps.example.com"],
        json_schema_extra=said(
            "must be a host name in lower case, such as 'apps.example.com', without '*', scheme,"
            " port or final dot, and with at most 63 characters between two dots"
        ),
    ),
]
"""Fully qualified host name in lower case, without a trailing dot."""

Glob = Annotated[str, Field(min_length=1, max_length=250, examples=["release/*"])]
"""Shell glob: `*` any text, `?` one character, `[ab]` one of them; `*` also crosses slashes."""

GitRef = Annotated[str, Field(min_length=1, max_length=250, examples=["main"])]
"""Name of a branch, without `refs/heads/`."""

_DIGEST: Final = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

ImageDigest = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$",
        examples=[f"registry.example.com/acme/shop@{_DIGEST}"],
        json_schema_extra=said(
            "must name an image by its digest, such as registry.example.com/acme/shop@sha256:...:"
            " a tag could move"
        ),
    ),
]
"""An image that never moves."""

CommitSha = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$",
        examples=["3f2a6e1c8b4d7f90a1b2c3d4e5f60718293a4b5c"],
        max_length=64,
        json_schema_extra=said(
            "must be the full object name of a commit: 40 (or 64) lower-case hexadecimal digits"
        ),
    ),
]
"""Full object name of a commit, SHA-1 or SHA-256."""


def _quantity_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity_as_text),
    Field(max_length=32),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "minimum": 0,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$",
            "examples": ["256Mi"],
            **said("must be a quantity, such as 500m, 1 or 256Mi"),
        }
    ),
]
"""Kubernetes quantity, such as `500m`, `1` (also without quotes) or `256Mi`; held as text."""


def _check_duration(value: str | int) -> str | int:
    parse_duration(value)
    return value


Duration = Annotated[
    str | int,
    AfterValidator(_check_duration),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "minimum": 0,
            "maximum": MAXIMUM,
            "pattern": PATTERN,
            "examples": ["7d"],
            **said(
                "must be a duration, such as 90s, 1h30m or 7d, or a whole number of seconds"
                " without quotes"
            ),
        }
    ),
]
"""Time span: parts of `s m h d w` such as `90s`, `1h30m` or `7d`, or a whole number of seconds."""
