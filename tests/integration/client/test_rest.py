"""The RESTful API's clients get the same trust and the same client certificate."""

from __future__ import annotations

import http.server
import shlex
import shutil
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import serialization

import minting
from milvus_secure import CertificateSet, SecureConnectionError
from milvus_secure.client.rest import curl_command


class Answer(http.server.BaseHTTPRequestHandler):
    """Says ok to everything, and nothing on stderr."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok " + self.headers.get("Authorization", "-").encode())

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def certificate_set(tmp_path: Path) -> Path:
    """A set made by `certs init`: from Python 3.13 on, requests requires a strictly valid CA."""
    return CertificateSet.create(tmp_path / "set").directory


@pytest.fixture
def rest_port(certificate_set: Path) -> Iterator[int]:
    """An HTTPS server that requires a client certificate, as Milvus in tlsMode 2."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_set / "server.pem", certificate_set / "server.key")
    context.load_verify_locations(certificate_set / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(60)


@pytest.fixture
def mutual_settings(settings, certificate_set: Path):
    def make(**more: object):
        return settings(
            uri="https://localhost:19530",
            ca_pem_path=certificate_set / "ca.pem",
            client_pem_path=certificate_set / "client.pem",
            client_key_path=certificate_set / "client.key",
            **more,
        )

    return make


def test_an_ssl_context_holds_trust_and_client_certificate(mutual_settings, rest_port: int):
    context = mutual_settings().ssl_context()
    with urllib.request.urlopen(
        f"https://localhost:{rest_port}/", context=context, timeout=60
    ) as answer:
        assert answer.status == 200


def test_inline_material_works_too(settings, certificate_set: Path, rest_port: int):
    inline = settings(
        uri="https://localhost:19530",
        ca_pem=(certificate_set / "ca.pem").read_text(),
        client_pem=(certificate_set / "client.pem").read_text(),
        client_key=(certificate_set / "client.key").read_text(),
    )
    url = f"https://localhost:{rest_port}/"
    with urllib.request.urlopen(url, context=inline.ssl_context(), timeout=60) as answer:
        assert answer.status == 200


def test_another_ca_is_refused(settings, rest_port: int, tmp_path: Path):
    foreign_ca = tmp_path / "other.pem"
    foreign_ca.write_bytes(minting.mint("Other CA", which=8).pem)
    context = settings(ca_pem_path=foreign_ca).ssl_context()
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://localhost:{rest_port}/", context=context, timeout=60)


def test_requests_accepts_the_keywords(mutual_settings, rest_port: int):
    url = f"https://localhost:{rest_port}/"
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(url, **mutual_settings().requests_kwargs(), timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"ca_pem_path": "absent.pem"}, "file-missing"),
        ({"client_pem_path": "absent.pem"}, "file-missing"),
        ({"ca_pem_path": "text.pem"}, "file-not-pem"),
        ({"client_key_path": "other.key"}, "key-mismatch"),
    ],
    ids=str,
)
def test_a_file_that_python_cannot_load_is_named(
    mutual_settings, tmp_path: Path, monkeypatch, broken, code
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pem").write_text("not a certificate")
    (tmp_path / "other.key").write_bytes(minting.mint("other", which=8).key_pem)
    with pytest.raises(SecureConnectionError, match=next(iter(broken.values()))) as caught:
        mutual_settings().replace(**broken).ssl_context()
    assert caught.value.report.root_cause.code == code


def test_plaintext_has_no_context(settings):
    plain = settings(uri="http://localhost:19530", allow_plaintext=True)
    with pytest.raises(ValueError, match="plaintext"):
        plain.ssl_context()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_curl_line_works_as_printed(mutual_settings, rest_port: int):
    line = curl_command(mutual_settings(token="root:Milvus"), rest_port)
    assert "root:Milvus" not in line
    run = subprocess.run(
        ["sh", "-c", f"{line} --silent --noproxy '*'"],
        capture_output=True,
        text=True,
        env={"MILVUS_TOKEN": "from-the-shell"},
        timeout=120,
    )
    assert run.stdout == "ok Bearer from-the-shell", run.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("form", ["a locked key", "PKCS#12", "PKCS#12 of another name"])
def test_the_curl_line_names_files_and_asks_for_their_password(
    settings, certificate_set, rest_port, form
):
    pair = {
        "client_pem_path": certificate_set / "client.pem",
        "client_key_path": certificate_set / "locked.key",
    }
    if form.startswith("PKCS#12"):
        store = certificate_set / ("client.p12" if form == "PKCS#12" else "store")
        store.write_bytes(CertificateSet(certificate_set).export_pkcs12("open sesame"))
        pair = {"client_pem_path": store, "client_key_path": store}
    else:
        key = serialization.load_pem_private_key(
            (certificate_set / "client.key").read_bytes(), None
        )
        pair["client_key_path"].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"open sesame"),
            )
        )
    made = settings(
        ca_pem_path=certificate_set / "ca.pem", client_key_password="open sesame", **pair
    )
    line = curl_command(made, rest_port)
    assert "open sesame" not in line
    run = subprocess.run(
        ["sh", "-c", f"{line} --silent --noproxy '*'"],
        capture_output=True,
        text=True,
        env={"MILVUS_CLIENT_KEY_PASSWORD": "open sesame"},
        timeout=120,
    )
    assert run.stdout == "ok -", run.stderr


def test_the_curl_line_names_text_as_the_guide_names_its_files(settings, certificate_set: Path):
    inline = settings(
        ca_pem=(certificate_set / "ca.pem").read_text(),
        client_pem=(certificate_set / "client.pem").read_text(),
        client_key=(certificate_set / "client.key").read_text(),
    )
    words = shlex.split(curl_command(inline))
    assert words[1:7] == ["--cacert", "ca.pem", "--cert", "client.pem", "--key", "client.key"]


def test_the_curl_line_dials_the_host_and_verifies_server_name(settings, certificate_set: Path):
    named = settings(
        uri="https://127.0.0.2:1", server_name="localhost", ca_pem_path=certificate_set / "ca.pem"
    )
    words = shlex.split(curl_command(named, rest_port))
    assert words[words.index("--connect-to") + 1] == f"localhost:{rest_port}:127.0.0.2:{rest_port}"
    assert words[-1].startswith(f"https://localhost:{rest_port}/")
