"""How long files that look as if they are being renewed are read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

import minting
from milvus_secure.diagnosis import material as reading
from milvus_secure.pem.material import Material, read_one

PAIR = ("server_pem", "server_key")


class Renewal:
    """Files that go through states while a clock of the test runs."""

    def __init__(self, folder: Path, states: list[tuple[float, bytes]]) -> None:
        self.folder = folder
        self.now = 0.0
        self._states = states

    def read(self) -> Mapping[str, Material]:
        key = next(data for until, data in self._states if self.now < until)
        (self.folder / "server.key").write_bytes(key)
        files = (("server_pem", "server.pem"), ("server_key", "server.key"))
        return {
            name: read_one(name, str(self.folder / file), f"{name}_path", "argument")
            for name, file in files
        }

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def read_during(trio: minting.Trio, tmp_path: Path, monkeypatch):
    """Read the pair of a server while its key goes through states: (until second, content)."""
    (tmp_path / "server.pem").write_bytes(trio.server.pem)

    def read(*states: tuple[float, bytes]) -> Material:
        renewal = Renewal(tmp_path, [*states])
        clock = SimpleNamespace(
            monotonic=lambda: renewal.now, sleep=renewal.sleep, time=reading.time.time
        )
        monkeypatch.setattr(reading, "time", clock)
        monkeypatch.setattr(reading, "_changed_recently", lambda _: True)
        paths = [str(tmp_path / "server.pem"), str(tmp_path / "server.key")]
        return reading.read_settled(renewal.read, paths, PAIR)["server_key"]

    return read


def test_a_key_that_is_empty_late_in_a_renewal_is_waited_for(read_during, trio):
    old, new = trio.client.key_pem, trio.server.key_pem
    key = read_during((0.5, old), (0.6, b""), (100, new))
    assert key.data == new


def test_a_key_that_stays_empty_is_reported_before_a_renewal_could_end(read_during):
    assert read_during((100, b"")).fault.code == "file-empty"


def test_a_key_of_another_certificate_is_reported_after_a_second(read_during, trio):
    old = trio.client.key_pem
    assert read_during((1.5, old), (100, trio.server.key_pem)).data == old
