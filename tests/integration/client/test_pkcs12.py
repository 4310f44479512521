"""A PKCS#12 store as the client's certificate and key, as OpenSSL, Java and Windows make them."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import minting
from milvus_endpoint import milvus_endpoint
from milvus_secure import check, connect_secure
from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.client.timeouts import waits_full_timeout
from milvus_secure.diagnosis.material import read_material
from milvus_secure.pem.memory_file_systems import memory_directories

PASSWORD = "canary of the store"


def store(
    pair: minting.Minted, *intermediates: x509.Certificate, password: str | None = PASSWORD
) -> bytes:
    """A store as company tools export it: the pair and further certificates."""
    encryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    return pkcs12.serialize_key_and_certificates(
        b"client", pair.key, pair.certificate, intermediates, encryption
    )


def openssl_store(folder: Path, *arguments: str) -> bytes:
    """A store that OpenSSL made in a folder with the guide's files."""
    command = ["openssl", "pkcs12", "-export", "-out", "made.p12", "-passout", f"pass:{PASSWORD}"]
    subprocess.run([*command, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)
    return (folder / "made.p12").read_bytes()


@pytest.fixture
def path(trio, tmp_path) -> Path:
    """client.p12, readable by its owner alone."""
    made = tmp_path / "client.p12"
    made.touch(mode=0o600)
    made.write_bytes(store(trio.client, trio.ca.certificate))
    return made


@pytest.fixture
def store_settings(settings, certs, path):
    """Settings that name the store alone."""

    def make(**more: object):
        values = {
            "ca_pem_path": certs / "ca.pem",
            "client_pem_path": path,
            "client_key_password": PASSWORD,
            **more,
        }
        return settings(**values)

    return make


class TestConnecting:
    def test_the_store_alone_gives_certificate_and_key(self, store_settings, mutual):
        connect_secure(store_settings(uri=mutual.uri)).close()
        assert mutual.names == ["client"]

    def test_the_probe_presents_it_too(self, store_settings, mutual):
        report = check(store_settings(uri=mutual.uri))
        assert report.ok, str(report)
        assert "client" in mutual.names

    def test_as_base64_in_place_of_a_path(self, store_settings, mutual, path):
        text = base64.encodebytes(path.read_bytes()).decode()
        connect_secure(
            store_settings(uri=mutual.uri, client_pem_path=None, client_pem=text)
        ).close()
        assert mutual.names == ["client"]

    @pytest.mark.parametrize("password", [PASSWORD, None])
    @pytest.mark.parametrize("half", ["client_pem_path", "client_key_path"])
    def test_together_with_the_other_half_as_pem(
        self, half, password, store_settings, mutual, certs, trio, path
    ):
        path.write_bytes(store(trio.client, password=password))
        halves = {
            "client_pem_path": certs / "client.pem",
            "client_key_path": certs / "client.key",
            half: path,
        }
        connect_secure(
            store_settings(uri=mutual.uri, client_key_password=password, **halves)
        ).close()
        assert mutual.names == ["client"]

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["-legacy"],
            ["-descert", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"],
            ["-keypbe", "NONE", "-certpbe", "NONE"],
        ],
        ids=["today's", "before OpenSSL 3", "Windows", "only a MAC"],
    )
    def test_in_the_encryption_of_each_tool(self, options, store_settings, mutual, certs, path):
        if "-legacy" in options and "OpenSSL 1" in _version():
            pytest.skip("before OpenSSL 3 this was the only one")
        pair = ["-in", "client.pem", "-inkey", "client.key", "-certfile", "ca.pem"]
        path.write_bytes(openssl_store(certs, *pair, *options))
        connect_secure(store_settings(uri=mutual.uri)).close()
        assert mutual.names == ["client"]

    def test_with_an_intermediate_in_any_order(self, trio, store_settings, path):
        middle = minting.mint("middle", issuer=trio.ca, ca=True, which=5)
        leaf = minting.mint("leaf", issuer=middle, usages=[minting.CLIENT], which=6)
        stray = minting.mint("stray", which=9)
        above = stray.certificate, trio.ca.certificate, middle.certificate
        path.write_bytes(store(leaf, *above))
        with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
            connect_secure(store_settings(uri=endpoint.uri)).close()
            assert endpoint.names == ["leaf"]
        chain = read_material(store_settings())["client_pem"].certificates
        assert chain == (leaf.certificate, middle.certificate)


def _version() -> str:
    return subprocess.run(
        ["openssl", "version"], capture_output=True, text=True, timeout=120
    ).stdout


