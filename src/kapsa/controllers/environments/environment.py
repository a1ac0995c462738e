"""Reconciles an Environment: gather, plan, apply, report."""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.certificates.host_tls import HostTls
from kapsa.controllers.environments.believed import project_of
from kapsa.controllers.environments.configuration import LOOK_AGAIN, Sources
from kapsa.controllers.environments.jobs import Jobs
from kapsa.controllers.environments.volumes import volume_claims_of
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.hosts.hosts import Hosts
from kapsa.controllers.indexes import ENVIRONMENT, OWNER
from kapsa.controllers.namespaces.own_namespaces import OwnNamespaces
from kapsa.controllers.pulling.pulling import Pulls
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, Manifest
from kapsa.controllers.reconciling.outcome import STALLED_RETRY, interpret
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.registries.images import Images
from kapsa.controllers.state import State, parse
from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, Plan, plan_environment, what_holds
from kapsa.core.environments.environment_status import Observed, environment_status
from kapsa.core.environments.expiry import lifetime
from kapsa.core.environments.restoring import applied_from
from kapsa.core.handover import beginning
from kapsa.core.hosts.routes import gateway_api_missing
from kapsa.core.images.pull_secrets import Pulling
from kapsa.core.workloads.pod_security import Profile
from kapsa.core.workloads.volumes import belongs_to
from kapsa.core.workloads.workload import is_rolled_out
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
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
        reporter: Writes statuses.
        state: The caches.
        applier: Writes objects.
        claims: Knows the hosts that are held.
        hosts: Gives hosts.
        images: Knows why an Environment has no image.
        clock: The API server's time.
        sources: Knows the ConfigMaps and Secrets that Environments name.
        tls: Knows the certificates of hosts.
        jobs: Knows the Jobs of Environments.
        own_namespaces: Furnishes the namespaces that Environments which stand alone have.
        pulls: Knows with what images are pulled.
        pod_security: The laxest Pod Security Standard that an Environment may ask for.
    """

    reporter: Reporter
    state: State
    applier: Applier
    claims: Claims
    hosts: Hosts
    images: Images
    clock: ServerClock
    sources: Sources
    tls: HostTls
    jobs: Jobs
    own_namespaces: OwnNamespaces
    pulls: Pulls
    pod_security: Profile = "restricted"

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Environment in order; return the seconds after which to look again."""
        live = self.state.environments.get(*key)
        if live is None:
            self.images.note(key, None)
            return None
        environment = parse(Environment, live)
        if isinstance(environment, ValidationError):
            now = to_rfc3339(self.clock.now())
            await self.reporter.report_invalid(self.state.environments, live, environment, now)
            return None
        if environment.metadata.deletion_timestamp or self._ends_with_its_namespace(environment):
            return None
        known = await self._gather(environment)
        plan = plan_environment(known)
        failure = await self._carry_out(live, known, plan)
        if plan.ends and failure is None:
            return _ENDING_RETRY
        await self._report(live, known, plan, failure)
        return self._next_look(known, failure or plan.blocked or plan.waits)

    def _next_look(self, known: EnvironmentInput, blocked: Blocked | None) -> float | None:
        """Return the seconds after which to look again; None to wait for a change."""
        if blocked is not None and blocked.reason == Reason.SUSPENDED:
            return None
        life = known.lifetime
        looks = [LOOK_AGAIN if known.configuration is not None else None]
        if blocked is not None:
            looks.append(blocked.retry_after or (STALLED_RETRY if blocked.stalled else None))
        if life.expires_at is not None and life.expired is None:
            looks.append(min(max(life.expires_at - self.clock.now(), 0.0), _LONGEST_WAIT))
        return min((look for look in looks if look is not None), default=None)

    async def _gather(self, environment: Environment) -> EnvironmentInput:
        project, trust = project_of(self.state, environment)
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
        configuration = home = None
        pulling = Pulling()
        if trust is None and life.expired is None:
            configuration = await self.sources.see_to(environment)
            pulling = await self.pulls.see_to(environment, project)
        if held is None and life.expired is None:
            home = await self.own_namespaces.see_to(environment, offered)
        tls = self.tls.see_to(environment, pool, host, configuration)
        return EnvironmentInput(
            environment=environment,
            project=project,
            trust=trust,
            image=self.images.obstacle(key),
            host=host,
            pool=pool,
            routing=self._routing(pool),
            tls=tls,
            lifetime=life,
            volume_claims=volume_claims_of(environment, self.state),
            configuration=configuration,
            jobs=await self.jobs.facts(environment, configuration),
            home=home,
            pulling=pulling,
            pod_security=self.pod_security,
            applied=applied_from(self._owned(environment)),
        )

    def _ends_with_its_namespace(self, environment: Environment) -> bool:
        made = self.state.namespaces.get("", environment.metadata.namespace)
        return made is not None and bool(made["metadata"].get("deletionTimestamp"))

    def _routing(self, pool: DomainPool | None) -> Blocked | None:
        """Return why there can't be routes as the pool wants them."""
        if pool is None or pool.spec.routing.kind != "Gateway" or self.state.http_routes.is_served:
            return None
        return gateway_api_missing(pool)

    async def _carry_out(
        self, live: Manifest, known: EnvironmentInput, plan: Plan
    ) -> Blocked | None:
        """Write what is planned; return what went wrong."""
        uid = known.environment.metadata.uid

        def is_ours(live: Manifest) -> bool:
            return belongs_to(live, known.environment)

        try:
            for claim in plan.released:
                await self.applier.apply(claim, is_ours)
            if plan.blocked is not None:
                return None
            if plan.ends:
                # An extension that the watch hasn't shown yet saves it.
                if await self.applier.delete_unchanged(live):
                    self.reporter.tell_of_end(live, known.lifetime)
                return None
            for job in plan.obsolete:
                await self.applier.delete(job, dependents_first=True)
            for manifest in plan.objects:
                await self.tls.certificates.require_secret_name(manifest)
                at_first = beginning(manifest, plan.objects)
                await self.applier.apply(manifest, is_ours, at_first=at_first)
            if plan.held is not None:
                return None
            deployments = self.state.deployments.find(OWNER, uid)
            kept = () if is_rolled_out(plan.objects, deployments) else self.state.configuration
            caches = (
                cache
                for cache in self.state.children
                if cache not in kept and cache.resource.kind not in plan.spared
            )
            await self.applier.prune(uid, (*plan.objects, *plan.obsolete), caches)
            if not isinstance(known.host, Blocked):
                await self.hosts.release_spare(known.environment, known.host)
        except AdapterError as error:
            return interpret(error).blocked
        return None

    def _owned(self, environment: Environment) -> Iterator[Manifest]:
        meta = environment.metadata
        for cache in self.state.children:
            for manifest in cache.find(OWNER, meta.uid):
                # Anybody may write that UID on an object of their own namespace.
                if manifest["metadata"].get("namespace") == meta.namespace:
                    yield manifest

    async def _report(
        self, live: Manifest, known: EnvironmentInput, plan: Plan, failure: Blocked | None
    ) -> None:
        meta = known.environment.metadata
        objects = {
            (manifest["kind"], manifest["metadata"]["name"]): manifest
            for manifest in self._owned(known.environment)
        }
        for name, claim in volume_claims_of(known.environment, self.state).items():
            if belongs_to(claim, known.environment):
                objects["PersistentVolumeClaim", name] = claim
        pods = self.state.pods.find(ENVIRONMENT, f"{meta.namespace}/{meta.name}")
        status = environment_status(
            known, plan, Observed(objects, failure, pods), to_rfc3339(self.clock.now())
        )
        await self.reporter.report(
            self.state.environments,
            live,
            new=status,
            previous=known.environment.status,
        )
