"""Knows with what the images of Environments are pulled, and why they can't be."""

from dataclasses import dataclass

from kapsa.adapters.errors import AdapterError
from kapsa.controllers.pulling.secrets import PullSecrets
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.core.conditions import Blocked, find
from kapsa.core.images.pull_secrets import Pulling, is_attached, is_generated
from kapsa.core.projects.namespaces import service_account_name
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry


@dataclass(frozen=True)
class Pulls:
    """Gathers what is known of the Registries of Environments.

    Attributes:
        secrets: Makes pull Secrets.
    """

    secrets: PullSecrets

    async def see_to(self, environment: Environment, project: Project | None) -> Pulling:
        """Return with what the image is pulled, and see to the Secret where one is needed.

        Args:
            environment: The Environment.
            project: Its Project, where that is believed; None for one that stands alone.
        """
        named = environment.spec.registry
        if named is None:
            return Pulling()
        registry = self.secrets.users.registry(named.name)
        if isinstance(registry, Blocked):
            return Pulling(named.name, problem=registry)
        secret = self.secrets.users.secret_name(registry)
        return Pulling(
            registry=named.name,
            secret=secret,
            service_accounts=self._attached(environment, project, secret),
            problem=await self._problem(environment, project, registry, secret),
        )

    async def _problem(
        self, environment: Environment, project: Project | None, registry: Registry, secret: str
    ) -> Blocked | None:
        try:
            refusal = await self.secrets.users.refusal(environment, project, registry)
        except AdapterError as error:
            return interpret(error).blocked
        if refusal is not None or not is_generated(registry):
            return refusal
        namespace = environment.metadata.namespace
        if self.secrets.live(namespace, registry, secret) is not None:
            return None
        self.secrets.queue.add((namespace, registry.metadata.name))
        return (
            self.secrets.problem(namespace, registry.metadata.name)
            or _before(environment)
            or Blocked(Reason.PULL_SECRET_PENDING, Reason.PULL_SECRET_PENDING.explanation)
        )

    def _attached(
        self, environment: Environment, project: Project | None, secret: str
    ) -> frozenset[str]:
        """Return the ServiceAccounts of Kapsa's beside the Environment that name the Secret."""
        accounts = self.secrets.state.service_accounts
        meta = environment.metadata
        names = {service_account_name(meta.name)}
        if project is not None:
            names.add(service_account_name(project.metadata.name))
        return frozenset(
            name for name in names if is_attached(accounts.get(meta.namespace, name), secret)
        )


def _before(environment: Environment) -> Blocked | None:
    """Return why the image couldn't be pulled at the last look.

    Just after a start nobody has looked yet, and a restart writes nothing.
    """
    conditions = environment.status.conditions
    before = find(conditions, ConditionType.REGISTRY_READY)
    if before is None or before.status == "True":
        return None
    stalled = find(conditions, ConditionType.STALLED)
    return Blocked(
        before.reason, before.message, stalled is not None and stalled.reason == before.reason
    )
