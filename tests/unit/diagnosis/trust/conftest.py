"""What a server presents and what files hold, judged by the rules about trust alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import minting
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import trust
from milvus_secure.reporting.observation import Observation, TLSHandshake
from milvus_secure.reporting.report import Report
from minting import Minted


@pytest.fixture
def judge_trust(settings, tmp_path: Path):
    """Judge what a server presents and what files hold, by the rules about trust alone."""

    def look_at(*, served: Minted | bytes | None = None, now=None, **material: object) -> Report:
        paths = {}
        for slot, content in material.items():
            if slot == "client_key" or isinstance(content, bytes | Minted):
                path = tmp_path / slot
                path.write_bytes(content.chain_pem if isinstance(content, Minted) else content)
                paths[f"{slot}_path"] = path
            else:
                paths[slot] = content
        loaded = settings(**paths)
        observation = None
        if served is not None:
            pem = served.chain_pem if isinstance(served, Minted) else served
            chain = tuple(minting.x509.load_pem_x509_certificates(pem))
            observation = Observation(
                "localhost:19530", tls=TLSHandshake(version="TLSv1.3", chain=chain)
            )
        clock = {"now": now} if now else {}
        return judge(Context(loaded, read_material(loaded), observation, **clock), trust.RULES)

    return look_at
