"""Where an embedded server listens, and its error for an address it cannot use."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from milvus_secure.errors import MilvusSecureError
from milvus_secure.server.embedded.server import EmbeddedMilvus


class TestAddress:
    def test_only_loopback_is_bound(self, server_pair):
        with EmbeddedMilvus(**server_pair) as server:
            assert bound_addresses(server.port) <= {"127.0.0.1", "::ffff:127.0.0.1"}
            assert server.address == f"127.0.0.1:{server.port}"

    def test_loopback_is_called_localhost_to_clients(self, server_pair):
        with EmbeddedMilvus(**server_pair) as server:
            assert server.uri == f"https://localhost:{server.port}"

    def test_an_ipv6_address_is_bound_and_bracketed(self, server_pair):
        if not ipv6():
            pytest.skip("this machine has no IPv6 loopback")
        with EmbeddedMilvus(**server_pair, host="::1") as server:
            assert server.address == f"[::1]:{server.port}"

    def test_a_port_asked_for_is_bound(self, server_pair):
        with EmbeddedMilvus(**server_pair) as first:
            port = first.port
        with EmbeddedMilvus(**server_pair, port=port) as second:
            assert second.port == port

    def test_a_port_in_use_is_named(self, server_pair):
        with EmbeddedMilvus(**server_pair) as first:
            second = EmbeddedMilvus(**server_pair, port=first.port)
            with pytest.raises(MilvusSecureError, match=f"{first.port} cannot be bound: Address"):
                second.start()

    @pytest.mark.parametrize("port", [-1, 65536, 99999])
    def test_a_port_out_of_range_is_not_wrapped_round(self, server_pair, port):
        with pytest.raises(MilvusSecureError, match="a number from 0 to 65535"):
            EmbeddedMilvus(**server_pair, port=port).start()

    def test_an_address_of_another_machine_is_named(self, server_pair):
        with pytest.raises(MilvusSecureError, match=r"192\.0\.2\.1:0 cannot be bound"):
            EmbeddedMilvus(**server_pair, host="192.0.2.1").start()

    def test_a_server_that_is_not_started_has_no_port(self, server_pair):
        with pytest.raises(MilvusSecureError, match=r"Call start\(\)"):
            _ = EmbeddedMilvus(**server_pair).uri


def bound_addresses(port: int) -> set[str]:
    """The local addresses that listen on a port, according to the kernel."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].exists():
        pytest.skip("the kernel's table of sockets is read from /proc, which is Linux's")
    addresses = set()
    for table in filter(Path.exists, tables):
        for line in table.read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, _, number = local.partition(":")
            if int(number, 16) == port and state == "0A":
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                raw = b"".join(words)
                family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
                addresses.add(socket.inet_ntop(family, raw))
    assert addresses
    return addresses


def ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
