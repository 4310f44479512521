"""Rules about the certificate files themselves, where they can be read here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from ....diagnosis.rules.rule import RuleOf
from ....pem.certificate import may_issue, public_key, self_issued
from ....pem.material import Material
from ....reporting.catalogue import CATALOGUE
from ....reporting.report import Finding, finding
from ..milvus.milvus_config import PATH_KEYS
from ..server_context import ServerContext


def file_faults(code: str) -> RuleOf[ServerContext]:
    """The rule for one way in which a certificate file cannot be used."""

    def judge(context: ServerContext) -> Iterator[Finding]:
        for slot, material in context.material.items():
            if context.has_blank(slot):
                continue  # `path_blank` says so
            if material.fault is not None and material.fault.code == code:
                yield finding(
                    code,
                    f"Milvus cannot use the file of {material.setting}: {CATALOGUE[code].title}.",
                    _remedy(context, material),
                    setting=material.setting,
                    source=material.source,
                    origin=material.origin,
                    presented=material.fault.detail or None,
                )

    return RuleOf(code, judge, subjects=tuple(PATH_KEYS))


def _remedy(context: ServerContext, material: Material) -> str:
    if material.fault is None or material.fault.code != "file-missing":
        if not material.origin.startswith("file:"):
            return f"Put the right content into {material.origin}."
        name = shlex.quote(material.origin.removeprefix("file:"))
        return f"Put the right file there. To see what this is: `milvus-secure certs show {name}`"
    if context.config.files.is_container:
        return f"Put it there, or name another one in {material.setting}."
    return (
        f"Put it there, or name another one in {material.setting}. If that is a path in a "
        "container, check its Compose file: `milvus-secure server check docker-compose.yml`"
    )


def key_mismatch(context: ServerContext) -> Iterator[Finding]:
    """The server's key does not belong to its certificate."""
    pem, key = context.material.get("server_pem"), context.material.get("server_key")
    if pem is None or key is None or not pem.certificates or key.key is None:
        return
    leaf = pem.certificates[0]
    if key.key.public_key() != public_key(leaf):
        cause, remedy = "", "Use the key that server.pem was made with, or reissue both: "
        if len(pem.certificates) == 1 and self_issued(leaf) and may_issue(leaf):
            cause = f" {pem.setting} names a CA's certificate."
            remedy = f"Name the server's certificate in {pem.setting}, or reissue both: "
        yield finding(
            "key-mismatch",
            f"The server's key does not belong to its certificate.{cause}",
            f"{remedy}milvus-secure certs renew DIR",
            setting=key.setting,
            source=key.source,
            origin=key.origin,
            expected=f"the key of {pem.origin.removeprefix('file:')}",
        )


_FAULTS: Final = (
    "file-missing",
    "file-not-regular",
    "file-unreadable",
    "file-empty",
    "file-too-large",
    "file-not-pem",
    "pem-malformed",
    "pem-wrong-type",
    "key-encrypted",
    "key-unsupported",
)

FILE_RULES: Final = (
    *map(file_faults, _FAULTS),
    RuleOf("key-mismatch", key_mismatch, needs=("server_pem", "server_key")),
)
