"""The commands that repair or convert a file, and what is no file."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

import minting
from der import rewrapped
from material_findings import foreign


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

    @pytest.mark.parametrize("kind", ["joined", "blank line", "lines of 253", "CRLF, lines of 252"])
    @pytest.mark.trips("pem-malformed")
    def test_the_command_for_damaged_pem_repairs_it(self, kind, trio, tmp_path, mutual_findings):
        ca, other_ca = trio.ca.pem, minting.mint("other CA", which=8).pem
        damaged = {
            "joined": other_ca.rstrip() + ca,
            "blank line": ca.replace(b"\n-----END", b"\n\n-----END"),
            "lines of 253": rewrapped(ca, 253),
            "CRLF, lines of 252": rewrapped(ca, 252).replace(b"\n", b"\r\n"),
        }
        (tmp_path / "a bundle").write_bytes(damaged[kind])
        finding = only(mutual_findings(ca_pem_path=tmp_path / "a bundle"))
        assert finding.code == "pem-malformed"
        subprocess.run(
            finding.command, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=120
        )
        assert mutual_findings(ca_pem_path=tmp_path / "fixed.pem") == ()


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
