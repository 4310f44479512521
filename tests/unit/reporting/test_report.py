"""The report's contract: what is ok, what the root cause is, and the JSON that others parse."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest

from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.reporting.observation import Observation, Step
from milvus_secure.reporting.report import Finding, Report, Severity, Skip, finding, ranked

SCHEMA = json.loads(
    files("milvus_secure.reporting").joinpath("report.schema.json").read_text("utf-8")
)


def make_finding(code: str, **more: object) -> Finding:
    return finding(code, "It is so.", "Change it.", **more)


def report(*findings: Finding, **more: object) -> Report:
    return Report(TLSMode.MUTUAL, ranked(list(findings)), **more)


def test_a_report_with_warnings_alone_is_ok():
    warned = report(make_finding("name-cn-only"))
    assert warned.ok
    assert warned.root_cause is None
    assert [warning.code for warning in warned.warnings] == ["name-cn-only"]


def test_the_root_cause_is_the_most_specific_error():
    mixed_errors = report(
        make_finding("name-mismatch"),
        make_finding("certificate-expired"),
        make_finding("pinned-leaf"),
    )
    assert not mixed_errors.ok
    assert mixed_errors.root_cause.code == "certificate-expired"


def test_errors_come_before_warnings_before_information():
    mixed = report(
        make_finding("value-cleaned"), make_finding("pinned-leaf"), make_finding("tls-failed")
    )
    assert [item.severity.value for item in mixed.findings] == ["error", "warning", "info"]


def test_the_same_finding_is_reported_once():
    assert len(report(make_finding("file-missing"), make_finding("file-missing")).findings) == 1


def test_a_rule_may_lower_the_severity_where_the_peer_tolerates_it():
    assert report(make_finding("usage-not-server", severity=Severity.WARNING)).ok


@pytest.mark.parametrize("field", ["message", "remedy"])
def test_a_finding_without_a_message_or_a_remedy_cannot_be_made(field: str):
    values = {"message": "It is so.", "remedy": "Change it.", field: ""}
    with pytest.raises(ValueError, match="lacks a message or a remedy"):
        finding("file-missing", **values)


def test_a_code_outside_the_catalogue_cannot_be_used():
    with pytest.raises(ValueError, match="not in the catalogue"):
        Finding("no-such-code", Severity.ERROR, "It is so.", "Change it.")


def test_json_matches_the_published_schema():
    observation = Observation("h:1", (Step("tcp", True, "127.0.0.1", 0.01),))
    full = report(
        *(make_finding(code, setting="uri", source="argument") for code in CATALOGUE),
        skipped=(Skip("name-mismatch", "file-missing"),),
        settings={"uri": {"value": "https://h:1", "source": "argument"}},
        server=observation,
    )
    document = json.loads(full.to_json())
    jsonschema.validate(document, SCHEMA)
    several = {"schema_version": 1, "ok": False, "reports": [document, report().to_dict()]}
    jsonschema.validate(several, SCHEMA)


def test_the_schema_refuses_what_it_does_not_know():
    document = report().to_dict() | {"mode": "sideways"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
