"""Why the cluster would refuse an object, or not start its pod."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...reporting.report import Finding, finding
from .yaml_tree import Block, Items, is_null

REFUSED = "server-manifest-refused"


class Refusals:
    """Collects reasons, each as a finding.

    Attributes:
        subject: How a report calls the object, such as ``Deployment milvus-proxy``.
        file: Name of the file it stands in.
        by: Who refuses it.
        findings: What was collected.
    """

    def __init__(self, subject: str, file: str, by: str = "The cluster") -> None:
        """Start an empty collection; see the attributes."""
        self.subject = subject
        self.file = file
        self.by = by
        self.findings: list[Finding] = []

    def add(self, reason: str, remedy: str, setting: str, source: str) -> None:
        """Note a reason.

        Args:
            reason: A clause without the final stop.
            remedy: What to change.
            setting: The field.
            source: File and line.
        """
        self.findings.append(
            finding(
                REFUSED,
                f"{self.by} would refuse {self.subject}: {reason}.",
                remedy,
                setting=setting,
                source=source,
                origin=f"file:{self.file}",
            )
        )

    def take(self, findings: Iterable[Finding]) -> None:
        """Add findings of an object that this one uses, each only once."""
        self.findings += [item for item in findings if item not in self.findings]


def refuse_other_than_lists(
    block: Block, keys: Iterable[str], where: str, refusals: Refusals, at: Callable[[int], str]
) -> None:
    """Note each field that has to be a list of mappings and is something else.

    Args:
        block: The mapping that has the fields.
        keys: Their names.
        where: What stands before a name in the report, such as ``proxy.``.
        refusals: Takes them.
        at: Gives file and line of a line.
    """
    for key in keys:
        value = block.get(key)
        if is_null(value) or (
            isinstance(value, Items) and all(isinstance(item, Block) for item in value)
        ):
            continue
        kind = "a list of mappings" if isinstance(value, Items) else "a list"
        example = "- name: NAME and value: VALUE" if "nv" in key else "- name: NAME and its fields"
        refusals.add(
            f"{where}{key} is not {kind}",
            f"Write each entry of {where}{key} as {example}.",
            f"{where}{key}",
            at(block.lines[key]),
        )
