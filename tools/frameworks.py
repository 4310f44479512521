"""Run the recipes of ``examples/frameworks`` against a server over mutual TLS.

    python tools/frameworks.py [--here] [RECIPE...]

Each recipe gets an environment of its own under ``.frameworks``, made by uv from PyPI, unless
``--here`` runs it in this one. It runs with material as files, with material as text, and with a CA
that issued nothing here: then its output must name that cause.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from milvus_secure import EmbeddedMilvus
from milvus_secure.certs import CertificateSet

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "examples" / "frameworks"
HERE = ROOT / ".frameworks"
UV = Path(sys.executable).with_name("uv")
TOKEN = "root:fr4mework-s3cret"  # noqa: S105 - of the servers made here
LIMIT = 180
CAUSE = "chain-untrusted"


class Place(NamedTuple):
    """Where a recipe runs: its interpreter, its variables and its working directory."""

    python: Path
    environ: Mapping[str, str]
    folder: Path

    def run(self, *arguments: str | Path) -> str:
        """Run Python to its end; returns its output, errors included."""
        completed = subprocess.run(  # noqa: S603 - programs of this file
            [self.python, "-W", "ignore", *arguments],
            env=self.environ,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        return completed.stdout

    @contextmanager
    def started(self, *arguments: str | Path) -> Iterator[Path]:
        """Run Python in the background; yields the file of its output."""
        log = self.folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603 - programs of this file
                [self.python, "-W", "ignore", *arguments],
                env=self.environ,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield log
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)


class Recipe(NamedTuple):
    """One framework: what it needs from PyPI, how it is run, and what it must print."""

    requirements: tuple[str, ...]
    run: Callable[[Place], str]
    prints: str


def _script(name: str) -> Callable[[Place], str]:
    return lambda place: place.run(RECIPES / name)


def _service(*command: str, path: str) -> Callable[[Place], str]:
    """A web service: started, asked once, and ended."""

    def run(place: Place) -> str:
        port = _free_port()
        words = [word.format(port=port) for word in command]
        with place.started("-m", *words) as log:
            return _answer(f"http://127.0.0.1:{port}{path}", log)

    return run


def _celery(place: Place) -> str:
    worker = ("worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO")
    with place.started("-m", "celery", "-A", "with_celery", *worker) as log:
        if not _eventually(lambda: "ready." in log.read_text() or CAUSE in log.read_text()):
            return log.read_text()
        if CAUSE in log.read_text():
            return log.read_text()
        return place.run(RECIPES / "with_celery.py") + log.read_text()


def _tunnelled(place: Place) -> str:
    with place.started("-m", "milvus_secure", "tunnel", "--listen", "127.0.0.1:0") as log:
        uri = re.compile(r"http://127\.0\.0\.1:[1-9]\d*")
        if not _eventually(lambda: bool(uri.search(log.read_text())) or CAUSE in log.read_text()):
            return log.read_text()
        endpoint = uri.search(log.read_text())
        output = place.run(RECIPES / "with_mem0.py", endpoint[0]) if endpoint else ""
        return output + log.read_text()


ALL = {
    "langchain": Recipe(
        ("langchain-milvus>=0.4,<0.5",), _script("with_langchain.py"), "found: TLS protects"
    ),
    "llama-index": Recipe(
        ("llama-index-vector-stores-milvus>=1.2,<1.3",),
        _script("with_llama_index.py"),
        "found: a vector",
    ),
    "haystack": Recipe(
        ("milvus-haystack>=0.1,<0.2",), _script("with_haystack.py"), "found: a vector"
    ),
    "fastapi": Recipe(
        ("fastapi", "uvicorn"),
        _service("uvicorn", "with_fastapi:app", "--port", "{port}", path="/health"),
        '"milvus":"ok"',
    ),
    "gunicorn": Recipe(
        ("gunicorn",),
        _service(
            "gunicorn",
            "--preload",
            "--workers",
            "2",
            "--bind",
            "127.0.0.1:{port}",
            "with_gunicorn:app",
            path="/",
        ),
        "0 collections",
    ),
    "celery": Recipe(("celery",), _celery, "collections: 0"),
    "mem0": Recipe(("mem0ai>=2.2,<3", "langchain", "langchain-core"), _tunnelled, "found: TLS"),
}


def main() -> int:
    """Run the requested recipes, and print which failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"of {', '.join(ALL)}")
    parser.add_argument("--here", action="store_true", help="in this environment")
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.recipes or ALL:
        python = Path(sys.executable) if arguments.here else _environment(name, ALL[name])
        for material in ("files", "text", "foreign CA"):
            output = _outcome(ALL[name], python, material)
            expected = CAUSE if material == "foreign CA" else ALL[name].prints
            fine = expected in output and TOKEN not in output
            _say(f"{name:12} {material:10} {'ok' if fine else 'FAILED'}")
            if not fine:
                failed += 1
                _say(output)
    return 1 if failed else 0


def _environment(name: str, recipe: Recipe) -> Path:
    folder = HERE / name
    python = folder / "bin" / "python"
    _say(f"installing {', '.join(recipe.requirements)} into {folder}")
    install = [UV, "pip", "install", "--quiet", "--python", python, "--editable", ROOT]
    for command in (
        [UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
        [*install, *recipe.requirements],
    ):
        subprocess.run(command, cwd=ROOT, check=True, timeout=1800)  # noqa: S603 - programs of this file
    return python


def _outcome(recipe: Recipe, python: Path, material: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certs = CertificateSet.create(folder / "certs")
        ca = certs.ca_pem
        if material == "foreign CA":
            ca = CertificateSet.create(folder / "foreign").ca_pem
        pems = {"CA_PEM": ca, "CLIENT_PEM": certs.client_pem, "CLIENT_KEY": certs.client_key}
        with EmbeddedMilvus(
            server_pem_path=certs.server_pem,
            server_key_path=certs.server_key,
            ca_pem_path=certs.ca_pem,
            token=TOKEN,
        ) as server:
            environ = {
                **{n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))},
                "PYTHONPATH": str(RECIPES),
                "PYTHONUNBUFFERED": "1",
                "MILVUS_URI": server.uri,
                "MILVUS_TOKEN": TOKEN,
                "MEM0_DIR": str(folder / "mem0"),
                "CELERY_BROKER_URL": "filesystem://",
                "CELERY_RESULT_BACKEND": f"file://{folder / 'queue'}",
            }
            for slot, path in pems.items():
                as_text = material == "text"
                environ[f"MILVUS_{slot}" + ("" if as_text else "_PATH")] = (
                    path.read_text() if as_text else str(path)
                )
            return recipe.run(Place(python, environ, folder))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


def _answer(url: str, log: Path) -> str:
    """The answer of a service; its log, if it ended instead."""
    answer: list[str] = []

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - of this machine
                answer.append(response.read().decode())
        except OSError:
            return CAUSE in log.read_text()
        return True

    _eventually(ask)
    return "".join(answer) + log.read_text()


def _eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
