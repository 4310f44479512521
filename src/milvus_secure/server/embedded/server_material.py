"""The files the embedded server presents, judged before gRPC sees them.

gRPC aborts the whole process on some PEM that it cannot read, and says only on stderr what else
it dislikes.
"""

from __future__ import annotations

import os

from ...diagnosis.material import read_settled
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
    paths = {"server_pem": server_pem, "server_key": server_key}
    if ca_pem is not None:
        paths["ca_pem"] = ca_pem

    def read() -> dict[str, Material]:
        return {
            slot: read_one(slot, os.path.abspath(path), f"{slot}_path", "argument")  # noqa: PTH100 - a str
            for slot, path in paths.items()
        }

    material = read_settled(read, paths.values(), ("server_pem", "server_key"))
    for slot, piece in material.items():
        _require_readable(piece, paths[slot])
    chain, key = material["server_pem"], material["server_key"]
    _require_pair(chain, key)
    anchor = material.get("ca_pem")
    return chain.data, key.data, anchor.data if anchor else None


def _require_readable(piece: Material, path: str) -> None:
    """Raise what is wrong with a PEM file for gRPC, if anything."""
    if piece.fault is not None:
        title = CATALOGUE[piece.fault.code].title
        detail = f" ({piece.fault.detail})" if piece.fault.detail else ""
        raise MilvusSecureError(
            f"{piece.fault.code}: {piece.setting} {path}: {title}{detail}.",
            "Use another file. To read more about it:",
            f"milvus-secure explain {piece.fault.code}",
        )


def _require_pair(chain: Material, key: Material) -> None:
    certified = public_key(chain.certificates[0]) if chain.certificates else None
    if certified is not None and key.key is not None and certified != key.key.public_key():
        raise MilvusSecureError(
            f"key-mismatch: {key.setting} {key.origin.removeprefix('file:')} is not the key of "
            f"the first certificate in {chain.origin.removeprefix('file:')}.",
            "Use a key and a certificate that were made together, the leaf certificate first.",
        )
