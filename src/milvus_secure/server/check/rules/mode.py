"""Rules about the TLS mode of the server."""

from __future__ import annotations

from collections.abc import Iterator

from ...._common.tls_mode import TLSMode
from ....reporting.report import Finding, Severity
from ..milvus.milvus_config import MODE, PATH_KEYS, MilvusConfig, Setting
from ..server_context import ServerContext
from ..yaml.go_scalars import atoi


def mode_unknown(context: ServerContext) -> Iterator[Finding]:
    """tlsMode itself is set from an object that is not in the input."""
    setting = context.config.setting(MODE)
    if setting.value is None and not context.config.not_judged:
        yield context.finding(
            "server-not-judged",
            f"Not judged: the mode of {context.config.name or 'the server'}, because {MODE} is "
            f"set from {setting.source}, whose value is not in the input.",
            "Write the value as text, or add the object that contains it to the same input.",
            setting=MODE,
            source=setting.source,
        )


def tls_mode_invalid(context: ServerContext) -> Iterator[Finding]:
    """tlsMode is a value that Milvus takes for 0."""
    config = context.config
    value = config.value(MODE)
    if value and (str(atoi(value)) not in {"0", "1", "2"} or (atoi(value) == 0 and value != "0")):
        blanks = value.strip() != value and value.strip() in {"1", "2"}
        yield context.finding(
            "server-tls-mode-invalid",
            f"{MODE} is {ascii(value)[:40]}, so Milvus runs in plaintext: it reads a number "
            f"{'without blanks' if blanks else 'of 0, 1 or 2'} and reads anything else as 0.",
            f"Set {MODE} to 1 for one-way TLS or to 2 for mutual TLS.",
            setting=MODE,
            expected="0, 1 or 2",
            presented=ascii(value)[:60],
        )


def tls_off(context: ServerContext) -> Iterator[Finding]:
    """The server runs in plaintext."""
    config = context.config
    if context.mode is not TLSMode.PLAINTEXT:
        return
    mode = config.setting(MODE)
    value = ascii(mode.value)[:40] if mode.value else "not set"
    text = f"{config.name or 'This server'} runs in plaintext: {MODE} is {value}."
    named = None if mode.layer in {"file", "environment"} else _certificate_named(config)
    if named is not None:
        text += f" {named.key} alone does not turn TLS on."
    yield context.finding(
        "server-tls-off",
        text,
        f"If clients are to use TLS, set {MODE} to 1 (one-way) or 2 (mutual).",
        severity=None if named is None else Severity.WARNING,
        setting=MODE,
        source=mode.source if named is None else named.source,
    )


def _certificate_named(config: MilvusConfig) -> Setting | None:
    """The certificate that someone configured, where it is not the release's own example."""
    setting = config.setting(PATH_KEYS["server_pem"])
    usual = setting.value in {"", None, "configs/cert/server.pem"}
    return None if usual or setting.layer not in {"file", "environment"} else setting
