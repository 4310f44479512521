"""LangChain's vector store over the configured TLS, synchronous and asynchronous.

pip install 'langchain-milvus>=0.4' milvus-secure
export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
python with_langchain.py
"""

import asyncio

from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_milvus import Milvus

from milvus_secure import MilvusSettings

settings = MilvusSettings()
embeddings = DeterministicFakeEmbedding(size=8)


@settings.explaining()
def connect() -> Milvus:
    """A failure to connect raises SecureConnectionError, with the cause and its fix."""
    return Milvus(
        embeddings,
        connection_args=settings.client_kwargs(check=True),
        collection_name="langchain",
        auto_id=True,
        drop_old=True,
    )


async def search(store: Milvus, text: str) -> str:
    """The asynchronous client connects when it is first used."""
    async with settings.explaining():
        [document] = await store.asimilarity_search(text, k=1)
    return document.page_content


async def main() -> None:
    """Write two texts, and find one both ways."""
    store = connect()
    store.add_texts(["TLS protects the connection", "a vector has a length"])
    [document] = store.similarity_search("a vector has a length", k=1)
    print("found:", document.page_content)
    print("found:", await search(store, "TLS protects the connection"))
    await store.aclient.close()
    store.client.close()


if __name__ == "__main__":
    asyncio.run(main())
