"""Keys in a form that TLS libraries read differently: the verdict is that of gRPC and Go."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

import grpc_peer
from milvus_secure import explain
from milvus_secure.verification.path import Role, judge_path
from minting import CLIENT, SERVER, Minted, mint
from odd_chains import Odd
from odd_peers import GO, build_go_server, go_accepts


def generated(*options: str) -> tuple[str, ...]:
    return ("genpkey", *options)


def rsa(*options: str) -> tuple[str, ...]:
    return generated("-algorithm", "RSA", *(part for o in options for part in ("-pkeyopt", o)))


KEYS = {
    "RSA-PSS": generated("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "RSA-PSS with SHA-256": generated(
        *("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        *("-pkeyopt", "rsa_pss_keygen_md:sha256", "-pkeyopt", "rsa_pss_keygen_mgf1_md:sha256"),
        *("-pkeyopt", "rsa_pss_keygen_saltlen:32"),
    ),
    "exponent 3": rsa("rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"),
    "exponent of 33 bits": rsa("rsa_keygen_bits:2048", "rsa_keygen_pubexp:4294967297"),
    "exponent of 41 bits": rsa("rsa_keygen_bits:2048", "rsa_keygen_pubexp:1099511627777"),
    "three primes": rsa("rsa_keygen_bits:2048", "rsa_keygen_primes:3"),
    "RSA 2047": rsa("rsa_keygen_bits:2047"),
    "named curve": generated("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "explicit curve": generated(
        *("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-pkeyopt", "ec_param_enc:explicit"),
    ),
    "compressed point": ("ecparam", "-name", "prime256v1", "-genkey", "-conv_form", "compressed"),
}
LEAF = "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n"


@pytest.fixture(params=KEYS, scope="module")
def key(request, tmp_path_factory) -> Path:
    """A private key as openssl writes it."""
    path = tmp_path_factory.mktemp("key") / "key.pem"
    run(path.parent, *KEYS[request.param], "-out", path)
    return path


def run(folder: Path, *arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)


def made(folder: Path, leaf_key: Path, ca_key: Path) -> Odd:
    """A leaf with one key, issued by a CA with the other."""
    (folder / "extensions").write_text(LEAF)
    run(folder, "req", "-x509", "-key", ca_key, "-subj", "/CN=odd CA", "-out", "ca.pem")
    run(folder, "req", "-new", "-key", leaf_key, "-subj", "/CN=odd leaf", "-out", "leaf.csr")
    signing = ("-CA", "ca.pem", "-CAkey", ca_key, "-set_serial", "7", "-extfile", "extensions")
    run(folder, "x509", "-req", "-in", "leaf.csr", *signing, "-out", "leaf.pem")
    pem = (folder / "leaf.pem").read_bytes()
    leaf = _Read(x509.load_pem_x509_certificate(pem), None)
    object.__setattr__(leaf, "read_key", leaf_key.read_bytes())
    return Odd("odd key", leaf, (), (folder / "ca.pem").read_bytes())


class _Read(Minted):
    """A certificate whose key cryptography may not be able to write again."""

    @property
    def key_pem(self) -> bytes:
        return self.read_key


@pytest.fixture(scope="module")
def go_program(tmp_path_factory) -> Path:
    if GO is None:
        pytest.skip("no Go here")
    return build_go_server(tmp_path_factory.mktemp("go"))


@pytest.mark.parametrize("place", ["leaf", "root"])
def test_the_verdict_on_a_key_is_grpc_s_and_go_s(key, place, go_program, tmp_path):
    usual = tmp_path / "usual.pem"
    usual.write_bytes(mint("usual", sans=["localhost"], usages=[SERVER, CLIENT]).key_pem)
    odd = made(tmp_path, *((key, usual) if place == "leaf" else (usual, key)))
    now = dt.datetime.now(dt.timezone.utc)
    anchors = x509.load_pem_x509_certificates(odd.anchors_pem)

    for_grpc = judge_path(odd.certificates, anchors, now, Role.SERVER)
    for_go = judge_path(odd.certificates, anchors, now, Role.CLIENT)

    peer = grpc_peer.verdict(odd.chain_pem, odd.leaf.key_pem, odd.anchors_pem, "localhost")
    assert for_grpc.accepted == peer.accepted, for_grpc
    assert [for_go.accepted] == go_accepts(go_program, [odd], tmp_path), for_go
    if not peer.accepted and "OPENSSL_internal:SSLV3_ALERT" not in peer.details and place == "leaf":
        assert explain(peer.details).startswith("Most likely weak-key")
    for verdict in (for_grpc, for_go):
        assert verdict.accepted or verdict.failure.code == "weak-key"
