"""Client and server judged together, from the files of both."""

from __future__ import annotations

from pathlib import Path

import pytest

import minting
from milvus_secure import MilvusSettings, Severity
from milvus_secure.cli import main
from milvus_secure.server.check import check_server


@pytest.fixture
def generated_client(compose: Path):
    """The settings that were generated with the server's, with some changed."""

    def make(**changes: object) -> MilvusSettings:
        env = compose.with_name("client.env")
        return MilvusSettings(environ={}, env_file=env, cwd=compose.parent, **changes)

    return make


def errors_with_client(compose: Path, settings: MilvusSettings) -> list[str]:
    return [error.code for error in check_server(compose, settings).errors]


def test_the_generated_client_fits_the_generated_server(compose: Path, generated_client):
    report = check_server(compose, generated_client())
    assert report.ok, str(report)
    assert str(report).startswith("ok: This client fits the server configured by")


def test_a_name_that_the_certificate_does_not_contain(compose: Path, generated_client):
    assert errors_with_client(
        compose, generated_client(uri="https://milvus.example.com:19530")
    ) == ["name-mismatch"]


def test_another_ca(compose: Path, generated_client, tmp_path: Path):
    foreign_ca = tmp_path / "other.pem"
    foreign_ca.write_bytes(minting.mint("Other CA", which=8).pem)
    assert (
        errors_with_client(compose, generated_client(ca_pem_path=foreign_ca))[0]
        == "chain-untrusted"
    )


def test_a_server_certificate_made_for_clients(compose: Path, generated_client, trio):
    wrong = minting.mint(
        "server", sans=["localhost"], issuer=trio.ca, which=2, usages=[minting.CLIENT]
    )
    (compose.parent / "tls/server.pem").write_bytes(wrong.pem)
    assert errors_with_client(compose, generated_client()) == ["usage-not-server"]


def test_a_client_without_a_certificate_at_a_mutual_server(compose: Path, certs: Path):
    one_way = MilvusSettings.from_arguments(ca_pem_path=certs / "ca.pem")
    assert errors_with_client(compose, one_way) == ["client-certificate-required"]


def test_a_client_certificate_of_another_ca(compose: Path, generated_client, tmp_path: Path):
    stranger = minting.mint(
        "stranger", issuer=minting.mint("Foreign CA", which=7), which=3, usages=[minting.CLIENT]
    )
    pem, key = tmp_path / "stranger.pem", tmp_path / "stranger.key"
    pem.write_bytes(stranger.pem)
    key.touch(0o600)
    key.write_bytes(stranger.key_pem)
    codes = errors_with_client(compose, generated_client(client_pem_path=pem, client_key_path=key))
    assert codes == ["client-certificate-rejected"]


def test_tls_to_a_plaintext_server(compose: Path, generated_client, change):
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", "tlsMode: 0")
    assert errors_with_client(compose, generated_client()) == ["server-plaintext"]


def test_plaintext_to_a_tls_server(compose: Path):
    plain = MilvusSettings.from_arguments(uri="http://localhost:19530", allow_plaintext=True)
    assert errors_with_client(compose, plain) == ["server-requires-tls"]


def test_the_servers_own_faults_are_in_the_same_report(compose: Path, generated_client, change):
    change(compose.with_name("milvus.yaml"), "port: 8080", "port: 19530")
    assert "server-rest-port-shared" in errors_with_client(compose, generated_client())


def test_check_server_on_the_command_line_does_the_same(compose: Path, capsys):
    env = str(compose.with_name("client.env"))
    assert main(["server", "check", str(compose), "--client", env]) == 0
    assert "This client fits" in capsys.readouterr().out
    assert main(["server", "check", str(compose), "--client", env, "--format", "json"]) == 0
    assert '"mode": "mutual"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "severity"), [("mutual", Severity.ERROR), ("auto", Severity.WARNING)]
)
def test_a_client_certificate_that_the_server_does_not_request(
    compose: Path, generated_client, change, mode: str, severity: Severity
):
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", "tlsMode: 1")
    report = check_server(compose, generated_client(tls_mode=mode))
    assert {item.code: item.severity for item in report.findings} == {
        "client-certificate-not-requested": severity
    }


def test_a_server_whose_mode_is_unknown_is_not_judged(tmp_path: Path, generated_client):
    path = tmp_path / "values.yaml"
    path.write_text("customConfigMap: mine\nattu: {}\n")
    report = check_server(path, generated_client())
    assert {item.code for item in report.findings} == {"server-not-judged"}
    assert str(report).startswith("not judged:")


def test_a_certificate_in_the_cluster_is_named_as_not_judged(
    certs: Path, tmp_path: Path, generated_client
):
    main(["server", "config", "--certs", str(certs), "--target", "helm", "--out", str(tmp_path)])
    client = generated_client(tls_mode="auto", client_pem_path=None, client_key_path=None)
    report = check_server(tmp_path / "values.yaml", client)
    assert str(report).startswith("ok: As far as the files tell, this client fits the server")


def test_a_client_without_a_certificate_is_refused_even_if_the_servers_ca_is_unknown(
    compose: Path, certs: Path, tmp_path: Path
):
    config = tmp_path / "alone.yaml"
    config.write_text(compose.with_name("milvus.yaml").read_text())
    one_way = MilvusSettings.from_arguments(ca_pem_path=certs / "ca.pem")
    assert errors_with_client(config, one_way) == ["client-certificate-required"]
