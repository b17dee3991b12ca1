"""A YAML text as plain values, with the line of each key and with `${VAR}` expanded in the values.

Only nodes are read, with PyYAML's safe rules: no tag can make an object. Problems are collected, so that one run tells
all of them. No message repeats a value: it may be a secret.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]

_MOST_NODES = 100_000  # what aliases of aliases may unfold to
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_QUOTES = "a text that begins with one of * & ! @ ` % needs quotes, and so does ${NAME} between { } or [ ]"
_FORMS = "write ${NAME}, ${NAME:-default}, or $$ for a dollar"


class Problem(NamedTuple):
    """`known` are the keys or names that would have been right."""

    path: Path
    line: int | None
    message: str
    nearest: str | None = None
    known: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return written(self.path)


class Document(NamedTuple):
    value: Any
    lines: Mapping[Path, int]
    problems: list[Problem]

    def line(self, path: Path) -> int | None:
        """Where the path stands; of one that is not there, where its parent stands."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def written(path: Path) -> str:
    """`agents.coder.tools[1]`"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def read_document(text: str, env: Mapping[str, str]) -> Document:
    reading = _Reading(env)
    try:
        reading.loader = yaml.SafeLoader(text)
        node = reading.loader.get_single_node()
        value = reading.read(node, ()) if node is not None else None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Document(None, {}, [Problem((), line, "a character that YAML does not allow")])
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = None if mark is None else mark.line + 1
        return Document(None, {}, [Problem((), place, f"not YAML: {_without_text(error)}")])
    except RecursionError:
        return Document(None, {}, [Problem((), None, "nested too deeply")])
    return Document(value, reading.lines, reading.problems)


def _without_text(error: yaml.MarkedYAMLError) -> str:
    """Never str(error), which shows the line itself; and not what `problem` quotes either: a password that begins with
    `*` or `!` reads as the name of an alias or a tag."""

    def kept(quoted: re.Match[str]) -> str:
        return quoted[0] if len(quoted[1]) < 2 or quoted[1].startswith("<") else ""

    return re.sub(r" ?'([^']*)'", kept, error.problem or error.context or "it cannot be read") + f"; {_QUOTES}"


class _Reading:
    loader: yaml.SafeLoader

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._nodes = 0
        self._open: set[int] = set()
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def read(self, node: Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or id(node) in self._open:
            raise yaml.MarkedYAMLError(problem="aliases that unfold without end", problem_mark=node.start_mark)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _PLAIN_TAGS:
            self._tell(path, node, "a tag (!) is not allowed here")
            return None
        self._open.add(id(node))
        value = self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        self._open.discard(id(node))
        return value

    def _sequence(self, node: Node, path: Path) -> list[Any]:
        items = []
        for index, child in enumerate(node.value):
            self.lines[*path, index] = child.start_mark.line + 1
            items.append(self.read(child, (*path, index)))
        return items

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        given: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        for key, child in node.value:
            if key.tag == _MERGE:
                for name, merged in self._merged(child, path):
                    inherited.setdefault(name, merged)
            elif not isinstance(key, ScalarNode):
                self._tell(path, key, "a key has to be text")
            elif key.value not in given:
                given[key.value] = child
                self.lines[*path, key.value] = key.start_mark.line + 1
            elif not path and isinstance(first := given[key.value], MappingNode) and isinstance(child, MappingNode):
                # Documentation likes to print two examples in one block. Sections of one name are read as one; a
                # name that stands in both is still an error.
                pairs = first.value + child.value
                given[key.value] = MappingNode(first.tag, pairs, first.start_mark, child.end_mark)
            else:
                first_line = self.lines[*path, key.value]
                self._tell((*path, key.value), key, f"written twice; the first is in line {first_line}")
        for name, child in inherited.items():
            if name not in given:
                self.lines[*path, name] = child.start_mark.line + 1
        return {name: self.read(child, (*path, name)) for name, child in {**inherited, **given}.items()}

    def _merged(self, node: Node, path: Path) -> list[tuple[str, Node]]:
        """The pairs of `<<: *one` or `<<: [*one, *other]`; the earlier wins."""
        if isinstance(node, SequenceNode):
            return [pair for child in node.value for pair in self._merged(child, path)]
        if isinstance(node, MappingNode):
            return [(key.value, child) for key, child in node.value if isinstance(key, ScalarNode)]
        self._tell(path, node, "<< takes an alias of a mapping")
        return []

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if "$" in node.value and node.tag == "tag:yaml.org,2002:str":
            expanded = re.sub(r"\$\$|\$\{([^}]*)(\}?)", lambda found: self._expand(found, node, path), node.value)
            return None if node.style is None and not expanded else expanded
        try:
            return self.loader.construct_object(node)
        except (yaml.MarkedYAMLError, ValueError, LookupError, AttributeError):  # all of PyYAML's, for `!!int x`
            self._tell(path, node, "cannot be read as what it looks like; if it is text, put it in quotes")
            return None

    def _expand(self, found: re.Match[str], node: Node, path: Path) -> str:
        if found[0] == "$$":
            return "$"
        name, otherwise, default = found[1].partition(":-")
        if not found[2] or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            self._tell(path, node, f"a ${{...}} that cannot be read; {_FORMS}")
            return "unset"
        value = self._env.get(name)
        if otherwise:
            return value or default
        if value is None:
            self._tell(path, node, f"the environment variable {name} is not set")
            return "unset"  # stands in, so that nothing is called missing that is written
        return value

    def _tell(self, path: Path, node: Node, message: str) -> None:
        self.problems.append(Problem(path, node.start_mark.line + 1, message))