@pytest.mark.skipif(waits_full_timeout(), reason="this pymilvus cannot connect a client again")
def test_a_renewed_store_is_used_at_the_next_connection(store_settings, mutual, trio, path):
    client = connect_secure(store_settings(uri=mutual.uri))
    renewed = minting.mint("renewed", issuer=trio.ca, usages=[minting.CLIENT], which=4)
    path.write_bytes(store(renewed)[:400])
    client._get_connection().reconnect()
    path.write_bytes(store(renewed))
    client._get_connection().reconnect()
    client.close()
    assert mutual.names == ["client", "client", "renewed"]


class TestSettings:
    def test_the_key_has_the_same_source_as_the_store(self, settings, path):
        made = settings(environ={"MILVUS_CLIENT_PEM_PATH": str(path)})
        assert made.client_key_path == path
        assert made.source_of("client_key_path") == "client_pem_path of env MILVUS_CLIENT_PEM_PATH"
        assert check(made, online=False).mode is TLSMode.MUTUAL

    def test_a_separate_key_is_kept(self, store_settings, certs):
        made = store_settings(client_key_path=certs / "client.key")
        assert made.client_key_path == certs / "client.key"

    def test_the_key_is_replaced_with_the_store(self, store_settings, certs):
        made = store_settings().replace(client_pem_path=certs / "client.pem")
        assert made.client_key_path is None

    def test_a_pem_file_gives_no_key(self, settings, certs):
        report = check(settings(client_pem_path=certs / "client.pem"), online=False)
        assert report.root_cause.code == "client-pair-incomplete"

    def test_text_in_base64_that_is_pem_gives_no_key(self, settings, certs):
        text = base64.b64encode((certs / "client.pem").read_bytes()).decode()
        assert settings(client_pem=text).client_key is None


class TestFaults:
    def faults(self, made) -> list[tuple[str, str]]:
        errors = check(made, online=False).errors
        return [(finding.code, finding.setting) for finding in errors]

    def test_a_healthy_one_has_none(self, store_settings):
        assert check(store_settings(), online=False).findings == ()

    @pytest.mark.trips("key-encrypted")
    def test_no_password(self, store_settings):
        made = store_settings(client_key_password=None)
        assert self.faults(made) == [("key-encrypted", "client_pem_path")]

    @pytest.mark.trips("key-password-wrong")
    def test_a_password_that_does_not_open_it(self, store_settings):
        report = check(store_settings(client_key_password="another canary"), online=False)
        [finding] = report.errors
        assert (finding.code, finding.setting) == ("key-password-wrong", "client_pem_path")
        assert "PKCS#12" in finding.message
        assert "canary" not in str(report)

    def test_a_missing_store_is_reported_once(self, store_settings, tmp_path):
        made = store_settings(client_pem_path=tmp_path / "none.pfx")
        assert self.faults(made) == [("file-missing", "client_pem_path")]

    @pytest.mark.trips("pem-wrong-type")
    def test_a_trust_store_has_no_pair(self, store_settings, certs, path):
        path.write_bytes(openssl_store(certs, "-nokeys", "-in", "ca.pem"))
        slots = ["client_pem_path", "client_key_path"]
        assert sorted(self.faults(store_settings())) == sorted(
            ("pem-wrong-type", slot) for slot in slots
        )

    @pytest.mark.trips("key-unsupported")
    def test_a_key_that_nothing_here_can_read(self, store_settings, certs, path):
        curve = ["openssl", "ecparam", "-name", "prime239v1", "-genkey", "-noout", "-out", "odd"]
        subprocess.run(curve, cwd=certs, check=True, capture_output=True, timeout=120)
        path.write_bytes(openssl_store(certs, "-nocerts", "-inkey", "odd"))
        assert self.faults(store_settings(client_key_path=certs / "client.key")) == [
            ("key-unsupported", "client_pem_path")
        ]

    @pytest.mark.trips("key-permissions")
    def test_a_store_without_a_password_that_others_can_read(self, store_settings, trio, path):
        path.write_bytes(store(trio.client, password=None))
        path.chmod(0o644)
        [finding] = check(store_settings(client_key_password=None), online=False).warnings
        assert finding.code == "key-permissions"

    @pytest.mark.passes("key-permissions")
    def test_an_encrypted_store_may_be_read_by_others(self, store_settings, path):
        path.chmod(0o644)
        assert check(store_settings(), online=False).findings == ()

    @pytest.mark.trips("file-not-pem")
    def test_a_trust_anchor_has_to_be_pem(self, store_settings, path):
        assert self.faults(store_settings(ca_pem_path=path)) == [("file-not-pem", "ca_pem_path")]


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory need Linux")
def test_the_key_never_reaches_the_disk(store_settings):
    made = store_settings()
    handed_on = Path(made.client_kwargs()["client_key_path"])
    assert handed_on.read_bytes().startswith(b"-----BEGIN PRIVATE KEY")
    assert str(handed_on.parent.parent) in memory_directories()
