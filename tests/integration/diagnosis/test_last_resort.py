"""`tls-failed` is the last resort; gRPC's message says on which side the fault is."""

from __future__ import annotations

import grpc
import pytest

import minting
from milvus_endpoint import milvus_endpoint
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import RULES
from milvus_secure.reporting.observation import GRPCChannel, Observation, TLSHandshake


def details(trio: minting.Trio, roots: bytes, pair: minting.Minted, key: minting.Minted) -> str:
    """What the installed gRPC says of a call with this material."""
    with milvus_endpoint(trio.server, clients=trio.ca) as serving:
        credentials = grpc.ssl_channel_credentials(roots, key.key_pem, pair.pem)
        target = f"localhost:{serving.port}"
        with (
            grpc.secure_channel(target, credentials) as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            channel.unary_unary("/x/x")(b"", timeout=10)
    return caught.value.details()


@pytest.fixture
def report_on_details(trio, settings, certs):
    """A report on an endpoint that is healthy except for gRPC's message."""

    def judged(words: str):
        made = settings(uri="https://localhost:19530", ca_pem_path=certs / "ca.pem")
        observation = Observation(
            "localhost:19530",
            protocol="tls",
            tls=TLSHandshake(
                complete=True, version="TLSv1.3", alpn="h2", chain=(trio.server.certificate,)
            ),
            grpc=GRPCChannel(False, "UNAVAILABLE", words),
        )
        return judge(Context(made, read_material(made), observation), RULES)

    return judged


@pytest.mark.trips("tls-failed")
def test_our_own_material(trio, report_on_details):
    words = details(trio, trio.ca.pem, trio.client, minting.mint("other", which=7))
    cause = report_on_details(words).root_cause
    assert cause.code == "tls-failed"
    assert cause.message.startswith("gRPC cannot use the client's own certificate or key")


@pytest.mark.trips("tls-failed")
def test_gRPC_s_own_verdict_on_the_server(trio, report_on_details):  # noqa: N802 - its name
    words = details(trio, minting.mint("another CA", which=8).pem, trio.client, trio.client)
    cause = report_on_details(words).root_cause
    assert cause.code == "tls-failed"
    assert cause.message.startswith("gRPC refused the server's certificate")
    assert "CERTIFICATE_VERIFY_FAILED" in cause.presented


@pytest.mark.trips("tls-failed")
def test_neither_side(report_on_details):
    cause = report_on_details(
        "failed to connect to all addresses; last error: UNKNOWN: odd"
    ).root_cause
    assert cause.message == "The TLS handshake failed, and the probe did not find the reason."
