"""A real node: containerd and kubelet in namespaces of their own, pods on a bridge of this machine.

Everything that runs on the node is in one process namespace and one mount namespace, so the kernel
ends and unmounts it all together with their first process. What is left to clear away is a bridge
and a control group; `lab.node.outside` does it.
"""

from __future__ import annotations

from lab.node.requirements import missing

__all__ = ["missing"]
