"""`explain`: every code has a long help text, and raw exceptions are recognized."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from milvus_secure import MilvusSecureError, SecureConnectionError, TLSMode, explain
from milvus_secure.diagnosis.explain import Explanation, explanations
from milvus_secure.errors import SettingsError
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.reporting.report import Report, finding
from verdicts import most_likely

PARTS = [part.name for part in fields(Explanation)]


class TestEveryCode:
    """Each test lists all codes that break its rule."""

    def test_has_an_explanation_and_every_explanation_has_a_code(self):
        assert set(explanations()) == set(CATALOGUE)

    def test_contains_every_part(self):
        empty = {
            code: [part for part in PARTS if not getattr(explanation, part).strip()]
            for code, explanation in explanations().items()
        }
        assert {code: parts for code, parts in empty.items() if parts} == {}

    def test_fits_80_columns_without_colour(self):
        wide = {
            code: [line for line in explain(code).splitlines() if len(line) > 80 or "\x1b" in line]
            for code in CATALOGUE
        }
        assert {code: lines for code, lines in wide.items() if lines} == {}

    def test_begins_with_code_severity_and_title(self):
        wrong = {
            code: explain(code).splitlines()[0]
            for code, entry in CATALOGUE.items()
            if not explain(code).startswith(f"{code} ({entry.severity}): {entry.title}")
        }
        assert wrong == {}

    def test_says_whether_it_is_found_offline_or_online(self):
        # `server check` reads files only.
        place = re.compile(r"(?i)\b(off|on)line\b|server check")
        assert [c for c in CATALOGUE if not place.search(explanations()[c].detection)] == []

    def test_refers_only_to_files_of_this_project_that_exist(self):
        root = Path(__file__).parents[3]
        missing = {
            code: path
            for code in CATALOGUE
            for path in re.findall(
                r"(?<!\.io/)\b(?:docs|milvus_secure)/[\w/.-]+\.(?:md|py)", explain(code)
            )
            if not (root / path).exists() and not (root / "src" / path).exists()
        }
        assert missing == {}
        assert "README" not in "".join(map(explain, CATALOGUE))


class TestSubjects:
    def test_a_finding_is_explained_by_its_code(self):
        mismatch = finding("name-mismatch", "It is for another name.", "Connect by that name.")
        assert explain(mismatch) == explain("name-mismatch")

    def test_our_own_exception_is_explained_by_its_root_cause(self):
        cause = finding("key-mismatch", "They differ.", "Use the right one.")
        error = SecureConnectionError(Report(TLSMode.MUTUAL, (cause,)))
        assert explain(error) == explain("key-mismatch")

    def test_a_settings_error_is_explained_by_its_first_finding(self):
        error = SettingsError(finding("profile-missing", "It is not there.", "Add it."))
        assert explain(error) == explain("profile-missing")

    def test_an_unknown_code_names_the_nearest(self):
        with pytest.raises(MilvusSecureError, match="Did you mean 'name-mismatch'"):
            explain("name-missmatch")

    def test_an_unrecognizable_code_points_to_the_list(self):
        with pytest.raises(MilvusSecureError, match="`milvus-secure explain` lists them"):
            explain("\x00zzz" * 1000)


class TestForeignExceptions:
    def test_a_missing_file_is_recognised(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            (tmp_path / "ca.pem").read_bytes()
        assert most_likely(caught.value) == "file-missing"

    def test_nothing_of_their_text_is_repeated(self):
        error = RuntimeError("Socket closed while sending token s3cret-t0ken")
        assert "s3cret-t0ken" not in explain(error)

    def test_a_guess_is_worded_as_a_guess(self):
        text = explain(RuntimeError("WRONG_VERSION_NUMBER"))
        assert text.startswith("Most likely server-plaintext")
        assert "To find out for sure:\n\n    milvus-secure check" in text

    def test_a_loop_of_causes_ends(self):
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__cause__ = second, first
        assert "does not name the cause" in explain(first)

    def test_an_exception_that_raises_when_it_is_read_is_handled(self):
        class BrokenError(Exception):
            def details(self):
                raise RuntimeError("not now")

            def __str__(self):
                raise RuntimeError("not ever")

        assert "does not name the cause" in explain(BrokenError())
