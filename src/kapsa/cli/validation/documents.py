"""Documents of YAML and JSON, with the place of every field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.composer import Composer

from kapsa.cli.validation.scalars import read_plain
from kapsa.utils.text import sanitise

MOST_NODES: Final = 500_000
"""Most names and values of a document, as it is written."""
MOST_REPEATED: Final = 100_000
"""Most values of a document that may come from aliases, each counted whenever it does."""
DEEPEST: Final = 100
"""Deepest nesting of a document."""

_PLAIN: Final = "!plain"
_RESOLVED: Final = frozenset(
    {_PLAIN, *(f"tag:yaml.org,2002:{tag}" for tag in ("int", "float", "bool", "null"))}
)
_STEP: Final = re.compile(r"\[([^\]]*)\]|([^.\[]+)")

Path = tuple[str, ...]


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; lines and columns are counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with the YAML itself."""

    place: Place
    message: str
    path: str = ""


@dataclass(frozen=True)
class Document:
    """One document of a file, or one item of a list in it.

    Attributes:
        value: What it holds, as JSON.
        places: Where each field begins.
        faults: What is wrong with the YAML; the value may then be incomplete.
        at: Where the object is within the document.
    """

    value: Any
    places: Mapping[Path, Place]
    faults: tuple[Fault, ...] = ()
    at: Path = ()

    def place_of(self, path: str) -> Place:
        """Return where the field of that path begins, or else the nearest field around it.

        An object as a whole is where its name is.
        """
        steps = tuple(index or name for index, name in _STEP.findall(path or "metadata.name"))
        for length in range(len(steps), 0, -1):
            if found := self.places.get((*self.at, *steps[:length])):
                return found
        return self.places[self.at]

    def item(self, *path: str | int) -> "Document":
        """Return the object at `path` as a document of its own, without the faults of the whole."""
        value = self.value
        for step in path:
            value = value[step]
        return Document(value, self.places, at=(*self.at, *map(str, path)))


class _TooManyError(Exception):
    """A document has too many nodes."""


class _Loader(Composer, yaml.CSafeLoader):
    """Only composes: what a scalar means is for us to say.

    libyaml parses; its own composer would die of deep nesting, where that of Python only raises.
    """

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {  # noqa: RUF012
        None: [(_PLAIN, re.compile(""))]
    }

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._nodes = 0

    def compose_document(self) -> yaml.Node | None:
        """Compose the next document."""
        self._nodes = 0
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose the next node.

        Raises:
            _TooManyError: The document has too many.
        """
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _TooManyError
        return super().compose_node(parent, index)


def read_documents(text: str) -> Iterator[Document | Fault]:
    """Yield the documents that aren't empty; a syntax error ends it with a fault."""
    if text.lstrip().startswith(("{", "[")):
        # Only JSON may indent by tabs.
        text = text.replace("\t", " ")
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # since there is a node to get
            document = _Conversion().convert(node)
            if document.value is not None or document.faults:
                yield document
    except yaml.MarkedYAMLError as error:
        yield _syntax_fault(error)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        yield Fault(Place(line, 1), f"{error.reason}; remove the character")
    except _TooManyError:
        yield Fault(Place(1, 1), f"has a document of more than {MOST_NODES} names and values")
    except RecursionError:
        yield Fault(Place(1, 1), f"is nested deeper than {DEEPEST} levels")
    finally:
        loader.dispose()


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    message = sanitise(str(error.problem or error.context))
    if "cannot start any token" in message:
        message += "; indent by spaces, and put values that start with @, ` or % in quotes"
    return Fault(place, f"no valid YAML: {message}")


class _UnreadableError(Exception):
    """The rest of the document can't be read."""


@dataclass
class _Conversion:
    """Turns composed nodes into JSON, and notes where everything is."""

    places: dict[Path, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    repeated: int = 0
    open: list[yaml.Node] = field(default_factory=list)

    def convert(self, node: yaml.Node) -> Document:
        """Return the document that begins with `node`."""
        self.places[()] = _place(node)
        try:
            value = self._value(node, ())
        except _UnreadableError:
            value = None
        return Document(value, self.places, tuple(self.faults))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.repeated += id(node) in self.seen
        self.seen.add(id(node))
        if self.repeated > MOST_REPEATED:
            raise self._given_up(node, f"aliases repeat more than {MOST_REPEATED} values")
        if len(self.open) >= DEEPEST:
            raise self._given_up(node, f"is nested deeper than {DEEPEST} levels")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if any(node is outer for outer in self.open):
            raise self._given_up(node, "an alias stands for something that it is part of")
        self.open.append(node)
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node, path)
        else:
            assert isinstance(node, yaml.SequenceNode)  # there are but three
            value = self._sequence(node, path)
        self.open.pop()
        return value

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag not in _RESOLVED:
            return node.value
        try:
            return read_plain(node.value)
        except ValueError as error:
            self._fault(node, path, str(error))
            return None

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            where = (*path, str(index))
            self.places[where] = _place(item)
            values.append(self._value(item, where))
        return values

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                merged.append(value_node)
                continue
            key = self._key(key_node, path)
            if key in found:
                self._fault(key_node, (*path, key), "is there twice; leave one of them out")
            self.places[*path, key] = _place(key_node)
            found[key] = self._value(value_node, (*path, key))
        for value_node in merged:
            self._merge(found, value_node, path)
        return found

    def _merge(self, found: dict[str, Any], node: yaml.Node, path: Path) -> None:
        """Put in what `<<` brings; what is said in place is stronger."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._fault(source, path, "<< merges mappings only")
                continue
            said = {key: self.places.get((*path, key)) for key in found}
            brought = self._value(source, path)
            self.places.update({(*path, key): place for key, place in said.items() if place})
            found.update({key: value for key, value in brought.items() if key not in found})

    def _key(self, node: yaml.Node, path: Path) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._given_up(
                node, "the name of a field must be a string; a template has to be rendered first"
            )
        value = self._scalar(node, path)
        if value is None:
            raise self._given_up(node, "a field has no name")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _fault(self, node: yaml.Node, path: Path, message: str) -> None:
        rendered = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path)
        self.faults.append(Fault(_place(node), message, rendered.removeprefix(".")))

    def _given_up(self, node: yaml.Node, message: str) -> _UnreadableError:
        self.faults.append(Fault(_place(node), message))
        return _UnreadableError()


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
