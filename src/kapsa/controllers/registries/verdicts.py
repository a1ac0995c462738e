"""What Projects need of registries, and what registries said to it."""

from collections.abc import Callable, Iterable

from kapsa.controllers.reconciling.cache import Key
from kapsa.core.images.rights import Right
from kapsa.core.images.verdict import Verdict


class Verdicts:
    """Stands between Projects, which need rights, and Registries, which are asked for them.

    It holds nothing that isn't found out anew after a restart.
    """

    def __init__(self, on_need: Callable[[str], None], on_verdict: Callable[[str], None]) -> None:
        """Know nothing yet.

        Args:
            on_need: Told of each Registry of which other rights are needed.
            on_verdict: Told of each Registry that said something else.
        """
        self._on_need = on_need
        self._on_verdict = on_verdict
        self._needs: dict[Key, tuple[str, frozenset[Right]]] = {}
        self._verdicts: dict[str, Verdict] = {}

    def need(self, project: Key, registry: str, rights: Iterable[Right] = ()) -> None:
        """Note what a Project needs of a Registry; no rights where it needs nothing any more."""
        before = self._needs.pop(project, None)
        after = (registry, frozenset(rights))
        if after[1]:
            self._needs[project] = after
        if before != self._needs.get(project):
            for name in {known[0] for known in (before, after) if known and known[1]}:
                self._on_need(name)

    def needed(self, registry: str) -> frozenset[Right]:
        """Return what all Projects together need of a Registry."""
        return frozenset(
            right for name, rights in self._needs.values() if name == registry for right in rights
        )

    def of(self, registry: str) -> Verdict | None:
        """Return what a Registry said; None where it was not asked yet."""
        return self._verdicts.get(registry)

    def note(self, registry: str, verdict: Verdict | None) -> None:
        """Remember what a Registry said; None where it is gone."""
        before = self._verdicts.pop(registry, None)
        if verdict is not None:
            self._verdicts[registry] = verdict
        if verdict != before:
            self._on_verdict(registry)
