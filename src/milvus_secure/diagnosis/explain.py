"""`explain`: the long help for a finding code, or the likely meaning of a raw exception."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from .._common.text import filled
from ..errors import MilvusSecureError, SecureConnectionError, SettingsError
from ..reporting.catalogue import CATALOGUE
from ..reporting.report import Finding

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


HEADINGS = {
    "meaning": "What it means",
    "found": "How it is found",
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
        found: How it is detected, and whether offline, online or both.
        client: How to fix it on the client.
        server: How to fix it on the server.
        reproduce: A minimal reproduction, as shell commands.
        see: Standards, sources and reports that it rests on.
    """

    meaning: str
    found: str
    client: str
    server: str
    reproduce: str
    see: str


def explain(subject: str | Finding | BaseException) -> str:
    """Tell what a finding or a failure means, how it is found and how to fix it.

    Args:
        subject: A finding code, a `Finding`, one of this library's exceptions, or whatever
            pymilvus or gRPC raised. Of a foreign exception only known phrases are quoted, so
            that no secret in it is repeated.

    Returns:
        Text of at most 80 columns, without colour.

    Raises:
        MilvusSecureError: If there is no such code; it names the nearest one.
    """
    if isinstance(subject, BaseException):
        return _explain_exception(subject)
    code = subject.code if isinstance(subject, Finding) else subject
    return render(code)


@cache
def explanations() -> dict[str, Explanation]:
    """Every explanation by its code, read from the package's ``texts``."""
    found: dict[str, Explanation] = {}
    for area in dict.fromkeys(entry.area for entry in CATALOGUE.values()):
        text = files(__package__).joinpath("texts", f"{area}.toml").read_text("utf-8")
        found.update({code: Explanation(**parts) for code, parts in tomllib.loads(text).items()})
    return found


def render(code: str) -> str:
    """Lay out the explanation of a code in at most 80 columns.

    Raises:
        MilvusSecureError: If there is no such code.
    """
    entry = CATALOGUE.get(code)
    if entry is None:
        close = get_close_matches(code, CATALOGUE, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else "`milvus-secure explain` lists them."
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
    evidence = "\n".join(_evidence(error)).lower()
    clue = next((c for c in _CLUES if c.phrase.lower() in evidence), None)
    if clue is None:
        return "\n".join(
            [
                filled(
                    "This error does not say why. pymilvus gives one message to a dozen causes. "
                    "The usual ones:"
                ),
                *_candidates(_USUAL),
                "",
                _CERTAINTY,
            ]
        )
    likely, *others = clue.codes
    lead = f"Most likely {likely}, because the error says “{clue.phrase}”."
    parts = [filled(lead)]
    if others:
        parts += ["Also possible:", *_candidates(tuple(others))]
    return "\n".join([*parts, "", _CERTAINTY, "", render(likely)])


def _candidates(codes: tuple[str, ...]) -> list[str]:
    return [f"  {code:<29}{CATALOGUE[code].title}" for code in codes]


_CERTAINTY = """\
gRPC's wording changes from release to release. To find out for sure:

    milvus-secure check"""


def _evidence(error: BaseException) -> Iterator[str]:
    """Whatever an exception and its causes tell, without importing pymilvus or gRPC.

    pymilvus keeps the reason in the gRPC error it raises from: ``exc.__cause__.details()``.
    """
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen and len(seen) < 8:
        seen.append(current)
        yield type(current).__name__
        yield from (_told(current, name) for name in ("code", "details", "message", "__str__"))
        current = current.__cause__ or current.__context__


def _told(error: BaseException, name: str) -> str:
    try:
        told = getattr(error, name, "")
        return str(told() if callable(told) else told)
    except Exception:  # noqa: BLE001 - a foreign object that cannot tell says nothing
        return ""


@dataclass(frozen=True, slots=True)
class _Clue:
    """A phrase in an error, and the codes it speaks for, the most probable first."""

    phrase: str
    codes: tuple[str, ...]


# The first that fits counts, so the precise stand before the vague. Taken from grpcio 1.67 to
# 1.85 and Milvus 2.3.5; the tests provoke them on real parts.
_CLUES = (
    _Clue("Hostname Verification Check failed", ("name-mismatch", "server-name-malformed")),
    _Clue("call host does not match SSL server name", ("name-mismatch",)),
    _Clue("is not in peer certificate", ("name-mismatch",)),  # grpcio before 1.78
    _Clue("Peer extraction failed", ("name-mismatch", "certificate-malformed")),
    _Clue("certificate has expired", ("certificate-expired",)),
    _Clue("certificate is not yet valid", ("certificate-not-yet-valid",)),
    _Clue("unsupported certificate purpose", ("usage-not-server",)),
    _Clue("KEY_USAGE_BIT_INCORRECT", ("usage-not-server",)),
    _Clue("unhandled critical extension", ("usage-not-server",)),
    _Clue("inconsistent certificate extension", ("certificate-malformed",)),
    _Clue("inconsistent certificate policy extension", ("certificate-malformed",)),
    _Clue("CANNOT_PARSE_LEAF_CERT", ("certificate-malformed",)),
    _Clue("invalid CA certificate", ("issuer-not-ca",)),
    _Clue("path length constraint exceeded", ("issuer-not-ca",)),
    _Clue("subtree violation", ("name-constraint",)),
    _Clue("name constraint", ("name-constraint",)),
    _Clue(
        "Failed to create security handshaker",
        ("key-mismatch", "chain-order", "usage-not-client", "pem-malformed", "file-not-pem"),
    ),
    _Clue(
        "CERTIFICATE_VERIFY_FAILED",
        (
            "chain-untrusted",
            "chain-incomplete",
            "issuer-key-mismatch",
            "certificate-expired",
            "usage-not-server",
        ),
    ),
    _Clue("WRONG_VERSION_NUMBER", ("server-plaintext",)),
    _Clue("PROTOCOL_VERSION", ("tls-version",)),
    _Clue("HANDSHAKE_FAILURE", ("tls-failed", "tls-version")),
    _Clue("missing selected ALPN property", ("alpn-not-h2",)),
    _Clue("auth check failure", ("authentication-failed", "authentication-required")),
    _Clue("UNAUTHENTICATED", ("authentication-failed", "authentication-required")),
    _Clue("database not found", ("database-missing",)),
    _Clue("DNS resolution failed", ("dns-failed",)),
    _Clue("Domain name not found", ("dns-failed",)),
    _Clue("Connection refused", ("tcp-refused",)),
    _Clue("No route to host", ("tcp-unreachable",)),
    _Clue("Network is unreachable", ("tcp-unreachable",)),
    _Clue("TSI_DATA_CORRUPTED", ("client-certificate-required", "client-certificate-rejected")),
    _Clue(
        "Socket closed",
        ("server-requires-tls", "client-certificate-required", "client-certificate-rejected"),
    ),
    _Clue(
        "Connection reset",
        ("client-certificate-required", "client-certificate-rejected", "server-requires-tls"),
    ),
    _Clue("UNIMPLEMENTED", ("not-milvus",)),
    _Clue("FileNotFoundError", ("file-missing",)),
    _Clue("PermissionError", ("file-unreadable",)),
)

_USUAL = (
    "tcp-refused",
    "tcp-timeout",
    "server-plaintext",
    "server-requires-tls",
    "chain-untrusted",
    "name-mismatch",
    "client-certificate-required",
    "client-certificate-rejected",
    "authentication-failed",
    "server-not-ready",
)
