"""Reference page of the conditions and reasons, as Markdown."""

from collections.abc import Iterable, Iterator
from typing import Final

from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason

_INTRODUCTION: Final = """\
# Conditions and reasons

Every kind reports in `status.conditions`: `type` says what a condition is about, `status` whether
it holds (`True`, `False` or `Unknown`), `reason` why in one word for programs, and `message` why in
a sentence, with what to do about it. A condition that does not concern an object is left out, such
as `DomainReady` of a Project without `spec.domain`.

`Ready`, `Reconciling` and `Stalled` mean what
[kstatus](https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md) says, so
that tools which wait for objects understand them. `kubectl wait` does, too:

```console
$ kubectl wait --for=condition=Ready --timeout=5m project/shop
```

## Conditions

A *normal-true* condition is good when it is `True`. An *abnormal-true* one is good when it is
`False`, or not there.

"""
_REASONS: Final = """
## Reasons

The tone says what kind of news a reason is: *good*; *in progress*, which passes by itself; *as
chosen*, which follows from what somebody asked for; or *bad*. `status.candidates` of a Project
gives its reasons in the same words.

"""


def conditions_page() -> str:
    """Return the page of the types of conditions in the order of the kinds, and of the reasons."""
    types = _table(
        ("Condition", "Kinds", "Polarity", "`True` means"),
        (
            (f"`{item}`", ", ".join(item.kinds), item.polarity, item.explanation)
            for item in ConditionType
        ),
    )
    reasons = _table(
        ("Reason", "Tone", "Meaning"),
        ((f"`{item}`", item.tone, item.explanation) for item in sorted(Reason)),
    )
    return _INTRODUCTION + "".join(types) + _REASONS + "".join(reasons)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
