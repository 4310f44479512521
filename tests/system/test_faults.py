"""Broken networks, clocks, disks and limits end in a finding, a typed error or a retry."""

from __future__ import annotations

import datetime as dt
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hostile_proxy import hostile_proxy
from milvus_endpoint import milvus_endpoint
from milvus_secure import check, connect_secure
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import OFFLINE
from milvus_secure.errors import SecureConnectionError
from milvus_secure.server.embedded.server import EmbeddedMilvus

linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and limits as on Linux")


@pytest.fixture(scope="module")
def milvus(trio, tmp_path_factory):
    """An embedded Milvus behind one-way TLS."""
    certs = trio.write(tmp_path_factory.mktemp("faults") / "certs")
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key"
    ) as server:
        yield server


class TestNetwork:
    # Within the ServerHello, within the certificates, in the first answers after the handshake.
    CUTS = (0, 3, 60, 900, 1200)

    @pytest.mark.parametrize("then", ["reset", "close", "stall"])
    @pytest.mark.parametrize("limit", CUTS)
    def test_a_broken_connection_is_a_finding(self, limit, then, milvus, settings, certs):
        with hostile_proxy(milvus.port, limit=limit, then=then) as proxy:
            report = check(settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=1))
        assert report.root_cause is not None
        assert report.root_cause.code not in {"internal-error", "chain-untrusted", "name-mismatch"}

    @pytest.mark.parametrize("then", ["reset", "close", "stall"])
    def test_a_broken_connection_is_a_typed_error_with_its_cause(
        self, then, milvus, settings, certs
    ):
        with hostile_proxy(milvus.port, limit=900, then=then) as proxy:
            made = settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=1)
            with pytest.raises(SecureConnectionError) as caught:
                connect_secure(made)
        assert caught.value.report.root_cause or "pymilvus says" in str(caught.value)
        assert caught.value.__cause__ is not None

    @pytest.mark.parametrize("then", ["reset", "close", "stall"])
    def test_it_connects_once_the_network_works(self, then, milvus, settings, certs):
        with hostile_proxy(milvus.port, limit=900, then=then) as proxy:
            made = settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=1)
            with pytest.raises(SecureConnectionError):
                connect_secure(made)
            proxy.heal()
            client = connect_secure(made.replace(timeout=10))
            assert client.list_collections() == []
            client.close()

    def test_slow_pieces_still_make_a_connection(self, milvus, settings, certs):
        with hostile_proxy(milvus.port, piece=97, delay=0.01) as proxy:
            report = check(settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=10))
        assert report.ok, str(report)

    @hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(place=st.integers(0, 1500), flip=st.integers(1, 255), cut=st.integers(1, 2000))
    def test_damaged_bytes_are_a_finding(self, place, flip, cut, milvus, settings, certs):
        def damage(passed: int, data: bytes) -> bytes:
            at = place - passed
            if not 0 <= at < len(data):
                return data
            return data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]

        with hostile_proxy(milvus.port, change=damage, limit=max(cut, place + 1)) as proxy:
            report = check(settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=1))
        assert report.ok or report.root_cause.code != "internal-error", str(report)


class TestRows:
    """Acknowledged rows are never lost, however often the connection breaks."""

    def test_none_is_lost_while_connections_are_cut(self, milvus, settings, certs):
        with hostile_proxy(milvus.port) as proxy:
            client = connect_secure(
                settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem", timeout=10)
            )
            client.create_collection("faults", dimension=2, consistency_level="Strong")
            acknowledged, failures = set[int](), 0
            for row in range(60):
                if row % 6 == 5:
                    proxy.cut()
                for _ in range(20):
                    try:
                        client.upsert("faults", {"id": row, "vector": [row, 1.0]}, timeout=5)
                        acknowledged.add(row)
                        break
                    except Exception:  # noqa: BLE001 - pymilvus's own, whichever: call again
                        failures += 1
                        threading.Event().wait(0.1)
            rows = client.query("faults", filter="id >= 0", output_fields=["id"], limit=1000)
            client.drop_collection("faults")
            client.close()
        assert proxy.connections > 1, "the connection was cut at all"
        assert len(acknowledged) == 60
        assert sorted(finding["id"] for finding in rows) == sorted(acknowledged)

    def test_a_server_killed_in_a_call_is_a_typed_error_and_reconnects_later(
        self, trio, settings, certs
    ):
        with milvus_endpoint(trio.server, silent=True) as endpoint:
            made = settings(uri=endpoint.uri, ca_pem_path=certs / "ca.pem", timeout=2)
            with hostile_proxy(endpoint.port) as proxy:
                killer = threading.Timer(0.5, proxy.cut)
                killer.start()
                with pytest.raises(SecureConnectionError):
                    connect_secure(made.replace(uri=proxy.uri))
                killer.join(60)
        with milvus_endpoint(trio.server) as endpoint:
            connect_secure(made.replace(uri=endpoint.uri)).close()


