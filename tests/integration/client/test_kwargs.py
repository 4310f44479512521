"""The keyword arguments for pymilvus in each mode, and that a server accepts them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from pymilvus import MilvusClient

import minting
from milvus_endpoint import milvus_endpoint
from milvus_secure import SecureConnectionError
from milvus_secure._common.versions import installed_grpc, installed_pymilvus
from milvus_secure.pem.public_roots import public_roots_path
from milvus_secure.verification.hostname import GrpcNameRules, generation
from warm_python import run_python

OWN_CHANNEL = {"dedicated", "alias"}


def mapped(settings) -> dict[str, object]:
    """The keywords without those that separate the channels, which differ by release."""
    return {k: v for k, v in settings.client_kwargs().items() if k not in OWN_CHANNEL}


class TestOneWay:
    def test_a_ca_alone_becomes_the_anchor(self, settings, certs):
        loaded = settings(uri="https://h:1", ca_pem_path=certs / "ca.pem")
        assert mapped(loaded) == {
            "uri": "https://h:1",
            "secure": True,
            "timeout": 10.0,
            "server_pem_path": str(certs / "ca.pem"),
        }

    def test_the_server_s_certificate_wins_over_a_ca(self, settings, certs):
        loaded = settings(ca_pem_path=certs / "ca.pem", server_pem_path=certs / "server.pem")
        assert mapped(loaded)["server_pem_path"] == str(certs / "server.pem")

    def test_public_roots_need_no_keyword(self, settings):
        assert "server_pem_path" not in mapped(settings(ca_pem_path="system"))

    def test_a_server_name_is_passed_on(self, settings, certs):
        loaded = settings(ca_pem_path=certs / "ca.pem", server_name="milvus.example")
        assert mapped(loaded)["server_name"] == "milvus.example"

    def test_if_set_it_presents_no_client_certificate(self, settings, certs, client_pair):
        loaded = settings(tls_mode="one-way", ca_pem_path=certs / "ca.pem", **client_pair)
        assert not {"client_pem_path", "client_key_path", "ca_pem_path"} & set(mapped(loaded))


class TestMutual:
    def test_three_files_are_passed_on_unchanged(self, settings, certs, client_pair):
        loaded = settings(uri="https://h:1", ca_pem_path=certs / "ca.pem", **client_pair)
        assert mapped(loaded) == {
            "uri": "https://h:1",
            "secure": True,
            "timeout": 10.0,
            "ca_pem_path": str(certs / "ca.pem"),
            "client_pem_path": str(certs / "client.pem"),
            "client_key_path": str(certs / "client.key"),
        }

    def test_the_server_s_certificate_is_never_passed_on(self, settings, certs, client_pair):
        loaded = settings(
            ca_pem_path=certs / "ca.pem", server_pem_path=certs / "server.pem", **client_pair
        )
        assert "server_pem_path" not in mapped(loaded)

    def test_public_roots_are_named_by_their_file(self, settings, client_pair):
        loaded = settings(ca_pem_path="system", **client_pair)
        assert mapped(loaded)["ca_pem_path"] == str(public_roots_path())


class TestPlaintext:
    def test_is_refused_unless_allowed(self, settings):
        with pytest.raises(SecureConnectionError, match="plaintext"):
            settings(uri="http://h:1").client_kwargs()

    def test_if_allowed_it_has_no_tls_keyword(self, settings):
        loaded = settings(uri="http://h:1", allow_plaintext=True)
        assert mapped(loaded) == {"uri": "http://h:1", "secure": False, "timeout": 10.0}


class TestGuard:
    """Without checks, only input that would abort the process or widen trust is refused."""

    @pytest.fixture
    def mismatched_pair(self, settings, certs):
        (certs / "other.key").write_bytes(minting.mint("other", which=9).key_pem)
        return settings(
            ca_pem_path=certs / "ca.pem",
            client_pem_path=certs / "client.pem",
            client_key_path=certs / "other.key",
        )

    def test_without_checks_files_are_not_judged(self, mismatched_pair, certs):
        assert mismatched_pair.client_kwargs()["client_key_path"] == str(certs / "other.key")

    def test_with_checks_an_error_is_raised(self, mismatched_pair):
        with pytest.raises(SecureConnectionError) as caught:
            mismatched_pair.client_kwargs(check=True)
        assert caught.value.report.root_cause.code == "key-mismatch"

    def test_with_checks_a_warning_is_logged(self, settings, certs, client_pair, caplog):
        (certs / "client.key").chmod(0o644)
        made = settings(ca_pem_path=certs / "ca.pem", **client_pair)
        with caplog.at_level("WARNING", logger="milvus_secure"):
            made.client_kwargs()
            assert caplog.records == []
            made.client_kwargs(check=True)
        assert "key-permissions" in caplog.text

    def test_a_blank_anchor_given_as_text_is_refused(self, settings):
        made = settings(ca_pem="  \n ").client_kwargs()
        assert "server_pem_path" not in made  # a blank setting is none


def test_secrets_are_not_in_the_repr(settings, certs):
    made = settings(ca_pem_path=certs / "ca.pem", user="root", password="canary-1f")
    kwargs = made.client_kwargs()
    assert "canary-1f" not in repr(kwargs)
    assert kwargs["password"] == "canary-1f"


def test_no_value_is_none(settings, certs, client_pair):
    loaded = settings(
        ca_pem_path=certs / "ca.pem", token="root:Milvus", db_name="books", **client_pair
    )
    assert None not in loaded.client_kwargs().values()


def test_every_client_gets_a_channel_of_its_own(settings, certs):
    loaded = settings(ca_pem_path=certs / "ca.pem")
    first, second = loaded.client_kwargs(), loaded.client_kwargs()
    if installed_pymilvus() >= (2, 6, 10):
        assert first["dedicated"]
    elif installed_pymilvus() >= (2, 5, 12):
        assert first["alias"] != second["alias"]
    else:  # it makes an alias of its own
        assert not OWN_CHANNEL & set(first)


class TestHandshake:
    """The mapping, judged by a server that requires a client certificate."""

    @pytest.fixture
    def connects(self, trio):
        with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
            self.uri = endpoint.uri
            yield lambda loaded: MilvusClient(**loaded.client_kwargs()).close()

    def test_with_files(self, settings, certs, client_pair, connects):
        connects(settings(uri=self.uri, ca_pem_path=certs / "ca.pem", **client_pair))

    def test_with_text(self, settings, certs, connects):
        connects(
            settings(
                uri=self.uri,
                ca_pem=(certs / "ca.pem").read_text(),
                client_pem=(certs / "client.pem").read_text(),
                client_key=(certs / "client.key").read_text(),
            )
        )

    def test_with_an_encrypted_key(self, settings, trio, certs, connects):
        locked = certs / "locked.key"
        locked.touch(mode=0o600)
        locked.write_bytes(
            trio.client.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"open sesame"),
            )
        )
        connects(
            settings(
                uri=self.uri,
                ca_pem_path=certs / "ca.pem",
                client_pem_path=certs / "client.pem",
                client_key_path=locked,
                client_key_password="open sesame",
            )
        )

    def test_with_a_stray_server_pem(self, settings, certs, client_pair, connects):
        connects(
            settings(
                uri=self.uri,
                ca_pem_path=certs / "ca.pem",
                server_pem_path=certs / "server.pem",
                **client_pair,
            )
        )


CONNECT = """
import sys
from pathlib import Path
from milvus_secure import connect_secure
uri, folder, *pair = sys.argv[1:]
given = {f"client_{kind}_path": Path(folder, f"client.{kind}") for kind in pair}
connect_secure(uri=uri, ca_pem_path="system", environ={}, env_file=None, **given).close()
"""


RAW = """
import sys
from pymilvus import MilvusClient
uri, anchor = sys.argv[1:]
MilvusClient(uri, server_pem_path=anchor, secure=True, timeout=5).close()
"""


def run_with_roots(
    roots: Path, *arguments: str, script: str = CONNECT
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)}
    return run_python(script, *arguments, environ=environ)


class TestSystemRoots:
    def test_are_trusted_one_way(self, trio, certs):
        with milvus_endpoint(trio.server) as endpoint:
            completed = run_with_roots(certs / "ca.pem", endpoint.uri, str(certs))
        assert completed.returncode == 0, completed.stderr

    def test_are_trusted_in_mutual_mode(self, trio, certs):
        with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
            completed = run_with_roots(certs / "ca.pem", endpoint.uri, str(certs), "pem", "key")
        assert completed.returncode == 0, completed.stderr

    @pytest.mark.parametrize("files", [(), ("pem", "key")], ids=["one-way", "mutual"])
    def test_that_do_not_hold_the_ca_are_not_enough(self, trio, certs, tmp_path, files):
        (tmp_path / "other.pem").write_bytes(minting.mint("foreign CA", which=9).pem)
        clients = trio.ca if files else None
        with milvus_endpoint(trio.server, clients=clients) as endpoint:
            completed = run_with_roots(tmp_path / "other.pem", endpoint.uri, str(certs), *files)
        assert "SecureConnectionError" in completed.stderr

    def test_are_used_for_an_empty_anchor_so_it_is_refused(self, trio, certs, tmp_path, settings):
        empty = tmp_path / "empty.pem"
        empty.touch()
        with milvus_endpoint(trio.server) as endpoint:
            raw = run_with_roots(certs / "ca.pem", endpoint.uri, str(empty), script=RAW)
            trusted = generation(installed_grpc()) is GrpcNameRules.HOST_NAME
            assert (raw.returncode == 0) is trusted, raw.stderr
            with pytest.raises(SecureConnectionError) as refused:
                settings(uri=endpoint.uri, ca_pem_path=empty).client_kwargs()
        assert refused.value.report.root_cause.code == "file-empty"

    def test_fall_back_to_grpc_s_bundle_when_the_variable_names_no_file(self, tmp_path):
        script = "from milvus_secure.pem.public_roots import public_roots_path as p; print(p())"
        completed = run_with_roots(tmp_path / "missing", script=script)
        assert completed.stdout.strip().endswith("_credentials/roots.pem")
