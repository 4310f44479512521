"""A client that connects during a renewal reads a certificate together with its own key."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from milvus_secure import CertificateSet, EmbeddedMilvus, MilvusSettings, check, connect_secure
from milvus_secure.client.material_provider import MaterialProvider
from milvus_secure.diagnosis.material import RENEWAL_SECONDS

CONNECTIONS = 100


@contextmanager
def repeating(work: Callable[[], object], pause: float = 0.0) -> Iterator[list[int]]:
    """Repeat something in a thread while the block runs; the list counts how often."""
    count = [0]
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            work()
            count[0] += 1
            time.sleep(pause)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        stopped.set()
        thread.join(60)


def settings_in(folder: Path, **values: object) -> MilvusSettings:
    return MilvusSettings.from_arguments(
        ca_pem_path=folder / "ca.pem",
        client_pem_path=folder / "client.pem",
        client_key_path=folder / "client.key",
        **values,
    )


def connect_during_renewals(certificates: CertificateSet, connections: int) -> int:
    with (
        EmbeddedMilvus(
            server_pem_path=certificates.server_pem,
            server_key_path=certificates.server_key,
            ca_pem_path=certificates.ca_pem,
        ) as server,
        repeating(lambda: certificates.renew("client")) as renewals,
    ):
        settings = settings_in(certificates.directory, uri=server.uri, timeout=60)
        for _ in range(connections):
            connect_secure(settings).close()
    return renewals[0]


def test_no_connection_is_refused_while_a_set_is_renewed(certificates):
    assert connect_during_renewals(certificates, CONNECTIONS) > 1


def test_without_files_in_memory_a_client_reads_a_consistent_pair(
    certificates, tmp_path, monkeypatch
):
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on macOS and Windows
    provider = MaterialProvider(settings_in(certificates.directory))
    names = ("ca_pem", "client_pem", "client_key")
    before = {name: Path(provider.path(name)).read_bytes() for name in names[:2]}
    certificates.renew("client")
    before["client_key"] = Path(provider.path("client_key")).read_bytes()
    after = {name: Path(provider.path(name)).read_bytes() for name in names}
    for pair in (before, after):
        certificate = x509.load_pem_x509_certificate(pair["client_pem"])
        key = serialization.load_pem_private_key(pair["client_key"], None)
        assert certificate.public_key() == key.public_key()
    assert before["client_pem"] != after["client_pem"]
    provider.close()


@pytest.mark.thorough
def test_no_connection_of_a_thousand_is_refused_during_a_hundred_renewals(certificates):
    renewals = 0
    while renewals < 100:
        renewals += connect_during_renewals(certificates, 1_000)


class TestOtherWaysToRenew:
    """Each replaces a pair by another one, again and again, while offline checks read it."""

    @pytest.fixture
    def pairs(self, tmp_path: Path) -> list[Path]:
        made = CertificateSet.create(tmp_path / "made")
        folders = []
        for number in range(2):
            made.renew("client")
            shutil.copytree(made.directory, tmp_path / f"pair{number}")
            folders.append(tmp_path / f"pair{number}")
        return folders

    def check_meanwhile(self, folder: Path, switch: Callable[[], object]) -> None:
        settings = settings_in(folder)
        with repeating(switch, pause=0.005):
            for _ in range(CONNECTIONS):
                report = check(settings, online=False)
                assert report.ok, str(report)

    def test_plain_copies(self, pairs, tmp_path):
        folder = tmp_path / "deployed"
        shutil.copytree(pairs[0], folder)
        state = [0]

        def copy() -> None:
            state[0] ^= 1
            for name in ("client.key", "client.pem"):
                shutil.copyfile(pairs[state[0]] / name, folder / name)

        self.check_meanwhile(folder, copy)

    def test_files_that_are_removed_and_recreated(self, pairs, tmp_path):
        """As the command ``install`` does, for the CA too."""
        folder = tmp_path / "deployed"
        shutil.copytree(pairs[0], folder)
        state = [0]

        def install() -> None:
            state[0] ^= 1
            for name in ("ca.pem", "client.key", "client.pem"):
                (folder / name).unlink()
                shutil.copyfile(pairs[state[0]] / name, folder / name)

        self.check_meanwhile(folder, install)

    def test_a_key_that_comes_half_a_second_after_its_certificate(self, pairs, tmp_path):
        folder = tmp_path / "deployed"
        shutil.copytree(pairs[0], folder)
        shutil.copyfile(pairs[1] / "client.pem", folder / "client.pem")
        later = threading.Timer(
            0.5, shutil.copyfile, (pairs[1] / "client.key", folder / "client.key")
        )
        later.start()
        try:
            report = check(settings_in(folder), online=False)
        finally:
            later.join(30)
        assert report.ok, str(report)

    def test_the_link_of_a_kubernetes_volume(self, pairs, tmp_path):
        folder = tmp_path / "volume"
        folder.mkdir()
        (folder / "..data").symlink_to(pairs[0])
        for name in ("ca.pem", "client.pem", "client.key"):
            (folder / name).symlink_to(Path("..data", name))
        state = [0]

        def switch() -> None:
            state[0] ^= 1
            (folder / "..new").symlink_to(pairs[state[0]])
            os.replace(folder / "..new", folder / "..data")  # noqa: PTH105 - a link is renamed

        self.check_meanwhile(folder, switch)


def test_a_server_that_starts_during_a_renewal_reads_a_consistent_pair(tmp_path):
    certificates = CertificateSet.create(tmp_path / "certs")
    renewed = tmp_path / "renewed"
    shutil.copytree(certificates.directory, renewed)
    CertificateSet(renewed).renew("server")
    pair = {
        "server_pem_path": certificates.server_pem,
        "server_key_path": certificates.server_key,
    }
    with EmbeddedMilvus(**pair):  # the first one loads its modules
        pass
    shutil.copyfile(renewed / "server.pem", certificates.server_pem)
    later = threading.Timer(0.5, shutil.copyfile, (renewed / "server.key", certificates.server_key))
    later.start()
    try:
        with EmbeddedMilvus(**pair):
            pass
    finally:
        later.join(30)


class TestStableFiles:
    def test_a_pair_that_does_not_fit_is_still_reported(self, certificates):
        shutil.copy(certificates.server_key, certificates.client_key)
        report = check(settings_in(certificates.directory), online=False)
        assert report.root_cause.code == "key-mismatch"

    def test_files_that_have_not_changed_are_read_once(self, certificates, monkeypatch):
        shutil.copy(certificates.server_key, certificates.client_key)
        time.sleep(RENEWAL_SECONDS + 0.1)

        def fail(_: float) -> None:
            raise AssertionError("the files were to be read once")

        monkeypatch.setattr(time, "sleep", fail)
        assert not check(settings_in(certificates.directory), online=False).ok
