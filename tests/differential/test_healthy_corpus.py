"""No false alarm: sound set-ups of every common kind are judged and then connected."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

import grpc_peer
from milvus_secure._common.versions import installed_grpc
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.diagnosis.check import check
from minting import CLIENT, SERVER, Minted, mint
from odd_chains import constraints

Settings = Callable[..., MilvusSettings]
GUIDE = Path(__file__).parents[1] / "support" / "guide"
POLICY = x509.ObjectIdentifier("1.2.3")
# Before 1.85 gRPC refuses an absolute name below a constraint.
DOT = "." if installed_grpc() >= (1, 85) else ""
EXPIRED = {"start": -dt.timedelta(days=400), "days": 365}


@dataclass(frozen=True)
class SetUp:
    """The content of the files of a server and of a client that trusts it."""

    server: bytes
    server_key: bytes
    anchors: bytes
    client: bytes = b""
    client_key: bytes = b""
    ca: bytes = b""
    name: str = "localhost"


def leaf(ca: Minted, **odd) -> Minted:
    usual = {"common_name": "server", "sans": ["localhost"], "usages": [SERVER], "which": 2}
    return mint(issuer=ca, ca=False, **{**usual, **odd})


def simple(ca: Minted | None = None, *, name: str = "localhost", **odd) -> SetUp:
    ca = ca or mint("test CA", which=1)
    made = leaf(ca, **odd)
    return SetUp(made.chain_pem, made.key_pem, ca.pem, name=name)


def with_anchors(make: Callable[[bytes], bytes]) -> SetUp:
    ca = mint("test CA", which=1)
    made = leaf(ca)
    return SetUp(made.chain_pem, made.key_pem, make(ca.pem))


def mutual_set_up(change: Callable[[bytes], bytes] = bytes, **odd) -> SetUp:
    """Server and client below one CA, and one anchor file for both sides."""
    ca = mint("test CA", which=1, **odd)
    made = leaf(ca, **odd)
    client = mint("client", issuer=ca, usages=[CLIENT], ca=False, which=3, **odd)
    return SetUp(
        made.chain_pem,
        made.key_pem,
        change(ca.pem),
        change(client.pem),
        change(client.key_pem),
        ca.pem,
    )


def below_intermediates() -> SetUp:
    ca = mint("test CA", which=1)
    middle = mint(
        "intermediate",
        issuer=mint("upper", issuer=ca, ca=True, which=4),
        ca=True,
        path_length=0,
        which=5,
    )
    made = leaf(middle)
    client = mint("client", issuer=middle, usages=[CLIENT], ca=False, which=3)
    return SetUp(made.chain_pem, made.key_pem, ca.pem, client.chain_pem, client.key_pem, ca.pem)


def combined() -> SetUp:
    """Certificate and key of the client in one file, as some tools write them."""
    sound = mutual_set_up()
    both = sound.client + sound.client_key
    return SetUp(sound.server, sound.server_key, sound.anchors, both, both, sound.ca)


def crlf(pem: bytes) -> bytes:
    return pem.replace(b"\n", b"\r\n")


def commented(pem: bytes) -> bytes:
    return b"# the CA of our cluster\nsubject=CN = test CA\n\n" + pem + b"\n\n"


HEALTHY = {
    **{
        f"server key {kind}": lambda kind=kind: simple(kind=kind)
        for kind in ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")
    },
    **{
        f"all keys {kind}": lambda kind=kind: mutual_set_up(kind=kind)
        for kind in ("rsa2048", "rsa3072", "p256", "p384")
    },
    **{
        f"all signatures {kind} {digest.name}": lambda kind=kind, digest=digest: mutual_set_up(
            kind=kind, digest=digest
        )
        for kind in ("rsa2048", "p384")
        for digest in (hashes.SHA384(), hashes.SHA512())
    },
    "RSA-PSS": lambda: mutual_set_up(
        kind="rsa2048", pss=padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    ),
    "a final dot below a constraint": lambda: simple(
        mint("test CA", which=1, extra=[constraints(["milvus.example"])]),
        sans=["a.milvus.example" + DOT],
        name="a.milvus.example",
    ),
    "a policy that is required": lambda: mutual_set_up(
        extra=[
            (x509.PolicyConstraints(0, None), True),
            (x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)]), False),
        ]
    ),
    "several names": lambda: simple(sans=["milvus", "localhost", "10.0.0.1", "uri:spiffe://a/b"]),
    "name in the CN only": lambda: simple(common_name="localhost", sans=(), usages=()),
    "wildcard": lambda: simple(sans=["*.milvus.example"], name="a.milvus.example"),
    "IP address": lambda: simple(sans=["127.0.0.1"], name="127.0.0.1"),
    "no usages at all": lambda: simple(usages=()),
    "both usages": lambda: simple(usages=[SERVER, CLIENT]),
    "no identifiers": lambda: simple(
        mint("test CA", which=1, identifiers=False), identifiers=False
    ),
    "a CA without basicConstraints": lambda: simple(mint("test CA", which=1, basic=False)),
    "intermediates on both sides": below_intermediates,
    "mutual, one anchor file for both": mutual_set_up,
    "CRLF": lambda: mutual_set_up(crlf),
    "comments": lambda: with_anchors(commented),
    "certificate and key in one file": combined,
    "an unrelated anchor first": lambda: with_anchors(
        lambda ca: mint("another CA", which=6).pem + ca
    ),
    "an unrelated anchor last": lambda: with_anchors(
        lambda ca: ca + mint("another CA", which=6).pem
    ),
    "an expired anchor first": lambda: with_anchors(
        lambda ca: mint("old CA", which=6, **EXPIRED).pem + ca
    ),
    "an expired anchor last": lambda: with_anchors(
        lambda ca: ca + mint("old CA", which=6, **EXPIRED).pem
    ),
    "the same anchor twice": lambda: with_anchors(lambda ca: ca + ca),
}


def written(folder: Path, sound: SetUp) -> dict[str, object]:
    """The files of the client, as settings."""
    contents = {"ca_pem": sound.anchors, "client_pem": sound.client, "client_key": sound.client_key}
    paths: dict[str, object] = {}
    for slot, content in contents.items():
        if content:
            path = folder / slot
            path.touch(mode=0o600)
            path.write_bytes(content)
            paths[f"{slot}_path"] = path
    return paths


def connects(sound: SetUp) -> bool:
    return grpc_peer.verdict(
        sound.server,
        sound.server_key,
        sound.anchors,
        sound.name,
        client_pem=sound.client or None,
        client_key_pem=sound.client_key or None,
        client_ca_pem=sound.ca or None,
    ).accepted


@pytest.fixture(params=HEALTHY)
def sound(request) -> SetUp:
    return HEALTHY[request.param]()


@pytest.mark.passes("chain-untrusted")
@pytest.mark.passes("certificate-expired")
@pytest.mark.passes("client-chain-untrusted")
class TestASoundSetUp:
    def test_has_no_error(self, settings: Settings, tmp_path, sound):
        loaded = settings(server_name=sound.name, **written(tmp_path, sound))
        assert check(loaded, online=False).errors == ()

    def test_is_accepted_by_grpc(self, sound):
        assert connects(sound)


class TestAPinnedLeaf:
    @pytest.mark.parametrize("with_ca", [False, True], ids=["alone", "with its CA"])
    def test_has_no_error_and_connects(self, settings: Settings, tmp_path, with_ca):
        ca = mint("test CA", which=1)
        made = leaf(ca)
        anchors = made.pem + (ca.pem if with_ca else b"")
        (tmp_path / "server.pem").write_bytes(anchors)
        report = check(settings(server_pem_path=tmp_path / "server.pem"), online=False)
        assert report.errors == ()
        assert connects(SetUp(made.chain_pem, made.key_pem, anchors))


class TestPublicRoots:
    def test_have_no_finding(self, settings: Settings):
        assert check(settings(ca_pem_path="system"), online=False).findings == ()

    def test_as_a_file_have_no_error(self, settings: Settings):
        from milvus_secure.pem.public_roots import public_roots_path  # noqa: PLC0415 - needs grpcio's files

        report = check(settings(ca_pem_path=public_roots_path()), online=False)
        assert report.errors == ()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="gen.sh needs the openssl command")
class TestTheGuide:
    @pytest.fixture(scope="class")
    @classmethod
    def guide(cls, tmp_path_factory) -> Path:
        folder = tmp_path_factory.mktemp("guide") / "cert"
        shutil.copytree(GUIDE, folder)
        subprocess.run(["sh", "gen.sh"], cwd=folder, check=True, capture_output=True, timeout=120)
        return folder

    def test_one_way_has_no_error_and_connects(self, settings: Settings, guide):
        read = {path.name: path.read_bytes() for path in guide.glob("*.*")}
        report = check(settings(server_pem_path=guide / "server.pem"), online=False)
        assert report.errors == ()
        assert connects(SetUp(read["server.pem"], read["server.key"], read["server.pem"]))

    def test_mutual_has_no_error_and_connects(self, settings: Settings, guide):
        read = {path.name: path.read_bytes() for path in guide.glob("*.*")}
        report = check(
            settings(
                ca_pem_path=guide / "ca.pem",
                client_pem_path=guide / "client.pem",
                client_key_path=guide / "client.key",
            ),
            online=False,
        )
        assert report.errors == ()
        assert connects(
            SetUp(
                read["server.pem"],
                read["server.key"],
                read["ca.pem"],
                read["client.pem"],
                read["client.key"],
                read["ca.pem"],
            )
        )
