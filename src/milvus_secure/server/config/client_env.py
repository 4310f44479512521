"""The client's half of the same plan."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from ..._common.tls_mode import TLSMode
from ..._common.versions import installed_grpc
from ...reporting.report import Finding, Severity, finding
from ...verification.hostname import accepts, generation, presented
from .kubernetes import CLUSTER_CLIENT_SECRET, CLUSTER_SECRET, ISSUED
from .server_plan import ServerPlan, is_address


def client_env(plan: ServerPlan) -> str:
    """The client's settings as a ``.env`` file, which a shell can source as well.

    Paths are absolute, except where the cluster issues the certificates: then the file tells how
    to fetch them, and paths are relative to it.

    Raises:
        MilvusSecureError: If the certificate contains no name that a client could connect to.
    """
    folder = "" if plan.issued_in_cluster else f"{plan.certs.absolute()}/"
    files = {"ca_pem_path": "ca.pem"}
    if plan.mode is TLSMode.MUTUAL:
        files |= {"client_pem_path": "client.pem", "client_key_path": "client.key"}
    values = {"uri": plan.client_uri, "tls_mode": plan.mode.value}
    values |= {name: f"{folder}{file}" for name, file in files.items()}
    lines = [f"MILVUS_{name.upper()}={_quoted(value)}" for name, value in values.items()]
    if plan.issued_in_cluster:
        lines += [f"# {command}" for command in _fetching(plan, files.values())]
    if plan.authorization:
        lines.append("# MILVUS_TOKEN=root:...   the server asks for user and password")
    return "\n".join(lines) + "\n"


def name_warning(plan: ServerPlan) -> Finding | None:
    """What to say when the certificate is not for the host that clients dial."""
    host = plan.client_host
    names, rules = presented(plan.server_certificate), generation(installed_grpc())
    if accepts(names, host, rules, overridden=False):
        return None
    kind = "--ip" if is_address(host) else "--name"
    return finding(
        "name-mismatch",
        f"The server's certificate is not for {host}, which the clients connect to.",
        "Reissue it, then write the files again.",
        severity=Severity.WARNING,  # nobody has dialled yet
        setting="--host",
        origin=f"file:{plan.certs / 'server.pem'}",
        expected=host,
        presented=", ".join(plan.names),
        command=f"milvus-secure certs repair {shlex.quote(str(plan.certs))} {kind} "
        f"{shlex.quote(host)}",
    )


def _quoted(value: str) -> str:
    """A value as a POSIX shell, python-dotenv and, where it needs no quotes, Docker read it.

    Of a ``$`` or backquote beside a single quote the shell's reading counts: the others know no
    escape for it.
    """
    if re.fullmatch(r"[\w@%+=:,./-]+", value, re.ASCII):
        return value
    if not set(value) & set("'\\"):
        return f"'{value}'"
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


def _fetching(plan: ServerPlan, files: Iterable[str]) -> Iterator[str]:
    secret = CLUSTER_CLIENT_SECRET if plan.mode is TLSMode.MUTUAL else CLUSTER_SECRET
    for file in files:
        [key] = [
            key.replace(".", r"\.") for key, named in ISSUED["client"].items() if named == file
        ]
        yield f"kubectl get secret {secret} -o jsonpath='{{.data.{key}}}' | base64 -d > {file}"
