"""An HTTP proxy in the environment, which gRPC uses and a direct probe does not."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
from collections.abc import Callable, Iterator

import grpc
import pytest

import impostors
import minting
import peers
from milvus_endpoint import Endpoint, milvus_endpoint
from milvus_secure import SecureConnectionError, check, connect_secure
from milvus_secure.diagnosis.probe.proxies import proxy_for

DAY = dt.timedelta(days=1)


@pytest.fixture(params=["one-way", "mutual", "plaintext"])
def endpoint_and_settings(request, trio) -> Iterator[tuple[Endpoint, dict[str, object]]]:
    """A healthy endpoint and the settings that fit it."""
    pems = {
        "ca_pem": trio.ca.pem.decode(),
        "client_pem": trio.client.pem.decode(),
        "client_key": trio.client.key_pem.decode(),
    }
    values = {
        "one-way": {"ca_pem": pems["ca_pem"]},
        "mutual": pems,
        "plaintext": {"allow_plaintext": True},
    }[request.param]
    server = None if request.param == "plaintext" else trio.server
    clients = trio.ca if request.param == "mutual" else None
    with milvus_endpoint(server, clients=clients) as serving:
        yield serving, values


@pytest.fixture
def through(monkeypatch) -> Callable[[str], None]:
    """Make gRPC use a proxy, for loopback too."""

    def set_proxy(address: str) -> None:
        for name in ("no_proxy", "no_grpc_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("https_proxy", f"http://{address}")

    return set_proxy


def refusing(through) -> Iterator[None]:
    with peers.closed_port() as port:
        through(f"127.0.0.1:{port}")
        yield


def forbidding(through) -> Iterator[None]:
    with peers.tcp(peers.answers(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as port:
        through(f"127.0.0.1:{port}")
        yield


def silent(through) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        through(f"127.0.0.1:{listener.getsockname()[1]}")
        yield


def nameless(through) -> Iterator[None]:
    through("proxy.invalid:3128")
    yield


@pytest.fixture(params=[refusing, forbidding, silent, nameless], ids=lambda made: made.__name__)
def faulty_proxy(request, through) -> Iterator[None]:
    yield from request.param(through)


@pytest.mark.trips("proxy-failed")
def test_a_proxy_that_does_not_reach_the_server_is_the_root_cause(
    endpoint_and_settings, faulty_proxy, settings
):
    serving, values = endpoint_and_settings
    report = check(settings(uri=serving.uri, timeout=1.5, **values))
    assert report.root_cause.code == "proxy-failed"
    assert "https_proxy" in report.root_cause.message
    assert "no_proxy" in report.root_cause.command
    assert "accepts direct connections" in report.root_cause.remedy
    assert {step.name: step.ok for step in report.server.steps}["grpc"] is False


def test_the_remedy_lets_it_connect(endpoint_and_settings, faulty_proxy, settings, monkeypatch):
    serving, values = endpoint_and_settings
    made = settings(uri=serving.uri, timeout=1.5, **values)
    with pytest.raises(SecureConnectionError, match="proxy-failed"):
        connect_secure(made)
    monkeypatch.setenv("no_proxy", "localhost")
    connect_secure(made).close()


@pytest.mark.parametrize("before", [{}, {"no_proxy": "a"}, {"no_grpc_proxy": "b", "no_proxy": "a"}])
def test_the_remedy_works_with_any_existing_exemptions(before, trio, settings, certs, through):
    with milvus_endpoint(trio.server) as serving, peers.closed_port() as port:
        through(f"127.0.0.1:{port}")
        made = settings(uri=serving.uri, ca_pem_path=certs / "ca.pem", timeout=1.5)
        command = check(made).root_cause.command
    environ = {"https_proxy": "http://127.0.0.1:9", "PATH": os.environ["PATH"], **before}
    output = subprocess.run(
        ["sh", "-c", f"{command}; env"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    after = dict(line.partition("=")[::2] for line in output.splitlines())
    assert proxy_for("localhost", after) is None
    assert all(proxy_for(name, after) is None for name in (before.get("no_grpc_proxy"),) if name)


@pytest.mark.passes("proxy-failed")
def test_a_proxy_that_reaches_the_server_is_no_finding(endpoint_and_settings, through, settings):
    serving, values = endpoint_and_settings
    with peers.tcp(peers.proxies_to(serving.port)) as port:
        through(f"127.0.0.1:{port}")
        report = check(settings(uri=serving.uri, timeout=5, **values))
    assert report.ok, str(report)


@pytest.mark.passes("proxy-failed")
@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_milvus_that_is_not_ready_is_not_a_proxy_failure(status, through, trio, settings, certs):
    with impostors.grpc_server(trio.server, answer=impostors.aborting(status, "wait")) as server:
        made = settings(uri=f"https://localhost:{server}", ca_pem_path=certs / "ca.pem", timeout=5)
        with peers.tcp(peers.proxies_to(server)) as port:
            through(f"127.0.0.1:{port}")
            report = check(made)
    assert report.root_cause.code == "server-not-ready"


def test_faults_found_without_the_faulty_proxy_are_reported_with_it(
    faulty_proxy, trio, settings, certs
):
    with milvus_endpoint(trio.server) as serving:
        report = check(
            settings(
                uri=serving.uri,
                ca_pem_path=certs / "ca.pem",
                server_name="other.example",
                timeout=1.5,
            )
        )
    assert [finding.code for finding in report.errors] == ["proxy-failed", "name-mismatch"]


class TestBeyondTheProxy:
    """What gRPC receives through a proxy has precedence over a direct probe, which may fail."""

    @pytest.fixture
    def at(self, settings, certs):
        """Check a host that only the proxy can reach."""

        def check_it(**values):
            values.setdefault("ca_pem_path", certs / "ca.pem")
            values.setdefault("server_name", "localhost")
            return check(settings(uri="https://milvus.invalid:19530", timeout=5, **values))

        return check_it

    @pytest.mark.trips("proxy-failed")
    def test_a_proxy_that_requires_a_login(self, at, through):
        answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
        with peers.tcp(peers.answers(answer)) as proxy:
            through(f"127.0.0.1:{proxy}")
            report = at()
        assert [finding.code for finding in report.errors] == ["proxy-failed"]
        assert "requires a login" in report.root_cause.message
        assert "407" in report.root_cause.presented

    def test_its_login_is_sent_as_by_grpc_and_never_shown(self, at, through):
        requests = []

        def serve(connection) -> None:
            requests.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        with peers.tcp(serve) as proxy:
            through(f"us%40er:s3cret@127.0.0.1:{proxy}")
            report = at()
        logins = {
            line.partition(b":")[2].strip()
            for request in requests
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"proxy-authorization")
        }
        assert len(requests) >= 2, "the probe and gRPC both ask the proxy"
        assert logins == {b"Basic dXNAZXI6czNjcmV0"}
        assert "s3cret" not in str(report) + report.to_json()

    def test_a_proxy_that_inspects_tls_is_recognized_by_its_certificate(self, at, through):
        inspector = minting.mint("Corporate Proxy CA", which=7)
        forged = minting.mint("localhost", sans=["localhost"], issuer=inspector, which=2)
        with (
            milvus_endpoint(forged) as serving,
            peers.tcp(peers.proxies_to(serving.port)) as proxy,
        ):
            through(f"127.0.0.1:{proxy}")
            report = at()
        assert report.root_cause.code == "chain-untrusted"
        assert "through the proxy" in report.root_cause.origin
        assert f"127.0.0.1:{proxy}" in report.root_cause.origin
        assert "inspects TLS" in report.root_cause.remedy
        assert "-servername localhost" in report.root_cause.command

    def test_an_expired_certificate_beyond_the_proxy(self, at, through, trio):
        old = minting.mint("localhost", sans=["localhost"], issuer=trio.ca, start=-DAY * 9, days=2)
        with milvus_endpoint(old) as serving, peers.tcp(peers.proxies_to(serving.port)) as proxy:
            through(f"127.0.0.1:{proxy}")
            assert at().root_cause.code == "certificate-expired"

    def test_a_client_certificate_required_beyond_the_proxy(self, at, through, trio):
        with (
            milvus_endpoint(trio.server, clients=trio.ca) as serving,
            peers.tcp(peers.proxies_to(serving.port)) as proxy,
        ):
            through(f"127.0.0.1:{proxy}")
            assert at().root_cause.code == "client-certificate-required"

    @pytest.mark.passes("proxy-failed")
    def test_a_set_and_empty_variable_means_no_proxy(self):
        assert proxy_for("h", {"grpc_proxy": "", "https_proxy": "http://p:1"}) is None
        assert proxy_for("h", {"https_proxy": "http://p:1", "no_grpc_proxy": "", "no_proxy": "h"})

    def test_a_proxy_that_grpc_cannot_use_is_ignored(self):
        assert proxy_for("h", {"https_proxy": "https://p:1"}) is None
        assert proxy_for("h", {"https_proxy": "socks5://p:1"}) is None


def answering(data: bytes, *, then_close: bool = False) -> peers.Serve:
    """A proxy that gives every CONNECT the same answer and forwards nothing."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(data)
        if not then_close:
            peers.drain(connection)

    return serve


