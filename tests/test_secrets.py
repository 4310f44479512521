"""No secret leaves the place it is for: not to a screen, a log, an error, or a stranger."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest
from pymilvus.grpc_gen import common_pb2, milvus_pb2
from rich.console import Console
from rich.traceback import Traceback

import minting
import peers
from milvus_secure import check, connect_secure, connect_secure_async
from milvus_secure.cli import main
from milvus_secure.errors import MilvusSecureError, SecureConnectionError
from milvus_secure.junit import to_junit
from milvus_secure.report import Report
from milvus_secure.settings import MilvusSettings

PASSWORD, TOKEN, KEY_PASSWORD = "canary-password-9b1c", "canary-token-44fe", "canary-opens-7d20"
USER = "root"


@pytest.fixture(scope="module")
def key_pem(trio: minting.Trio) -> str:
    return trio.client.encrypted_key_pem(KEY_PASSWORD).decode()


@pytest.fixture
def canaries(trio: minting.Trio, key_pem: str) -> tuple[str, ...]:
    """Every secret, and every form in which it travels."""
    spoken = (PASSWORD, TOKEN, f"{USER}:{PASSWORD}")
    return (
        PASSWORD, TOKEN, KEY_PASSWORD,
        *(base64.b64encode(one.encode()).decode() for one in spoken),
        *key_pem.splitlines()[1:-1], *trio.client.key_pem.decode().splitlines()[1:-1],
    )  # fmt: skip


def printed(error: BaseException) -> str:
    """Everything a program or a log would show of an exception."""
    text = "".join(traceback.format_exception(error)) + repr(error) + in_colour(error)
    report = getattr(error, "report", None)
    return text + (told(report) if report else "")


def in_colour(error: BaseException, *, show_locals: bool = False) -> str:
    """A traceback as `rich` shows it; with local variables, as crash reporters do as well."""
    screen = Console(file=io.StringIO(), width=500)
    # The first frame is the test's own, which knows what to look for.
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    screen.print(Traceback.from_exception(
        type(error), error, trace, show_locals=show_locals, locals_max_length=100,
        locals_max_string=5000,
    ))  # fmt: skip
    return screen.file.getvalue()


def told(report: Report) -> str:
    return f"{report!r}{report}{report.to_json()}{report.to_dict()}{to_junit([report])}"


def shown(settings: MilvusSettings) -> str:
    dumps = (settings.model_dump(), settings.model_dump_json(), settings.shown())
    return f"{settings!r}{settings}{dumps}"


# Where the secrets come from. Each gives the keywords that load them.

Source = Callable[[Path, str], dict[str, object]]


def _values(key: str) -> dict[str, str]:
    return {"user": USER, "password": PASSWORD, "token": TOKEN, "client_key": key,
            "client_key_password": KEY_PASSWORD}  # fmt: skip


def _arguments(folder: Path, key: str) -> dict[str, object]:
    return {"environ": {}, "env_file": None, **_values(key)}


def _environment(folder: Path, key: str) -> dict[str, object]:
    environ = {f"MILVUS_{name.upper()}": value for name, value in _values(key).items()}
    return {"environ": environ, "env_file": None}


def _env_file(folder: Path, key: str) -> dict[str, object]:
    lines = [f'MILVUS_{name.upper()}="{value}"' for name, value in _values(key).items()]
    (folder / ".env").write_text("\n".join(lines))
    return {"environ": {}}


def _toml(folder: Path, key: str) -> dict[str, object]:
    lines = [f'{name} = """{value}"""' for name, value in _values(key).items()]
    (folder / "milvus-secure.toml").write_text("\n".join(lines))
    return {"environ": {}, "env_file": None}


def _json(folder: Path, key: str) -> dict[str, object]:
    (folder / "settings.json").write_text(json.dumps(_values(key)))
    return {"environ": {}, "env_file": None, "config": "settings.json"}


def _secrets_dir(folder: Path, key: str) -> dict[str, object]:
    (folder / "run").mkdir()
    for name, value in _values(key).items():
        (folder / "run" / f"milvus_{name}").write_text(value)
    return {"environ": {}, "env_file": None, "secrets_dir": "run"}


def _uri(folder: Path, key: str) -> dict[str, object]:
    return {"environ": {}, "env_file": None, "uri": f"https://{USER}:{PASSWORD}@localhost:1/db"}


SOURCES = (_arguments, _environment, _env_file, _toml, _json, _secrets_dir, _uri)
FAILURES: dict[str, dict[str, object]] = {
    "nothing": {},
    "a value of the wrong type": {"timeout": "soon"},
    "an unknown setting": {"tokn": TOKEN},
    "a contradiction": {"tls_mode": "mutual", "secure": False},
    "a missing file": {"ca_pem_path": "nowhere.pem"},
    "the wrong password for the key": {"client_key_password": f"{KEY_PASSWORD}x"},
    "a refused connection": {"uri": f"https://{USER}:{PASSWORD}@localhost:1"},
    "a URI that is none": {"uri": f"https://{USER}:{PASSWORD}@localhost:x"},
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("failure", FAILURES)
def test_no_outcome_shows_a_secret(
    source, failure, certs, tmp_path, key_pem, canaries, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    values = {"cwd": tmp_path, "uri": "https://localhost:1", "ca_pem_path": certs / "ca.pem",
              "client_pem_path": certs / "client.pem", "timeout": 1,
              **source(tmp_path, key_pem), **FAILURES[failure]}  # fmt: skip
    seen = ""
    try:
        settings = MilvusSettings(**values)
        seen += shown(settings) + told(check(settings, online=False))
        if failure != "nothing":
            connect_secure(settings)
    except MilvusSecureError as error:
        seen += printed(error)
    seen += caplog.text + "".join(capfd.readouterr())

    assert seen
    assert [one for one in canaries if one in seen] == []


def test_the_canaries_would_be_found(canaries, key_pem):
    assert all(one in f"{_values(key_pem)}" for one in (PASSWORD, TOKEN, KEY_PASSWORD))
    assert sum(one in key_pem for one in canaries) > 3
    assert PASSWORD in printed(ValueError(PASSWORD))


@pytest.mark.parametrize("call", ["connect_secure", "connect_secure_async"])
def test_a_crash_reporter_finds_no_secret_in_the_variables_of_a_failed_connection(
    call, settings, certs, canaries
):
    made = settings(uri="https://localhost:1", ca_pem_path=certs / "ca.pem", timeout=1,
                    user=USER, password=PASSWORD)  # fmt: skip
    with pytest.raises(SecureConnectionError) as caught:
        connect_secure(made) if call == "connect_secure" else asyncio.run(
            connect_secure_async(made)
        )  # fmt: skip
    seen = in_colour(caught.value, show_locals=True)
    assert "MilvusException" in seen, "the cause is still shown"
    assert [one for one in canaries if one in seen] == []


COMMANDS = (
    ["check"], ["check", "--offline", "--format", "json"], ["check", "--format", "junit"],
    ["check", "--timeout", "soon"], ["check", "--fail-on", "warning", "--offline"],
    ["settings"], ["settings", "--format", "json"], ["settings", "--profile", "absent"],
    ["server", "curl"], ["certs", "status"], ["certs", "status", "--format", "prometheus"],
    ["server", "check", "milvus.yaml", "--client", ".env"], ["check", "--server", "milvus.yaml"],
    ["check", "--pasword", PASSWORD], ["check", f"--pasword={PASSWORD}"],
    ["check", f"--client-ke={KEY_PASSWORD}"], ["--token", TOKEN, "check"],
    ["check", "--token", TOKEN, "--timeout", "x"], ["check", "--token"],
    ["serve", "--certs", "certs", "--port", "99999", "--token", TOKEN],
    ["certs", "show", "certs/client.key", "--password-file", "password"],
    ["certs", "show", "encrypted.key", "--password-file", "wrong"],
    ["certs", "export", "certs", "--password-file", "password"],
    ["certs", "export", "nowhere", "--password-file", "password"],
    ["server", "config", "--certs", "certs"], ["explain", "key-mismatch"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_secret(
    command, certs, tmp_path, key_pem, canaries, capfd, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encrypted.key").write_text(key_pem)
    (tmp_path / "password").write_text(KEY_PASSWORD)
    (tmp_path / "wrong").write_text(PASSWORD)
    (tmp_path / "milvus.yaml").write_text("common: {security: {tlsMode: 1}}\ntls: {}\n")
    _env_file(tmp_path, key_pem)
    for name, value in _values(key_pem).items():
        monkeypatch.setenv(f"MILVUS_{name.upper()}", value)
    monkeypatch.setenv("MILVUS_URI", f"https://{USER}:{PASSWORD}@localhost:1")
    monkeypatch.setenv("MILVUS_CA_PEM_PATH", str(certs / "ca.pem"))
    monkeypatch.setenv("MILVUS_CLIENT_PEM_PATH", str(certs / "client.pem"))
    monkeypatch.setenv("MILVUS_TIMEOUT", "1")

    with suppress(SystemExit):
        main(command)

    output = "".join(capfd.readouterr()) + caplog.text
    assert output
    assert [one for one in canaries if one in output] == []


def test_no_process_is_started_that_would_show_its_arguments(certs, tmp_path):
    script = (
        "import sys\n"
        "from milvus_secure.cli import main\n"
        "from milvus_secure import connect_secure, MilvusSecureError\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: event.startswith(('subprocess', 'os.exec', 'os.fork',\n"
        "    'os.posix_spawn', 'os.system', 'os.spawn')) and started.append(event))\n"
        "main(['check']), main(['settings']), main(['server', 'curl'])\n"
        "main(['certs', 'init', 'new']), main(['certs', 'status'])\n"
        "try: connect_secure()\n"
        "except MilvusSecureError: pass\n"
        "sys.exit(str(started) if started else 0)\n"
    )
    environ = {**os.environ, "MILVUS_TOKEN": TOKEN, "MILVUS_URI": "https://localhost:1",
               "MILVUS_CA_PEM_PATH": str(certs / "ca.pem"), "MILVUS_TIMEOUT": "2"}  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


class TestPickles:
    """What is sent to another process holds the secrets, as it must; what it prints does not."""

    def test_settings_arrive_whole_and_still_masked(self, settings):
        given = settings(token=TOKEN)
        assert TOKEN.encode() in pickle.dumps(given)
        arrived = pickle.loads(pickle.dumps(given))
        assert arrived.token.get_secret_value() == TOKEN
        assert TOKEN not in shown(arrived)

    def test_errors_arrive_whole_and_hold_no_secret(self, settings, certs, trio):
        with peers.tls(trio.server) as port:
            made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem",
                            token=TOKEN, timeout=1)  # fmt: skip
            with pytest.raises(SecureConnectionError) as caught:
                connect_secure(made)
        packed = pickle.dumps(caught.value)
        assert TOKEN.encode() not in packed
        arrived = pickle.loads(packed)
        assert str(arrived) == str(caught.value)
        assert arrived.report.to_dict() == caught.value.report.to_dict()

    @pytest.mark.parametrize("values", [{"timeout": "soon"}, {"tokn": TOKEN}], ids=str)
    def test_settings_errors_arrive_whole(self, settings, values):
        with pytest.raises(MilvusSecureError) as caught:
            settings(**values)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


# Who is told the credentials.


class Heard:
    """The credentials a gRPC server was sent, and the bytes a plain one was."""

    def __init__(self) -> None:
        self.headers: list[str] = []
        self.raw = b""

    def answer(self, _: str, context: grpc.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata())
        self.headers.append(metadata.get("authorization", ""))
        return milvus_pb2.ConnectResponse(
            status=common_pb2.Status(), server_info=common_pb2.ServerInfo(build_tags="v2.6.0")
        ).SerializeToString()

    def listen(self, connection) -> None:
        while data := connection.recv(65_536):
            self.raw += data

    @property
    def all(self) -> str:
        return " ".join(self.headers) + self.raw.decode("latin-1")


@contextmanager
def _wrong_ca(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    stranger = minting.mint("localhost", sans=["localhost"], which=8)
    with peers.grpc_server(stranger, answer=heard.answer) as port:
        yield port


@contextmanager
def _wrong_name(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    other = minting.mint("other", sans=["other.example"], issuer=trio.ca, which=8)
    with peers.grpc_server(other, answer=heard.answer) as port:
        yield port


@contextmanager
def _expired(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    old = minting.mint("old", sans=["localhost"], issuer=trio.ca, days=0.5, which=8)
    with peers.grpc_server(old, answer=heard.answer) as port:
        yield port


@contextmanager
def _plaintext_milvus(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    with peers.grpc_server(None, answer=heard.answer) as port:
        yield port


@contextmanager
def _listener(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    with peers.tcp(heard.listen) as port:
        yield port


@contextmanager
def _verified(trio: minting.Trio, heard: Heard) -> Iterator[int]:
    with peers.grpc_server(trio.server, answer=heard.answer) as port:
        yield port


async def _connect(settings: MilvusSettings) -> None:
    connect_secure(settings).close()


async def _connect_unchecked(settings: MilvusSettings) -> None:
    connect_secure(settings, preflight=False).close()


async def _connect_async(settings: MilvusSettings) -> None:
    await (await connect_secure_async(settings)).close()


async def _check(settings: MilvusSettings) -> None:
    check(settings)


STRANGERS = (_wrong_ca, _wrong_name, _expired, _plaintext_milvus, _listener)
CALLS = (_connect, _connect_unchecked, _connect_async, _check)
CREDENTIALS = ({"token": TOKEN}, {"user": USER, "password": PASSWORD})


def _name(one: object) -> str:
    return one.__name__.strip("_") if callable(one) else "-".join(one)


@pytest.mark.parametrize("call", CALLS, ids=_name)
class TestCredentials:
    @pytest.mark.parametrize("stranger", STRANGERS, ids=_name)
    async def test_are_not_sent_to_a_peer_that_is_not_verified(
        self, stranger, call, settings, certs, trio, canaries
    ):
        heard = Heard()
        with stranger(trio, heard) as port:
            made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem",
                            timeout=1, user=USER, password=PASSWORD)  # fmt: skip
            with suppress(MilvusSecureError):
                await call(made)
        assert [one for one in canaries if one in heard.all] == []
        assert heard.headers == []

    @pytest.mark.parametrize("credentials", CREDENTIALS, ids=_name)
    async def test_are_sent_to_one_that_is(
        self, call, credentials, settings, certs, trio, canaries
    ):
        heard = Heard()
        with _verified(trio, heard) as port:
            made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem",
                            timeout=5, **credentials)  # fmt: skip
            await call(made)
        assert any(one in heard.all for one in canaries)

    @pytest.mark.parametrize("server", [_plaintext_milvus, _listener], ids=_name)
    async def test_are_not_sent_in_plaintext_unless_that_is_allowed(
        self, server, call, settings, trio, canaries
    ):
        heard = Heard()
        with server(trio, heard) as port:
            made = settings(uri=f"http://localhost:{port}", timeout=1, token=TOKEN)
            with suppress(MilvusSecureError):
                await call(made)
        assert heard.headers == []
        assert [one for one in canaries if one in heard.all] == []

    async def test_are_sent_in_plaintext_where_that_is_allowed(
        self, call, settings, trio, canaries
    ):
        heard = Heard()
        with _plaintext_milvus(trio, heard) as port:
            await call(settings(uri=f"http://localhost:{port}", timeout=5, allow_plaintext=True,
                                token=TOKEN))  # fmt: skip
        assert any(one in heard.all for one in canaries)


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=_name)
@pytest.mark.parametrize("call", [_connect, _connect_async], ids=_name)
async def test_a_server_that_repeats_what_it_was_sent_is_quoted_without_it(
    call, credentials, settings, certs, trio, canaries
):
    def repeats(_: str, context: grpc.ServicerContext) -> bytes:
        header = dict(context.invocation_metadata())["authorization"]
        words = f"not {header}, that is {base64.b64decode(header).decode()}"
        context.abort(grpc.StatusCode.UNAUTHENTICATED, words)

    with peers.grpc_server(trio.server, answer=repeats) as port:
        made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", timeout=5,
                        **credentials)  # fmt: skip
        with pytest.raises(SecureConnectionError) as caught:
            await call(made)
    # pymilvus's own exception, the cause, is left as it is.
    seen = f"{caught.value}{caught.value!r}{told(caught.value.report)}"
    assert "not **********, that is **********" in seen
    assert [one for one in canaries if one in seen] == []
