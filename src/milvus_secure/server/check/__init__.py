"""The server's side, judged: what a configuration file makes Milvus do, and for which clients.

`read_server` recognizes the kind of file and calls its reader, `config_layers` computes what
Milvus runs with, `rules` judge that, and `with_client` asks whether a client with certain settings
would connect to such a server.
"""

from __future__ import annotations

from .check_server import check_server, check_servers

__all__ = ["check_server", "check_servers"]
