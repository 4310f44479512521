"""What the installed pymilvus does with TLS settings, as far as this library relies on it.

A failure here means that pymilvus has changed, and names what to review.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import grpc
import pytest
from pymilvus import AsyncMilvusClient, MilvusClient
from pymilvus.exceptions import MilvusException, ParamError

from milvus_secure import CertificateSet
from milvus_secure._common.endpoint import parse_endpoint
from milvus_secure._common.versions import installed_pymilvus
from warm_python import run_python

RELEASE = installed_pymilvus()
WAITS_IN_VAIN = RELEASE < (2, 6, 16) or RELEASE == (3, 0, 0)
POOLS_BY_ADDRESS = RELEASE >= (2, 6, 10)
POOLS_BY_ALIAS = (2, 5, 12) <= RELEASE < (2, 6, 10)

GENERIC = "Fail connecting to server on .*, illegal connection params or server unavailable"


def connect(uri: str, **keywords: object) -> MilvusClient:
    """A client made by pymilvus itself, outside its pool where the release supports that."""
    defaults = {"dedicated": True} if POOLS_BY_ADDRESS else {}
    return MilvusClient(uri=uri, timeout=1, **{**defaults, **keywords})


def pair(certs: Path) -> dict[str, str]:
    names = {"client_pem_path": "client.pem", "client_key_path": "client.key"}
    return {keyword: str(certs / name) for keyword, name in names.items()}


class TestOneMessageForEverything:
    def test_a_foreign_ca(self, one_way, foreign_ca):
        with pytest.raises(MilvusException, match=GENERIC):
            connect(one_way.uri, server_pem_path=str(foreign_ca))

    def test_a_wrong_name(self, one_way, certs):
        with pytest.raises(MilvusException, match=GENERIC):
            connect(one_way.uri, server_pem_path=str(certs / "ca.pem"), server_name="other.test")

    def test_a_missing_client_certificate(self, mutual, certs):
        with pytest.raises(MilvusException, match=GENERIC):
            connect(mutual.uri, server_pem_path=str(certs / "ca.pem"))

    def test_a_closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(MilvusException, match=GENERIC):
            connect(f"https://127.0.0.1:{port}")

    def test_grpc_s_reason_is_the_cause_unless_it_waits_until_the_timeout(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(MilvusException) as caught:
            connect(f"https://127.0.0.1:{port}")
        assert isinstance(caught.value.__cause__, grpc.RpcError) is not WAITS_IN_VAIN


class TestPool:
    @pytest.mark.skipif(not POOLS_BY_ADDRESS, reason="pools by address from 2.6.10 on")
    def test_a_channel_is_shared_without_regard_to_tls(self, one_way, certs):
        first = MilvusClient(uri=one_way.uri, server_pem_path=str(certs / "ca.pem"), timeout=1)
        second = MilvusClient(
            uri=one_way.uri, server_pem_path="/missing", server_name="other.test", timeout=1
        )
        assert second._handler is first._handler
        for client in (first, second):
            client.close()

    @pytest.mark.skipif(not POOLS_BY_ADDRESS, reason="`dedicated` is there from 2.6.10 on")
    def test_a_dedicated_client_does_not_share(self, one_way, certs):
        first = MilvusClient(uri=one_way.uri, server_pem_path=str(certs / "ca.pem"), timeout=1)
        with pytest.raises(FileNotFoundError):
            connect(one_way.uri, server_pem_path="/missing")
        first.close()

    @pytest.mark.skipif(not POOLS_BY_ADDRESS, reason="pools by address from 2.6.10 on")
    async def test_the_async_client_shares_as_well(self, one_way, certs):
        first = AsyncMilvusClient(uri=one_way.uri, server_pem_path=str(certs / "ca.pem"))
        second = AsyncMilvusClient(uri=one_way.uri, server_pem_path="/missing")
        async with first, second:
            assert second._handler is first._handler

    @pytest.mark.skipif(not POOLS_BY_ALIAS, reason="pools by alias from 2.5.12 to 2.6.9")
    def test_an_alias_is_shared_without_regard_to_tls(self, one_way, certs):
        first = connect(one_way.uri, server_pem_path=str(certs / "ca.pem"))
        second = connect(one_way.uri, server_pem_path=str(certs / "server.pem"))
        assert second._using == first._using
        second.close()

    @pytest.mark.skipif(not POOLS_BY_ALIAS, reason="pools by alias from 2.5.12 to 2.6.9")
    def test_another_alias_is_another_channel(self, one_way, certs):
        trust = {"server_pem_path": str(certs / "ca.pem")}
        first, second = (connect(one_way.uri, **trust, alias=name) for name in ("a", "b"))
        assert first._get_connection() is not second._get_connection()
        for client in (first, second):
            client.close()


class TestPrecedence:
    def test_server_pem_path_drops_the_client_pair(self, mutual, certs):
        with pytest.raises(MilvusException, match=GENERIC):
            connect(
                mutual.uri,
                server_pem_path=str(certs / "ca.pem"),
                ca_pem_path=str(certs / "ca.pem"),
                **pair(certs),
            )

    def test_a_ca_alone_is_ignored(self, one_way, certs):
        with pytest.raises(MilvusException, match=GENERIC):
            connect(one_way.uri, ca_pem_path=str(certs / "ca.pem"))

    def test_a_client_pair_without_ca_is_ignored(self, one_way):
        # Nothing is read: files that do not exist are no error of their own.
        with pytest.raises(MilvusException, match=GENERIC):
            connect(one_way.uri, client_pem_path="/missing", client_key_path="/missing")

    def test_a_ca_as_server_pem_path_is_a_one_way_anchor(self, one_way, certs):
        connect(one_way.uri, server_pem_path=str(certs / "ca.pem")).close()


ABORTS = """
import sys
from pymilvus import MilvusClient
ca, pem, key = sys.argv[1:]
try:
    MilvusClient(uri="https://127.0.0.1:1", ca_pem_path=ca, client_pem_path=pem,
                 client_key_path=key, timeout=0.2)
