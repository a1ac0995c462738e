"""The plan of a Project, as the renderers show it."""

from dataclasses import dataclass
from typing import Any, Literal

from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.models.project_status import Candidate
from kapsa.models.reasons import Reason

Manifest = dict[str, Any]

Action = Literal["create", "update", "unchanged", "delete", "keep", "wait"]
"""What happens to an Environment. `keep`: the Project leaves it as it is, since it has expired, or
since a rule holds its deletion back. `wait`: it would be created, but for what it is blocked by."""

UNKNOWN_UID = "00000000-0000-0000-0000-000000000000"
"""Stands for the UID that the API server gives to an object when it is created."""
UNKNOWN_SOURCE = "unread"
"""Stands for the digest of a commit's source, which only the operator reads."""
UNKNOWN_COMMIT = "0" * 40
"""Stands for the commit of a branch of which nothing is known."""

_EXPLANATIONS = {reason.value: reason.explanation for reason in Reason}


def explanation_of(reason: str) -> str:
    """Return the sentence that explains a reason."""
    return _EXPLANATIONS[reason]


@dataclass(frozen=True)
class PlannedEnvironment:
    """One Environment, and what becomes of it.

    Attributes:
        action: What happens to it.
        manifest: The Environment as it should be; as it is, where it is deleted or kept.
        objects: What it becomes, each a whole manifest; nothing where it is blocked.
        prunes: Whether all else that it owns is deleted.
        spared: Kinds of which nothing is deleted all the same.
        uid: Its UID; nothing where it doesn't exist.
        host: Its host; nothing where it has none.
        scheme: How the host is spoken to.
        blocked: Why it doesn't become what it should.
    """

    action: Action
    manifest: Manifest
    objects: tuple[Manifest, ...] = ()
    prunes: bool = False
    spared: frozenset[str] = frozenset()
    uid: str = ""
    host: str = ""
    scheme: str = "http"
    blocked: Blocked | None = None

    @property
    def name(self) -> str:
        """Name of the Environment."""
        return str(self.manifest["metadata"]["name"])

    @property
    def url(self) -> str:
        """Where it answers; nothing without a host."""
        return f"{self.scheme}://{self.host}" if self.host else ""

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def ref(self) -> str:
        """The branch or tag that it shows; nothing for neither."""
        annotations = self.manifest["metadata"].get("annotations") or {}
        return str(self.spec.get("branch") or annotations.get(labels.TAG, ""))

    @property
    def spec(self) -> Manifest:
        """Its spec."""
        return dict(self.manifest["spec"])

    @property
    def is_wanted(self) -> bool:
        """Whether its manifest is what the operator brings the cluster to."""
        return self.action in ("create", "update", "unchanged")


@dataclass(frozen=True)
class PlannedPlace:
    """A namespace in which Environments live.

    Attributes:
        name: Its name.
        manifest: What it should be; None for a tenant's, which Kapsa does not make.
        objects: What is made once for it.
        uid: UID by which those are known: of a made namespace, or else of the Project.
        is_wanted: Whether it should be; otherwise it is deleted, unless it holds a retained volume.
    """

    name: str
    manifest: Manifest | None = None
    objects: tuple[Manifest, ...] = ()
    uid: str = ""
    is_wanted: bool = True


@dataclass(frozen=True)
class Offer:
    """What an Environment that waits to be told could run.

    Attributes:
        name: Name of the Environment.
        ref: The branch or tag that it follows; nothing for none.
        commit: The commit; nothing where only its image is known.
    """

    name: str
    ref: str
    commit: str


@dataclass(frozen=True)
class PlannedProject:
    """What the operator would do for a Project.

    Attributes:
        name: Name of the Project.
        namespace: Its namespace.
        places: The namespaces of its Environments.
        environments: Its Environments, permanent ones first.
        offers: What Environments that wait to be told could run.
        candidates: Branches and pull requests without an Environment, each with the reason.
        failure: Why nothing at all is done.
        notes: What the plan had to assume, a sentence each.
    """

    name: str
    namespace: str
    places: tuple[PlannedPlace, ...] = ()
    environments: tuple[PlannedEnvironment, ...] = ()
    offers: tuple[Offer, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    failure: Blocked | None = None
    notes: tuple[str, ...] = ()

    @property
    def objects(self) -> tuple[Manifest, ...]:
        """All manifests that the operator brings the cluster to, in the order in which it does."""
        made = tuple(
            manifest
            for place in self.places
            for manifest in (*((place.manifest,) if place.manifest else ()), *place.objects)
        )
        return made + tuple(
            manifest
            for item in self.environments
            for manifest in (*((item.manifest,) if item.is_wanted else ()), *item.objects)
        )
