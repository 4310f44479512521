"""``milvus-secure server config``: writes the server's configuration from a certificate set."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .._common.tls_mode import TLSMode
from ..errors import MilvusSecureError
from .console import echo, text_width
from .flags import Commands, port_number, tls_mode

if TYPE_CHECKING:
    from ..server.check.milvus.milvus_config import MilvusConfig
    from ..server.config import ServerPlan

_TARGETS = ("compose", "helm", "operator", "kubernetes", "cert-manager")
_GRPC_PORT = 19530


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "config",
        help="write milvus.yaml, Compose, Helm, Operator or Kubernetes files",
        description="Write the server's configuration, and the client settings that match it. "
        "Without --out it goes to stdout.",
    )
    parser.add_argument(
        "--certs",
        metavar="DIR",
        type=Path,
        required=True,
        help="certificate set, as made by `certs init`",
    )
    parser.add_argument(
        "--tls-mode",
        type=tls_mode,
        metavar="MODE",
        help="one-way (1, default) or mutual (2); with --patch, what the file says",
    )
    parser.add_argument(
        "--target",
        action="append",
        choices=_TARGETS,
        help="what to write (default: compose); may be repeated",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write files here")
    parser.add_argument(
        "--patch",
        metavar="FILE",
        type=Path,
        help="an existing milvus.yaml; only what must change is changed",
    )
    parser.add_argument(
        "--host", metavar="NAME", help="host name that clients connect to (default: the first name)"
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=port_number,
        help=f"gRPC port that clients connect to (default: {_GRPC_PORT})",
    )
    parser.add_argument(
        "--rest-port",
        metavar="PORT",
        type=port_number,
        help="RESTful API port (default: 8080; with --patch, what the file says)",
    )
    parser.add_argument("--image", metavar="IMAGE", help="container image of Milvus")
    parser.add_argument(
        "--internal-tls", action="store_true", help="use TLS between Milvus's components too"
    )
    parser.add_argument("--authorization", action="store_true", help="require user and password")
    parser.add_argument("--force", action="store_true", help="overwrite files that differ")
    parser.set_defaults(run=run_config)


def run_config(arguments: argparse.Namespace) -> int:
    """Show or write the files of every target asked for."""
    from ..reporting.finding import findings_text  # noqa: PLC0415
    from ..server.config import TARGETS  # noqa: PLC0415 - loads the YAML library
    from ..server.config.client_env import name_warning  # noqa: PLC0415
    from ..server.config.output import as_text, changes, write  # noqa: PLC0415

    patch = _read_patch(arguments.patch) if arguments.patch else None
    plan = _plan(arguments, patch)
    files: dict[str, bytes] = {}
    for target in arguments.target or ["compose"]:
        files.update(TARGETS[target](plan))
    if patch is not None and "milvus.yaml" in files:
        _report_changes(patch, files["milvus.yaml"].decode(), plan)
    if "client.env" in files and (warning := name_warning(plan)):
        echo(findings_text([warning], text_width(error=True)), error=True)
    if arguments.out is None:
        echo(as_text(files))
        return 0
    difference = changes(files, arguments.out)
    if difference:
        echo(difference.rstrip())
    written = write(files, arguments.out, force=arguments.force)
    unchanged = len(files) - len(written)
    lines = [f"wrote {arguments.out / name}" for name in written]
    if unchanged:
        lines.append(f"{unchanged} files were as they should be")
    echo("\n".join(lines))
    return 0


def _plan(arguments: argparse.Namespace, patch: MilvusConfig | None) -> ServerPlan:
    """What to configure: flags override the patched file, and the file overrides the defaults."""
    from ..server.config import ServerPlan  # noqa: PLC0415
    from ..server.config.server_plan import IMAGE  # noqa: PLC0415

    mode, rest_port, container_port = arguments.tls_mode, arguments.rest_port, _GRPC_PORT
    if patch is not None:
        container_port = _port_in(patch, "proxy.port") or _GRPC_PORT
        if mode is None and patch.tls_mode in {TLSMode.ONE_WAY, TLSMode.MUTUAL}:
            mode = patch.tls_mode
    port = arguments.port or container_port
    used_ports = {port, container_port}  # clients may dial another port than the container has
    if rest_port is None:
        rest_port = _free_port(used_ports)
        if patch is not None and not patch.flag("proxy.http.enabled"):
            rest_port = None
        elif patch is not None:
            named = _port_in(patch, "proxy.http.port")
            rest_port = named if named and named not in used_ports else rest_port
    elif rest_port in used_ports:
        raise MilvusSecureError(
            f"The RESTful API cannot share port {rest_port} with gRPC once TLS is on.",
            f"Give another one: --rest-port {_free_port(used_ports)}",
        )
    return ServerPlan(
        arguments.certs,
        mode or TLSMode.ONE_WAY,
        host=arguments.host,
        port=port,
        rest_port=rest_port,
        enable_rest=patch is not None and not patch.flag("proxy.http.enabled"),
        container_port=container_port,
        image=arguments.image or IMAGE,
        internal_tls=arguments.internal_tls,
        authorization=arguments.authorization,
        template=_template(arguments.patch),
        template_name=arguments.patch.name if arguments.patch else "milvus.yaml",
        issued_in_cluster="cert-manager" in (arguments.target or ()),
    )


def _free_port(taken: Collection[int]) -> int:
    return next(port for port in (8080, 8081, 8082) if port not in taken)


def _port_in(config: MilvusConfig, key: str) -> int | None:
    text = config.value(key)
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535 else None


def _read_patch(path: Path) -> MilvusConfig:
    """What Milvus runs with from the file that is patched."""
    return _config_of(path, _template(path) or "")


def _config_of(path: Path, text: str) -> MilvusConfig:
    from ..server.check.milvus.config_layers import config_of_file  # noqa: PLC0415
    from ..server.check.milvus.container_files import ContainerFiles  # noqa: PLC0415

    files = ContainerFiles((), PurePosixPath("/"), outside=(path.parent,))
    return config_of_file(Path("milvus.yaml"), text, path.name, files)


def _report_changes(before: MilvusConfig, text: str, plan: ServerPlan) -> None:
    """Print what a patched file says otherwise than before, after reading it back.

    Raises:
        MilvusSecureError: If Milvus would not read from it what was asked for.
    """
    from ..server.config.compose import FOLDER  # noqa: PLC0415
    from ..server.config.yaml_text import leaves  # noqa: PLC0415

    after = _config_of(Path(plan.template_name), text)
    lines = []
    for key, value in leaves(plan.keys(FOLDER)):
        wanted = str(value).lower() if isinstance(value, bool) else str(value)
        if after.value(key) != wanted:
            raise MilvusSecureError(
                f"Milvus would read {key} as {after.value(key)!r} from the patched "
                f"{plan.template_name}, not as {wanted!r}.",
                f"Set {key} to {wanted} in it by hand, in one place.",
            )
        if before.value(key) != wanted:
            lines.append(f"  {key}: {before.value(key) or 'not set'} -> {wanted}")
    if lines:
        echo("\n".join([f"Changes in {plan.template_name}:", *lines]), error=True)


def _template(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (
            error.strerror.lower() if isinstance(error, OSError) and error.strerror else "not UTF-8"
        )
        raise MilvusSecureError(f"{path} cannot be read: {why}.", "Name a milvus.yaml.") from None
