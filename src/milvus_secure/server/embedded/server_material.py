"""The files the embedded server presents, judged before gRPC sees them.

gRPC aborts the whole process on some PEM that it cannot read, and says only on stderr what else
it dislikes.
"""

from __future__ import annotations

import os

from ...errors import MilvusSecureError
from ...pem.certificate import public_key
from ...pem.material import Material, read_one
from ...reporting.catalogue import CATALOGUE


def judged_pems(
    server_pem: str, server_key: str, ca_pem: str | None
) -> tuple[bytes, bytes, bytes | None]:
    """Read a server's certificate chain, its key, and the trust anchor for clients.

    Raises:
        MilvusSecureError: If one cannot be used, or the key is not the leaf's.
    """
    chain = _read("server_pem", server_pem, "server_pem_path")
    key = _read("server_key", server_key, "server_key_path")
    _require_pair(chain, key)
    anchor = None if ca_pem is None else _read("ca_pem", ca_pem, "ca_pem_path")
    return chain.data, key.data, anchor.data if anchor else None


def _read(slot: str, path: str, argument: str) -> Material:
    """Read a PEM file as gRPC would, or raise what is wrong with it."""
    material = read_one(slot, os.path.abspath(path), argument, "argument")  # noqa: PTH100 - a str
    if material.fault is not None:
        title = CATALOGUE[material.fault.code].title
        detail = f" ({material.fault.detail})" if material.fault.detail else ""
        raise MilvusSecureError(
            f"{material.fault.code}: {argument} {path}: {title}{detail}.",
            "Give another file. To read more about it:",
            f"milvus-secure explain {material.fault.code}",
        )
    return material


def _require_pair(chain: Material, key: Material) -> None:
    certified = public_key(chain.certificates[0]) if chain.certificates else None
    if certified is not None and key.key is not None and certified != key.key.public_key():
        raise MilvusSecureError(
            f"key-mismatch: {key.setting} {key.origin.removeprefix('file:')} is not the key of "
            f"the first certificate in {chain.origin.removeprefix('file:')}.",
            "Give the pair that was made together, the leaf first.",
        )
