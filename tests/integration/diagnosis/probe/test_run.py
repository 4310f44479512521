"""The steps of the probe up to a healthy Milvus, what they record, and that nothing is left."""

from __future__ import annotations

import gc
import socket

import pytest

import impostors
import minting
import peers
from milvus_secure._common.deadline import Deadline
from milvus_secure.diagnosis.probe.sockets import Address, dial
from verdicts import codes
from waiting import eventually, library_threads, open_connections

LOOPBACK = ("127.0.0.1", "127.0.0.2")


@pytest.mark.passes("dns-failed")
@pytest.mark.passes("tcp-refused")
@pytest.mark.passes("tcp-timeout")
@pytest.mark.passes("tcp-unreachable")
@pytest.mark.passes("server-plaintext")
@pytest.mark.passes("tls-version")
@pytest.mark.passes("tls-failed")
@pytest.mark.passes("alpn-not-h2")
@pytest.mark.passes("client-certificate-required")
@pytest.mark.passes("not-milvus")
@pytest.mark.passes("server-not-ready")
@pytest.mark.passes("presented-certificate-differs")
def test_a_healthy_one_way_milvus_has_no_fault(embedded_one_way, look):
    assert codes(look(embedded_one_way.port)) == set()


@pytest.mark.passes("client-certificate-rejected")
def test_a_healthy_mutual_milvus_has_no_fault(embedded_mutual, look, client_pair):
    assert look(embedded_mutual.port, **client_pair).errors == ()


def test_the_ladder_of_a_healthy_mutual_milvus(embedded_mutual, observe, certs):
    observation = observe(
        embedded_mutual.port,
        client_pem_path=certs / "client.pem",
        client_key_path=certs / "client.key",
    )

    assert [(step.name, step.ok) for step in observation.steps] == [
        ("resolve", True),
        ("tcp", True),
        ("tls", True),
        ("client-certificate", True),
        ("grpc", True),
        ("milvus", True),
    ]
    assert observation.tls.version == "TLSv1.3"
    assert observation.tls.alpn == "h2"
    assert observation.milvus.version


def test_the_chain_is_shown_as_it_is_served(trio, observe):
    middle = minting.mint("middle", issuer=trio.ca, ca=True, which=9)
    leaf = minting.mint("leaf", sans=["localhost"], issuer=middle, which=2)
    with impostors.tls(leaf) as port:
        observation = observe(port, timeout=1)

    assert observation.chain == (leaf.certificate, middle.certificate)


def test_an_untrusted_expired_chain_is_shown_too(observe):
    leaf = minting.mint("old", sans=["elsewhere"], days=0.5, which=2, kind="rsa1024")
    with impostors.tls(leaf) as port:
        assert observe(port).chain == (leaf.certificate,)


def test_every_address_is_tried_and_differences_are_reported(embedded_one_way, look):
    report = look(embedded_one_way.port)
    [step] = [step for step in report.server.steps if step.name == "tcp"]

    for address in {info[4][0] for info in socket.getaddrinfo("localhost", embedded_one_way.port)}:
        assert address in step.detail


def test_addresses_with_different_certificates_are_distinguished():
    with peers.tcp(peers.silent) as port:
        open_one, closed_one = (Address(socket.AF_INET, (ip, port)) for ip in LOOPBACK)
        dialled = dial([closed_one, open_one], Deadline(5))
        dialled.close()

    assert dialled.summary == "127.0.0.1 open, 127.0.0.2 connection refused"


def test_an_address_that_drops_packets_does_not_delay_another():
    with peers.dropping_port() as dropping, peers.tcp(peers.silent) as port:
        dialled = dial(
            [Address(socket.AF_INET, ("127.0.0.1", p)) for p in (dropping, port)], Deadline(60)
        )
        dialled.close()

    assert dialled.summary == "127.0.0.1 open, 127.0.0.1 no answer"


def test_the_server_is_probed_also_with_unusable_material(embedded_mutual, observe, tmp_path):
    (tmp_path / "empty.pem").touch()
    observation = observe(
        embedded_mutual.port,
        client_pem_path=tmp_path / "empty.pem",
        client_key_path=tmp_path / "empty.pem",
    )

    assert observation.chain
    assert observation.grpc is None


def test_the_server_is_probed_also_with_half_a_client_pair(embedded_mutual, observe, certs):
    observation = observe(embedded_mutual.port, client_pem_path=certs / "client.pem")

    assert observation.chain
    assert observation.tls.request


def test_nothing_is_left_behind(embedded_mutual, observe, certs):
    def everything() -> None:
        observe(embedded_mutual.port)
        observe(
            embedded_mutual.port,
            client_pem_path=certs / "client.pem",
            client_key_path=certs / "client.key",
        )
        with peers.tcp(peers.silent) as port:
            observe(port, timeout=0.3)

    for _ in range(5):
        everything()

    assert eventually(lambda: library_threads() == set()), library_threads()
    gc.collect()
    # gRPC closes its sockets in a thread of its own, a moment later.
    assert eventually(lambda: open_connections(embedded_mutual.port) == 0)
