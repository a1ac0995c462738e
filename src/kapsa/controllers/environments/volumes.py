"""The live claims of an Environment's volumes."""

from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.state import State
from kapsa.core.manifests.persistent_volume_claim import volume_claim_name
from kapsa.models.environment import Environment


def volume_claims_of(environment: Environment, state: State) -> dict[str, Manifest]:
    """Return the claims by name, as far as its volumes have any; those that it retains too."""
    meta = environment.metadata
    names = [volume_claim_name(meta.name, item.name) for item in environment.spec.runtime.volumes]
    found = {name: state.volume_claims.get(meta.namespace, name) for name in names}
    return {name: claim for name, claim in found.items() if claim is not None}
