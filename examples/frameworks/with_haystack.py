"""Haystack's document store over the configured TLS; a pipeline saved as YAML holds no token.

pip install 'milvus-haystack>=0.1' milvus-secure
export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
export MILVUS_TOKEN=user:password
python with_haystack.py
"""

from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack.utils import Secret
from milvus_haystack import MilvusDocumentStore
from milvus_haystack.milvus_embedding_retriever import MilvusEmbeddingRetriever

from milvus_secure import MilvusSettings

settings = MilvusSettings()


@settings.explaining()
def connect() -> MilvusDocumentStore:
    """A failure to connect raises SecureConnectionError, with the cause and its fix."""
    kwargs = settings.client_kwargs(check=True)
    # Haystack saves a Secret by the name of its variable, and any other value as it is.
    for name in {"token", "password"} & set(kwargs):
        kwargs[name] = Secret.from_env_var(f"MILVUS_{name.upper()}")
    return MilvusDocumentStore(connection_args=kwargs, drop_old=True)


def main() -> None:
    """Write two documents, find one, and save the pipeline."""
    store = connect()
    DocumentWriter(store).run(
        [
            Document(content="TLS protects the connection", embedding=[1.0, 0.0, 0.0]),
            Document(content="a vector has a length", embedding=[0.0, 1.0, 0.0]),
        ]
    )
    pipeline = Pipeline()
    pipeline.add_component("retriever", MilvusEmbeddingRetriever(document_store=store, top_k=1))
    result = pipeline.run({"retriever": {"query_embedding": [0.0, 1.0, 0.0]}})
    print("found:", result["retriever"]["documents"][0].content)
    print(pipeline.dumps())


if __name__ == "__main__":
    main()
