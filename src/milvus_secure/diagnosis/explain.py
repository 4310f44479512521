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
from ..reporting.observation import ENVOY_LOGIN, ENVOY_UPSTREAM
from ..reporting.report import Finding

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
    clue = next((c for c in _CLUES if c.phrase.lower() in evidence), None)
    if clue is None:
        return "\n".join(
            [
                filled(
                    "This error does not name the cause: pymilvus has one message for many causes. "
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


@dataclass(frozen=True, slots=True)
class _Clue:
    """A phrase in an error, and the codes it speaks for, the most probable first."""

    phrase: str
    codes: Sequence[str]


# The first that fits counts, so the precise stand before the vague. Taken from grpcio 1.67 to
# 1.85, Milvus 2.3.5 and Go; the tests provoke gRPC's and Milvus's on real parts.
_CLUES = tuple(
    _Clue(phrase, codes)
    for phrase, *codes in (
        ("Hostname Verification Check failed", "name-mismatch", "server-name-malformed"),
        ("call host does not match SSL server name", "name-mismatch"),
        ("is not in peer certificate", "name-mismatch"),  # grpcio before 1.78
        ("Peer extraction failed", "name-mismatch", "certificate-malformed"),
        ("doesn't contain any IP SANs", "name-mismatch"),
        ("Hostname mismatch", "name-mismatch"),
        ("relies on legacy Common Name", "name-cn-only", "name-mismatch"),
        ("certificate has expired", "certificate-expired"),
        ("certificate is not yet valid", "certificate-not-yet-valid"),
        ("unsupported certificate purpose", "usage-not-server"),
        ("KEY_USAGE_BIT_INCORRECT", "usage-not-server"),
        ("unhandled critical extension", "usage-not-server"),
        ("inconsistent certificate extension", "certificate-malformed"),
        ("inconsistent certificate policy extension", "certificate-malformed"),
        ("CANNOT_PARSE_LEAF_CERT", "certificate-malformed"),
        ("invalid CA certificate", "issuer-not-ca"),
        ("path length constraint exceeded", "issuer-not-ca"),
        ("subtree violation", "name-constraint"),
        ("name constraint", "name-constraint"),
        (
            "Failed to create security handshaker",
            "key-mismatch",
            "chain-order",
            "usage-not-client",
            "pem-malformed",
            "file-not-pem",
        ),
        ("UNRECOGNIZED_NAME", "server-name-unknown"),
        ("CERTIFICATE_REQUIRED", "client-certificate-required"),
        ("didn't provide a certificate", "client-certificate-required"),
        ("ALERT_UNKNOWN_CA", "client-certificate-rejected"),
        ("ALERT_BAD_CERTIFICATE", "client-certificate-rejected", "client-certificate-required"),
        ("DIGEST_AND_KEY_TYPE_NOT_SUPPORTED", "weak-signature"),
        ("certificate signature failure", "issuer-key-mismatch", "weak-signature"),
        ("BAD_E_VALUE", "weak-key"),
        ("elliptic curve routines:OPENSSL_internal:DECODE_ERROR", "weak-key"),
        (
            "CERTIFICATE_VERIFY_FAILED",
            "chain-untrusted",
            "chain-incomplete",
            "issuer-key-mismatch",
            "certificate-expired",
            "usage-not-server",
        ),
        ("signed by unknown authority", "chain-untrusted", "chain-incomplete"),
        ("certificate verify failed", "chain-untrusted", "name-mismatch", "certificate-expired"),
        ("WRONG_VERSION_NUMBER", "server-plaintext"),
        ("first record does not look like a TLS handshake", "server-requires-tls"),
        ("PROTOCOL_VERSION", "tls-version"),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "client-certificate-rejected", "key-unsupported"),
        ("UNSUPPORTED_PROTOCOL", "tls-version"),
        (
            "HANDSHAKE_FAILURE",
            "tls-cipher",
            "weak-key",
            "client-certificate-required",
            "tls-failed",
        ),
        ("NO_APPLICATION_PROTOCOL", "alpn-not-h2"),
        ("missing selected ALPN property", "alpn-not-h2"),
        ("Received http2 header with status", "front-end-answered", "server-name-unknown"),
        *((words, "front-end-answered", "server-not-ready") for words in ENVOY_UPSTREAM),
        *((words, "front-end-answered", "authentication-failed") for words in ENVOY_LOGIN),
        ("Failed parsing HTTP/2", "not-milvus", "alpn-not-h2"),
        ("Data frame with END_STREAM flag received", "not-milvus"),
        ("GOAWAY received", "server-not-ready", "backend-closed"),
        ("HTTP proxy returned response code", "proxy-failed"),
        ("auth check failure", "authentication-failed", "authentication-required"),
        ("UNAUTHENTICATED", "authentication-failed", "authentication-required"),
        ("database not found", "database-missing"),
        ("DNS resolution failed", "dns-failed"),
        ("Domain name not found", "dns-failed"),
        ("Connection refused", "tcp-refused"),
        ("No route to host", "tcp-unreachable"),
        ("Network is unreachable", "tcp-unreachable"),
        ("TSI_DATA_CORRUPTED", "client-certificate-required", "client-certificate-rejected"),
        (
            "Socket closed",
            "server-requires-tls",
            "client-certificate-required",
            "client-certificate-rejected",
            "backend-closed",
        ),
        (
            "Connection reset",
            "client-certificate-required",
            "client-certificate-rejected",
            "server-requires-tls",
            "backend-closed",
        ),
        ("UNIMPLEMENTED", "not-milvus"),
        ("FileNotFoundError", "file-missing"),
        ("No such file or directory", "file-missing"),
        ("PermissionError", "file-unreadable"),
    )
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
