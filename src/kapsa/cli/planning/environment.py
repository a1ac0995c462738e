"""The plan of the Environments of a Project, one after the other."""

from collections.abc import Iterator
from typing import Any

from kapsa.cli.planning.hosts import HostBook
from kapsa.cli.planning.images import image_of
from kapsa.cli.planning.known import PlanInput, environments_of, parse_all
from kapsa.cli.planning.values import UNKNOWN_UID, Action, Manifest, PlannedEnvironment
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import needs_apply, stamp
from kapsa.core.environments.environment import EnvironmentInput, Plan, plan_environment, what_holds
from kapsa.core.environments.expiry import lifetime
from kapsa.core.images.pull_secrets import Pulling
from kapsa.core.images.repositories import image_problem
from kapsa.core.jobs.completions import JobFacts
from kapsa.core.manifests.environment import EnvironmentContext
from kapsa.core.manifests.environment import environment as environment_of
from kapsa.core.projects.plans import DesiredEnvironment, ProjectPlan
from kapsa.core.tls.tls import TlsRequest, tls_of
from kapsa.core.tls.tls_status import TlsInput
from kapsa.core.tls.wildcards import zone_of
from kapsa.core.workloads.configuration import configuration_of
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

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
        image, reference = image_of(self._known, desired, existing)
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
                    image_reference=reference,
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

    def _with_objects(
        self, action: Action, manifest: Manifest, environment: Environment, image: Blocked | None
    ) -> PlannedEnvironment:
        known = self._known
        held = what_holds(environment, known.project, None) is not None
        life = lifetime(environment, known.project, known.now, held=held)
        host: str | Blocked | None = None
        if environment.spec.domain is not None and known.pool is not None:
            host = self._hosts.host_of(environment, known.pool, known.refusal)
        tls = self._tls(environment, host)
        plan = plan_environment(
            EnvironmentInput(
                environment=environment,
                project=known.project,
                image=image,
                host=host,
                pool=None if isinstance(known.pool, Blocked) else known.pool,
                routing=known.routing,
                tls=tls,
                lifetime=life,
                configuration=configuration_of(environment),
                pod_security=known.rules.pod_security,
                jobs=self._jobs_of(environment),
                pulling=self._pulling(environment),
                volume_claims=self._claims_beside(environment),
            )
        )
        return PlannedEnvironment(
            action=action,
            manifest=manifest,
            objects=_at_last(plan) or plan.released,
            prunes=plan.blocked is None,
            spared=plan.spared,
            uid=environment.metadata.uid if environment.metadata.uid != UNKNOWN_UID else "",
            host=host if isinstance(host, str) else "",
            scheme=tls.scheme,
            blocked=plan.blocked or plan.waits or plan.held or life.expired,
        )

    def _tls(self, environment: Environment, host: str | Blocked | None) -> TlsInput:
        """Return where the certificate of the host is to come from."""
        pool = None if isinstance(self._known.pool, Blocked) else self._known.pool
        name = host if isinstance(host, str) else ""
        served = self._known.has_cert_manager
        place = zone_of(name, pool, self._is_subdomain) if pool and name else ""
        return TlsInput(tls_of(TlsRequest(environment, pool, name, place, served=served)))

    def _is_subdomain(self, domain: str) -> bool:
        """Tell whether it is the Project's subdomain, below any base domain."""
        subdomain, _, base = domain.partition(".")
        pool = self._known.pool
        return isinstance(pool, DomainPool) and (
            subdomain == self._subdomain and base in pool.spec.base_domains
        )

    def _pulling(self, environment: Environment) -> Pulling:
        """Return whether the image can be pulled; who names the Secret is a ServiceAccount."""
        named, registry = environment.spec.registry, self._known.registry
        if named is None or registry is None:
            return Pulling()
        if isinstance(registry, Registry):
            return Pulling(
                named.name, problem=image_problem(environment, self._known.project, registry)
            )
        return Pulling(named.name, problem=registry)

    def _jobs_of(self, environment: Environment) -> JobFacts:
        meta = environment.metadata
        return JobFacts(
            tuple(
                job
                for job in self._known.jobs
                if job["metadata"]["namespace"] == meta.namespace
                and labels.controller_uid(job) == meta.uid
            )
        )

    def _claims_beside(self, environment: Environment) -> dict[str, Manifest]:
        """Return the claims of volumes in the Environment's namespace, by name."""
        return {
            claim["metadata"]["name"]: claim
            for claim in self._known.volume_claims
            if claim["metadata"]["namespace"] == environment.metadata.namespace
        }


def _at_last(plan: Plan) -> tuple[Manifest, ...]:
    """Return what there is to be in the end: each object once."""
    planned = {
        (item["kind"], item["metadata"]["name"]): item for item in (*plan.objects, *plan.later)
    }
    return tuple(planned.values())


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
