"""Orders certificates from cert-manager: the wildcards of DomainPools."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.adapters.resources import ISSUERS, SECRETS
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest, key_of
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.certificate import wildcard_certificate
from kapsa.core.tls.pool_tls import PoolTls
from kapsa.core.tls.wildcards import wanted_zones, wildcard_name
from kapsa.models.domain_pool import DomainPool, IssuerReference
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class Certificates:
    """Has Certificates of cert-manager made.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes them.
        claims: Knows which hosts and subdomains are held.
        namespace: The operator's namespace, where wildcards are issued.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
    namespace: str

    async def see_to(self, pool: DomainPool) -> PoolTls:
        """Order the wildcards that the pool needs, give up others, and return what there is."""
        offered = pool.spec.cert_manager
        issuer = offered.issuer_ref if offered and offered.mode != "none" else None
        if not self.state.certificates.is_served:
            return PoolTls(served=False)
        zones = wanted_zones(
            pool,
            self.claims.hosts_of(pool.metadata.name),
            self.claims.subdomains_of(pool.metadata.name),
            self.claims.is_subdomain,
        )
        failure = None
        try:
            await self._order(pool, issuer, zones)
        except AdapterError as error:
            failure = interpret(error).blocked
        names = [wildcard_name(pool.metadata.name, zone) for zone in zones]
        return PoolTls(
            issuer=await self._issuer(issuer) if issuer else None,
            certificates={
                name: self.state.certificates.get(self.namespace, name) for name in names
            },
            failure=failure,
        )

    async def _order(
        self, pool: DomainPool, issuer: IssuerReference | None, zones: tuple[str, ...]
    ) -> None:
        uid = pool.metadata.uid
        wanted = [
            stamp(wildcard_certificate(pool, zone, issuer, self.namespace))
            for zone in zones
            if issuer is not None
        ]
        for manifest in wanted:
            await self.require_secret_name(manifest)
            await self.applier.apply(manifest, lambda live: labels.is_owned_by(live, uid))
        await self.applier.prune(uid, wanted, (self.state.certificates,))

    async def _issuer(self, issuer: IssuerReference) -> Manifest | Blocked | None:
        resource = ISSUERS[issuer.kind]
        namespace = self.namespace if resource.namespaced else ""
        try:
            return await self.cluster.get(resource, issuer.name, namespace)
        except AdapterError as error:
            return interpret(error).blocked

    async def require_secret_name(self, certificate: Manifest) -> None:
        """Look at what has the name of a Secret that cert-manager is about to write.

        cert-manager writes its certificate into whatever Secret of the name there is.

        Raises:
            Stalled: Somebody else's Secret has it.
            Waiting: The API server can't be reached.
        """
        if certificate["kind"] != "Certificate" or self.state.certificates.get(
            *key_of(certificate)
        ):
            return
        namespace, name = key_of(certificate)[0], certificate["spec"]["secretName"]
        known = self.state.secrets.get(namespace, name)
        live = known or await self.cluster.get(SECRETS, name, namespace)
        if live is not None and not is_issued(live):
            raise Stalled(
                Reason.NAME_CONFLICT,
                f"Secret {name} in namespace {namespace} exists and was not issued for this"
                " object; it is left alone. Delete or rename it",
            )


def is_issued(secret: Manifest) -> bool:
    """Tell whether cert-manager wrote the Secret for a Certificate that Kapsa made."""
    metadata = secret["metadata"]
    own = metadata.get("labels") or {}
    return (
        labels.is_managed(secret)
        and own.get(labels.CERTIFICATE) == metadata["name"]
        and labels.OWNER_UID not in own
    )
