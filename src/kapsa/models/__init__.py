"""What users may say: the four kinds, from which CRDs and reference docs are generated."""

from kapsa.models.base import API_VERSION, GROUP, VERSION, Model
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.registry import Registry

KINDS = (Project, Environment, DomainPool, Registry)
"""The kinds of the API, in the order in which people meet them."""

__all__ = [
    "API_VERSION",
    "GROUP",
    "KINDS",
    "VERSION",
    "DomainPool",
    "Environment",
    "Model",
    "Project",
    "Registry",
]
