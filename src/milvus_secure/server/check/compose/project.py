"""A Compose project: its files read, filled in and merged, without Docker and without a network.

Follows compose-go (``loader/loader.go``, ``extends.go``, ``include.go``). What would have to be
fetched is `ComposeUnresolvedError`; what Compose refuses is `ComposeRefusedError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ....errors import MilvusSecureError
from ..yaml.reading import STANDARD_INPUT, read_text
from ..yaml.yaml_tree import Block, Items, Scalar, Tree, documents, place_of
from .files import default_variables, files_of, text_of
from .interpolation import InterpolationError, interpolate
from .merge import merge_files, merge_services
from .refusal import ComposeRefusedError, ComposeUnresolvedError
from .schema import check_schema
from .volumes import make_paths_absolute, make_service_paths_absolute

_REMOTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git@|github\.com/|oci:")
_MAX_DEPTH: Final = 20


@dataclass
class Project:
    """What Compose would run.

    Attributes:
        path: The file that was given.
        directory: Where its relative paths start.
        variables: What fills in its variables: the environment over ``.env``.
        model: The merged file.
        unset: Variables without a value, with the place that uses each first.
        unresolved: What was left out, because it would have to be fetched.
    """

    path: Path
    directory: Path
    variables: Mapping[str, str]
    model: Block = field(default_factory=Block)
    unset: dict[str, str] = field(default_factory=dict)
    unresolved: list[ComposeUnresolvedError] = field(default_factory=list)

    def place(self, node: Tree | None) -> str:
        """The place of a node, such as ``docker-compose.yml:12``."""
        return place_of(node) or self.path.name

    def section(self, name: str) -> Block:
        """A top-level mapping; empty where there is none."""
        section = self.model.get(name)
        return section if isinstance(section, Block) else Block()


def load_project(document: Tree, path: Path, environ: Mapping[str, str] | None = None) -> Project:
    """Load a Compose file with everything that belongs to it.

    Args:
        document: The file, read.
        path: Where it was read; ``-`` for standard input.
        environ: The environment that Compose would see; this process's if None.

    Raises:
        ComposeRefusedError: If Compose refuses the file.
        ComposeUnresolvedError: If nothing can be said without fetching something.
        MilvusSecureError: If a file that it refers to is not YAML or cannot be read.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if path == STANDARD_INPUT else path.absolute().parent
    project = Project(path, directory, {**default_variables(directory, environ), **environ})
    files = files_of(path, project.variables)
    project.directory = files[0].absolute().parent if path != STANDARD_INPUT else directory
    for file in files:
        trees = [document] if file == path else documents(text_of(file), file.name)
        for tree in trees:
            loaded = _File(project, file, project.directory).load(tree)
            project.model = merge_files(project.model, loaded)
    return project


