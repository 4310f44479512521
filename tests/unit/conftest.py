"""What all unit tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def files_that_are_not_being_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge new files at once; `test_settled_files.py` tests the wait for a renewal."""
    monkeypatch.setattr("milvus_secure.diagnosis.material._changed_recently", lambda _: False)
