"""A real Milvus in tlsMode 1 and 2 starts with a set, and its clients connect."""

from __future__ import annotations

import pytest

from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.certs import CertificateSet
from milvus_secure.client.connect import connect_secure
from real_milvus import real_milvus


def milvus_version(settings, folder, running) -> str:
    """Connects with `connect_secure`, whose own checks must find no fault either."""
    trust = {"ca_pem_path": folder / "ca.pem"}
    if running.tls_mode is TLSMode.MUTUAL:
        trust |= {
            "client_pem_path": folder / "client.pem",
            "client_key_path": folder / "client.key",
        }
    client = connect_secure(settings(uri=running.uri, **trust))
    try:
        return client.get_server_version()
    finally:
        client.close()


@pytest.mark.parametrize(
    ("tls_mode", "options"),
    [
        pytest.param(TLSMode.ONE_WAY, {}, id="one-way-defaults"),
        pytest.param(TLSMode.MUTUAL, {}, id="mutual-defaults"),
        pytest.param(
            TLSMode.MUTUAL,
            {"key_type": "rsa2048", "intermediate_days": 900},
            id="mutual-intermediate-rsa",
        ),
    ],
)
def test_milvus_accepts_a_set(milvus_program, settings, tmp_path, tls_mode, options):
    folder = CertificateSet.create(tmp_path / "certs", **options).directory
    (tmp_path / "data").mkdir()
    with real_milvus(milvus_program, tmp_path / "data", tls_mode=tls_mode, certs=folder) as running:
        assert "2.3.5" in milvus_version(settings, folder, running)


@pytest.mark.parametrize("variant", ["older", "current"])
def test_milvus_accepts_a_repaired_set_in_mutual_mode(
    milvus_program, settings, gen_sh, tmp_path, variant
):
    folder = gen_sh(variant)
    CertificateSet(folder).repair()
    (tmp_path / "data").mkdir()
    with real_milvus(
        milvus_program, tmp_path / "data", tls_mode=TLSMode.MUTUAL, certs=folder
    ) as running:
        assert "2.3.5" in milvus_version(settings, folder, running)
