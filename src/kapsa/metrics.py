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
IMAGE_LOOKUPS = Counter("kapsa_image_lookup", "Look-ups of images in registries.", ["result"])
QUEUE_LENGTH = Gauge("kapsa_queue_length", "Keys that wait in a queue.", ["queue"])
LEADER = Gauge("kapsa_leader", "1 where this operator holds the Lease, else 0.")
