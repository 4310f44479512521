"""The commands that repair or convert a file, and what is no file."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

import minting
from der import rewrapped
from material_findings import foreign
from milvus_secure import check


def only(findings):
    (finding,) = findings
    return finding


class TestPaths:
    @pytest.mark.trips("file-not-regular")
    @pytest.mark.parametrize("kind", ["a directory", "a named pipe", "a socket", "a device"])
    def test_what_is_no_regular_file(self, kind, tmp_path, file_findings):
        path = tmp_path / "x"
        if kind == "a directory":
            path.mkdir()
        elif kind == "a named pipe":
            os.mkfifo(path)
        elif kind == "a device":
            path = Path("/dev/zero")
        else:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(f"/proc/self/fd/{os.open(tmp_path, os.O_RDONLY)}/x")
        finding = only(file_findings(ca_pem_path=path))
        assert finding.code == "file-not-regular"
        assert kind in finding.message


CONVERTIBLE = ("DER", "DER key", "PKCS#12", "PKCS#7", "UTF-16")


class TestForeign:
    @pytest.mark.parametrize("case", CONVERTIBLE)
    def test_the_command_in_the_remedy_converts_it(self, case, trio, tmp_path, mutual_findings):
        setting, data, _ = foreign(trio)[case]
        (tmp_path / "given file").write_bytes(data)
        finding = next(
            f for f in mutual_findings(**{setting: tmp_path / "given file"}) if f.setting == setting
        )
        command = finding.command
        if case == "PKCS#12":
            command = command.replace("pkcs12 ", "pkcs12 -passin pass: ")
        subprocess.run(
            command, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=120
        )
        [converted] = tmp_path.glob("given file-converted.*")
        converted.chmod(0o600)
        assert mutual_findings(**{setting: converted}) == ()

    @pytest.mark.parametrize(
        "kind",
        [
            "joined",
            "blank line",
            "lines of 253",
            "CRLF, lines of 252",
            "two characters for a line break",
            "a string of JSON",
            "indented",
            "END indented",
            "byte order mark",
        ],
    )
    @pytest.mark.trips("pem-malformed")
    def test_the_command_for_damaged_pem_repairs_it(self, kind, trio, tmp_path, mutual_findings):
        ca, other_ca = trio.ca.pem, minting.mint("other CA", which=8).pem
        damaged = {
            "joined": other_ca.rstrip() + ca,
            "blank line": ca.replace(b"\n-----END", b"\n\n-----END"),
            "lines of 253": rewrapped(ca, 253),
            "CRLF, lines of 252": rewrapped(ca, 252).replace(b"\n", b"\r\n"),
            "two characters for a line break": ca.replace(b"\n", b"\\n"),
            "a string of JSON": json.dumps(ca.decode()).encode(),
            "indented": ca.replace(b"-----BEGIN", b" -----BEGIN").replace(b"\n", b"\n\t "),
            "END indented": ca.replace(b"-----END", b"  -----END"),
            "byte order mark": b"\xef\xbb\xbf" + ca,
        }
        (tmp_path / "a bundle").write_bytes(damaged[kind])
        finding = only(mutual_findings(ca_pem_path=tmp_path / "a bundle"))
        assert finding.code == "pem-malformed"
        subprocess.run(
            finding.command, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=120
        )
        assert mutual_findings(ca_pem_path=tmp_path / "fixed.pem") == ()


class TestChains:
    @pytest.mark.trips("chain-order")
    @pytest.mark.parametrize("stray", [False, True], ids=["a reversed file", "with a stranger"])
    def test_the_command_writes_the_chain_in_order(self, trio, tmp_path, settings, stray):
        upper = minting.mint("upper", issuer=trio.ca, ca=True, which=4)
        lower = minting.mint("lower", issuer=upper, ca=True, which=5)
        leaf = minting.client(lower)
        reverse = (minting.mint("stranger", which=6).pem if stray else b"") + upper.pem + lower.pem
        pair = {"client_key_path": tmp_path / "client.key", "ca_pem_path": tmp_path / "ca.pem"}
        (tmp_path / "client.key").touch(mode=0o600)
        (tmp_path / "client.key").write_bytes(leaf.key_pem)
        (tmp_path / "ca.pem").write_bytes(trio.ca.pem)
        (tmp_path / "a chain").write_bytes(b"a comment\n" + reverse + leaf.pem)

        def findings(chain: str):
            made = settings(client_pem_path=tmp_path / chain, **pair)
            return check(made, online=False).findings

        finding = findings("a chain")[0]
        assert finding.code == "chain-order"
        subprocess.run(finding.command, shell=True, cwd=tmp_path, check=True, timeout=120)
        assert (tmp_path / "chain.pem").read_bytes() == leaf.pem + lower.pem + upper.pem
        assert findings("chain.pem") == ()


class TestKeys:
    def test_the_command_in_the_remedy_keeps_every_anchor_and_no_key(
        self, trio, file_findings, tmp_path
    ):
        other_ca = minting.mint("other CA", which=8)
        (tmp_path / "a bundle").write_bytes(trio.ca.pem + trio.ca.key_pem + other_ca.pem)
        finding = only(file_findings(ca_pem_path=tmp_path / "a bundle"))
        subprocess.run(
            finding.command, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=120
        )
        assert file_findings(ca_pem_path=tmp_path / "trust.pem") == ()
        copied = x509.load_pem_x509_certificates((tmp_path / "trust.pem").read_bytes())
        assert copied == [trio.ca.certificate, other_ca.certificate]
