"""Findings about files: code, message and remedy, and files that have none."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import sys
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import minting
from material_findings import foreign
from milvus_secure.pem.known_keys import KNOWN

BROKEN = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"


# The modulus of the CA key in Milvus's configs/cert/ca.pem (e = 65537).
PUBLISHED = int(
    "c2e1f7bf0b0e602816ffe4bd67ea87d8bcb4014ed9d8881cb782bea0e4c2fe35c9353772e2660bc46bb9a6d7"
    "d7a28f13de8101fcbb401985f10e3f8d4824235e75349876f7a7229bc3ba7f8c239d9d367467225f2005d844"
    "7c9e8fc8659d23e3c092c403f51ef4e13c480fe4e6c8f20a03fba5bbc526de992f964dd7f4f1f3a3b904d1fb"
    "de40f6ad6e91d173b62b0887dda7327f6f76185ed1d2e05b41038c17f6c5bfb2248a72088dcdcc4ff21a8f73"
    "2805ccec77a140addb52da4bd135262e2bd2cd4cd9e5708452b186aa5f2912388cb14d200f6f265b9c1fb852"
    "e51536a7ed9af4d04eaa06246ab54a0f4c485ad7281e86a32b0a999e494190c33c9e1261",
    16,
)


@pytest.fixture
def milvus_example() -> str:
    """A certificate for the CA key that Milvus publishes."""
    public = rsa.RSAPublicNumbers(65537, PUBLISHED).public_key()
    signer = minting.mint("signer", which=4)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2022, 5, 1, tzinfo=dt.timezone.utc)
    builder = x509.CertificateBuilder(name, name, public, 1, start, start.replace(year=2032))
    made = builder.sign(signer.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def only(findings):
    (finding,) = findings
    return finding


class TestHealthy:
    @pytest.mark.passes("file-missing")
    @pytest.mark.passes("file-not-regular")
    @pytest.mark.passes("file-unreadable")
    @pytest.mark.passes("file-empty")
    @pytest.mark.passes("file-too-large")
    @pytest.mark.passes("key-permissions")
    @pytest.mark.passes("key-in-trust-file")
    @pytest.mark.passes("known-public-key")
    @pytest.mark.passes("pem-trailing-block")
    @pytest.mark.passes("key-password-wrong")
    def test_a_healthy_mutual_setup_yields_nothing(self, mutual_findings):
        assert mutual_findings() == ()

    @pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
    def test_a_healthy_one_way_anchor_yields_nothing(self, name, certs, file_findings):
        assert file_findings(server_pem_path=certs / name) == ()

    def test_public_roots_open_no_file(self, file_findings):
        assert file_findings(ca_pem_path="system") == ()

    def test_an_encrypted_key_with_its_password(self, trio, mutual_findings):
        key = trio.client.encrypted_key_pem("secret").decode()
        findings = mutual_findings(
            client_key_path=None, client_key=key, client_key_password="secret"
        )
        assert findings == ()

    def test_a_password_that_is_not_needed(self, mutual_findings):
        assert mutual_findings(client_key_password="secret") == ()

    def test_one_combined_file_for_certificate_and_key(self, trio, tmp_path, mutual_findings):
        path = tmp_path / "both.pem"
        path.touch(mode=0o600)
        path.write_bytes(trio.client.key_pem + trio.client.pem)
        assert mutual_findings(client_pem_path=path, client_key_path=path) == ()


class TestPaths:
    @pytest.mark.trips("file-missing")
    def test_a_missing_file_and_the_nearest_name(self, certs, file_findings):
        finding = only(file_findings(ca_pem_path=certs / "ca.pm"))
        assert (finding.code, finding.severity.value) == ("file-missing", "error")
        assert (finding.setting, finding.source) == ("ca_pem_path", "argument")
        assert finding.origin == f"file:{certs}/ca.pm"
        assert finding.remedy == f"Did you mean {certs}/ca.pem?"

    @pytest.mark.trips("file-missing")
    @pytest.mark.parametrize(("missing", "existing"), [("x.pem", "x.key"), ("x.key", "x.pem")])
    def test_a_key_is_not_suggested_for_a_certificate(
        self, missing, existing, tmp_path, file_findings
    ):
        (tmp_path / existing).touch()
        finding = only(file_findings(ca_pem_path=tmp_path / missing))
        assert "Did you mean" not in finding.remedy

    @pytest.mark.trips("file-missing")
    @pytest.mark.parametrize("name", ["nowhere/ca.pem", "ca.pem/x", "x" * 300, "a\0b"])
    def test_other_ways_to_be_missing(self, name, certs, file_findings):
        assert only(file_findings(ca_pem_path=f"{certs}/{name}")).code == "file-missing"

    @pytest.mark.trips("file-missing")
    def test_links_in_a_circle_and_to_nothing(self, tmp_path, file_findings):
        (tmp_path / "circle").symlink_to(tmp_path / "circle")
        (tmp_path / "dangling").symlink_to(tmp_path / "gone")
        assert "circle" in only(file_findings(ca_pem_path=tmp_path / "circle")).message
        assert "gone" in only(file_findings(ca_pem_path=tmp_path / "dangling")).message

    @pytest.mark.trips("file-unreadable")
    @pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem is of Linux")
    def test_a_file_that_cannot_be_read_even_by_root(self, file_findings):
        finding = only(file_findings(ca_pem_path="/proc/self/mem"))
        assert (finding.code, finding.setting) == ("file-unreadable", "ca_pem_path")

    @pytest.mark.trips("file-unreadable")
    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_a_file_that_only_others_may_read(self, certs, file_findings):
        (certs / "ca.pem").chmod(0)
        assert only(file_findings(ca_pem_path=certs / "ca.pem")).code == "file-unreadable"

    @pytest.mark.trips("file-too-large")
    def test_a_file_of_one_gigabyte_is_refused_unread(self, tmp_path, file_findings):
        with (tmp_path / "big").open("wb") as stream:
            stream.truncate(1 << 30)
        assert only(file_findings(ca_pem_path=tmp_path / "big")).code == "file-too-large"

    @pytest.mark.trips("file-empty")
    @pytest.mark.parametrize("content", [b"", b"\n \r\n"])
    def test_an_empty_file(self, content, tmp_path, mutual_findings):
        (tmp_path / "empty").write_bytes(content)
        assert only(mutual_findings(client_pem_path=tmp_path / "empty")).code == "file-empty"

    def test_a_fault_in_a_file_that_is_not_used_is_a_warning(self, mutual_findings):
        finding = only(mutual_findings(server_pem_path="/nowhere.pem"))
        assert (finding.code, finding.severity.value) == ("file-missing", "warning")


class TestForeign:
    @pytest.mark.trips("file-not-pem")
    @pytest.mark.parametrize("case", foreign(minting.trio()))
    def test_what_is_not_pem_is_named(self, case, trio, tmp_path, mutual_findings):
        setting, data, words = foreign(trio)[case]
        (tmp_path / "given").write_bytes(data)
        finding = next(
            f for f in mutual_findings(**{setting: tmp_path / "given"}) if f.setting == setting
        )
        assert finding.code == "file-not-pem"
        assert words in finding.message

    def test_the_commands_for_a_pair_write_two_files(self, trio, tmp_path, mutual_findings):
        for name, case in (("client.crt", "DER"), ("client.key", "DER key")):
            (tmp_path / name).write_bytes(foreign(trio)[case][1])
        findings = mutual_findings(
            client_pem_path=tmp_path / "client.crt", client_key_path=tmp_path / "client.key"
        )
        targets = [item.command.rpartition(" -out ")[2] for item in findings]
        assert targets == ["client-converted.pem", "client-converted.key"]

    @pytest.mark.parametrize("setting", ["client_pem_path", "client_key_path"])
    @pytest.mark.trips("pem-wrong-type")
    def test_the_wrong_file_of_the_pair(self, setting, certs, mutual_findings):
        wrong = certs / ("client.key" if setting == "client_pem_path" else "client.pem")
        finding = only(mutual_findings(**{setting: wrong}))
        assert (finding.code, finding.setting) == ("pem-wrong-type", setting)
        assert "swapped" in finding.remedy

    @pytest.mark.trips("pem-wrong-type")
    def test_an_openssh_key_and_its_conversion(self, trio, tmp_path, mutual_findings):
        path = tmp_path / "id"
        path.touch(mode=0o600)
        path.write_bytes(
            trio.client.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
        finding = only(mutual_findings(client_key_path=path))
        assert finding.code == "pem-wrong-type"
        assert "ssh-keygen -p -m PKCS8" in finding.command

    @pytest.mark.trips("pem-wrong-type")
    @pytest.mark.parametrize(
        ("label", "words"),
        [
            ("PUBLIC KEY", "a public key"),
            ("CERTIFICATE REQUEST", "a certificate request"),
            ("X509 CRL", "a revocation list"),
            ("PKCS7", "PKCS#7"),
            ("ODDITY", "ODDITY"),
        ],
    )
    def test_other_blocks_are_named(self, label, words, file_findings):
        text = f"-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n"
        finding = only(file_findings(ca_pem=text))
        assert finding.code == "pem-wrong-type"
        assert words in finding.message

    @pytest.mark.trips("pem-malformed")
    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (lambda t: t.replace("\n", "\\n"), "two characters"),
            (lambda t: "\n".join(f"  {line}" for line in t.splitlines()), "indented"),
            (lambda t: t[:200], "END"),
            (lambda t: t[1:], "dashes"),
            (lambda t: t.replace("\n", " "), "line breaks are missing"),
            (lambda t: t.replace("-----\nM", "-----\n!M"), "base64"),
            (lambda t: t.partition("\n")[2], "BEGIN line is missing"),
            (lambda t: "\ufeff" + t, "byte order mark"),
        ],
    )
    def test_damage_is_described(self, damage, words, trio, tmp_path, file_findings):
        (tmp_path / "damaged").write_text(damage(trio.ca.pem.decode()))
        finding = only(file_findings(ca_pem_path=tmp_path / "damaged"))
        assert finding.code == "pem-malformed"
        assert words in finding.message


class TestKeys:
    @pytest.mark.trips("key-encrypted")
    def test_an_encrypted_key_without_a_password(self, trio, mutual_findings):
        key = trio.client.encrypted_key_pem("secret").decode()
        assert only(mutual_findings(client_key_path=None, client_key=key)).code == "key-encrypted"

    @pytest.mark.trips("key-password-wrong")
    @pytest.mark.parametrize("password", ["canary", "x" * 2000])
    def test_a_password_that_does_not_open_the_key(self, password, trio, mutual_findings):
        key = trio.client.encrypted_key_pem("secret").decode()
        finding = only(
            mutual_findings(client_key_path=None, client_key=key, client_key_password=password)
        )
        assert finding.code == "key-password-wrong"
        assert password not in repr(finding)

    @pytest.mark.trips("key-mismatch")
    def test_a_key_of_another_pair_shows_both_fingerprints(self, certs, trio, mutual_findings):
        finding = only(mutual_findings(client_key_path=certs / "server.key"))
        spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        digests = [
            sha256(m.key.public_key().public_bytes(*spki)).hexdigest()
            for m in (trio.client, trio.server)
        ]
        assert finding.code == "key-mismatch"
        assert (finding.expected, finding.presented) == tuple(
            f"public key SHA-256 {d}" for d in digests
        )

    @pytest.mark.trips("key-permissions")
    @pytest.mark.parametrize(
        ("mode", "readers"), [(0o644, "others"), (0o640, "group"), (0o604, "others")]
    )
    def test_a_key_that_others_can_use(self, mode, readers, certs, mutual_findings):
        (certs / "client.key").chmod(mode)
        finding = only(mutual_findings())
        assert (finding.code, finding.severity.value) == ("key-permissions", "warning")
        assert readers in finding.message
        assert finding.command == f"chmod 600 {shlex.quote(str(certs / 'client.key'))}"

    @pytest.mark.passes("key-permissions")
    def test_a_certificate_may_be_read_by_all(self, certs, mutual_findings):
        (certs / "client.pem").chmod(0o644)
        assert mutual_findings() == ()

    @pytest.mark.trips("key-in-trust-file")
    def test_a_private_key_in_the_trust_file(self, trio, file_findings):
        finding = only(file_findings(ca_pem=(trio.ca.pem + trio.ca.key_pem).decode()))
        assert (finding.code, finding.severity.value) == ("key-in-trust-file", "warning")

    @pytest.mark.trips("known-public-key")
    def test_the_keys_published_by_milvus_are_known(self, file_findings, milvus_example):
        finding = next(
            f for f in file_findings(ca_pem=milvus_example) if f.code == "known-public-key"
        )
        assert finding.severity.value == "error"

    def test_the_digests_are_sha256(self):
        assert all(len(bytes.fromhex(digest)) == 32 for digest in KNOWN)


class TestTrailing:
    @pytest.mark.trips("pem-trailing-block")
    def test_a_broken_block_behind_a_sound_one(self, trio, file_findings):
        finding = only(file_findings(ca_pem=(trio.ca.pem + BROKEN + trio.server.pem).decode()))
        assert (finding.code, finding.severity.value) == ("pem-trailing-block", "warning")

    @pytest.mark.trips("pem-trailing-block")
    def test_a_second_key(self, trio, mutual_findings):
        keys = (trio.client.key_pem + trio.server.key_pem).decode()
        finding = only(mutual_findings(client_key_path=None, client_key=keys))
        assert finding.code == "pem-trailing-block"

    @pytest.mark.trips("pem-trailing-block")
    def test_a_revocation_list_that_grpc_does_not_check(self, trio, file_findings):
        crl = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"
        assert only(file_findings(ca_pem=trio.ca.pem.decode() + crl)).code == "pem-trailing-block"

    @pytest.mark.passes("pem-trailing-block")
    def test_several_anchors_and_text_between(self, trio, file_findings):
        bundle = b"first\n" + trio.ca.pem + b"second\n" + minting.mint("B", which=8).pem
        assert file_findings(ca_pem=bundle.decode()) == ()
