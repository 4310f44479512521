"""A script: connect, insert, search.

    export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=ca.pem
    python quickstart.py

If it cannot connect, one line names the cause and the fix.
"""

from __future__ import annotations

import sys

from milvus_secure import MilvusSecureError, connect_secure


def main() -> None:
    """Store three points and find the one nearest to a fourth."""
    client = connect_secure()
    try:
        client.create_collection("quickstart", dimension=2, metric_type="L2")
        points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        client.insert("quickstart", [{"id": i, "vector": p} for i, p in enumerate(points)])
        [hits] = client.search("quickstart", data=[[0.9, 0.2]], limit=1)
        print(f"nearest to (0.9, 0.2) is point {hits[0]['id']}")
        client.drop_collection("quickstart")
    finally:
        client.close()


if __name__ == "__main__":
    try:
        main()
    except MilvusSecureError as error:
        sys.exit(f"quickstart: {error}")
