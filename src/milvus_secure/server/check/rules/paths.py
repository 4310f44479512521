"""Rules about the certificate paths that Milvus is configured with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from ....reporting.report import Finding, Severity, Skip
from ..milvus.container_files import Presence
from ..milvus.milvus_config import PATH_KEYS
from ..server_context import ServerContext, needed_paths


def tls_incomplete(context: ServerContext) -> Iterator[Finding]:
    """A file that the mode needs is not named, so that Milvus does not start."""
    config = context.config
    for slot, path in needed_paths(config).items():
        key = PATH_KEYS[slot]
        if path == "":
            needs = "Internal TLS" if slot == "internal_pem" else f"tlsMode {context.mode.number}"
            yield context.finding(
                "server-tls-incomplete",
                f"{needs} needs {key}, which is not set. Milvus does not start.",
                f"Set {key} in {config.place}.",
                setting=key,
            )


def path_unmounted(context: ServerContext) -> Iterator[Finding | Skip]:
    """A path of the container that nothing provides."""
    config = context.config
    targets = ", ".join(str(mount.target) for mount in config.files.mounts) or "none"
    unknown: dict[str, list[str]] = {}
    for slot, file in context.located.items():
        key, path = PATH_KEYS[slot], config.value(PATH_KEYS[slot])
        folder = PurePosixPath(path).parent
        if context.has_blank(slot):
            continue  # `path_blank` says so
        if file.presence is Presence.UNMOUNTED:
            yield context.finding(
                "server-path-unmounted",
                f"{key} names {path}, which nothing mounts into {_container(context)}.",
                f"Mount the directory of the certificates at {folder}.",
                setting=key,
                expected=f"a mount at or above {path}",
                presented=targets,
            )
        elif file.presence is Presence.ABSENT:
            names = sorted(name for name in (file.mount and file.mount.files) or () if name)
            yield context.finding(
                "server-path-unmounted",
                f"{key} names {path}, but {file.origin} has no such file.",
                f"Set {key} to a file that it has, or add the file to it.",
                setting=key,
                expected=path.rpartition("/")[2],
                presented=", ".join(names) or "no files",
            )
        elif file.presence is Presence.UNKNOWN:
            origin = file.mount.origin if file.mount else file.origin
            unknown.setdefault(origin, []).append(slot)
    for origin, slots in unknown.items():
        yield _not_judged(context, origin, slots)
        yield Skip("server-path-unmounted", "server-not-judged")


def _not_judged(context: ServerContext, origin: str, slots: list[str]) -> Finding:
    """The files of one Secret, volume or directory whose content is not at hand."""
    config, key = context.config, PATH_KEYS[slots[0]]
    named = [f"{config.value(PATH_KEYS[slot])} ({PATH_KEYS[slot]})" for slot in slots]
    names = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    file = context.located[slots[0]]
    missing = file.origin if len(slots) == 1 else f"the content of {origin}"
    fix = (
        f"Add {origin} to the same input, or check the running server: "
        "`milvus-secure check HOST:PORT`"
    )
    if not config.files.is_container:
        missing = file.origin
        fix = (
            "Check the Compose file or the manifests that start this Milvus, or name the mount: "
            "`milvus-secure server check FILE --mount SRC:DST`"
        )
    return context.finding(
        "server-not-judged",
        f"Not judged: {names}, because {missing} is not available here.",
        fix,
        severity=Severity.INFO,
        setting=key,
    )


def _container(context: ServerContext) -> str:
    return f"the container of {context.config.name}" if context.config.name else "the container"


def known_public_key(context: ServerContext) -> Iterator[Finding]:
    """Milvus would serve the certificate in its image, whose private key anyone has."""
    config = context.config
    slots = [slot for slot, file in context.located.items() if file.presence is Presence.IMAGE]
    for slot in [slot for slot in slots if slot != "server_key"] or slots:
        key = PATH_KEYS[slot]
        setting = config.setting(key)
        effect = (
            "serves the certificate in its image, whose private key is published. Anyone can "
            "impersonate this server"
        )
        if slot == "ca_pem":
            effect = (
                "trusts the CA in its image, whose private key is published. Anyone can make a "
                "client certificate"
            )
        elif slot == "server_key":  # alone: the certificate is another one
            effect = (
                "uses the private key in its image, which is published and does not belong to the "
                "certificate of tls.serverPemPath"
            )
        set_by = "is not set, so" if setting.layer == "image" else f"is {setting.value}, so"
        yield context.finding(
            "known-public-key",
            f"{key} {set_by} Milvus {effect}.",
            f"Set {key} in {config.place} to your own file, mounted into the container. To make "
            "one: `milvus-secure certs init DIR`",
            setting=key,
            source=setting.source,
            expected="your own file",
            presented=context.located[slot].origin,
        )


def path_blank(context: ServerContext) -> Iterator[Finding]:
    """A path begins or ends with a blank, which Milvus does not remove."""
    config = context.config
    for slot, path in needed_paths(config).items():
        key = PATH_KEYS[slot]
        if path and context.has_blank(slot):
            yield context.finding(
                "file-missing",
                f"{key} begins or ends with a blank, which is part of the file's name for Milvus.",
                f"Remove the blank from {key}.",
                setting=key,
                expected=path.strip(),
                presented=ascii(path),
            )
