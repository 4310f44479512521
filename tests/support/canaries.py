"""Secrets to look for, every source they may come from, and everything that may show them."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path

from rich.traceback import Traceback

from milvus_secure.client.settings import MilvusSettings
from milvus_secure.reporting.junit import to_junit
from milvus_secure.reporting.report import Report

PASSWORD, TOKEN, KEY_PASSWORD = "canary-password-9b1c", "canary-token-44fe", "canary-opens-7d20"
USER = "root"


def printed(error: BaseException) -> str:
    """All text that a program or a log shows for an exception."""
    text = "".join(traceback.format_exception(error)) + repr(error)
    report = getattr(error, "report", None)
    return text + (report_text(report) if report else "")


def with_locals(error: BaseException) -> str:
    """The errors and local variables that `rich` and crash reporters show."""
    # The first frame is the test's own, which contains the secret it looks for.
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    stacks = Traceback.extract(
        type(error),
        error,
        trace,
        show_locals=True,
        locals_max_length=100,
        locals_max_string=5000,
    ).stacks
    lines = [f"{stack.exc_type}: {stack.exc_value}" for stack in stacks]
    for stack in stacks:
        lines += [
            f"{name} = {value}" for frame in stack.frames for name, value in frame.locals.items()
        ]
    return "\n".join(lines)


def report_text(report: Report) -> str:
    return f"{report!r}{report}{report.to_json()}{report.to_dict()}{to_junit([report])}"


def shown(settings: MilvusSettings) -> str:
    dumps = (settings.model_dump(), settings.model_dump_json(), settings.shown())
    return f"{settings!r}{settings}{dumps}"


# Where the secrets come from. Each gives the keywords that load them.

Source = Callable[[Path, str], dict[str, object]]


def secret_values(key: str) -> dict[str, str]:
    return {
        "user": USER,
        "password": PASSWORD,
        "token": TOKEN,
        "client_key": key,
        "client_key_password": KEY_PASSWORD,
    }


def _arguments(folder: Path, key: str) -> dict[str, object]:
    return {"environ": {}, "env_file": None, **secret_values(key)}


def _environment(folder: Path, key: str) -> dict[str, object]:
    environ = {f"MILVUS_{name.upper()}": value for name, value in secret_values(key).items()}
    return {"environ": environ, "env_file": None}


def env_file(folder: Path, key: str) -> dict[str, object]:
    lines = [f'MILVUS_{name.upper()}="{value}"' for name, value in secret_values(key).items()]
    (folder / ".env").write_text("\n".join(lines))
    return {"environ": {}}


def _toml(folder: Path, key: str) -> dict[str, object]:
    lines = [f'{name} = """{value}"""' for name, value in secret_values(key).items()]
    (folder / "milvus-secure.toml").write_text("\n".join(lines))
    return {"environ": {}, "env_file": None}


def _json(folder: Path, key: str) -> dict[str, object]:
    (folder / "settings.json").write_text(json.dumps(secret_values(key)))
    return {"environ": {}, "env_file": None, "config": "settings.json"}


def _secrets_dir(folder: Path, key: str) -> dict[str, object]:
    (folder / "run").mkdir()
    for name, value in secret_values(key).items():
        (folder / "run" / f"milvus_{name}").write_text(value)
    return {"environ": {}, "env_file": None, "secrets_dir": "run"}


def _uri(folder: Path, key: str) -> dict[str, object]:
    return {"environ": {}, "env_file": None, "uri": f"https://{USER}:{PASSWORD}@localhost:1/db"}


SOURCES = (_arguments, _environment, env_file, _toml, _json, _secrets_dir, _uri)
