"""A container: every setting is a file that the orchestrator mounts.

    docker compose -f compose.secrets.yaml run --rm app      # or, anywhere:
    MILVUS_SECRETS_DIR=/run/secrets python secrets_dir.py

A file is named as its variable, in any case: ``milvus_token``, ``milvus_ca_pem``. Docker and
Compose mount secrets at /run/secrets; in Kubernetes mount a Secret with such keys anywhere.
Variables have precedence over files, so a value can still be overridden for one run.
"""

from __future__ import annotations

import sys

from milvus_secure import MilvusSecureError, MilvusSettings, connect_secure


def main() -> None:
    """Print where each setting came from, without secrets, and connect."""
    settings = MilvusSettings()
    for name, shown in settings.shown().items():
        if shown["source"] != "default":
            print(f"{name} = {shown['value']}  ({shown['source']})")
    client = connect_secure(settings)
    try:
        print(f"connected, collections: {client.list_collections()}")
    finally:
        client.close()


if __name__ == "__main__":
    try:
        main()
    except MilvusSecureError as error:
        sys.exit(f"secrets_dir: {error}")
