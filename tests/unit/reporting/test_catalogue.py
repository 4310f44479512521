"""Every finding has a code, a rule, an explanation, a case that trips it and one that passes."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from milvus_secure.diagnosis import rules as checks
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.explain import explanations
from milvus_secure.diagnosis.material import read_material
from milvus_secure.reporting.catalogue import CATALOGUE, rank
from milvus_secure.reporting.report import Severity, finding
from milvus_secure.server.check import rules as server_rules

TESTS = Path(__file__).parents[2]

RAISED_WHILE_LOADING = {
    "config-file-missing",
    "config-file-malformed",
    "profile-missing",
    "config-unknown-key",
    "env-unknown",
    "pymilvus-variable",
    "value-invalid",
    "secrets-dir-unused",
    "value-cleaned",
    # By the readers of a server's files.
    "server-file-refused",
    "server-manifest-refused",
    "server-variable-unset",
}
RULES = (*checks.RULES, *server_rules.RULES)


@cache
def marked() -> dict[str, set[str]]:
    """The codes that ``pytest.mark.trips`` and ``passes`` name anywhere in the tests."""
    codes: dict[str, set[str]] = {"trips": set(), "passes": set()}
    for path in TESTS.rglob("*.py"):
        text = path.read_text("utf-8")
        for mark, code in re.findall(r'\bmark\.(trips|passes)\(\s*"([^"]+)"', text):
            codes[mark].add(code)
    return codes


class TestEveryCode:
    """Each test lists all codes that break its rule."""

    def test_has_an_explanation(self):
        assert set(CATALOGUE) - set(explanations()) == set()

    def test_is_found_by_a_rule_or_while_loading(self):
        by_rule = {rule.code for rule in RULES}
        assert set(CATALOGUE) - by_rule - RAISED_WHILE_LOADING == set()
        assert by_rule & RAISED_WHILE_LOADING == set()

    def test_has_a_case_that_trips_it(self):
        assert set(CATALOGUE) - marked()["trips"] == set()

    def test_has_a_healthy_neighbour(self):
        assert set(CATALOGUE) - marked()["passes"] == set()

    def test_has_a_severity_and_a_kebab_case_name(self):
        kebab_case = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
        assert [code for code in CATALOGUE if not kebab_case.fullmatch(code)] == []
        assert {entry.severity for entry in CATALOGUE.values()} <= set(Severity)


class TestTheCatalogue:
    def test_no_two_rules_share_a_code(self):
        repeated = {c: n for c, n in Counter(r.code for r in checks.RULES).items() if n > 1}
        assert repeated == {}

    def test_rules_are_in_the_package_of_their_area(self):
        rooms = {entry.area for entry in CATALOGUE.values()} - {"server"}
        misplaced = [
            (room, rule.code)
            for room in rooms
            for rule in import_module(f"milvus_secure.diagnosis.rules.{room}").RULES
            if CATALOGUE[rule.code].area != room and rule.code != "internal-error"
        ]
        assert misplaced == []

    def test_no_marker_names_a_code_that_is_not_there(self):
        assert (marked()["trips"] | marked()["passes"]) - set(CATALOGUE) == set()

    def test_the_root_cause_is_the_specific_one(self):
        specific_first = [
            ("file-missing", "key-mismatch"),
            ("chain-untrusted", "certificate-expired"),
            ("chain-untrusted", "usage-not-server"),
            ("presented-certificate-differs", "chain-untrusted"),
            ("issuer-key-mismatch", "chain-untrusted"),
            ("chain-untrusted", "name-mismatch"),
            ("server-plaintext", "tls-failed"),
            ("client-certificate-required", "tls-failed"),
        ]
        assert [pair for pair in specific_first if rank(pair[0]) >= rank(pair[1])] == []


class TestTheCrashGuard:
    @pytest.fixture
    def context(self, settings, certs) -> Context:
        loaded = settings(uri="https://localhost:19530", ca_pem_path=certs / "ca.pem")
        return Context(loaded, read_material(loaded))

    @pytest.mark.trips("internal-error")
    def test_a_rule_that_raises_becomes_a_finding(self, context):
        def broken(context):
            raise RuntimeError("s3cret")
            yield

        outcome = checks.run(context, [checks.Rule("name-mismatch", broken)])
        [finding] = outcome.findings
        assert (finding.code, finding.severity) == ("internal-error", Severity.ERROR)
        assert finding.presented == "name-mismatch"
        assert "RuntimeError" in finding.message
        assert "s3cret" not in repr(finding)
        assert outcome.skipped == outcome.judged == ()

    @pytest.mark.trips("internal-error")
    def test_the_other_rules_are_still_judged(self, context):
        def broken(context):
            raise KeyError

        def sound(context):
            yield finding("name-mismatch", "It is another.", "Correct it.")

        rules = [checks.Rule("name-mismatch", broken), checks.Rule("name-mismatch", sound)]
        findings = checks.run(context, rules).findings
        assert [finding.code for finding in findings] == ["internal-error", "name-mismatch"]

    @pytest.mark.passes("internal-error")
    def test_a_sound_set_up_crashes_no_rule(self, context):
        findings = checks.run(context, checks.RULES).findings
        assert "internal-error" not in {finding.code for finding in findings}
