"""Generated pages of the documentation site, as a hook of MkDocs.

One page for each finding code, the help of each command, and the files at
the root of the repository that belong on the site too.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from milvus_secure.cli import parser
from milvus_secure.diagnosis.explain import HEADINGS, explanations
from milvus_secure.reporting.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parent.parent
AREAS = {
    "settings": "Settings",
    "files": "Files",
    "trust": "Trust",
    "names": "Names",
    "handshake": "The endpoint",
    "server": "The server's configuration",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those in ``docs``."""
    for path, text in pages():
        files.append(File.generated(config, path, content=text))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Each generated page: its path below ``docs``, and its Markdown."""
    yield "findings/index.md", findings_index()
    for code in CATALOGUE:
        yield f"findings/{code}.md", finding_page(code)
    yield "reference/command-line.md", command_line()
    yield "changelog.md", root_page("CHANGELOG.md")
    yield "security.md", root_page("SECURITY.md")
    yield "contributing.md", root_page("CONTRIBUTING.md")


def findings_index() -> str:
    """All codes, by area."""
    lines = [
        "# Findings",
        "",
        "Each problem that a check can find has a code, which never changes its meaning.",
        "`milvus-secure explain CODE` prints the same text as the page of a code.",
    ]
    for area in dict.fromkeys(entry.area for entry in CATALOGUE.values()):
        lines += ["", f"## {AREAS.get(area, area.capitalize())}", ""]
        lines += ["| code | severity | meaning |", "|---|---|---|"]
        lines += [
            f"| [{entry.code}]({entry.code}.md) | {entry.severity} | {entry.title} |"
            for entry in CATALOGUE.values()
            if entry.area == area
        ]
    return "\n".join([*lines, ""])


def finding_page(code: str) -> str:
    """The explanation of one code."""
    entry, explanation = CATALOGUE[code], explanations()[code]
    lines = [f"# {code}", "", f"**{entry.severity}**: {entry.title}."]
    for name, heading in HEADINGS.items():
        body = getattr(explanation, name)
        if body:
            lines += ["", f"## {heading}", "", fenced(body)]
    return "\n".join([*lines, ""])


def fenced(text: str) -> str:
    """Prose as it is; indented lines as a code block."""
    blocks = re.split(r"((?:^ {4}.*\n?)+)", text.strip("\n"), flags=re.MULTILINE)
    return "\n\n".join(
        f"```sh\n{re.sub('(?m)^ {4}', '', block).rstrip()}\n```"
        if block.startswith("    ")
        else block.strip()
        for block in blocks
        if block.strip()
    )


def command_line() -> str:
    """The help of the program and of each command, as it prints it."""
    lines = ["# Command line"]
    for name, command in _parsers("milvus-secure", parser()):
        lines += ["", f"## {name}", "", "```text", command.format_help().rstrip(), "```"]
    return "\n".join([*lines, ""])


def _parsers(
    name: str, command: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, command
    for action in command._actions:  # noqa: SLF001 - argparse has no other way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for word, nested in action.choices.items():
                yield from _parsers(f"{name} {word}", nested)


def root_page(name: str) -> str:
    """A file of the repository's root, with its links to files that are pages here."""
    text = (ROOT / name).read_text("utf-8")
    pages = {"SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\]\((\w+\.md)", lambda link: f"]({pages.get(link[1], link[1])}", text)