class _File:
    """One file of a project; ``depth`` counts the files that refer to each other above it."""

    def __init__(self, project: Project, path: Path, directory: Path, depth: int = 0) -> None:
        self.project = project
        self.path = path
        self.directory = directory
        self.depth = depth

    def load(self, tree: Tree) -> Block:
        """The file, filled in, with ``extends`` and ``include`` resolved and paths absolute."""
        if not isinstance(tree, Block):
            raise ComposeRefusedError(
                f"{self.path.name} is not a mapping.", "Write services: in it.", self.path.name
            )
        filled = self._filled(tree)
        if not isinstance(filled, Block):  # a mapping stays one
            raise TypeError
        check_schema(filled, self.path.name)
        services = filled.get("services")
        if isinstance(services, Block):
            resolved = Block(services.line, services.file)
            resolved.tags = services.tags
            for name in services:
                resolved.put(name, self._extended(services, name, ()), services.lines[name])
            filled.put("services", resolved, services.line)
        make_paths_absolute(filled, self.directory)
        return self._with_includes(filled)

    def _filled(self, node: Tree) -> Tree:
        """Every value with its variables replaced."""
        if isinstance(node, Block):
            block = Block(node.line, node.file)
            block.tags, block.repeats = node.tags, node.repeats
            for key, value in node.items():
                block.put(key, self._filled(value), node.lines[key])
            return block
        if isinstance(node, Items):
            items = Items(map(self._filled, node))
            items.line, items.file = node.line, node.file
            return items
        if "$" not in node:
            return node
        place = self.project.place(node)
        try:
            text = interpolate(
                node,
                self.project.variables,
                lambda name: self.project.unset.setdefault(name, place),
            )
        except InterpolationError as error:
            raise ComposeRefusedError(
                f"Compose refuses {self.path.name}: in line {node.line}, {error}.",
                "Set the variable in .env or in the environment, or write $$ for a dollar sign.",
                place,
            ) from None
        return Scalar.of(text, node.line, file=node.file)

    def _extended(self, services: Block, name: str, above: tuple[str, ...]) -> Tree:
        """A service with what it extends."""
        service = services[name]
        if not isinstance(service, Block) or "extends" not in service:
            return service
        extends = service["extends"]
        place = f"{self.path.name}:{service.lines['extends']}"
        if name in above:
            raise ComposeRefusedError(
                f"Service {name} extends itself in a loop.", "Remove one of the references.", place
            )
        service = merge_services(Block(), service)
        service.pop("extends")
        reference = extends.get("service") if isinstance(extends, Block) else extends
        file = extends.get("file") if isinstance(extends, Block) else None
        if not isinstance(reference, Scalar):
            raise ComposeRefusedError(
                f"Service {name} has extends without a service.", "Name one.", place
            )
        if isinstance(file, Scalar):
            base = self._from_file(str(file), str(reference), place)
        elif str(reference) in services:
            base = self._extended(services, str(reference), (*above, name))
        else:
            raise ComposeRefusedError(
                f"Service {name} extends {reference}, which does not exist.",
                "Correct the name.",
                place,
            )
        return merge_services(base, service) if isinstance(base, Block) else service

    def _from_file(self, file: str, reference: str, place: str) -> Tree:
        loaded, block = self._other(file, place, f"the file {file} that a service extends")
        services = block.get("services")
        if not isinstance(services, Block) or reference not in services:
            raise ComposeRefusedError(
                f"{file} has no service {reference}, which a service extends.",
                "Correct the name.",
                place,
            )
        filled = loaded._extended(services, reference, ())  # noqa: SLF001 - the same class
        if isinstance(filled, Block):
            make_service_paths_absolute(filled, loaded.directory)
        return filled

    def _other(self, file: str, place: str, what: str) -> tuple[_File, Block]:
        """Another file of the project, filled in."""
        if _REMOTE.match(file):
            raise ComposeUnresolvedError(what, "it would have to be fetched", place)
        path = self.directory / os.path.expanduser(file)  # noqa: PTH111 - keeps an unknown user
        if self.depth > _MAX_DEPTH:
            raise ComposeRefusedError(
                f"{file} refers to itself by extends or include.", "Remove one of them.", place
            )
        try:
            trees = documents(read_text(path), path.name)
        except MilvusSecureError as error:
            if path.is_file():
                raise
            raise ComposeRefusedError(
                f"Compose refuses the file, because {file} does not exist.",
                f"Write {path}, or correct the name.",
                place,
            ) from error
        other = _File(self.project, path, path.parent, self.depth + 1)
        filled = other._filled(trees[0]) if trees else Block()
        return other, filled if isinstance(filled, Block) else Block()

    def _with_includes(self, block: Block) -> Block:
        includes = block.pop("include", None)
        if not isinstance(includes, Items):
            return block
        merged = Block()
        for include in includes:
            place = self.project.place(include)
            try:
                merged = merge_files(merged, self._included(include, place))
            except ComposeUnresolvedError as unresolved:
                self.project.unresolved.append(unresolved)
        return merge_files(merged, block)

    def _included(self, include: Tree, place: str) -> Block:
        path = include.get("path") if isinstance(include, Block) else include
        simple = not isinstance(include, Block) or set(include) == {"path"}
        if not isinstance(path, Scalar) or not simple:
            raise ComposeUnresolvedError(
                "an included file", "it is included with its own environment", place
            )
        other, block = self._other(str(path), place, f"the included file {path}")
        if (other.directory / ".env").is_file() and other.directory != self.directory:
            raise ComposeUnresolvedError(f"the included file {path}", "it has its own .env", place)
        return other.load(block)
