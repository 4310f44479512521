"""The verdict on the files of both ends is what the real Milvus then does."""

from __future__ import annotations

from pathlib import Path

import pytest

import minting
from milvus_secure import MilvusSettings, TLSMode, check
from milvus_secure.server.check import check_server
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.milvus_yaml import milvus_yaml
from real_milvus import ROOT_TOKEN, RunningMilvus


@pytest.fixture
def unknown_client(tmp_path: Path) -> Path:
    """A CA and a client that the server does not know."""
    ca = minting.mint("Other CA", which=11)
    stranger = minting.mint("stranger", issuer=ca, usages=[minting.CLIENT], which=12)
    (tmp_path / "ca.pem").write_bytes(ca.pem)
    (tmp_path / "client.pem").write_bytes(stranger.pem)
    (tmp_path / "client.key").touch(0o600)
    (tmp_path / "client.key").write_bytes(stranger.key_pem)
    return tmp_path


def clients(certs: Path, unknown_client: Path) -> dict[str, dict[str, object]]:
    """Clients of all kinds, by their fault."""
    pair = {"client_pem_path": certs / "client.pem", "client_key_path": certs / "client.key"}
    stranger = {
        "client_pem_path": unknown_client / "client.pem",
        "client_key_path": unknown_client / "client.key",
    }
    ours = {"ca_pem_path": certs / "ca.pem"}
    return {
        "nothing, mutual": {**ours, **pair},
        "nothing, one-way": ours,
        "another CA": {"ca_pem_path": unknown_client / "ca.pem", **pair},
        "another name": {**ours, **pair, "server_name": "milvus.example.com"},
        "a stranger's certificate": {**ours, **stranger},
        "plaintext": {"uri": "http", "allow_plaintext": True},
    }


ODD = list(clients(Path(), Path()))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fixture", ["milvus_plaintext", "milvus_one_way", "milvus_mutual"])
def test_the_verdict_on_both_files_is_the_verdict_of_the_endpoint(
    milvus_servers,
    request: pytest.FixtureRequest,
    fixture: str,
    odd: str,
    unknown_client: Path,
    tmp_path: Path,
):
    server: RunningMilvus = request.getfixturevalue(fixture)
    config = tmp_path / "milvus.yaml"
    if server.tls_mode is TLSMode.PLAINTEXT:
        config.write_text("common: {security: {tlsMode: 0}}\n")
    else:
        config.write_text(milvus_yaml(ServerPlan(server.certs, server.tls_mode), str(server.certs)))
    values = clients(server.certs, unknown_client)[odd]
    scheme = values.pop("uri", "https")
    settings = MilvusSettings(
        environ={},
        env_file=None,
        uri=f"{scheme}://localhost:{server.port}",
        token=ROOT_TOKEN if server.authorization else None,
        **values,
    )
    offline, online = check_server(config, settings), check(settings)
    assert offline.ok == online.ok, f"{offline}\n\n{online}"
    if not online.ok:
        assert offline.root_cause.code == online.root_cause.code
