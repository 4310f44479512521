"""Fuzz targets: each accepts any bytes, and fails if the library does not handle them.

Handling means findings, a result, or a `MilvusSecureError`; never another exception, a finding
``internal-error``, or text that cannot be printed. The same functions serve Hypothesis in the
normal run and atheris in a long one.
"""

from __future__ import annotations

import os
import socket
import tempfile
import warnings
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import minting
from milvus_secure._common.deadline import Deadline
from milvus_secure.certs.inspect import contents, show, status
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.diagnosis import rules as checks
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.probe.milvus_proto import parse_connect, parse_version
from milvus_secure.diagnosis.probe.protocol import classify, shown
from milvus_secure.diagnosis.probe.sockets import DeadlineSocket
from milvus_secure.diagnosis.probe.tls import Handshake
from milvus_secure.diagnosis.probe.tls_clients import anonymous
from milvus_secure.errors import MilvusSecureError
from milvus_secure.pem.blocks import read_armor
from milvus_secure.pem.material import Material, parse_material
from milvus_secure.reporting.junit import to_junit
from milvus_secure.reporting.observation import (
    CertificateRequest,
    GRPCChannel,
    Observation,
    TLSHandshake,
)
from milvus_secure.reporting.report import Report
from milvus_secure.server.check import check_server
from milvus_secure.settings.model import VARIABLES

Target = Callable[[bytes], None]

NOW = datetime.now(timezone.utc)
_FOLDER = tempfile.TemporaryDirectory(prefix="milvus-secure-fuzz-")
_SLOTS = ("server_pem", "ca_pem", "client_pem", "client_key")
_KINDS = ("x.toml", "x.yaml", "x.json", ".env")
_SERVERS = ("milvus.yaml", "docker-compose.yml", "values.yaml")


def pem(data: bytes) -> None:
    """The first byte chooses the setting whose material the rest is."""
    slot = _SLOTS[data[0] % len(_SLOTS)] if data else "ca_pem"
    settings = _settings(slot)
    file = Material(slot, slot, "argument", f"inline:{slot}", data[1:])
    material = {**_healthy(), slot: parse_material(file, "password")}
    if slot == "server_pem":
        material = {slot: material[slot]}
    _assert_handled(judge(Context(settings, material, now=NOW), checks.OFFLINE))


def certificate(data: bytes) -> None:
    """DER in every role of a certificate: pinned, anchor, client's, and served by the endpoint."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            served = x509.load_der_x509_certificate(data)
    except (ValueError, x509.InvalidVersion):
        return
    text = served.public_bytes(serialization.Encoding.PEM)
    for slot in (0, 1, 2):
        pem(bytes([slot]) + text)
    chain = (served, _trio().ca.certificate)
    observation = Observation(
        "localhost:19530",
        protocol="tls",
        tls=TLSHandshake(complete=True, version="TLSv1.3", alpn="h2", chain=chain),
        grpc=GRPCChannel(False, "UNAVAILABLE", "failed"),
    )
    context = Context(_settings("ca_pem"), _healthy(), observation, now=NOW)
    _assert_handled(judge(context, checks.RULES))
    shown_files(text)


def shown_files(data: bytes) -> None:
    """A file given to ``certs show`` and ``certs status``."""
    path = _written("shown.pem", data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            described = show.describe([contents.read_contents(path, lambda _: "password")])
        except MilvusSecureError as error:
            _printed(str(error))
        else:
            _printed(show.render(described))
        rows = list(status.of_paths([path], 30))
    for form in (status.as_text, status.as_json, status.as_prometheus):
        _printed(form(rows))


def settings_file(data: bytes) -> None:
    """The first byte chooses TOML, YAML, JSON or ``.env``."""
    name = _KINDS[data[0] % len(_KINDS)] if data else ".env"
    path = _written(name, data[1:])
    place = {"env_file": path} if name == ".env" else {"config": path, "env_file": None}
    _loaded(environ={}, cwd=path.parent, **place)


def environment(data: bytes) -> None:
    """Values between zero bytes; each begins with a byte that chooses its variable."""
    names = [*VARIABLES, "MILVUS_PROFILE", "MILVUS_CONFIG", "MILVUS_SECRETS_DIR", "HOME", "XDG"]
    environ = {
        names[part[0] % len(names)]: os.fsdecode(part[1:]) for part in data.split(b"\0") if part
    }
    _loaded(environ=environ, env_file=None, cwd=_FOLDER.name)


def uri(data: bytes) -> None:
    """A URI, and the keyword arguments made of it."""
    text = data.decode("utf-8", "surrogateescape")
    settings = _loaded(environ={}, env_file=None, cwd=_FOLDER.name, uri=text, allow_plaintext=True)
    if settings is not None:
        try:
            settings.client_kwargs()
        except MilvusSecureError as error:
            _printed(str(error))


def server_file(data: bytes) -> None:
    """A server's configuration."""
    name = _SERVERS[data[0] % len(_SERVERS)] if data else _SERVERS[0]
    try:
        _assert_handled(check_server(_written(name, data[1:]), _settings("ca_pem")))
    except MilvusSecureError as error:
        _printed(str(error))


