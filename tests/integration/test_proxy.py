"""An HTTP proxy in the environment, which gRPC goes through and a direct look does not."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator

import grpc
import pytest

import impostors
import peers
from milvus_endpoint import Endpoint, milvus_endpoint
from milvus_secure import SecureConnectionError, check, connect_secure
from milvus_secure.diagnosis.probe.proxies import proxy_for


@pytest.fixture(params=["one-way", "mutual", "plaintext"])
def endpoint(request, trio) -> Iterator[tuple[Endpoint, dict[str, object]]]:
    """An endpoint in order, and the settings that suit it."""
    pems = {
        "ca_pem": trio.ca.pem.decode(),
        "client_pem": trio.client.pem.decode(),
        "client_key": trio.client.key_pem.decode(),
    }
    given = {
        "one-way": {"ca_pem": pems["ca_pem"]},
        "mutual": pems,
        "plaintext": {"allow_plaintext": True},
    }[request.param]
    server = None if request.param == "plaintext" else trio.server
    clients = trio.ca if request.param == "mutual" else None
    with milvus_endpoint(server, clients=clients) as serving:
        yield serving, given


@pytest.fixture
def through(monkeypatch) -> Callable[[str], None]:
    """Have gRPC go through a proxy, for loopback too."""

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
    with peers.tcp(peers.says(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as port:
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
def test_a_proxy_that_leads_nowhere_is_the_root_cause(endpoint, faulty_proxy, settings):
    serving, given = endpoint
    report = check(settings(uri=serving.uri, timeout=1.5, **given))
    assert report.root_cause.code == "proxy-failed"
    assert "https_proxy" in report.root_cause.message
    assert "no_proxy" in report.root_cause.remedy
    assert {step.name: step.ok for step in report.server.steps}["grpc"] is False


def test_the_remedy_lets_it_connect(endpoint, faulty_proxy, settings, monkeypatch):
    serving, given = endpoint
    made = settings(uri=serving.uri, timeout=1.5, **given)
    with pytest.raises(SecureConnectionError, match="proxy-failed"):
        connect_secure(made)
    monkeypatch.setenv("no_proxy", "localhost")
    connect_secure(made).close()


@pytest.mark.parametrize("before", [{}, {"no_proxy": "a"}, {"no_grpc_proxy": "b", "no_proxy": "a"}])
def test_the_remedy_works_whatever_is_exempt_before(before, trio, settings, certs, through):
    with milvus_endpoint(trio.server) as serving, peers.closed_port() as port:
        through(f"127.0.0.1:{port}")
        made = settings(uri=serving.uri, ca_pem_path=certs / "ca.pem", timeout=1.5)
        command = check(made).root_cause.remedy.rpartition(": ")[2]
    environ = {"https_proxy": "http://127.0.0.1:9", "PATH": os.environ["PATH"], **before}
    told = subprocess.run(
        ["sh", "-c", f"{command}; env"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    after = dict(line.partition("=")[::2] for line in told.splitlines())
    assert proxy_for("localhost", after) is None
    assert all(proxy_for(name, after) is None for name in (before.get("no_grpc_proxy"),) if name)


@pytest.mark.passes("proxy-failed")
def test_a_proxy_that_leads_to_the_server_is_fine(endpoint, through, settings):
    serving, given = endpoint
    with peers.tcp(peers.proxies_to(serving.port)) as port:
        through(f"127.0.0.1:{port}")
        report = check(settings(uri=serving.uri, timeout=5, **given))
    assert report.ok, str(report)


@pytest.mark.passes("proxy-failed")
@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_milvus_that_is_not_ready_is_no_matter_of_the_proxy(
    status, through, trio, settings, certs
):
    with impostors.grpc_server(trio.server, answer=impostors.aborting(status, "wait")) as server:
        made = settings(uri=f"https://localhost:{server}", ca_pem_path=certs / "ca.pem", timeout=5)
        with peers.tcp(peers.proxies_to(server)) as port:
            through(f"127.0.0.1:{port}")
            report = check(made)
    assert report.root_cause.code == "server-not-ready"


@pytest.mark.passes("proxy-failed")
def test_a_certificate_for_another_name_is_no_matter_of_the_proxy(
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
    assert report.root_cause.code == "name-mismatch"
