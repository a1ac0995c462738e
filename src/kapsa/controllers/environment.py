"""Reconciles an Environment: gather, plan, apply, report."""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.controllers.applier import Applier
from kapsa.controllers.cache import Key, Manifest
from kapsa.controllers.claims import Claims
from kapsa.controllers.images import Images
from kapsa.controllers.outcome import STALLED_RETRY, interpret
from kapsa.controllers.report import report, report_invalid
from kapsa.controllers.state import HOST, OWNER, State, parse
from kapsa.core import labels, naming
from kapsa.core.conditions import Blocked
from kapsa.core.domain import HostRequest, candidate_hosts
from kapsa.core.environment import EnvironmentInput, Plan, plan_environment
from kapsa.core.environment_status import Observed, environment_status
from kapsa.core.manifests.claim import Holder
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.utils.times import to_rfc3339

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EnvironmentController:
    """Brings Environments in order.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes objects.
        claims: Gives hosts.
        images: Knows why an Environment has no image.
        clock: The API server's time.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
    images: Images
    clock: ServerClock

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Environment in order; return the seconds after which to look again."""
        live = self.state.environments.get(*key)
        if live is None:
            self.images.note(key, None)
            return None
        environment = parse(Environment, live)
        if isinstance(environment, ValidationError):
            now = to_rfc3339(self.clock.now())
            await report_invalid(self.cluster, self.state.environments, live, environment, now)
            return None
        if environment.metadata.deletion_timestamp:
            return None
        known = await self._gather(environment)
        plan = plan_environment(known)
        failure = await self._carry_out(known, plan)
        await self._report(live, known, plan, failure)
        blocked = failure or plan.blocked
        if blocked is None or blocked.reason == Reason.SUSPENDED:
            return None
        return blocked.retry_after or (STALLED_RETRY if blocked.stalled else None)

    async def _gather(self, environment: Environment) -> EnvironmentInput:
        project, trust = self._project(environment)
        suspended = environment.spec.suspend or (project is not None and project.spec.suspend)
        pool = self._pool(environment)
        host: str | Blocked | None = None
        if environment.spec.domain is not None:
            host = await self._host(environment, pool, claim=not suspended and trust is None)
        return EnvironmentInput(
            environment=environment,
            project=project,
            trust=trust,
            image=self.images.obstacle((environment.metadata.namespace, environment.metadata.name)),
            host=host,
            pool=pool if isinstance(pool, DomainPool) else None,
        )

    def _project(self, environment: Environment) -> tuple[Project | None, Blocked | None]:
        """Return the Environment's Project, and why its word on that is not believed."""
        reference = environment.spec.project_ref
        if reference is None:
            return None, None
        live = self.state.projects.get(reference.namespace, reference.name)
        project = parse(Project, live) if live else None
        if not isinstance(project, Project) or project.metadata.uid != reference.uid:
            return None, Blocked(
                Reason.PROJECT_NOT_FOUND,
                f"Project {reference.namespace}/{reference.name} with UID {reference.uid}"
                " does not exist",
                stalled=True,
            )
        namespace = environment.metadata.namespace
        if namespace != reference.namespace:
            made = self.state.namespaces.get("", namespace)
            if made is None or not labels.is_owned_by(made, reference.uid):
                return None, Blocked(
                    Reason.PROJECT_MISMATCH,
                    f"namespace {namespace} is not of Project"
                    f" {reference.namespace}/{reference.name}; create the Environment there,"
                    " or without spec.projectRef",
                    stalled=True,
                )
        return project, None

    def _pool(self, environment: Environment) -> DomainPool | None:
        domain = environment.spec.domain
        live = domain and self.state.domain_pools.get("", domain.domain_pool_ref.name)
        pool = parse(DomainPool, live) if live else None
        return pool if isinstance(pool, DomainPool) else None

    async def _host(
        self, environment: Environment, pool: DomainPool | None, *, claim: bool
    ) -> str | Blocked:
        """Return the host that the Environment holds, claiming one where it holds none."""
        meta, domain = environment.metadata, environment.spec.domain
        assert domain is not None
        if pool is None:
            name = domain.domain_pool_ref.name
            return Blocked(
                Reason.DOMAIN_POOL_NOT_FOUND,
                f"DomainPool {name} does not exist; create it, or name another in"
                " spec.domain.domainPoolRef",
                stalled=True,
            )
        held = self.claims.held("host", meta.uid)
        if held:
            return environment.status.host if environment.status.host in held else min(held)
        if not claim:
            return Blocked(Reason.HOST_PENDING, Reason.HOST_PENDING.explanation)
        request = HostRequest(
            environment=_slug(environment),
            subdomain=domain.subdomain or "",
            holder=f"{meta.namespace}/{meta.name}",
            permanent=environment.spec.type == naming.PERMANENT,
        )
        candidates = candidate_hosts(request, pool, self.claims.turn(pool.metadata.name))
        if isinstance(candidates, Blocked):
            return candidates
        stranger = self._stranger(environment, pool, candidates[0])
        if stranger is not None:
            return Blocked(
                Reason.SUBDOMAIN_TAKEN,
                f"host {candidates[0]} is in a subdomain that is held by {stranger};"
                " choose another spec.domain.subdomain",
                stalled=True,
            )
        holder = Holder("Environment", meta.namespace, meta.name, meta.uid)
        return await self._claim(pool, candidates, holder)

    async def _claim(
        self, pool: DomainPool, candidates: tuple[str, ...], holder: Holder
    ) -> str | Blocked:
        try:
            return await self.claims.claim("host", pool.metadata.name, candidates, holder)
        except Stalled as error:
            return interpret(error).blocked

    def _stranger(self, environment: Environment, pool: DomainPool, host: str) -> Holder | None:
        """Return the Project whose subdomain the host is in, where that isn't the Environment's."""
        reference, domain = environment.spec.project_ref, environment.spec.domain
        name = pool.metadata.name
        if reference is not None and domain is not None:
            own = self.claims.held("subdomain", reference.uid, name)
            if domain.subdomain in own:
                return None
        return self.claims.subdomain_holder(name, host)

    async def _carry_out(self, known: EnvironmentInput, plan: Plan) -> Blocked | None:
        """Write what is planned; return what went wrong."""
        if plan.blocked is not None:
            return None
        uid = known.environment.metadata.uid
        try:
            for manifest in plan.objects:
                await self.applier.apply(manifest, lambda live: labels.is_owned_by(live, uid))
            await self.applier.prune(uid, plan.objects, self.state.children)
            if known.host is None and not self._is_routed(uid):
                await self.claims.release("host", uid)
        except AdapterError as error:
            return interpret(error).blocked
        return None

    def _is_routed(self, uid: str) -> bool:
        """Tell whether an Ingress of the Environment still routes a host that it holds."""
        return any(
            labels.controller_uid(ingress) == uid
            for host in self.claims.held("host", uid)
            for ingress in self.state.ingresses.find(HOST, host)
        )

    async def _report(
        self, live: Manifest, known: EnvironmentInput, plan: Plan, failure: Blocked | None
    ) -> None:
        meta = known.environment.metadata
        objects = {
            (manifest["kind"], manifest["metadata"]["name"]): manifest
            for cache in self.state.children
            for manifest in cache.find(OWNER, meta.uid)
            # Anybody may write that UID on an object of their own namespace.
            if manifest["metadata"].get("namespace") == meta.namespace
        }
        status = environment_status(
            known, plan, Observed(objects, failure), to_rfc3339(self.clock.now())
        )
        await report(
            self.cluster,
            self.state.environments,
            live,
            new=status,
            previous=known.environment.status,
        )


def _slug(environment: Environment) -> str:
    """Return what tells the Environment from others of its Project, or its name if it has none."""
    meta, reference = environment.metadata, environment.spec.project_ref
    if reference is None:
        return meta.name
    # The name may end in a digest, where another Project of the namespace had the plain one.
    return meta.labels.get(labels.INSTANCE) or naming.environment_slug(meta.name, reference.name)
