"""Every metric of Kapsa: its name, its labels, what it counts.

No label has unbounded values: no branch, no pull request, no repository.
"""

from prometheus_client import Counter, Gauge, Histogram

PROJECTS = Gauge("kapsa_projects_total", "Projects that exist.")
ENVIRONMENTS = Gauge("kapsa_environments_total", "Environments that exist.", ["type"])
PROJECT_RECONCILES = Counter("kapsa_project_reconcile", "Reconciliations of Projects.", ["result"])
PROJECT_RECONCILE_SECONDS = Histogram(
    "kapsa_project_reconcile_duration_seconds", "Duration of one reconciliation of a Project."
)
RECONCILES = Counter("kapsa_reconcile", "Reconciliations of any kind.", ["kind", "result"])
GIT_POLLS = Counter("kapsa_git_poll", "Polls of git repositories.", ["result"])
SOURCE_READS = Counter("kapsa_source_read", "Commits that were read for a build.", ["result"])
IMAGE_LOOKUPS = Counter("kapsa_image_lookup", "Look-ups of images in registries.", ["result"])
REGISTRY_VERIFICATIONS = Counter(
    "kapsa_registry_verification",
    "Questions to registries whether they give Kapsa what is needed there.",
    ["result"],
)
QUEUE_LENGTH = Gauge("kapsa_queue_length", "Keys that wait in a queue.", ["queue"])
LEADER = Gauge("kapsa_leader", "1 where this operator holds the Lease, else 0.")
BUILDS = Counter("kapsa_builds", "Builds that have ended.", ["strategy", "result"])
BUILD_SECONDS = Histogram(
    "kapsa_build_duration_seconds",
    "Duration of one build, from its creation to its end.",
    ["strategy"],
    buckets=(10, 30, 60, 120, 300, 600, 1200, 1800, 3600),
)
BUILDS_RUNNING = Gauge("kapsa_builds_running", "Builds that run.")
BUILD_QUEUE_LENGTH = Gauge("kapsa_build_queue_length", "Builds that wait for their turn.")
