"""Every reason that a condition of Kapsa can have, with what it means.

Source of the form: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
"""

from kapsa.models.tone import Said, Tone


class Reason(Said):
    """Why a condition has its status: one word for programs."""

    # Any kind
    READY = "Ready", "All is as it should be.", Tone.GOOD
    RECONCILING = "Reconciling", "Kapsa is working on it.", Tone.IN_PROGRESS
    SUSPENDED = (
        "Suspended",
        "`spec.suspend` is true: nothing is made, changed or deleted.",
        Tone.CHOSEN,
    )
    INVALID_SPEC = (
        "InvalidSpec",
        "The stored object breaks a rule of this version, or contradicts itself; correct it.",
    )
    SECRET_NOT_FOUND = "SecretNotFound", "A Secret that the object names does not exist."
    SECRET_INVALID = "SecretInvalid", "A Secret lacks the keys that are needed."
    CONFIG_MAP_NOT_FOUND = (
        "ConfigMapNotFound",
        "A ConfigMap that the object names does not exist.",
    )
    PROFILE_NOT_ALLOWED = (
        "ProfileNotAllowed",
        "The operator's setting `KAPSA_POD_SECURITY` forbids the profile that is asked for.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "An object of the wanted name exists that Kapsa did not make; it is left alone.",
    )
    NAME_PENDING = (
        "NamePending",
        "A former object of the wanted name is still being cleaned up; Kapsa waits.",
        Tone.IN_PROGRESS,
    )
    NAMESPACE_CONFLICT = (
        "NamespaceConflict",
        "A namespace of the wanted name exists that Kapsa did not make; it is left alone.",
    )
    NAMESPACE_TERMINATING = (
        "NamespaceTerminating",
        "The namespace is on its way out; Kapsa waits.",
        Tone.IN_PROGRESS,
    )
    NOT_CONVERGING = (
        "NotConverging",
        "Something changes an object back each time Kapsa writes it; Kapsa rests until it changes.",
    )
    APPLY_REFUSED = "ApplyRefused", "The API server refuses an object; the message is its own."
    API_SERVER_UNAVAILABLE = (
        "ApiServerUnavailable",
        "The API server does not answer; Kapsa tries again.",
    )

    # Repository and forge
    REPOSITORY_ACCESSIBLE = "RepositoryAccessible", "The repository was read.", Tone.GOOD
    REPOSITORY_NOT_READ = (
        "RepositoryNotRead",
        "The repository has not been read yet.",
        Tone.IN_PROGRESS,
    )
    REPOSITORY_NOT_FOUND = "RepositoryNotFound", "The git server knows no such repository."
    AUTHENTICATION_FAILED = "AuthenticationFailed", "The credentials are refused."
    REPOSITORY_UNREACHABLE = "RepositoryUnreachable", "The git server does not answer."
    REPOSITORY_REFUSED = "RepositoryRefused", "The operator's settings forbid that address."
    REPOSITORY_TOO_LARGE = (
        "RepositoryTooLarge",
        "The repository has more refs, or a commit more files, than Kapsa reads.",
    )
    FORGE_UNKNOWN = "ForgeUnknown", "It can't be told which forge serves the repository."
    FORGE_UNREACHABLE = "ForgeUnreachable", "The forge's API does not answer as it should."
    RATE_LIMITED = "RateLimited", "The server asks Kapsa to come back later.", Tone.IN_PROGRESS

    # Images
    IMAGE_READY = "ImageReady", "The image exists and its digest is known.", Tone.GOOD
    IMAGE_NOT_FOUND = (
        "ImageNotFound",
        "The registry has no such image yet; Kapsa keeps looking.",
        Tone.IN_PROGRESS,
    )
    IMAGE_PENDING = "ImagePending", "The image is being looked up.", Tone.IN_PROGRESS
    TEMPLATE_NEEDS_PULL_REQUEST = (
        "TemplateNeedsPullRequest",
        "`build.image` uses `{pr}`, but the environment has no pull request.",
    )
    TEMPLATE_NEEDS_BRANCH = (
        "TemplateNeedsBranch",
        "`build.image` uses `{branch}`, but the environment follows no branch and no tag.",
    )
    NOTHING_TO_PROMOTE = (
        "NothingToPromote",
        "The environment of `promoteFrom` is not Ready with an image yet.",
        Tone.IN_PROGRESS,
    )
    BUILD_SUCCEEDED = "BuildSucceeded", "Every build that was needed has succeeded.", Tone.GOOD
    BUILD_QUEUED = (
        "BuildQueued",
        "As many images are being built as may be at a time; it waits for its turn.",
        Tone.IN_PROGRESS,
    )
    BUILDING = "Building", "The image is being built.", Tone.IN_PROGRESS
    BUILD_FAILED = (
        "BuildFailed",
        "The image can't be built of that commit; the message has the last lines of the log.",
    )
    BUILD_SKIPPED = (
        "BuildSkipped",
        "The commit's message says `[skip ci]`, and no image of it is there.",
        Tone.CHOSEN,
    )
    BUILD_NOT_POSSIBLE = (
        "BuildNotPossible",
        "The cluster or the operator lacks something that the build needs; the message says what.",
    )
    BUILDER_NOT_ALLOWED = (
        "BuilderNotAllowed",
        "The image in `build.builder.image` is not among the builders that the operator allows.",
    )
    COMMIT_NOT_FOUND = "CommitNotFound", "The git server does not give the commit."
    CONTEXT_NOT_FOUND = (
        "ContextNotFound",
        "The commit has no directory of the name in `build.context`, or no such Dockerfile.",
    )
    REPOSITORY_NOT_ALLOWED = (
        "RepositoryNotAllowed",
        "The Registry's `repositoryTemplate` gives the Project another place for its images.",
    )
    REGISTRY_READY = "RegistryReady", "The Registry can be used.", Tone.GOOD
    REGISTRY_NOT_FOUND = "RegistryNotFound", "The Registry that is named does not exist."
    REGISTRY_UNREACHABLE = "RegistryUnreachable", "The registry does not answer as it should."
    REGISTRY_REFUSED = "RegistryRefused", "The operator's settings forbid the registry's address."
    REGISTRY_MISMATCH = "RegistryMismatch", "The image is not on the Registry that is named."
    PULL_SECRET_PENDING = (
        "PullSecretPending",
        "The Secret with which pods pull the image is not where they are yet.",
        Tone.IN_PROGRESS,
    )
    REGISTRY_UNAUTHORIZED = "RegistryUnauthorized", "The registry refuses the credentials."
    NO_CLOUD_CREDENTIALS = (
        "NoCloudCredentials",
        "The cloud gives the operator no credentials for the registry; the message says why.",
    )

    # Hosts
    HOST_ALLOCATED = "HostAllocated", "The host is held by this Environment alone.", Tone.GOOD
    DOMAIN_READY = "DomainReady", "The subdomain is held by this Project alone.", Tone.GOOD
    DOMAIN_POOL_NOT_FOUND = "DomainPoolNotFound", "The DomainPool that is named does not exist."
    NAMESPACE_NOT_ALLOWED = (
        "NamespaceNotAllowed",
        "The DomainPool or Registry is not for that namespace; an admin can label it so.",
    )
    SUBDOMAIN_TAKEN = "SubdomainTaken", "Another Project holds the subdomain."
    SUBDOMAIN_RESERVED = "SubdomainReserved", "The pool gives that name to nobody."
    HOST_NOT_ALLOWED = (
        "HostNotAllowed",
        "`ingress.host` is in a base domain of a DomainPool; only pools give hosts there.",
    )
    HOST_TAKEN = "HostTaken", "Every host that would fit is held by others."
    HOST_PENDING = (
        "HostPending",
        "A former holder of the host is still being cleaned up.",
        Tone.IN_PROGRESS,
    )

    # Configuration
    CONFIGURATION_READY = (
        "ConfigurationReady",
        "The ConfigMaps and Secrets that are named are there.",
        Tone.GOOD,
    )
    SOURCE_NOT_ALLOWED = (
        "SourceNotAllowed",
        "A Secret or ConfigMap is named that no application gets: Kapsa's own, or a token.",
    )
    CONFIGURATION_TOO_LARGE = (
        "ConfigurationTooLarge",
        "A ConfigMap or Secret holds more than environment variables can; `mountPath` helps.",
    )

    # Workload
    WORKLOAD_AVAILABLE = (
        "WorkloadAvailable",
        "All wanted pods of the newest version are ready; with autoscaling, the fewest of them.",
        Tone.GOOD,
    )
    WORKLOAD_PROGRESSING = (
        "WorkloadProgressing",
        "Pods are being started or replaced.",
        Tone.IN_PROGRESS,
    )
    WORKLOAD_FAILED = "WorkloadFailed", "The Deployment does not get its pods ready."
    PODS_FAILING = (
        "PodsFailing",
        "Pods can't be made, don't start or keep ending; the message says which, and why.",
    )
    WORKLOAD_MISSING = "WorkloadMissing", "There is no Deployment yet.", Tone.IN_PROGRESS
    RELEASE_SUCCEEDED = "ReleaseSucceeded", "The release of the image has succeeded.", Tone.GOOD
    RELEASE_RUNNING = (
        "ReleaseRunning",
        "The release has not ended yet; the roll-out waits for it, and what runs keeps running.",
        Tone.IN_PROGRESS,
    )
    RELEASE_FAILED = (
        "ReleaseFailed",
        "The release failed: its image is not rolled out, and what runs keeps running.",
    )
    JOBS_SUCCEEDED = "JobsSucceeded", "Every job has run to completion.", Tone.GOOD
    JOB_RUNNING = "JobRunning", "A job has not run to completion yet.", Tone.IN_PROGRESS
    JOB_FAILED = "JobFailed", "A job failed; it runs again for a new image, or when asked to."
    VOLUME_IMMUTABLE = (
        "VolumeImmutable",
        "A volume is asked to shrink or to change its StorageClass, which none can; it stays.",
    )
    INGRESS_READY = "IngressReady", "The Ingress exists.", Tone.GOOD
    INGRESS_DISABLED = (
        "IngressDisabled",
        "`ingress.enabled` is false: the host stays held, and leads nowhere.",
        Tone.CHOSEN,
    )
    NOTHING_TO_ROUTE = (
        "NothingToRoute",
        "No process of kind `web` has a path: the host stays held, and leads nowhere.",
        Tone.CHOSEN,
    )
    ANNOTATION_NOT_ALLOWED = (
        "AnnotationNotAllowed",
        "`ingress.annotations` has a key that the DomainPool does not allow.",
    )
    ROUTE_ACCEPTED = "RouteAccepted", "The Gateway takes the HTTPRoute.", Tone.GOOD
    ROUTE_PENDING = (
        "RoutePending",
        "The Gateway has not said yet whether it takes the HTTPRoute.",
        Tone.IN_PROGRESS,
    )
    ROUTE_REFUSED = "RouteRefused", "The Gateway leads no requests along the HTTPRoute."
    GATEWAY_API_MISSING = (
        "GatewayApiMissing",
        "The pool wants HTTPRoutes, and the cluster has no Gateway API.",
    )

    # Certificates
    CERTIFICATE_READY = "CertificateReady", "The certificate is issued and valid.", Tone.GOOD
    CERTIFICATE_PENDING = (
        "CertificatePending",
        "The certificate is not issued, or not copied to where it is needed, yet.",
        Tone.IN_PROGRESS,
    )
    CERTIFICATE_FAILED = (
        "CertificateFailed",
        "The order of the certificate failed; cert-manager tries again later.",
    )
    TLS_BY_SECRET = "TlsBySecret", "The Secret that is named has the certificate.", Tone.GOOD
    TLS_BY_ROUTER = (
        "TlsByRouter",
        "The router has the certificate: a Gateway's listener, or the ingress controller.",
        Tone.GOOD,
    )
    TLS_IMPOSSIBLE = (
        "TlsImpossible",
        "Nothing can give the host a certificate as things are set; the message says what to do.",
    )
    CERT_MANAGER_MISSING = (
        "CertManagerMissing",
        "The pool wants certificates, and the cluster has no cert-manager.",
    )
    ISSUER_READY = "IssuerReady", "The issuer can sign certificates.", Tone.GOOD
    ISSUER_NOT_FOUND = "IssuerNotFound", "The issuer that the pool names does not exist."
    ISSUER_NOT_READY = (
        "IssuerNotReady",
        "The issuer can't sign certificates; the message is cert-manager's.",
    )
    TTL_EXPIRED = (
        "TtlExpired",
        "Its `ttl` has passed since its last commit or extension.",
        Tone.CHOSEN,
    )
    MAX_LIFETIME_REACHED = (
        "MaxLifetimeReached",
        "It has lived for `maxLifetime`, which no commit or extension prolongs.",
        Tone.CHOSEN,
    )
    EXTENSION_INVALID = (
        "ExtensionInvalid",
        "The annotation `kapsa-project.io/extended-until` is no time; it is ignored.",
    )
    PROJECT_NOT_FOUND = "ProjectNotFound", "The Project that is named does not exist."

    PROJECT_MISMATCH = (
        "ProjectMismatch",
        "The Environment is in a namespace that is not of the Project it names.",
    )

    # Environments of a Project
    ENVIRONMENTS_READY = "EnvironmentsReady", "Every environment runs what it should.", Tone.GOOD
    ENVIRONMENTS_NOT_READY = (
        "EnvironmentsNotReady",
        "Some environment does not run what it should.",
        Tone.IN_PROGRESS,
    )
    NO_MASS_DELETION = "NoMassDeletion", "No clean-up is held back.", Tone.GOOD
    MASS_DELETION = (
        "MassDeletion",
        "More than half of the previews vanished at once; Kapsa waits for a second listing.",
        Tone.IN_PROGRESS,
    )

    # Decisions about candidates
    PULL_REQUEST_OPEN = (
        "PullRequestOpen",
        "The pull request is open and fits the filters.",
        Tone.GOOD,
    )
    BRANCH_INCLUDED = "BranchIncluded", "The branch fits the filters.", Tone.GOOD
    BRANCH_EXCLUDED = "BranchExcluded", "The branch does not fit `branches`.", Tone.CHOSEN
    PREVIEWS_DISABLED = (
        "PreviewsDisabled",
        "`previewEnvironments`, or its part for branches or pull requests, is not enabled.",
        Tone.CHOSEN,
    )
    BRANCH_NOT_FOUND = "BranchNotFound", "The repository has no such branch."
    TAG_NOT_FOUND = "TagNotFound", "The repository has no tag that the glob matches."
    FORK = "Fork", "Pull requests from forks get no preview.", Tone.CHOSEN
    DRAFT = "Draft", "Drafts get no preview unless `drafts` is true.", Tone.CHOSEN
    HEAD_EXCLUDED = "HeadExcluded", "The head branch does not fit `heads`.", Tone.CHOSEN
    LABEL_MISSING = "LabelMissing", "It has none of the labels in `labels.include`.", Tone.CHOSEN
    LABEL_EXCLUDED = "LabelExcluded", "It has a label of `labels.exclude`.", Tone.CHOSEN
    PREVIEWED_AS_PULL_REQUEST = (
        "PreviewedAsPullRequest",
        "The branch has an open pull request, whose preview it is.",
        Tone.CHOSEN,
    )
    PERMANENT_ENVIRONMENT = (
        "PermanentEnvironment",
        "A permanent environment follows the branch.",
        Tone.CHOSEN,
    )
    MAX_ACTIVE = (
        "MaxActive",
        "`maxActive` previews are running; it waits for its turn.",
        Tone.IN_PROGRESS,
    )