except Exception:
    pass
"""


@contextmanager
def no_core_dump():
    """Prevent an intended abort from leaving a core dump."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


class TestMaterial:
    def run(self, *paths: Path) -> int:
        command = [sys.executable, "-W", "ignore", "-c", ABORTS, *map(str, paths)]
        with no_core_dump():
            completed = subprocess.run(command, capture_output=True, check=False, timeout=60)
        return completed.returncode

    def test_sound_files_do_not_abort(self, certs):
        assert self.run(certs / "ca.pem", certs / "client.pem", certs / "client.key") == 0

    @pytest.mark.parametrize("empty", ["client.pem", "client.key"])
    def test_an_empty_client_file_aborts_the_process(self, certs, empty):
        (certs / empty).write_bytes(b"")
        status = self.run(certs / "ca.pem", certs / "client.pem", certs / "client.key")
        assert status == -signal.SIGABRT

    def test_a_missing_file_is_a_bare_file_not_found_error(self, one_way):
        with pytest.raises(FileNotFoundError):
            connect(one_way.uri, server_pem_path="/missing")


class TestKeywords:
    def test_server_name_none_is_a_bare_type_error(self, one_way, certs):
        with pytest.raises(TypeError):
            connect(one_way.uri, server_pem_path=str(certs / "ca.pem"), server_name=None)

    def test_secure_must_be_a_bool(self):
        with pytest.raises(ParamError, match="secure must be bool type"):
            connect("http://127.0.0.1:1", secure="true")

    def test_http_with_secure_is_tls(self, one_way, certs):
        uri = one_way.uri.replace("https", "http")
        connect(uri, secure=True, server_pem_path=str(certs / "ca.pem")).close()


@pytest.mark.skipif(not POOLS_BY_ADDRESS, reason="older releases parse URIs elsewhere")
class TestAddress:
    """`parse_endpoint` must find the address pymilvus dials; asked without dialling."""

    @pytest.fixture
    def address(self):
        module = import_module("pymilvus.client.connection_manager")
        return lambda uri: module.ConnectionConfig.from_uri(uri).address

    @pytest.mark.parametrize(
        "uri", ["http://h", "tcp://h", "https://h:19530", "http://h:1", "https://H:2/db"]
    )
    def test_is_the_one_we_find(self, address, uri):
        assert address(uri) == parse_endpoint(uri).address

    def test_a_bare_https_uri_means_port_443(self, address):
        assert parse_endpoint("https://h").address == "h:443"
        # The mapping always names the port, so that older releases dial the same.
        assert address("https://h") == ("h:443" if RELEASE >= (2, 6, 12) else "h:19530")

    def test_an_ipv6_literal_loses_its_brackets(self, address):
        assert address("https://[::1]:19530") == "::1:19530"


class Topology(BaseHTTPRequestHandler):
    """Refuses every client, and remembers it."""

    requests: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers.get("Authorization", "")))
        body = b'{"code": 1, "message": "no"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.skipif(not POOLS_BY_ADDRESS, reason="global clusters are there from 2.6.10 on")
def test_a_global_cluster_receives_the_token_under_another_trust(tmp_path, foreign_ca):
    """The given anchor would refuse this server; `requests` trusts it through a variable."""
    # From Python 3.13 on, requests requires a CA that follows RFC 5280 strictly.
    certs = CertificateSet.create(tmp_path / "set").directory
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "server.pem", certs / "server.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Topology) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        uri = f"https://localhost:{server.server_address[1]}/a-global-cluster"
        script = (
            "import sys; from pymilvus import MilvusClient\n"
            "MilvusClient(sys.argv[1], token='root:Milvus', server_pem_path=sys.argv[2], timeout=2)"
        )
        environ = {**os.environ, "REQUESTS_CA_BUNDLE": str(certs / "ca.pem"), "no_proxy": "*"}
        ended = run_python(script, uri, foreign_ca, environ=environ)
        server.shutdown()
        thread.join(60)
    assert ended.returncode == 1
    assert ("/a-global-cluster/global-cluster/topology", "Bearer root:Milvus") in Topology.requests
