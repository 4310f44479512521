"""Server configurations in the form in which people keep them, healthy and changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure.cli import main


@pytest.fixture
def compose(certs: Path, tmp_path: Path) -> Path:
    """A healthy Compose set-up in tlsMode 2, as `server config` writes it."""
    out = tmp_path / "out"
    flags = ["--certs", str(certs), "--tls-mode", "2", "--out", str(out)]
    assert main(["server", "config", *flags]) == 0
    return out / "docker-compose.yml"


@pytest.fixture
def change():
    """Replace a text that must be there, in a file."""

    def make(path: Path, before: str, after: str) -> Path:
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        return path

    return make
