"""Client chains that the installed gRPC does not load are found offline."""

from __future__ import annotations

import pytest

import grpc_peer
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.rules import OFFLINE
from milvus_secure.pem.material import Material, parse_material
from minting import CLIENT, Minted, client, mint, server
from odd_chains import key_usage

CA = mint("test CA", which=1)
UPPER = mint("upper", issuer=CA, ca=True, which=5)
LOWER = mint("lower", issuer=UPPER, ca=True, which=6)
DEEP = client(LOWER)
PLAIN = client(CA)
UNRELATED = mint("unrelated", ca=False, which=7, usages=[CLIENT])
CHAINS = {
    "in order": (DEEP.pem + LOWER.pem + UPPER.pem, DEEP, None),
    "intermediates out of order": (DEEP.pem + UPPER.pem + LOWER.pem, DEEP, None),
    "an unrelated certificate behind": (PLAIN.pem + UNRELATED.pem, PLAIN, None),
    "two reversed": (CA.pem + PLAIN.pem, PLAIN, "chain-order"),
    "three reversed": (UPPER.pem + LOWER.pem + DEEP.pem, DEEP, "chain-order"),
    "four reversed": (CA.pem + UPPER.pem + LOWER.pem + DEEP.pem, DEEP, "chain-order"),
    "an unrelated certificate before": (UNRELATED.pem + PLAIN.pem, PLAIN, "chain-order"),
    "another client's certificate before": (
        client(CA, common_name="other", which=8).pem + PLAIN.pem,
        PLAIN,
        "chain-order",
    ),
    "another pair's key": (PLAIN.pem, client(CA, which=8), "key-mismatch"),
}


@pytest.fixture
def offline_findings(settings):
    """The codes of the errors that an offline check of a pair finds."""

    def check(chain: bytes, key: bytes) -> list[str]:
        client_settings = settings(client_pem_path="c", client_key_path="k", ca_pem_path="a")
        pems = {"client_pem": chain, "client_key": key, "ca_pem": CA.pem}
        material = {
            slot: parse_material(Material(slot, f"{slot}_path", "argument", f"file:/{slot}", pem))
            for slot, pem in pems.items()
        }
        return [
            finding.code for finding in judge(Context(client_settings, material), OFFLINE).errors
        ]

    return check


def grpc_accepts(chain: bytes, key: bytes) -> bool:
    site = server(CA)
    return grpc_peer.verdict(
        site.chain_pem,
        site.key_pem,
        CA.pem,
        "localhost",
        client_pem=chain,
        client_key_pem=key,
        client_ca_pem=CA.pem + UNRELATED.pem,
    ).accepted


@pytest.mark.parametrize("case", CHAINS)
def test_a_chain_that_grpc_does_not_load_is_found_offline(offline_findings, case):
    chain, pair, code = CHAINS[case]
    assert grpc_accepts(chain, pair.key_pem) is (code is None)
    assert offline_findings(chain, pair.key_pem) == ([code] if code else [])


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
@pytest.mark.parametrize("usages", [("digital_signature",), ("key_encipherment",), ()])
def test_a_key_usage_that_keeps_an_ec_key_from_signing_is_found_offline(
    offline_findings, kind, usages
):
    pair: Minted = client(CA, kind=kind, key_usage=key_usage(*usages))
    accepted = grpc_accepts(pair.pem, pair.key_pem)
    assert accepted is ("digital_signature" in usages)
    assert offline_findings(pair.pem, pair.key_pem) == ([] if accepted else ["usage-not-client"])
