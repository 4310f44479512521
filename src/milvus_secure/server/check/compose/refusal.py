"""How the reader of Compose files stops."""

from __future__ import annotations


class ComposeRefusedError(Exception):
    """Docker Compose itself refuses the file, or would if it were asked.

    Attributes:
        cause: One sentence.
        fix: What helps.
        source: File and line, such as ``docker-compose.yml:12``.
    """

    def __init__(self, cause: str, fix: str, source: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix
        self.source = source


class ComposeUnresolvedError(Exception):
    """The file needs something that is not fetched here, such as a remote file.

    Attributes:
        what: What is not judged.
        why: The reason, a clause.
        source: File and line.
    """

    def __init__(self, what: str, why: str, source: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.source = source
