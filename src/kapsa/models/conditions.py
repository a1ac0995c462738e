"""Every type of condition that Kapsa reports, with what it means.

Source of the form: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
"""

from enum import StrEnum
from typing import Self


class Polarity(StrEnum):
    """Which status of a condition is the good one."""

    NORMAL_TRUE = "normal-true"
    """`True` is good, as with `Ready`."""
    ABNORMAL_TRUE = "abnormal-true"
    """`True` asks for attention; good is `False`, or no such condition at all."""


class ConditionType(StrEnum):
    """What a condition is about.

    Attributes:
        polarity: Which status is the good one.
        kinds: The kinds that report it.
        explanation: What `True` means, in a sentence.
    """

    polarity: Polarity
    kinds: tuple[str, ...]
    explanation: str

    def __new__(
        cls, value: str, polarity: Polarity, kinds: tuple[str, ...], explanation: str
    ) -> Self:
        """Make a member that is its own CamelCase word, and keep the rest beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.polarity = polarity
        member.kinds = kinds
        member.explanation = explanation
        return member

    READY = (
        "Ready",
        Polarity.NORMAL_TRUE,
        ("Project", "Environment", "DomainPool", "Registry"),
        "All is as it should be.",
    )
    RECONCILING = (
        "Reconciling",
        Polarity.ABNORMAL_TRUE,
        ("Project", "Environment", "DomainPool", "Registry"),
        "Kapsa is working on it, or waits for something that may pass by itself.",
    )
    STALLED = (
        "Stalled",
        Polarity.ABNORMAL_TRUE,
        ("Project", "Environment", "DomainPool", "Registry"),
        "Kapsa can't go on until somebody changes something.",
    )

    # Project
    REPOSITORY_ACCESSIBLE = (
        "RepositoryAccessible",
        Polarity.NORMAL_TRUE,
        ("Project",),
        "The repository was read at the last poll.",
    )
    REGISTRY_READY = (
        "RegistryReady",
        Polarity.NORMAL_TRUE,
        ("Project", "Environment"),
        "The Registry that `spec.registry` names can be used.",
    )
    BUILD_SUCCEEDED = (
        "BuildSucceeded",
        Polarity.NORMAL_TRUE,
        ("Project",),
        (
            "No build of a wanted commit has failed. Without builds by Kapsa there is no such"
            " condition."
        ),
    )
    DOMAIN_READY = (
        "DomainReady",
        Polarity.NORMAL_TRUE,
        ("Project",),
        "The Project holds a subdomain of the DomainPool that `spec.domain` names.",
    )
    ENVIRONMENTS_READY = (
        "EnvironmentsReady",
        Polarity.NORMAL_TRUE,
        ("Project",),
        "Every Environment of the Project is ready.",
    )
    CLEANUP_HELD = (
        "CleanupHeld",
        Polarity.ABNORMAL_TRUE,
        ("Project",),
        "So many previews vanished at once that Kapsa waits before it deletes them.",
    )

    # Environment
    IMAGE_READY = (
        "ImageReady",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        "The image that should run is known.",
    )
    CONFIGURATION_READY = (
        "ConfigurationReady",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        "All ConfigMaps and Secrets that the Environment names are there; absent without any.",
    )
    HOST_ALLOCATED = (
        "HostAllocated",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        "The Environment holds its host.",
    )
    RELEASE_SUCCEEDED = (
        "ReleaseSucceeded",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        (
            "The release has succeeded for the image that is wanted. Without a release there is no"
            " such condition."
        ),
    )
    JOBS_SUCCEEDED = (
        "JobsSucceeded",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        (
            "Every process of kind `job` has run to completion for the image that is wanted."
            " Without jobs there is no such condition."
        ),
    )
    WORKLOAD_AVAILABLE = (
        "WorkloadAvailable",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        "All wanted pods of the newest version of each process that lasts are ready.",
    )
    INGRESS_READY = (
        "IngressReady",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        "The Ingress exists, or the Gateway takes the HTTPRoute.",
    )
    TLS_READY = (
        "TLSReady",
        Polarity.NORMAL_TRUE,
        ("Environment",),
        (
            "The host has its certificate; its reason and message are cert-manager's. Without TLS"
            " there is no such condition."
        ),
    )
    EXPIRED = (
        "Expired",
        Polarity.ABNORMAL_TRUE,
        ("Environment",),
        "Its time is over; it keeps nothing but its host.",
    )

    # DomainPool
    ISSUER_READY = (
        "IssuerReady",
        Polarity.NORMAL_TRUE,
        ("DomainPool",),
        "The issuer that `spec.certManager` names can sign certificates.",
    )
    CERTIFICATE_READY = (
        "CertificateReady",
        Polarity.NORMAL_TRUE,
        ("DomainPool",),
        "Every wildcard certificate of the pool is issued and valid.",
    )

    # Registry
    REACHABLE = (
        "Reachable",
        Polarity.NORMAL_TRUE,
        ("Registry",),
        "The registry answers as the distribution specification says.",
    )
    AUTHENTICATED = (
        "Authenticated",
        Polarity.NORMAL_TRUE,
        ("Registry",),
        "The registry takes the credentials, for all that Projects do there.",
    )
