"""Reports as JUnit XML, which every CI system shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from .._common.text import printable
from .finding import Severity, findings_text
from .report import target

if TYPE_CHECKING:
    from .report import Report


def to_junit(reports: Sequence[Report]) -> str:
    """One suite per report; one test case per code that was judged or skipped, and no other.

    Errors are failures. Warnings and information are the output of a passed case, since they do
    not break a connection.
    """
    root = ET.Element("testsuites", name="milvus-secure")
    for report in reports:
        root.append(_suite(report))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(report: Report) -> ET.Element:
    because = {
        skip.code: skip.message or f"not judged because of {skip.because}"
        for skip in report.skipped
    }
    codes = dict.fromkeys((*report.judged, *(f.code for f in report.findings), *because))
    failed = {finding.code for finding in report.errors}
    passed = set(report.judged) | {finding.code for finding in report.findings}
    skipped = set(because) - passed
    name = printable(target(report))
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(codes)),
        failures=str(len(failed)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for code in codes:
        case = ET.SubElement(suite, "testcase", classname=f"milvus-secure.{name}", name=code)
        findings = [finding for finding in report.findings if finding.code == code]
        if code in failed:
            error = next(f for f in findings if f.severity is Severity.ERROR)
            failure = ET.SubElement(case, "failure", type=code, message=printable(error.message))
            failure.text = findings_text(findings)
        elif findings:
            ET.SubElement(case, "system-out").text = findings_text(findings)
        elif code in skipped:
            ET.SubElement(case, "skipped", message=printable(because[code]))
    return suite
