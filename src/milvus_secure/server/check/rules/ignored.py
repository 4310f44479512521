"""Rules about what Milvus does not read, or reads in an unpredictable way."""

from __future__ import annotations

from collections.abc import Iterator

from ...._common.tls_mode import TLSMode
from ....reporting.report import Finding, Severity
from ...milvus_keys import format_key
from ..milvus.config_layers import PREFIX, variable_keys
from ..milvus.milvus_config import JUDGED_KEYS, MODE, PATH_KEYS
from ..milvus.misplaced import asks_for_tls, meant_key
from ..server_context import ServerContext
from ..yaml.go_scalars import parse_bool


def key_conflict(context: ServerContext) -> Iterator[Finding]:
    """One key in two spellings with different values: Milvus's pick is random."""
    for conflict in context.config.conflicts:
        yield context.finding(
            "server-key-conflict",
            f"{' and '.join(conflict.spellings)} are one key to Milvus, with different values. "
            "Which one it uses is not defined.",
            "Keep one of them.",
            setting=conflict.key,
            source=conflict.source,
            expected="one value",
            presented=", ".join(conflict.spellings),
        )


def key_repeated(context: ServerContext) -> Iterator[Finding]:
    """A key occurs twice in one mapping: Milvus uses the last one completely."""
    for repeat in context.config.repeats:
        if not _holds_judged_key(repeat.key):
            continue
        yield context.finding(
            "server-key-repeated",
            f"{repeat.key} appears twice in {repeat.file}, in lines {repeat.earlier} and "
            f"{repeat.later}. Milvus uses only the last one.",
            f"Put everything under one {repeat.key}.",
            setting=repeat.key,
            source=f"{repeat.file}:{repeat.later}",
        )


def _holds_judged_key(key: str) -> bool:
    """True for a key that the rules look at, and for a section with such a key in it."""
    formatted = format_key(key)
    return any(judged.startswith(formatted) for judged in JUDGED_KEYS)


def file_unread(context: ServerContext) -> Iterator[Finding]:
    """A configuration file is mounted where Milvus does not look."""
    config = context.config
    for unread in config.unread:
        written = {format_key(entry.key): entry.value for entry in unread.entries}
        mode = written.get(format_key(MODE), "")
        in_vain = context.mode is TLSMode.PLAINTEXT and mode not in {"", "0"}
        yield context.finding(
            "server-config-unread",
            f"Milvus does not read {unread.target}: {unread.why}.",
            f"Mount it as {config.config_directory}/user.yaml, or the whole file as "
            f"{config.config_directory}/milvus.yaml.",
            severity=None if in_vain or not unread.entries else Severity.INFO,
            setting=MODE if in_vain else None,
            source=unread.origin,
            expected=f"{config.config_directory}/milvus.yaml or user.yaml there",
            presented=str(unread.target),
        )


def env_ignored(context: ServerContext) -> Iterator[Finding]:
    """A variable that is meant for Milvus's TLS and that Milvus does not read."""
    config = context.config
    for name, variable in config.environment.items():
        if set(variable_keys(name, config.release)) & JUDGED_KEYS:
            continue
        key = _meant_by_variable(name)
        if key is None or not asks_for_tls(key, variable.value):
            continue
        right = key.replace(".", "_").upper()
        yield context.finding(
            "server-env-ignored",
            f"Milvus does not read the variable {name}."
            + (" It runs in plaintext." if context.mode is TLSMode.PLAINTEXT else ""),
            f"Name it {right}" + (" and set it to 1 or 2." if key == MODE else "."),
            severity=None if context.mode is TLSMode.PLAINTEXT else Severity.WARNING,
            setting=key,
            source=variable.source,
            expected=right,
            presented=name,
        )


def _meant_by_variable(name: str) -> str | None:
    """The key behind a variable, also behind a prefix that this release does not read."""
    plain = name.removeprefix(PREFIX)
    readable = (MODE, *PATH_KEYS.values())
    return meant_key(plain) or next(
        (key for key in readable if plain != name and format_key(key) == format_key(plain)), None
    )


def key_ignored(context: ServerContext) -> Iterator[Finding]:
    """A key that is meant for Milvus's TLS and is where Milvus does not read it."""
    config = context.config
    plaintext = context.mode is TLSMode.PLAINTEXT
    for entry, source in config.written:
        right = meant_key(entry.key)
        if right is None or not asks_for_tls(right, entry.value):
            continue
        yield context.finding(
            "server-key-ignored",
            f"Milvus does not read {entry.key}." + (" It runs in plaintext." if plaintext else ""),
            f"Move its value to {right} in {config.place}"
            + (", as 1 (one-way) or 2 (mutual)." if right == MODE else "."),
            severity=None if plaintext else Severity.WARNING,
            setting=entry.key,
            source=source,
            expected=right,
            presented=entry.key,
        )
    yield from _etcd_instead(context)


def _etcd_instead(context: ServerContext) -> Iterator[Finding]:
    """TLS towards etcd is on and nothing is said about clients: likely a misunderstanding."""
    config = context.config
    setting = config.setting("etcd.ssl.enabled")
    says_nothing = not any(
        format_key(entry.key).startswith("tls") or format_key(entry.key) == format_key(MODE)
        for entry, _ in config.written
    )
    if (
        context.mode is TLSMode.PLAINTEXT
        and says_nothing
        and setting.layer == "file"
        and parse_bool(setting.value or "")
    ):
        yield context.finding(
            "server-key-ignored",
            "etcd.ssl.* is only for TLS between Milvus and etcd. The port that clients connect to "
            "stays in "
            "plaintext.",
            f"For TLS with clients, set {MODE}, tls.serverPemPath and tls.serverKeyPath in "
            f"{config.place}.",
            severity=Severity.WARNING,
            setting=setting.key,
            source=setting.source,
            expected=MODE,
            presented=setting.key,
        )