OPEN = b"HTTP/1.1 200 OK\r\n\r\n"
NO_TUNNEL = {
    "HTTP/2 in text": (answering(b"HTTP/2 200\r\n\r\n"), "HTTP/2 200"),
    "no reason": (answering(b"HTTP/1.1 200\r\n\r\n"), "HTTP/1.1 200"),
    "another protocol": (answering(b"SSH-2.0-x\r\n"), "it did not answer with HTTP/1.1"),
    "a tunnel to nowhere": (answering(OPEN), "silence"),
    "a tunnel that is closed": (answering(OPEN, then_close=True), "the end of the connection"),
}


@pytest.mark.trips("proxy-failed")
@pytest.mark.parametrize(("serve", "words"), NO_TUNNEL.values(), ids=NO_TUNNEL.keys())
def test_a_proxy_whose_tunnel_grpc_cannot_use(trio, settings, certs, through, serve, words):
    with milvus_endpoint(trio.server) as serving, peers.tcp(serve) as port:
        through(f"127.0.0.1:{port}")
        report = check(settings(uri=serving.uri, ca_pem_path=certs / "ca.pem", timeout=3))

    assert [finding.code for finding in report.errors] == ["proxy-failed"]
    assert words in report.root_cause.presented
    assert report.root_cause.command.startswith("export no_grpc_proxy")


@pytest.mark.passes("proxy-failed")
@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.0 200 Connection established\r\n\r\n", b"HTTP/1.1 200 OK\n\n", OPEN],
    ids=["HTTP/1.0", "line feeds alone", "usual"],
)
def test_a_proxy_whose_tunnel_grpc_uses(trio, settings, certs, through, answer):
    with (
        milvus_endpoint(trio.server) as serving,
        peers.tcp(peers.proxies_to(serving.port, answer)) as port,
    ):
        through(f"127.0.0.1:{port}")
        report = check(settings(uri=serving.uri, ca_pem_path=certs / "ca.pem"))
    assert report.ok
    assert report.server.proxy.open


def test_a_port_of_the_proxy_above_65535_is_read_as_by_grpc():
    proxy = proxy_for("localhost", {"https_proxy": "http://user:word@[::1]:99999/"})
    assert (proxy.host, proxy.port) == ("::1", 34463)
