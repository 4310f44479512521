"""LlamaIndex's vector store over the configured TLS.

pip install 'llama-index-vector-stores-milvus>=1.2' milvus-secure
export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
python with_llama_index.py
"""

from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import VectorStoreQuery
from llama_index.vector_stores.milvus import MilvusVectorStore

from milvus_secure import MilvusSettings

settings = MilvusSettings()


@settings.explaining()
def connect() -> MilvusVectorStore:
    """A failure to connect raises SecureConnectionError, with the cause and its fix."""
    return MilvusVectorStore(
        **settings.client_kwargs(check=True),
        collection_name="llama_index",
        dim=3,
        overwrite=True,
        use_async_client=False,
    )


def main() -> None:
    """Write two nodes, and find one."""
    store = connect()
    texts = {"TLS protects the connection": [1.0, 0.0, 0.0], "a vector has a length": [0, 1.0, 0]}
    store.add([TextNode(text=text, embedding=vector) for text, vector in texts.items()])
    result = store.query(VectorStoreQuery(query_embedding=[0.0, 1.0, 0.0], similarity_top_k=1))
    print("found:", result.nodes[0].get_content())
    store.client.close()


if __name__ == "__main__":
    main()
