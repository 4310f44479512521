"""mem0, which knows a URI and a token only, through ``milvus-secure tunnel``.

pip install mem0ai langchain langchain-core milvus-secure
export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
export MILVUS_TOKEN=user:password
milvus-secure tunnel &
python with_mem0.py http://127.0.0.1:19531
"""

import os
import sys

os.environ["MEM0_TELEMETRY"] = "False"

from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from mem0 import Memory


def main(uri: str) -> None:
    """Remember a sentence, and find it."""
    memory = Memory.from_config(
        {
            "vector_store": {
                "provider": "milvus",
                "config": {
                    "url": uri,
                    "token": os.environ["MILVUS_TOKEN"],
                    "collection_name": "memories",
                    "embedding_model_dims": 8,
                },
            },
            "embedder": {
                "provider": "langchain",
                "config": {"model": DeterministicFakeEmbedding(size=8)},
            },
            "llm": {
                "provider": "langchain",
                "config": {"model": FakeListChatModel(responses=["{}"])},
            },
        }
    )
    memory.add("TLS protects the connection", user_id="alice", infer=False)
    [hit] = memory.search("TLS protects the connection", filters={"user_id": "alice"})["results"]
    print("found:", hit["memory"])


if __name__ == "__main__":
    main(sys.argv[1])
