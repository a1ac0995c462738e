"""Reconciles an Environment: gather, plan, apply, report."""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.applier import Applier
from kapsa.controllers.cache import Key, Manifest
from kapsa.controllers.claims import Claims
from kapsa.controllers.hosts import Hosts
from kapsa.controllers.images import Images
from kapsa.controllers.outcome import STALLED_RETRY, interpret
from kapsa.controllers.report import report, report_invalid
from kapsa.controllers.state import HOST, OWNER, State, parse
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.environment import EnvironmentInput, Plan, plan_environment, what_holds
from kapsa.core.environment_status import Observed, environment_status
from kapsa.core.expiry import Lifetime, lifetime
from kapsa.core.routes import gateway_api_missing
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.utils.times import to_rfc3339

_ENDING_RETRY = 2.0
"""Seconds after which to look whether an Environment that was deleted is gone."""
_LONGEST_WAIT = 3600.0
"""Most seconds until the next look at the API server's clock: the one that counts the wait may
stand still meanwhile, as that of a paused machine does."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EnvironmentController:
    """Brings Environments in order.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes objects.
        claims: Knows the hosts that are held.
        hosts: Gives hosts.
        images: Knows why an Environment has no image.
        clock: The API server's time.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
    hosts: Hosts
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
        failure = await self._carry_out(live, known, plan)
        if plan.ends and failure is None:
            return _ENDING_RETRY
        await self._report(live, known, plan, failure)
        return self._next_look(known.lifetime, failure or plan.blocked)

    def _next_look(self, life: Lifetime, blocked: Blocked | None) -> float | None:
        """Return the seconds after which to look again; None to wait for a change."""
        if blocked is not None and blocked.reason == Reason.SUSPENDED:
            return None
        looks = []
        if blocked is not None:
            looks.append(blocked.retry_after or (STALLED_RETRY if blocked.stalled else None))
        if life.expires_at is not None and life.expired is None:
            looks.append(min(max(life.expires_at - self.clock.now(), 0.0), _LONGEST_WAIT))
        return min((look for look in looks if look is not None), default=None)

    async def _gather(self, environment: Environment) -> EnvironmentInput:
        project, trust = self._project(environment)
        held = what_holds(environment, project, trust)
        life = lifetime(environment, project, self.clock.now(), held=held is not None)
        key = (environment.metadata.namespace, environment.metadata.name)
        if life.expired is not None:
            # Nobody looks for its image until it comes back.
            self.images.note(key, None)
        offered = self.hosts.pool(environment)
        pool = offered if isinstance(offered, DomainPool) else None
        host: str | Blocked | None = None
        if offered is not None:
            may_claim = held is None and life.expired is None
            host = await self.hosts.see_to(environment, offered, claim=may_claim)
        return EnvironmentInput(
            environment=environment,
            project=project,
            trust=trust,
            image=self.images.obstacle(key),
            host=host,
            pool=pool,
            routing=self._routing(pool),
            lifetime=life,
        )

    def _routing(self, pool: DomainPool | None) -> Blocked | None:
        """Return why there can't be routes as the pool wants them."""
        if pool is None or pool.spec.routing.kind != "Gateway" or self.state.http_routes.is_served:
            return None
        return gateway_api_missing(pool)

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

    async def _carry_out(
        self, live: Manifest, known: EnvironmentInput, plan: Plan
    ) -> Blocked | None:
        """Write what is planned; return what went wrong."""
        if plan.blocked is not None:
            return None
        uid = known.environment.metadata.uid
        try:
            if plan.ends:
                # An extension that the watch hasn't shown yet saves it.
                await self.applier.delete_unchanged(live)
                return None
            for manifest in plan.objects:
                await self.applier.apply(manifest, lambda live: labels.is_owned_by(live, uid))
            await self.applier.prune(uid, plan.objects, self.state.children)
            if known.host is None and not self._is_routed(uid):
                await self.claims.release("host", uid)
        except AdapterError as error:
            return interpret(error).blocked
        return None

    def _is_routed(self, uid: str) -> bool:
        """Tell whether a route of the Environment still routes a host that it holds."""
        return any(
            labels.controller_uid(route) == uid
            for host in self.claims.held("host", uid)
            for cache in (self.state.ingresses, self.state.http_routes)
            for route in cache.find(HOST, host)
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
