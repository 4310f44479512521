"""The server's side, judged: what a configuration file makes Milvus do, and for which clients.

`reading` finds the TLS part of any of the files people keep; `rules` judges it; `both_ends` asks
whether a client with given settings would connect to such a server.
"""

from __future__ import annotations

from .check_server import check_server

__all__ = ["check_server"]
