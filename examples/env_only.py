"""The environment alone, PEM text included: for platforms that provide variables, not files.

    export MILVUS_URI=https://localhost:19530
    export MILVUS_CA_PEM="$(cat ca.pem)"
    export MILVUS_CLIENT_PEM="$(cat client.pem)" MILVUS_CLIENT_KEY="$(cat client.key)"
    python env_only.py

The keyword arguments fit everything that passes them to pymilvus: MilvusClient itself,
``connections.connect``, or a framework's ``connection_args``.
"""

from __future__ import annotations

import sys

from pymilvus import MilvusClient

from milvus_secure import MilvusSecureError, MilvusSettings, check


def main() -> None:
    """Judge the settings without a socket, then connect with plain pymilvus."""
    settings = MilvusSettings(env_file=None)
    report = check(settings, online=False)
    if not report.ok:
        sys.exit(str(report))
    # Keep `settings` as long as the client: the paths of inline PEM text last that long.
    client = MilvusClient(**settings.client_kwargs())
    try:
        configured = [name for name in report.settings if settings.source_of(name) != "default"]
        print(f"{report.mode} TLS from {', '.join(configured)}")
        print(f"collections: {client.list_collections()}")
    finally:
        client.close()


if __name__ == "__main__":
    try:
        main()
    except MilvusSecureError as error:
        sys.exit(f"env_only: {error}")
