"""Passwords for registries of clouds, given to whom the cloud knows the operator as."""

from collections.abc import Mapping

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.clouds import acr, ecr, gcr
from kapsa.adapters.clouds.identity import CloudIdentity


def identities(policy: AddressPolicy) -> Mapping[str, CloudIdentity]:
    """Return who gives passwords, by `spec.type` of Registries.

    Args:
        policy: Which addresses may be dialled to exchange a token at a registry itself.
    """
    return {
        "ecr": CloudIdentity("ecr", "aws", ecr.HOST, ecr.grant),
        "gcr": CloudIdentity("gcr", "gcp", gcr.HOST, gcr.grant),
        "acr": CloudIdentity("acr", "azure", acr.HOST, acr.Exchange(policy).grant),
    }
