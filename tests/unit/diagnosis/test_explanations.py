"""`explain`: every code has its long help, and raw exceptions are read for what they say."""

from __future__ import annotations

import datetime as dt
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields

import grpc
import pytest
from pymilvus import MilvusClient, MilvusException

import minting
from milvus_secure import MilvusSecureError, SecureConnectionError, TLSMode, explain
from milvus_secure.diagnosis.explain import Explanation, explanations
from milvus_secure.errors import SettingsError
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.reporting.report import Report, finding

PARTS = [part.name for part in fields(Explanation)]


class TestEveryCode:
    @pytest.mark.parametrize("code", CATALOGUE)
    def test_tells_every_part(self, code):
        explanation = explanations()[code]
        assert [part for part in PARTS if not getattr(explanation, part).strip()] == []

    @pytest.mark.parametrize("code", CATALOGUE)
    def test_fits_80_columns_without_colour(self, code):
        text = explain(code)
        assert [line for line in text.splitlines() if len(line) > 80] == []
        assert "\x1b" not in text

    @pytest.mark.parametrize("code", CATALOGUE)
    def test_begins_with_code_severity_and_title(self, code):
        entry = CATALOGUE[code]
        assert explain(code).startswith(f"{code} ({entry.severity}): {entry.title}")

    @pytest.mark.parametrize("code", CATALOGUE)
    def test_says_whether_it_is_found_offline_or_online(self, code):
        # `server check` reads files only.
        assert re.search(r"(?i)\b(off|on)line\b|server check", explanations()[code].found)

    @pytest.mark.parametrize("code", CATALOGUE)
    def test_has_commands_that_a_shell_can_parse(self, code):
        lines = explanations()[code].reproduce.splitlines()
        script = "\n".join(line[4:] for line in lines if line.startswith("    "))
        parsed = subprocess.run(
            ["bash", "-n"], input=script, text=True, capture_output=True, check=False, timeout=120
        )
        assert (parsed.returncode, parsed.stderr) == (0, "")

    def test_none_is_left_over_from_a_code_that_is_gone(self):
        assert set(explanations()) == set(CATALOGUE)


class TestSubjects:
    def test_a_finding_is_explained_by_its_code(self):
        found = finding("name-mismatch", "It is for another name.", "Connect by that name.")
        assert explain(found) == explain("name-mismatch")

    def test_our_own_exception_is_explained_by_its_root_cause(self):
        cause = finding("key-mismatch", "They differ.", "Use the right one.")
        error = SecureConnectionError(Report(TLSMode.MUTUAL, (cause,)))
        assert explain(error) == explain("key-mismatch")

    def test_a_settings_error_is_explained_by_its_first_finding(self):
        error = SettingsError(finding("profile-missing", "It is not there.", "Add it."))
        assert explain(error) == explain("profile-missing")

    def test_an_unknown_code_names_the_nearest(self):
        with pytest.raises(MilvusSecureError, match="Did you mean 'name-mismatch'"):
            explain("name-missmatch")

    def test_a_code_like_no_other_points_to_the_list(self):
        with pytest.raises(MilvusSecureError, match="`milvus-secure explain` lists them"):
            explain("\x00zzz" * 1000)

    def test_importing_it_loads_neither_pymilvus_nor_grpc(self):
        code = (
            "import sys, milvus_secure; milvus_secure.explain(ValueError()); "
            "print({'pymilvus', 'grpc', 'pandas'} & set(sys.modules))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
        )
        assert ran.stdout == "set()\n"


@contextmanager
def grpc_server(minted=None, *, clients_of=None):
    """A real gRPC server without any service, over TLS if given a certificate."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        if minted is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            pairs = [(minted.key_pem, minted.chain_pem)]
            how = grpc.ssl_server_credentials(
                pairs, clients_of.pem if clients_of else None, clients_of is not None
            )
            port = server.add_secure_port("127.0.0.1:0", how)
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait(60)


def grpc_error(port, *, anchor=None, name="localhost", pair=None):
    """What gRPC raises for a call to a loopback port."""
    target = f"127.0.0.1:{port}"
    if anchor is None:
        channel = grpc.insecure_channel(target)
    else:
        key, chain = (pair.key_pem, pair.chain_pem) if pair else (None, None)
        channel = grpc.secure_channel(
            target,
            grpc.ssl_channel_credentials(anchor.pem, key, chain),
            [("grpc.ssl_target_name_override", name)],
        )
    with channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/milvus.proto.milvus.MilvusService/Connect")(b"", timeout=10)
    return caught.value


def most_likely(error: BaseException) -> str:
    return re.match(r"Most likely ([a-z0-9-]+),", explain(error))[1]


class TestRawGrpcErrors:
    """Each from a real handshake of the installed grpcio."""

    def test_another_ca(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=minting.mint("other CA", which=9))
        assert most_likely(error) == "chain-untrusted"

    def test_another_name(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=trio.ca, name="other.example")
        assert most_likely(error) == "name-mismatch"

    def test_expired_server(self, trio):
        old = minting.mint(
            "old", sans=["localhost"], issuer=trio.ca, start=-dt.timedelta(days=9), days=2
        )
        with grpc_server(old) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "certificate-expired"

    def test_plaintext_server(self, trio):
        with grpc_server() as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "server-plaintext"

    def test_plaintext_client(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port)
        assert most_likely(error) == "server-requires-tls"

    def test_no_client_certificate(self, trio):
        with grpc_server(trio.server, clients_of=trio.ca) as port:
            error = grpc_error(port, anchor=trio.ca)
        text = explain(error)
        assert "client-certificate-required" in text.split("To find out for sure")[0]

    def test_closed_port(self, trio):
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            error = grpc_error(reserved.getsockname()[1], anchor=trio.ca)
        assert most_likely(error) == "tcp-refused"

    def test_no_milvus(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "not-milvus"


class TestPymilvusErrors:
    def test_the_cause_inside_is_read(self, trio, tmp_path):
        pem = tmp_path / "ca.pem"
        pem.write_bytes(trio.ca.pem)
        with grpc_server(trio.server) as port, pytest.raises(MilvusException) as caught:
            MilvusClient(
                f"https://127.0.0.1:{port}",
                server_pem_path=str(pem),
                server_name="other",
                secure=True,
                timeout=5,
            )
        assert most_likely(caught.value) == "name-mismatch"

    def test_a_bare_timeout_names_the_usual_causes(self):
        text = explain(MilvusException(2, "Fail connecting to server on h:1. Timeout"))
        assert "does not say why" in text
        assert "tcp-timeout" in text
        assert "milvus-secure check" in text


class TestForeignExceptions:
    def test_a_missing_file_is_recognised(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught:
            (tmp_path / "ca.pem").read_bytes()
        assert most_likely(caught.value) == "file-missing"

    def test_nothing_of_their_text_is_repeated(self):
        error = RuntimeError("Socket closed while sending token s3cret-t0ken")
        assert "s3cret-t0ken" not in explain(error)

    def test_the_guess_is_worded_as_one(self):
        text = explain(RuntimeError("WRONG_VERSION_NUMBER"))
        assert text.startswith("Most likely server-plaintext")
        assert "To find out for sure:\n\n    milvus-secure check" in text

    def test_a_loop_of_causes_ends(self):
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__cause__ = second, first
        assert "does not say why" in explain(first)

    def test_an_exception_whose_parts_cannot_be_asked_is_survived(self):
        class BrokenError(Exception):
            def details(self):
                raise RuntimeError("not now")

            def __str__(self):
                raise RuntimeError("not ever")

        assert "does not say why" in explain(BrokenError())
