"""Rules about names, offline on a pinned certificate and online on the one served."""

from __future__ import annotations

import pytest

from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import names
from milvus_secure.reporting.observation import Observation, TLSHandshake
from minting import mint

OLD, NEW = (1, 67), (1, 85)


@pytest.fixture
def judge_names(settings):
    """Judge a certificate by the rules about names alone."""

    def look_at(cn="x", *sans, host="localhost", grpc=NEW, served=True, **values):
        leaf = mint(cn, sans=sans, ca=values.pop("ca", False))
        observation = (
            Observation(f"{host}:19530", tls=TLSHandshake(chain=(leaf.certificate,)))
            if served
            else None
        )
        if not served:
            values["server_pem"] = leaf.pem.decode()
        loaded = settings(uri=f"https://{host}:19530", **values)
        context = Context(loaded, read_material(loaded), observation, grpc=grpc)
        return judge(context, names.RULES)

    return look_at


def finding_codes(report) -> list[str]:
    return [finding.code for finding in report.findings]


@pytest.mark.passes("name-mismatch")
@pytest.mark.passes("name-cn-only")
@pytest.mark.passes("name-differs-by-grpc")
@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "db.example.com", "10.0.0.7", "[::1]"])
def test_a_certificate_that_contains_the_name_passes(judge_names, host, served):
    sans = ("localhost", "*.example.com", "10.0.0.7", "::1")
    assert finding_codes(judge_names("localhost", *sans, host=host, served=served)) == []


@pytest.mark.trips("name-mismatch")
class TestMismatch:
    def test_every_identifier_is_shown(self, judge_names):
        [finding] = judge_names("cn", "db", "10.0.0.7", "uri:urn:x").errors
        assert (finding.expected, finding.presented) == (
            "localhost",
            "DNS:db, IP:10.0.0.7, URI:urn:x, CN=cn",
        )

    def test_a_thousand_identifiers_are_counted(self, judge_names):
        [finding] = judge_names("cn", *(f"n{i}" for i in range(1000))).errors
        assert finding.presented.endswith("and 993 more")

    def test_a_server_name_that_is_not_needed_is_to_be_unset(self, judge_names):
        [finding] = judge_names("x", "localhost", "10.0.0.7", server_name="milvus.example").errors
        assert finding.remedy.startswith("Unset server_name")

    def test_the_nearest_name_is_the_one_to_set(self, judge_names):
        [finding] = judge_names(
            "x", "other.example", "milvus-db.example", host="milvus-dv.example"
        ).errors
        assert "most similar name is milvus-db.example" in finding.message
        assert "server_name=milvus-db.example" in finding.remedy

    @pytest.mark.parametrize(
        ("san", "host", "why"),
        [
            ("*.example.com", "a.b.example.com", "matches only one label"),
            ("*.example.com", "example.com", "must match one label"),
            ("db*.example.com", "db1.example.com", "whole first label"),
            ("*", "localhost", "needs a domain behind it"),
        ],
    )
    def test_a_wildcard_that_does_not_match_is_explained(self, judge_names, san, host, why):
        [finding] = judge_names("x", san, host=host).errors
        assert why in finding.message

    def test_the_older_grpc_requires_two_labels_after_a_wildcard(self, judge_names):
        [finding] = judge_names("x", "*.local", host="db.local", grpc=OLD).errors
        assert "two labels after" in finding.message

    def test_a_common_name_next_to_dns_names_is_ignored(self, judge_names):
        [finding] = judge_names("localhost", "db").errors
        assert "gRPC ignores the CN" in finding.message

    def test_an_address_is_compared_as_text(self, judge_names):
        [finding] = judge_names("x", "::1", "db", host="[0:0:0:0:0:0:0:1]").errors
        assert "but for ::1" in finding.message
        assert "server_name=::1" in finding.remedy

    def test_an_idn_is_compared_by_its_a_labels(self, judge_names):
        [finding] = judge_names("x", "xn--bcher-kva.example", server_name="bücher.example").errors
        assert "but for xn--bcher-kva.example" in finding.message

    def test_a_certificate_without_names_can_only_be_reissued(self, judge_names):
        [finding] = judge_names(None).errors
        assert "it contains no name" in finding.message
        assert finding.remedy == "Reissue the certificate."
        assert finding.command == "milvus-secure certs repair DIR --name localhost"

    @pytest.mark.parametrize(
        ("values", "setting"), [({}, "uri"), ({"server_name": "db"}, "server_name")]
    )
    def test_the_finding_names_the_setting_that_gave_the_name(self, judge_names, values, setting):
        [finding] = judge_names("x", "y", **values).errors
        assert finding.setting == setting

    def test_control_characters_are_not_shown_raw(self, judge_names):
        [finding] = judge_names("\x1b[31mred").errors
        assert finding.presented == "CN=\\x1b[31mred"


@pytest.mark.trips("name-mismatch")
class TestCallsAreRefusedAfterTheHandshake:
    """From gRPC 1.78 on, each call compares its host once more, by the older rules."""

    @pytest.mark.parametrize(
        ("cn", "sans", "host", "why"),
        [
            ("localhost", ["10.0.0.7"], "localhost", "the name in subjectAltName"),
            ("localhost", ["uri:urn:x"], "localhost", "the name in subjectAltName"),
            ("10.0.0.5", [], "10.0.0.5", "an IP entry"),
            ("x", ["*.local"], "db.local", "two labels"),
        ],
    )
    def test_the_reason_and_the_way_around_are_named(self, judge_names, cn, sans, host, why):
        [finding] = judge_names(cn, *sans, host=host).errors
        assert finding.code == "name-mismatch"
        assert "refuses every call" in finding.message
        assert why in finding.message
        assert f"server_name={host}" in finding.remedy

    @pytest.mark.parametrize(("cn", "host"), [("localhost", "localhost"), ("10.0.0.5", "10.0.0.5")])
    def test_server_name_is_compared_in_the_handshake_alone(self, judge_names, cn, host):
        report = judge_names(cn, "uri:urn:x", host=host, server_name=host)
        assert report.errors == ()

    def test_a_pinned_certificate_is_judged_the_same_offline(self, judge_names):
        [finding] = judge_names("10.0.0.5", host="10.0.0.5", served=False).errors
        assert "refuses every call" in finding.message


def test_the_name_of_a_pinned_ca_is_not_the_servers(judge_names):
    assert finding_codes(judge_names("some CA", served=False, ca=True)) == []


@pytest.mark.trips("name-cn-only")
def test_a_common_name_alone_is_a_warning(judge_names):
    [finding] = judge_names("localhost").warnings
    assert (finding.code, finding.presented) == ("name-cn-only", "CN=localhost")


@pytest.mark.trips("name-differs-by-grpc")
@pytest.mark.parametrize(("cn", "san", "name"), [("x", "*.local", "db.local")])
def test_a_name_that_an_older_grpc_refuses_is_a_warning(judge_names, cn, san, name):
    [finding] = judge_names(cn, san, server_name=name).warnings
    assert (finding.code, "before 1.78" in finding.message) == ("name-differs-by-grpc", True)


def test_a_uri_that_cannot_be_parsed_is_a_visible_skip(settings):
    loaded = settings(uri="nonsense")
    report = judge(Context(loaded, {}), names.RULES)
    assert {skip.because for skip in report.skipped} == {"uri-invalid"}
