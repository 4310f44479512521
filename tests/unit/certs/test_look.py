"""certs show, status, export and sign, through the command line."""

from __future__ import annotations

import argparse
import json
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

import minting
from milvus_secure.certs import CertificateSet
from milvus_secure.cli.certs import add_parser
from milvus_secure.errors import CertificateError


def certs_command(*arguments: object) -> int:
    """Run ``milvus-secure certs``; errors come as they are raised."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["certs", *map(str, arguments)])
    return parsed.run(parsed)


@pytest.fixture
def fresh_set(tmp_path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "certs")


@pytest.fixture
def password(tmp_path) -> Path:
    path = tmp_path / "password"
    path.write_text("opensesame\n")
    return path


def test_show_names_the_certificate_of_each_key(fresh_set, capsys):
    assert certs_command("show", fresh_set.directory, "--format", "json") == 0
    files = {Path(file["file"]).name: file for file in json.loads(capsys.readouterr().out)["files"]}
    owners = {name: file["keys"][0]["belongs_to"] for name, file in files.items() if file["keys"]}
    assert owners == {
        f"{stem}.key": str(fresh_set.directory / f"{stem}.pem")
        for stem in ("ca", "server", "client")
    }


def test_show_recognizes_a_key_of_another_set(fresh_set, tmp_path, capsys):
    other_set = CertificateSet.create(tmp_path / "other")
    certs_command("show", fresh_set.server_pem, other_set.server_key)
    assert "belongs to no certificate shown" in capsys.readouterr().out


def test_show_prints_every_field_of_a_certificate(fresh_set, capsys):
    certs_command("show", fresh_set.server_pem, "--format", "json")
    [shown] = json.loads(capsys.readouterr().out)["files"][0]["certificates"]
    fixed = {
        key: shown[key]
        for key in (
            "subject",
            "identifiers",
            "ca",
            "key",
            "key_usage",
            "extended_key_usage",
            "days_left",
        )
    }
    assert fixed == {
        "subject": "CN=localhost",
        "identifiers": ["localhost", "IP:127.0.0.1"],
        "ca": False,
        "key": "p256",
        "key_usage": ["digitalSignature"],
        "extended_key_usage": ["serverAuth"],
        "days_left": 364,
    }


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ((0, 1), "in order, leaf first"),
        ((1, 0), "not in order"),
    ],
)
def test_show_describes_the_order_of_a_chain(fresh_set, tmp_path, capsys, order, words):
    pems = [fresh_set.server_pem.read_bytes(), fresh_set.ca_pem.read_bytes()]
    (tmp_path / "chain.pem").write_bytes(b"".join(pems[place] for place in order))
    certs_command("show", tmp_path / "chain.pem")
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("form", ["der", "p12", "key.der", "csr.der"])
def test_show_reads_more_than_pem(fresh_set, tmp_path, password, capsys, form):
    path = tmp_path / f"file.{form}"
    if form == "p12":
        path.write_bytes(fresh_set.export_pkcs12("opensesame"))
    elif form == "der":
        path.write_bytes(ssl.PEM_cert_to_DER_cert(fresh_set.client_pem.read_text()))
    elif form == "key.der":
        key = serialization.load_pem_private_key(fresh_set.client_key.read_bytes(), None)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    else:
        request = x509.load_pem_x509_csr((fresh_set.directory / "client.csr").read_bytes())
        path.write_bytes(request.public_bytes(serialization.Encoding.DER))
    assert certs_command("show", path, "--password-file", password) == 0
    assert "p256" in capsys.readouterr().out


def test_show_never_prints_a_key(fresh_set, capsys):
    certs_command("show", fresh_set.directory)
    certs_command("show", fresh_set.directory, "--format", "json")
    body = fresh_set.client_key.read_text().splitlines()[1]
    assert body not in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 9, b"hello", None])
def test_show_names_what_it_cannot_read_and_shows_the_rest(fresh_set, tmp_path, capsys, data):
    if data is not None:
        (tmp_path / "odd").write_bytes(data)
    assert certs_command("show", tmp_path / "odd", fresh_set.ca_pem) == 1
    shown = capsys.readouterr()
    assert str(tmp_path / "odd") in shown.err
    assert "Milvus CA" in shown.out


def test_a_wrong_password_is_named(fresh_set, tmp_path, password, capsys):
    (tmp_path / "client.p12").write_bytes(fresh_set.export_pkcs12("another word"))
    assert certs_command("show", tmp_path / "client.p12", "--password-file", password) == 1
    assert "cannot be decrypted with this password" in capsys.readouterr().err


def test_a_password_may_come_through_a_pipe(fresh_set):
    readable, writable = os.pipe()
    os.write(writable, b"open sesame\n")
    os.close(writable)
    assert (
        certs_command("export", fresh_set.directory, "--password-file", f"/dev/fd/{readable}") == 0
    )
    os.close(readable)
    store = (fresh_set.directory / "client.p12").read_bytes()
    assert load_pkcs12(store, b"open sesame").key is not None


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_password_file_that_cannot_be_read_is_named(name, fresh_set, tmp_path):
    file = tmp_path / name
    with pytest.raises(CertificateError, match="cannot be read"):
        certs_command("export", fresh_set.directory, "--password-file", file)


def test_a_password_too_short_for_java_is_refused(fresh_set):
    with pytest.raises(CertificateError, match="shorter than the 6"):
        fresh_set.export_pkcs12("short")


def status(capsys, *arguments: object) -> tuple[int, str]:
    code = certs_command("status", *arguments)
    return code, capsys.readouterr().out


def test_status_is_sorted_by_what_expires_first(tmp_path, capsys):
    fresh_set = CertificateSet.create(tmp_path / "certs", days=200, ca_days=900)
    fresh_set.add_client("ingest", days=100)
    code, output = status(capsys, fresh_set.directory)
    assert code == 0
    assert [word.rpartition("/")[2] for word in output.split() if word.endswith(".pem")] == [
        "ingest.pem",
        "client.pem",
        "server.pem",
        "ca.pem",
    ]


@pytest.mark.parametrize(("days", "state", "code"), [(365, "ok", 0), (10, "expiring", 1)])
def test_status_exits_with_1_when_action_is_needed(tmp_path, capsys, days, state, code):
    fresh_set = CertificateSet.create(tmp_path / "certs", days=days)
    status_code, output = status(capsys, fresh_set.server_pem)
    assert (status_code, output.split()[0]) == (code, state)


@pytest.mark.parametrize(
    ("defect", "state"),
    [
        ({"start": -minting.dt.timedelta(days=9), "days": 8}, "expired"),
        ({"start": minting.dt.timedelta(days=2)}, "not-yet-valid"),
    ],
)
def test_status_shows_what_is_not_valid_now(tmp_path, capsys, defect, state):
    (tmp_path / "odd.pem").write_bytes(minting.mint("odd", **defect).pem)
    assert status(capsys, tmp_path / "odd.pem")[1].split()[0] == state


def test_status_reads_the_files_that_the_settings_name(fresh_set, tmp_path, capsys):
    code, output = status(
        capsys,
        "--ca-pem-path",
        fresh_set.ca_pem,
        "--client-pem-path",
        tmp_path / "missing.pem",
        "--format",
        "json",
    )
    rows = {row["setting"]: row["state"] for row in json.loads(output)["certificates"]}
    assert (code, rows) == (1, {"client_pem_path": "unreadable", "ca_pem_path": "ok"})


def test_a_directory_without_certificates_fails_the_status(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code, output = status(capsys, tmp_path / "empty")
    assert (code, output.split()[0]) == (1, "unreadable")
    assert certs_command("show", tmp_path / "empty") == 1
    assert "contains no certificate, key or request" in capsys.readouterr().err


def test_show_fits_into_80_columns_of_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("milvus_secure.cli.certs_inspect.text_width", lambda: 80)
    monkeypatch.chdir(tmp_path)
    names = [f"node-{number}.milvus.example.com" for number in range(9)]
    CertificateSet.create("certs", names, intermediate_days=900)
    certs_command("show", "certs")
    certs_command("status", "certs")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_in_a_pipe_each_field_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"node-{number}.milvus.example.com" for number in range(9)]
    CertificateSet.create("certs", names)
    certs_command("show", "certs/server.pem")
    [line] = [line for line in capsys.readouterr().out.splitlines() if "identifiers" in line]
    assert line.endswith(", ".join(names))


def test_status_for_prometheus_has_help_type_and_seconds(fresh_set, capsys):
    _, output = status(capsys, fresh_set.server_pem, "--format", "prometheus")
    end = x509.load_pem_x509_certificate(fresh_set.server_pem.read_bytes()).not_valid_after_utc
    labels = f'setting="file",origin="{fresh_set.server_pem}",subject="CN=localhost"'
    name = "milvus_secure_certificate_not_after_seconds"
    assert f"# TYPE {name} gauge" in output
    assert f"{name}{{{labels}}} {int(end.timestamp())}" in output


def test_a_request_whose_signature_is_broken_is_not_signed(fresh_set, tmp_path):
    request = x509.load_pem_x509_csr((fresh_set.directory / "client.csr").read_bytes())
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[der.index(b"client")] ^= 1  # another name under the same signature
    (tmp_path / "x.csr").write_bytes(der)
    with pytest.raises(CertificateError, match="signature"):
        certs_command("sign", tmp_path / "x.csr", "--dir", fresh_set.directory, "--role", "client")
    assert not (tmp_path / "x.pem").exists()


@pytest.mark.parametrize("data", [b"garbage", b"", b"0\x03\x02\x01\x05"])
def test_a_file_that_is_not_a_request_is_not_signed(fresh_set, tmp_path, data):
    (tmp_path / "x.csr").write_bytes(data)
    with pytest.raises(CertificateError, match="no certificate request"):
        certs_command("sign", tmp_path / "x.csr", "--dir", fresh_set.directory, "--role", "client")


def test_a_request_with_a_key_grpc_refuses_is_not_signed(fresh_set, tmp_path):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(minting.key("ed25519"), None)
    )
    (tmp_path / "x.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(CertificateError, match="ed25519"):
        certs_command("sign", tmp_path / "x.csr", "--dir", fresh_set.directory, "--role", "client")
