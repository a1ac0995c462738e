"""The plan of the Environments of a Project, one after the other."""

from collections.abc import Iterator
from typing import Any

from kapsa.cli.planning.hosts import HostBook
from kapsa.cli.planning.known import PlanInput, environments_of, parse_all
from kapsa.cli.planning.values import UNKNOWN_UID, Action, Manifest, PlannedEnvironment
from kapsa.core.conditions import Blocked
from kapsa.core.drift import needs_apply, stamp
from kapsa.core.environment import EnvironmentInput, plan_environment, what_holds
from kapsa.core.expiry import lifetime
from kapsa.core.images import choose_image
from kapsa.core.manifests.environment import EnvironmentContext
from kapsa.core.manifests.environment import environment as environment_of
from kapsa.core.plans import DesiredEnvironment, ProjectPlan
from kapsa.core.registry import registry_mismatch
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason

_HELD = Blocked(Reason.MASS_DELETION, Reason.MASS_DELETION.explanation)


class Planner:
    """Plans Environments; hosts are given in the order in which it is asked."""

    def __init__(self, known: PlanInput, subdomain: str | Blocked) -> None:
        """Take what is known, and the Project's subdomain or why it has none."""
        self._known = known
        self._subdomain = subdomain
        self._hosts = HostBook(parse_all(known.environments))
        self._mine = {
            item.metadata.name: item for item in environments_of(known.project, known.environments)
        }
        where = {item.metadata.namespace for item in self._mine.values()}
        self._stored = {
            item["metadata"]["name"]: item
            for item in known.environments
            if item["metadata"]["namespace"] in where
        }

    def environments(self, plan: ProjectPlan) -> Iterator[PlannedEnvironment]:
        """Yield what becomes of each Environment that is, or should be."""
        for desired in plan.wanted:
            yield self._wanted(desired)
        for item in plan.delete:
            stored = self._stored[item.metadata.name]
            yield PlannedEnvironment("delete", stored, prunes=True, uid=item.metadata.uid)
        for item in plan.held:
            stored = self._stored[item.metadata.name]
            yield PlannedEnvironment("keep", stored, uid=item.metadata.uid, blocked=_HELD)
        decided = {item.name for item in plan.wanted}
        decided |= {item.metadata.name for item in (*plan.delete, *plan.held)}
        for name, item in self._mine.items():
            if name not in decided and not item.metadata.deletion_timestamp:
                yield self._with_objects("keep", self._stored[name], item, None)

    def _wanted(self, desired: DesiredEnvironment) -> PlannedEnvironment:
        existing = self._mine.get(desired.name)
        choice = choose_image(self._known.project, desired, existing)
        image = choice.image or self._tag(choice.reference)
        subdomain = self._subdomain
        if isinstance(subdomain, Blocked):
            before = existing.spec.domain if existing else None
            subdomain = (before.subdomain if before else None) or ""
        manifest = stamp(
            environment_of(
                desired,
                EnvironmentContext(
                    project=self._known.project,
                    subdomain=subdomain,
                    image=image if isinstance(image, str) else "",
                    image_reference=choice.reference,
                ),
            )
        )
        if existing is None and isinstance(self._subdomain, Blocked):
            return PlannedEnvironment("wait", manifest, blocked=self._subdomain)
        stored = self._stored[desired.name] if existing else None
        action: Action = "unchanged"
        if needs_apply(manifest, stored):
            action = "update" if existing else "create"
        environment = Environment.model_validate(_applied(manifest, stored))
        obstacle = image if isinstance(image, Blocked) else None
        return self._with_objects(action, manifest, environment, obstacle)

    def _tag(self, reference: str) -> str | Blocked:
        """Return the tag for an image that is to be looked up, or why that is in vain."""
        registry = self._known.registry
        if registry is None:
            return reference
        if isinstance(registry, Blocked):
            return registry
        return registry_mismatch(reference, registry) or reference

    def _with_objects(
        self, action: Action, manifest: Manifest, environment: Environment, image: Blocked | None
    ) -> PlannedEnvironment:
        known = self._known
        held = what_holds(environment, known.project, None) is not None
        life = lifetime(environment, known.project, known.now, held=held)
        host: str | Blocked | None = None
        if environment.spec.domain is not None and known.pool is not None:
            host = self._hosts.host_of(environment, known.pool, known.refusal)
        plan = plan_environment(
            EnvironmentInput(
                environment=environment,
                project=known.project,
                image=image,
                host=host,
                pool=None if isinstance(known.pool, Blocked) else known.pool,
                routing=known.routing,
                lifetime=life,
            )
        )
        return PlannedEnvironment(
            action=action,
            manifest=manifest,
            objects=plan.objects,
            prunes=plan.blocked is None,
            uid=environment.metadata.uid if environment.metadata.uid != UNKNOWN_UID else "",
            host=host if isinstance(host, str) else "",
            blocked=plan.blocked or life.expired,
        )


def _applied(manifest: Manifest, stored: Manifest | None) -> Manifest:
    """Return the Environment as an apply of the manifest would leave it."""
    if stored is None:
        return {**manifest, "metadata": {**manifest["metadata"], "uid": UNKNOWN_UID}}
    metadata: dict[str, Any] = {**stored["metadata"], **manifest["metadata"]}
    for name in ("labels", "annotations"):
        given = manifest["metadata"].get(name) or {}
        metadata[name] = {**(stored["metadata"].get(name) or {}), **given}
    suspend = {"suspend": stored["spec"].get("suspend", False)}
    return {**stored, "metadata": metadata, "spec": {**suspend, **manifest["spec"]}}
