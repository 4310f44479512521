"""Reports as JUnit XML, which every CI system shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from .._common.text import printable
from ..diagnosis.rules import OFFLINE, RULES
from .render import render_findings
from .report import Severity

if TYPE_CHECKING:
    from .report import Report


def to_junit(reports: Sequence[Report]) -> str:
    """One suite per report, one case per code that was judged.

    Errors are failures; warnings and information are the case's output, since they do not break
    a connection. Skips are skips.
    """
    root = ET.Element("testsuites", name="milvus-secure")
    for report in reports:
        root.append(_suite(report))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(report: Report) -> ET.Element:
    judged = [rule.code for rule in (RULES if report.server else OFFLINE)]
    codes = dict.fromkeys([*judged, *(found.code for found in report.findings)])
    skipped = {skip.code: skip.because for skip in report.skipped}
    failing = {found.code for found in report.errors}
    name = report.settings.get("uri", {}).get("value", "")
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(codes)),
        failures=str(len(failing)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for code in codes:
        case = ET.SubElement(suite, "testcase", classname=f"milvus-secure.{name}", name=code)
        found = [one for one in report.findings if one.code == code]
        if code in failing:
            error = next(one for one in found if one.severity is Severity.ERROR)
            failure = ET.SubElement(case, "failure", type=code, message=printable(error.message))
            failure.text = render_findings(found)
        elif found:
            ET.SubElement(case, "system-out").text = render_findings(found)
        elif code in skipped:
            ET.SubElement(case, "skipped", message=f"because of {skipped[code]}")
    return suite
