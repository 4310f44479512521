"""Why the cluster would refuse an object, or not start its pod."""

from __future__ import annotations

from collections.abc import Iterable

from ....reporting.report import Finding, finding
from ..yaml.yaml_tree import Block, Items, is_null

REFUSED = "server-manifest-refused"


class Refusals:
    """Collects reasons, each as a finding.

    Attributes:
        subject: How a report calls the object, such as ``Deployment milvus-proxy``.
        file: Name of the file that contains it.
        by: Who refuses it.
        findings: What was collected.
    """

    def __init__(self, subject: str, file: str, by: str = "The cluster") -> None:
        """Start an empty collection; see the attributes."""
        self.subject = subject
        self.file = file
        self.by = by
        self.findings: list[Finding] = []

    def add(self, reason: str, remedy: str, setting: str, line: int) -> None:
        """Note a reason.

        Args:
            reason: A clause without the final stop.
            remedy: What to change.
            setting: The field.
            line: Its line in the file; 0 if unknown.
        """
        self.findings.append(
            finding(
                REFUSED,
                f"{self.by} would refuse {self.subject}: {reason}.",
                remedy,
                setting=setting,
                source=f"{self.file}:{line}" if line else self.file,
                origin=f"file:{self.file}",
            )
        )

    def take(self, findings: Iterable[Finding]) -> None:
        """Add findings of an object that this one uses, each only once."""
        self.findings += [item for item in findings if item not in self.findings]

    def other_than_lists(self, block: Block, keys: Iterable[str], where: str = "") -> None:
        """Note each field that has to be a list of mappings and is something else.

        Args:
            block: The mapping that has the fields.
            keys: Their names.
            where: The prefix of a name in the report, such as ``proxy.``.
        """
        for key in keys:
            value = block.get(key)
            items = value if isinstance(value, Items) else None
            if is_null(value) or (
                items is not None and all(isinstance(item, Block) for item in items)
            ):
                continue
            kind = "a list" if items is None else "a list of mappings"
            form = "NAME and value: VALUE" if "nv" in key else "NAME and its fields"
            self.add(
                f"{where}{key} is not {kind}",
                f"Write each entry of {where}{key} as - name: {form}.",
                f"{where}{key}",
                block.lines[key],
            )
