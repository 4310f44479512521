"""Fixtures that check or probe an endpoint on loopback, and the embedded Milvus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from milvus_secure.diagnosis.check import check, judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.probe import probe
from milvus_secure.diagnosis.rules import RULES
from milvus_secure.reporting.observation import Observation
from milvus_secure.reporting.report import Report
from milvus_secure.server.embedded.server import EmbeddedMilvus


@pytest.fixture
def look(settings, certs: Path) -> Callable[..., Report]:
    """Check an endpoint on loopback, trusting the test CA by default."""

    def at(port: int, *, host: str = "localhost", scheme: str = "https", **values) -> Report:
        if scheme == "https":
            values.setdefault("ca_pem_path", certs / "ca.pem")
        values.setdefault("timeout", 10)
        return check(settings(uri=f"{scheme}://{host}:{port}", **values))

    return at


@pytest.fixture
def observe(settings, certs: Path) -> Callable[..., Observation]:
    """Probe an endpoint on loopback with a healthy client's material."""

    def at(
        port: int, *, host: str = "localhost", timeout: float = 10, scheme: str = "https", **values
    ) -> Observation:
        if scheme == "https":
            values.setdefault("ca_pem_path", certs / "ca.pem")
        made = settings(uri=f"{scheme}://{host}:{port}", **values)
        observation = probe(Context(made, read_material(made)), timeout=timeout)
        report = judge(Context(made, read_material(made), observation), RULES)
        assert report.ok == (observation.milvus is not None and observation.milvus.code == 0), (
            "a failed probe yields a finding"
        )
        assert "internal-error" not in {finding.code for finding in report.findings}
        return observation

    return at


@pytest.fixture
def embedded_one_way(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key"
    ) as server:
        yield server


@pytest.fixture
def embedded_mutual(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem",
        server_key_path=certs / "server.key",
        ca_pem_path=certs / "ca.pem",
    ) as server:
        yield server
