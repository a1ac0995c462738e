"""What a kubelet sets in the kernel of its machine, and here must not."""

from __future__ import annotations

TUNABLES = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""By their names below /proc/sys. A kubelet that finds these values writes none."""