class TestClock:
    @pytest.mark.parametrize(
        ("days", "code"),
        [
            (0, None),
            (-400, "certificate-not-yet-valid"),
            (400, "certificate-expired"),
            (345, "certificate-expiring"),
            (36_500, "certificate-expired"),
        ],
    )
    def test_a_wrong_clock_is_reported_by_its_effect_on_a_certificate(
        self, days, code, settings, certs
    ):
        made = settings(uri="https://localhost:1", server_pem_path=certs / "server.pem")
        now = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days)
        report = judge(Context(made, read_material(made), now=now), OFFLINE)
        codes = {finding.code for finding in report.findings}
        assert code is None or code in codes
        assert "internal-error" not in codes
        assert report.ok == (code in {None, "certificate-expiring"})


LIMITED = """
import resource, sys
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from milvus_secure.cli import main
sys.exit(main())
"""


def _run(*command: str, largest: int = -1, cwd: Path, **options):
    """The command line in a process of its own, in which no file may grow beyond a size.

    That is how a disk fills up in the middle of a file.
    """
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(largest), *command],
        cwd=cwd,
        text=True,
        capture_output="stdout" not in options,
        timeout=60,
        **options,
    )


def _failed_clearly(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert any(word in ended.stderr for word in words), ended.stderr


@linux
class TestDisk:
    def test_a_full_disk_behind_stdout(self, tmp_path):
        with Path("/dev/full").open("w") as full:
            ended = _run("settings", cwd=tmp_path, stdout=full, stderr=subprocess.PIPE)
        _failed_clearly(ended, "no space left on device")

    def test_a_full_disk_leaves_no_half_certificate_set(self, tmp_path):
        ended = _run("certs", "init", "certs", largest=256, cwd=tmp_path)
        _failed_clearly(ended, "file too large")
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_leaves_the_old_certificate_set(self, tmp_path):
        _run("certs", "init", "certs", cwd=tmp_path)
        before = {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()}
        ended = _run("certs", "renew", "certs", largest=256, cwd=tmp_path)
        _failed_clearly(ended, "file too large")
        after = {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()}
        assert after == before
        assert [path.name for path in tmp_path.iterdir()] == ["certs"]

    def test_a_full_disk_leaves_no_half_server_configuration(self, certs, tmp_path):
        ended = _run(
            "server",
            "config",
            "--certs",
            str(certs),
            "--out",
            "out",
            largest=256,
            cwd=tmp_path,
        )
        _failed_clearly(ended, "file too large")
        files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
        assert files == []

    def test_no_space_for_material_given_as_text(self, certs, tmp_path):
        environ = {
            **os.environ,
            "MILVUS_URI": "https://localhost:1",
            "MILVUS_TIMEOUT": "1",
            "MILVUS_CA_PEM": (certs / "ca.pem").read_text(),
        }
        script = (
            "import resource\n"
            "from milvus_secure import connect_secure, MilvusSecureError\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
            "try: connect_secure()\n"
            "except MilvusSecureError as error: print(type(error).__name__)\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.stdout == "SecureConnectionError\n", ended.stderr

    @pytest.mark.parametrize(
        "command",
        [
            ("certs", "init", "/proc/certs"),
            ("certs", "init", "/sys/certs"),
            ("server", "config", "--certs", "CERTS", "--out", "/sys/milvus"),
            (
                "certs",
                "export",
                "CERTS",
                "--out",
                "/sys/store.p12",
                "--password-file",
                "CERTS/ca.pem",
            ),
        ],
        ids=" ".join,
    )
    def test_a_directory_that_accepts_no_files(self, command, certs, tmp_path):
        words = [word.replace("CERTS", str(certs)) for word in command]
        _failed_clearly(_run(*words, cwd=tmp_path), "cannot be written")

    def test_a_read_only_directory(self, tmp_path):
        if os.geteuid() == 0:
            pytest.skip("root writes into read-only directories; /proc and /sys stand for them")
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        _failed_clearly(_run("certs", "init", str(tmp_path / "certs"), cwd=tmp_path), "permission")


EXHAUSTED = """
import os, resource, sys
from milvus_secure import MilvusSecureError, MilvusSettings, check, connect_secure
settings = MilvusSettings()
check(settings), connect_secure(settings).close()  # everything is loaded, and it works
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
held = []
def leave_free(count):  # again before each step: gRPC closes the descriptors of a channel late
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for _ in range(count):
            os.close(held.pop())
leave_free(int(sys.argv[1]))
print(check(settings).root_cause.message)
leave_free(int(sys.argv[1]))
try:
    connect_secure(settings)
except MilvusSecureError as error:
    print(error)
while held:
    os.close(held.pop())
connect_secure(settings).close()
print("connected again")
"""


@linux
@pytest.mark.parametrize("descriptors", [0, 3, 12])
def test_without_descriptors_nothing_aborts_and_the_limit_is_named(
    descriptors, milvus, certs, tmp_path
):
    environ = {
        **os.environ,
        "MILVUS_URI": milvus.uri,
        "MILVUS_TIMEOUT": "5",
        "MILVUS_CA_PEM_PATH": str(certs / "ca.pem"),
    }
    ended = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, str(descriptors)],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    checked, connected, last = ended.stdout.splitlines()
    assert "too many open files" in checked
    assert "too many open files" in connected
    assert last == "connected again"
