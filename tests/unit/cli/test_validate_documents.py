"""YAML and JSON as kubectl reads them, with the place of every field."""

import itertools
from typing import Any

import pytest

from kapsa.cli.validation import documents
from kapsa.cli.validation.documents import Document, Fault, Place, read_documents


def only(text: str) -> Document:
    (document,) = read_documents(text)
    assert isinstance(document, Document)
    return document


def values(text: str) -> list[Any]:
    return [each.value for each in read_documents(text) if isinstance(each, Document)]


# What `kubectl annotate --local -o json` makes of each of them.
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("y", True),
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", 1000),
        ("017", 15),
        ("0o17", 15),
        ("0b11", 3),
        ("-0x1F", -31),
        ("+1", 1),
        ("09", 9),
        ("1e3", 1000),
        ("1.", 1),
        (".5", 0.5),
        ("1e999", "1e999"),
        ("1.2.3", "1.2.3"),
        ("-", [None]),
        ("=", "="),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!mine x", "x"),
        ("12345678901234567890", 12345678901234567890),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(written: str, meant: Any) -> None:
    value = only(f"a: {written}\n" if written != "-" else "a:\n-\n").value["a"]

    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\n---\n# nothing\n---\nb: 2\n", [{"a": 1}, {"b": 2}], id="documents"),
        pytest.param('{"a":\n\t{"b/c": "\\/"}}', [{"a": {"b/c": "/"}}], id="json-with-tabs"),
        pytest.param("1: a\ntrue: b\n1.5: c\n", [{"1": "a", "true": "b", "1.5": "c"}], id="keys"),
        pytest.param("a: &x [1]\nb: *x\n", [{"a": [1], "b": [1]}], id="aliases"),
        pytest.param(
            "a: &x {p: 1, q: 1}\nb:\n  q: 2\n  <<: *x\n",
            [{"a": {"p": 1, "q": 1}, "b": {"q": 2, "p": 1}}],
            id="what-is-said-in-place-is-stronger-than-a-merge",
        ),
        pytest.param(
            "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc:\n  <<: [*x, *y]\n",
            [{"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}}],
            id="the-first-of-several-merges-wins",
        ),
    ],
)
def test_documents_hold_what_they_hold_as_json(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("spec.env[1].name", Place(6, 7)),
        ("spec.env[1]", Place(6, 7)),
        ("spec.env[1].value.deeper", Place(6, 7)),
        ("spec.limits[example.com/gpu]", Place(8, 5)),
        ("spec.missing.too", Place(3, 1)),
        ("kind", Place(1, 1)),
        ("", Place(2, 12)),
    ],
)
def test_a_path_leads_to_its_field_or_to_the_nearest_around_it(path: str, place: Place) -> None:
    document = only(
        "kind: Project\n"
        "metadata: {name: shop}\n"
        "spec:\n"
        "  env:\n"
        "    - name: A\n"
        "    - name: B\n"
        "  limits:\n"
        "    example.com/gpu: 1\n"
    )

    assert document.place_of(path) == place


def test_a_merged_field_is_where_it_was_written() -> None:
    document = only("a: &x\n  p: 1\nb:\n  <<: *x\n  q: 2\n")

    assert document.place_of("b.p") == Place(2, 3)
    assert document.place_of("b.q") == Place(5, 3)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        pytest.param(
            "a:\n\tb: 1\n",
            [
                Fault(
                    Place(2, 1),
                    "no valid YAML: found character that cannot start any token; indent by spaces,"
                    " and put values that start with @, ` or % in quotes",
                )
            ],
            id="a-tab",
        ),
        pytest.param(
            "a: 1\n---\na: {b: 1\n",
            [Fault(Place(4, 1), "no valid YAML: did not find expected ',' or '}'")],
            id="the-end-is-missing",
        ),
        pytest.param(
            "a: *b\n", [Fault(Place(1, 4), "no valid YAML: found undefined alias 'b'")], id="alias"
        ),
        pytest.param(
            "a: x\x07\n",
            [Fault(Place(1, 1), "control characters are not allowed; remove the character")],
            id="a-control-character",
        ),
        pytest.param(
            "a: {b: 1, b: 2}\nc: [{d: 1, d: 2}]\n",
            [
                Fault(Place(1, 11), "is there twice; leave one of them out", "a.b"),
                Fault(Place(2, 12), "is there twice; leave one of them out", "c[0].d"),
            ],
            id="names-that-are-there-twice",
        ),
        pytest.param(
            "a: {{ .Values.a }}\n",
            [
                Fault(
                    Place(1, 5),
                    "the name of a field must be a string; a template has to be rendered first",
                )
            ],
            id="a-template",
        ),
        pytest.param("~: b\n", [Fault(Place(1, 1), "a field has no name")], id="no-key"),
        pytest.param(
            "a: .inf\n",
            [
                Fault(
                    Place(1, 4),
                    ".inf can't be written in JSON; put it in quotes if it is a string",
                    "a",
                )
            ],
            id="infinity",
        ),
        pytest.param("<<: [1]\n", [Fault(Place(1, 6), "<< merges mappings only")], id="merge"),
        pytest.param(
            "a: &a [*a]\n",
            [Fault(Place(1, 4), "an alias stands for something that it is part of")],
            id="a-circle-of-aliases",
        ),
    ],
)
def test_what_is_wrong_with_the_yaml_is_said_with_its_place(text: str, faults: list[Fault]) -> None:
    found: list[Fault] = []
    for each in read_documents(text):
        found += [each] if isinstance(each, Fault) else each.faults

    assert found == faults


def bomb() -> str:
    """Return a billion laughs: nine lists, each of nine aliases of the one before."""
    names = "abcdefghi"
    lines = [f"a: &a [{','.join('x' * 9)}]"]
    for before, name in itertools.pairwise(names):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(bomb(), "aliases repeat more than 100000 values", id="bomb"),
        pytest.param("[" * 150 + "]" * 150, "is nested deeper than 100 levels", id="deep"),
        pytest.param("[" * 50_000, "is nested deeper than 100 levels", id="very-deep"),
        pytest.param("- " * 50_000, "is nested deeper than 100 levels", id="very-deep-block"),
    ],
)
def test_a_file_that_would_hang_or_crash_the_reader_is_given_up(text: str, message: str) -> None:
    (found,) = read_documents(text)
    fault = found if isinstance(found, Fault) else found.faults[0]

    assert fault.message == message


def test_a_document_with_too_many_values_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_NODES", 7)

    assert values("[1, 2, 3, 4, 5, 6]\n---\n[1, 2, 3, 4, 5, 6]\n") == [[1, 2, 3, 4, 5, 6]] * 2
    assert list(read_documents("[1, 2, 3, 4, 5, 6, 7]\n")) == [
        Fault(Place(1, 1), "has a document of more than 7 names and values")
    ]