def server_bytes(data: bytes) -> None:
    """All that a peer sends before it closes the connection: TLS, a greeting, answers."""
    ours, theirs = socket.socketpair()
    with closing(theirs):
        theirs.settimeout(1)
        theirs.sendall(data[:65_536])
        theirs.shutdown(socket.SHUT_WR)
        ours.setblocking(False)
        with closing(DeadlineSocket(ours, Deadline(5))) as wire:
            handshake = Handshake(wire, "localhost", anonymous())
            look = handshake.run()
            if look.complete:
                handshake.await_reaction(1)
    observation = Observation(
        "localhost:19530",
        protocol=look.protocol,
        greeting=shown(data),
        tls=look.record(CertificateRequest(look.issuers) if look.requested else None),
        grpc=GRPCChannel(False, "UNAVAILABLE", "failed"),
    )
    _assert_handled(
        judge(Context(_settings("ca_pem"), _healthy(), observation, now=NOW), checks.RULES)
    )
    classify(data)
    for parse in (parse_connect, parse_version):
        answer = parse(data)
        if answer is not None:
            observation = Observation(
                "localhost:19530",
                protocol="tls",
                tls=TLSHandshake(complete=True, alpn="h2"),
                grpc=GRPCChannel(True, "OK"),
                milvus=answer,
            )
            _assert_handled(
                judge(Context(_settings("ca_pem"), _healthy(), observation, now=NOW), checks.RULES)
            )


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        pem,
        certificate,
        shown_files,
        settings_file,
        environment,
        uri,
        server_file,
        server_bytes,
    )
}


def _loaded(**values: object) -> MilvusSettings | None:
    try:
        settings = MilvusSettings(**values)
    except MilvusSecureError as error:
        _printed(str(error))
        return None
    _printed(repr(settings))
    _assert_handled(judge(Context(settings, read_material(settings), now=NOW), checks.OFFLINE))
    return settings


def _assert_handled(report: Report) -> None:
    broken = [finding for finding in report.findings if finding.code == "internal-error"]
    if broken:
        raise AssertionError(broken[0].message)
    for text in (str(report), report.to_json(), to_junit([report])):
        _printed(text)


def _printed(text: str) -> None:
    text.encode("utf-8", "backslashreplace")
    if "\0" in text or "\x1b" in text:
        raise AssertionError("a control character reached the screen")


def _written(name: str, data: bytes) -> Path:
    path = Path(_FOLDER.name, name)
    path.write_bytes(data)
    return path


@cache
def _trio() -> minting.Trio:
    return minting.trio()


@cache
def _settings(slot: str) -> MilvusSettings:
    values = (
        {"server_pem": "x"}
        if slot == "server_pem"
        else {"ca_pem": "x", "client_pem": "x", "client_key": "x"}
    )
    return MilvusSettings(
        environ={}, env_file=None, cwd=_FOLDER.name, uri="https://localhost:19530", **values
    )


@cache
def _healthy() -> dict[str, Material]:
    trio = _trio()
    data = {"ca_pem": trio.ca.pem, "client_pem": trio.client.pem, "client_key": trio.client.key_pem}
    return {
        slot: parse_material(Material(slot, slot, "argument", f"inline:{slot}", pem))
        for slot, pem in data.items()
    }


def first_der(text: bytes) -> bytes:
    """What the first PEM block of a text holds."""
    return next(iter(read_armor(text))).der
