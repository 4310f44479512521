"""The real Milvus starts from the generated files, and the generated client settings fit it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from milvus_secure import MilvusSettings, TLSMode, connect_secure
from milvus_secure.server.config import TARGETS, ServerPlan
from milvus_secure.server.config.milvus_yaml import milvus_yaml
from real_milvus import ROOT_TOKEN, free_ports, real_milvus


@pytest.mark.parametrize("mode", [TLSMode.ONE_WAY, TLSMode.MUTUAL], ids=str)
def test_both_generated_ends_meet(
    milvus_program: Path, milvus_certs: Path, tmp_path: Path, mode: TLSMode
):
    plan = ServerPlan(milvus_certs, mode, authorization=True, rest_port=free_ports(1)[0])

    def configure(folder: Path) -> None:
        config = folder / "milvus.yaml"
        patched = replace(plan, template=config.read_text())
        config.write_text(milvus_yaml(patched, str(milvus_certs)))

    env = tmp_path / "client.env"
    env.write_bytes(TARGETS["compose"](plan)["client.env"])
    data = tmp_path / "data"
    data.mkdir()
    with real_milvus(
        milvus_program,
        data,
        tls_mode=mode,
        certs=milvus_certs,
        authorization=True,
        configure=configure,
    ) as server:
        settings = MilvusSettings(
            environ={}, env_file=env, cwd=tmp_path, uri=server.uri, token=ROOT_TOKEN
        )
        assert settings.tls_mode is mode
        client = connect_secure(settings)
        client.create_collection("generated", dimension=4, consistency_level="Strong")
        client.insert("generated", [{"id": n, "vector": [n, 1, 2, 3]} for n in range(100)])
        [hits] = client.search("generated", data=[[7, 1, 2, 3]], limit=1)
        client.close()
    assert len(hits) == 1
