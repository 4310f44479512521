"""Certificates made by the Milvus guide's own openssl.cnf and gen.sh, as its readers make them.

``tests/guide`` holds both files as the guide prints them. The certificates have ``localhost`` as
a common name and no subjectAltName, and CA, server and client share subject parts.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymilvus import MilvusClient

from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.diagnosis.check import check
from milvus_secure.server.embedded.server import EmbeddedMilvus
from real_milvus import ROOT_TOKEN, real_milvus

GUIDE = Path(__file__).parents[2] / "support" / "guide"
Settings = Callable[..., MilvusSettings]


@pytest.fixture(scope="module")
def guide_certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``cert`` in which the guide tells its reader to run gen.sh."""
    if not shutil.which("openssl"):
        pytest.skip("gen.sh of the guide needs the openssl command")
    folder = tmp_path_factory.mktemp("guide") / "cert"
    shutil.copytree(GUIDE, folder, ignore=shutil.ignore_patterns("current"))
    subprocess.run(["sh", "gen.sh"], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def guide_one_way(settings: Settings, guide_certs: Path) -> Iterator[MilvusSettings]:
    """Settings for a server that runs in one-way TLS, as the guide's first example has them."""
    with embedded(guide_certs) as server:
        yield settings(uri=server.uri, server_pem_path=guide_certs / "server.pem")


@pytest.fixture
def guide_mutual(settings: Settings, guide_certs: Path) -> Iterator[MilvusSettings]:
    """Settings for a server that runs in mutual TLS, as the guide's second example has them."""
    with embedded(guide_certs, ca_pem_path=guide_certs / "ca.pem") as server:
        yield settings(uri=server.uri, **mutual_paths(guide_certs))


def embedded(certs: Path, **more: Path) -> EmbeddedMilvus:
    return EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key", **more
    )


def mutual_paths(certs: Path) -> dict[str, Path]:
    return {
        "ca_pem_path": certs / "ca.pem",
        "client_pem_path": certs / "client.pem",
        "client_key_path": certs / "client.key",
    }


def collections(settings: MilvusSettings) -> list[str]:
    """The collections that a client made by pymilvus with these settings lists."""
    client = MilvusClient(**settings.client_kwargs())
    try:
        return client.list_collections()
    finally:
        client.close()


def test_gen_sh_makes_the_nine_files_the_guide_names(guide_certs):
    made = {path.name for path in guide_certs.iterdir()} - {"openssl.cnf", "gen.sh"}
    pairs = {f"{role}.{kind}" for role in ("server", "client") for kind in ("key", "pem", "csr")}
    assert made == {"ca.key", "ca.pem", "ca.srl"} | pairs


def test_they_connect_in_one_way_tls(guide_one_way):
    assert collections(guide_one_way) == []


def test_the_ca_alone_connects_in_one_way_tls(guide_one_way, guide_certs):
    by_ca = guide_one_way.replace(server_pem_path=None, ca_pem_path=guide_certs / "ca.pem")
    assert collections(by_ca) == []


def test_they_connect_in_mutual_tls(guide_mutual):
    assert collections(guide_mutual) == []


def test_the_check_finds_no_error_in_one_way_tls(guide_one_way):
    assert check(guide_one_way).errors == ()


def test_the_check_finds_no_error_in_mutual_tls(guide_mutual):
    assert check(guide_mutual).errors == ()


@pytest.mark.trips("name-cn-only")
def test_the_check_warns_that_there_is_no_subject_alternative_name(guide_mutual):
    assert "name-cn-only" in {finding.code for finding in check(guide_mutual).warnings}


def test_they_connect_to_the_real_milvus_in_mutual_tls(
    settings, guide_certs, milvus_program, tmp_path
):
    with real_milvus(
        milvus_program, tmp_path, tls_mode=TLSMode.MUTUAL, certs=guide_certs, authorization=True
    ) as server:
        client_settings = settings(uri=server.uri, token=ROOT_TOKEN, **mutual_paths(guide_certs))
        assert collections(client_settings) == []
