"""What the probe sees of the real Milvus in tlsMode 0, 1 and 2."""

from __future__ import annotations

import pytest

import minting
from milvus_secure.diagnosis.check import check
from milvus_secure.reporting.report import Report
from real_milvus import ROOT_TOKEN, RunningMilvus
from verdicts import cause


@pytest.fixture
def look_at_milvus(settings):
    def at(server: RunningMilvus, **values) -> Report:
        values.setdefault("uri", server.uri)
        if values["uri"].startswith("https"):
            values.setdefault("ca_pem_path", server.certs / "ca.pem")
        return check(settings(**values))

    return at


@pytest.fixture
def milvus_client_pair(milvus_certs):
    return {
        "client_pem_path": milvus_certs / "client.pem",
        "client_key_path": milvus_certs / "client.key",
    }


def as_http(server: RunningMilvus) -> str:
    return f"http://localhost:{server.port}"


class TestPlaintext:
    def test_it_is_healthy(self, milvus_plaintext, look_at_milvus):
        report = look_at_milvus(milvus_plaintext, allow_plaintext=True)

        assert report.errors == ()
        assert report.server.milvus.version.startswith("v2.3")

    @pytest.mark.trips("database-missing")
    def test_a_database_that_is_not_there(self, milvus_plaintext, look_at_milvus):
        report = look_at_milvus(milvus_plaintext, allow_plaintext=True, db_name="no_such_database")
        assert cause(report) == "database-missing"
        assert "no_such_database" in report.root_cause.presented

    @pytest.mark.passes("database-missing")
    def test_the_default_database(self, milvus_plaintext, look_at_milvus):
        assert look_at_milvus(milvus_plaintext, allow_plaintext=True, db_name="default").ok


class TestOneWay:
    def test_it_is_healthy(self, milvus_one_way, look_at_milvus):
        report = look_at_milvus(milvus_one_way)

        assert report.errors == ()
        assert report.server.tls.request is None

    def test_a_client_pair_is_ignored(self, milvus_one_way, look_at_milvus, milvus_client_pair):
        assert look_at_milvus(milvus_one_way, **milvus_client_pair).errors == ()


class TestMutual:
    def test_it_is_healthy(self, milvus_mutual, look_at_milvus, milvus_client_pair):
        report = look_at_milvus(milvus_mutual, token=ROOT_TOKEN, **milvus_client_pair)

        assert report.errors == ()
        assert report.server.tls.request.accepted is True

    @pytest.mark.trips("client-certificate-required")
    def test_it_requires_a_client_certificate_and_names_its_issuers(
        self, milvus_mutual, look_at_milvus
    ):
        report = look_at_milvus(milvus_mutual)

        assert cause(report) == "client-certificate-required"
        assert "CN=test CA" in report.root_cause.expected

    @pytest.mark.trips("client-certificate-rejected")
    @pytest.mark.parametrize("usage", [minting.CLIENT, minting.SERVER])
    def test_it_refuses_a_foreign_or_misused_certificate(
        self, milvus_mutual, look_at_milvus, trio, tmp_path, usage
    ):
        issuer = minting.mint("other CA", which=5) if usage == minting.CLIENT else trio.ca
        client = minting.mint("stranger", issuer=issuer, usages=[usage], which=6)
        (tmp_path / "c.pem").write_bytes(client.pem)
        (tmp_path / "c.key").write_bytes(client.key_pem)
        report = look_at_milvus(
            milvus_mutual, client_pem_path=tmp_path / "c.pem", client_key_path=tmp_path / "c.key"
        )

        [finding] = [f for f in report.errors if f.code == "client-certificate-rejected"]
        assert "CN=test CA" in finding.expected
        assert "alert" in finding.presented

    @pytest.mark.trips("server-requires-tls")
    def test_plaintext_is_refused(self, milvus_mutual, look_at_milvus):
        report = look_at_milvus(milvus_mutual, uri=as_http(milvus_mutual), allow_plaintext=True)

        assert cause(report) == "server-requires-tls"
