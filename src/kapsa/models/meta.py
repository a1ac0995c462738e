"""Metadata, conditions and references that several kinds share."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from kapsa.models.base import ATOMIC_LIST, DnsLabel, Model, ObjectName, Rule, said


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

    name: Annotated[ObjectName, Field(examples=["credentials"])]
    """Name of the Secret."""


class ClusterObjectReference(Model):
    """A cluster-scoped object, by name."""

    name: Annotated[ObjectName, Field(examples=["internal"])]
    """Name of the object."""


class ProjectReference(Model):
    """The Project that an Environment belongs to."""

    name: DnsLabel
    """Name of the Project."""
    namespace: Annotated[DnsLabel, Field(examples=["team-a"])]
    """Namespace of the Project."""
    uid: Annotated[
        str,
        Field(min_length=1, max_length=64, examples=["0c9b3c6e-54a5-4a3c-9d6e-2f1f3a7c8b10"]),
    ]
    """UID of the Project; an Environment outlives none but its own."""


class DomainReference(Model):
    """Where the host of an Environment comes from."""

    domain_pool_ref: ClusterObjectReference
    """The DomainPool that gives the host."""
    subdomain: DnsLabel | None = None
    """The name below the base domain."""


LABEL_KEY_PATTERN: Final = (
    r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
LabelKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=317,
        pattern=LABEL_KEY_PATTERN,
        examples=["example.com/team"],
        json_schema_extra=said("must be the key of a label, such as example.com/team"),
    ),
]
LabelValue = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        examples=["shop"],
        json_schema_extra=said(
            "must be the value of a label: up to 63 letters, digits, '-', '_' and '.', with a"
            " letter or digit at both ends"
        ),
    ),
]


_LABEL_KEY: Final[TypeAdapter[str]] = TypeAdapter(LabelKey)


def _check_keys(labels: dict[str, str]) -> dict[str, str]:
    """Return the labels. The schema of a map says nothing of its keys, only a CEL rule does."""
    for key in labels:
        try:
            _LABEL_KEY.validate_python(key)
        except ValidationError:
            raise ValueError(
                f"{key!r} is not the key of a label, such as example.com/team"
            ) from None
    return labels


class LabelSelectorRequirement(Model):
    """One demand on the labels of an object."""

    key: LabelKey
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label relates to `values`."""
    values: Annotated[
        tuple[LabelValue, ...], Field(max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = ()
    """The values, for `In` and `NotIn`."""

    rules: ClassVar = (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need values; Exists and DoesNotExist have none",
        ),
    )


class LabelSelector(Model):
    """Which objects are meant, by their labels. An empty selector means all.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/
    """

    match_labels: Annotated[
        dict[str, LabelValue],
        Field(max_length=16, examples=[{"example.com/team": "shop"}]),
        AfterValidator(_check_keys),
    ] = Field(default_factory=dict)
    """Labels that an object must have."""
    match_expressions: Annotated[
        tuple[LabelSelectorRequirement, ...], Field(max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = ()
    """Further demands on its labels."""

    rules: ClassVar = (
        Rule(
            "!has(self.matchLabels) || self.matchLabels.all(key, key.size() <= 317"
            f" && key.matches(r'{LABEL_KEY_PATTERN}'))",
            "matchLabels needs keys of labels, such as example.com/team",
        ),
    )


class AllowedNamespaces(Model):
    """Which namespaces may use an object that is there for the whole cluster."""

    selector: LabelSelector = LabelSelector()
    """By the labels of the namespace. Left out, or empty: all."""
