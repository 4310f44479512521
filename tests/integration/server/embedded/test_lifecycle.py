"""An embedded server from its import to its end: the files it starts from, closing, signals."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import pytest

from milvus_secure.errors import MilvusSecureError
from milvus_secure.server.embedded.server import EmbeddedMilvus
from processes import started
from waiting import eventually


class TestImporting:
    def test_the_module_loads_neither_grpc_nor_milvus_lite(self, run_script):
        script = (
            "import sys, milvus_secure.server.embedded\n"
            "print({'grpc', 'milvus_lite'} & set(sys.modules))"
        )
        assert run_script(script).strip() == "set()"

    def test_milvus_lite_missing_is_named_with_its_extra(self, server_pair, run_script):
        script = f"""
import sys
sys.modules["milvus_lite"] = None  # what Python takes for "not installed"
from milvus_secure.server.embedded.server import EmbeddedMilvus
try:
    EmbeddedMilvus(server_pem_path={str(server_pair["server_pem_path"])!r},
                   server_key_path={str(server_pair["server_key_path"])!r}).start()
except Exception as error:
    print(type(error).__name__, error)
"""
        output = run_script(script)
        assert output.startswith("MilvusSecureError")
        assert "pip install 'milvus-secure[embedded]'" in output


class TestFiles:
    """gRPC aborts the process on some of these, so each is checked before gRPC reads it."""

    @pytest.mark.parametrize("argument", ["server_pem_path", "server_key_path", "ca_pem_path"])
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (None, "file-missing"),
            (b"", "file-empty"),
            (b"hello", "file-not-pem"),
            (b"-----BEGIN CERTIFICATE-----\n", "pem-malformed"),
        ],
        ids=["missing", "empty", "text", "truncated"],
    )
    def test_an_unreadable_file_is_named(self, server_pair, tmp_path, argument, content, code):
        path = tmp_path / "broken.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(MilvusSecureError, match=f"^{code}: {argument} {path}"):
            EmbeddedMilvus(**{**server_pair, argument: path}).start()

    def test_a_key_of_another_certificate_is_refused(self, server_pair, certs):
        with pytest.raises(MilvusSecureError, match=r"^key-mismatch: server_key_path"):
            EmbeddedMilvus(**{**server_pair, "server_key_path": certs / "client.key"}).start()

    def test_an_encrypted_key_is_refused(self, server_pair, trio, tmp_path):
        path = tmp_path / "encrypted.key"
        path.write_bytes(trio.server.encrypted_key_pem("hush"))
        with pytest.raises(MilvusSecureError, match=r"^key-encrypted: server_key_path"):
            EmbeddedMilvus(**{**server_pair, "server_key_path": path}).start()


class TestClosing:
    def test_a_connected_client_does_not_delay_it(self, server_pair, connect):
        server = EmbeddedMilvus(**server_pair).start()
        port = server.port
        connect(server)
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=60)

    def test_no_thread_is_left(self, server_pair):
        def workers() -> set[threading.Thread]:
            return {t for t in threading.enumerate() if t.name.startswith("embedded-milvus")}

        before = workers()
        with EmbeddedMilvus(**server_pair):
            pass
        assert eventually(lambda: workers() <= before), workers()

    def test_it_may_be_repeated(self, server_pair):
        server = EmbeddedMilvus(**server_pair).start()
        server.close()
        server.close()

    def test_a_closed_server_starts_again(self, server_pair, connect):
        server = EmbeddedMilvus(**server_pair)
        with server:
            pass
        with server:
            assert connect(server).has_collection("c") is False

    def test_a_running_server_is_not_started_twice(self, server_pair):
        with EmbeddedMilvus(**server_pair) as server:
            port = server.port
            assert server.start().port == port

    def test_a_failed_start_leaves_the_data_free(self, server_pair, tmp_path):
        with EmbeddedMilvus(**server_pair) as server, pytest.raises(MilvusSecureError):
            EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data", port=server.port).start()
        with EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data"):
            pass


class TestSignals:
    SCRIPT = """
import sys
from milvus_secure.server.embedded.server import EmbeddedMilvus, serve
server = EmbeddedMilvus(server_pem_path=sys.argv[1], server_key_path=sys.argv[2])
serve(server, ready=lambda: print(server.port, flush=True))
print(server)
"""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
    def test_it_serves_until_a_signal_and_closes_cleanly(self, server_pair, number):
        command = [sys.executable, "-c", self.SCRIPT, *map(str, server_pair.values())]
        with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            port = int(process.stdout.readline())
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
        assert (process.returncode, output.strip(), errors) == (
            0,
            "<EmbeddedMilvus, one-way TLS, not started>",
            "",
        )
