"""`explain`: the long help for a finding code, or the likely meaning of a raw exception."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files

from .._common.text import filled, nearest
from ..errors import MilvusSecureError, SecureConnectionError, SettingsError
from ..reporting.catalogue import CATALOGUE
from ..reporting.report import Finding
from .clues import CLUES, USUAL

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


HEADINGS = {
    "meaning": "What it means",
    "detection": "How it is detected",
    "client": "On the client",
    "server": "On the server",
    "reproduce": "To see it",
    "see": "See",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to know about one finding code.

    Lines that begin with four blanks are commands or file contents and keep their shape; all
    others are prose.

    Attributes:
        meaning: What the code means.
        detection: How it is detected, and whether offline, online or both.
        client: How to fix it on the client.
        server: How to fix it on the server.
        reproduce: A minimal reproduction, as shell commands.
        see: Standards, sources and reports that it rests on.
    """

    meaning: str
    detection: str
    client: str
    server: str
    reproduce: str
    see: str


def explain(subject: str | Finding | BaseException) -> str:
    """Explain what a finding or a failure means, how it is detected and how to fix it.

    Args:
        subject: A finding code, a `Finding`, one of this library's exceptions, an exception of
            pymilvus or gRPC, or the text of one. Of a foreign text only known phrases are quoted,
            so that no secret in it is repeated.

    Returns:
        Text of at most 80 columns, without colour.

    Raises:
        MilvusSecureError: If there is no such code; it names the nearest one.
    """
    if isinstance(subject, BaseException):
        return _explain_exception(subject)
    if isinstance(subject, Finding):
        return render(subject.code)
    # Our own headline begins with its code; any other text with a blank in it is a message.
    code = subject.strip().partition(":")[0]
    if code in CATALOGUE:
        return render(code)
    return _explain_text(subject) if " " in subject.strip() else render(subject)


@cache
def explanations() -> dict[str, Explanation]:
    """Every explanation by its code, read from the package's ``texts``."""
    texts: dict[str, Explanation] = {}
    for area in dict.fromkeys(entry.area for entry in CATALOGUE.values()):
        text = files(__package__).joinpath("texts", f"{area}.toml").read_text("utf-8")
        texts.update({code: Explanation(**parts) for code, parts in tomllib.loads(text).items()})
    return texts


def render(code: str) -> str:
    """Lay out the explanation of a code in at most 80 columns.

    Raises:
        MilvusSecureError: If there is no such code.
    """
    entry = CATALOGUE.get(code)
    if entry is None:
        close = nearest(code, CATALOGUE, 0.5)
        hint = f"Did you mean {close!r}?" if close else "`milvus-secure explain` lists them."
        raise MilvusSecureError(f"There is no finding code {code[:60]!r}. {hint}")
    explanation = explanations()[code]
    blocks = [filled(f"{code} ({entry.severity}): {entry.title}")]
    for part in fields(Explanation):
        body = _laid_out(getattr(explanation, part.name))
        blocks.append(f"{HEADINGS[part.name]}\n{body}")
    return "\n\n".join(blocks)


def _laid_out(text: str) -> str:
    """Wrap prose, keep indented lines as they are."""
    out: list[str] = []
    prose: list[str] = []
    for line in [*text.strip("\n").splitlines(), ""]:
        if line.strip() and not line.startswith("    "):
            prose.append(line)
            continue
        if prose:
            out.append(filled(" ".join(prose), "  ", "  "))
            prose = []
        out.append(line.rstrip())
    return "\n".join(out).rstrip()


def _explain_exception(error: BaseException) -> str:
    if isinstance(error, SecureConnectionError) and error.report.root_cause:
        return render(error.report.root_cause.code)
    if isinstance(error, SettingsError) and error.findings:
        return render(error.findings[0].code)
    return _explain_text("\n".join(_evidence(error)))


def _explain_text(text: str) -> str:
    evidence = text.lower()
    clue = next((c for c in CLUES if c.phrase.lower() in evidence), None)
    if clue is None:
        return "\n".join(
            [
                filled(
                    "This error does not name the cause: pymilvus has one message for many causes. "
                    "The usual ones:"
                ),
                *_candidates(USUAL),
                "",
                _CERTAINTY,
            ]
        )
    likely, *others = clue.codes
    lead = f"Most likely {likely}, because the error says “{clue.phrase}”."
    parts = [filled(lead)]
    if others:
        parts += ["Also possible:", *_candidates(others)]
    return "\n".join([*parts, "", _CERTAINTY, "", render(likely)])


def _candidates(codes: Sequence[str]) -> list[str]:
    return [f"  {code:<29}{CATALOGUE[code].title}" for code in codes]


_CERTAINTY = """\
gRPC's wording changes from release to release. To find out for sure:

    milvus-secure check"""


def _evidence(error: BaseException) -> Iterator[str]:
    """All texts of an exception and its causes, without importing pymilvus or gRPC.

    pymilvus keeps the reason in the gRPC error it raises from: ``exc.__cause__.details()``.
    """
    visited: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in visited and len(visited) < 8:
        visited.append(current)
        yield type(current).__name__
        yield from (_text_of(current, name) for name in ("code", "details", "message", "__str__"))
        current = current.__cause__ or current.__context__


def _text_of(error: BaseException, name: str) -> str:
    try:
        value = getattr(error, name, "")
        return str(value() if callable(value) else value)
    except Exception:  # noqa: BLE001 - a foreign object may fail at anything
        return ""
