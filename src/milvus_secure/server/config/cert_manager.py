"""cert-manager resources: the certificates are issued and renewed in the cluster.

Only the names are taken from the certificate set; its keys stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..._common.tls_mode import TLSMode
from .kubernetes import CLUSTER_CLIENT_SECRET, CLUSTER_SECRET
from .server_plan import ServerPlan, is_address
from .yaml_text import dumped

_CA = "milvus-ca"


def files(plan: ServerPlan) -> Mapping[str, bytes]:
    """cert-manager.yaml: a self-signed CA, an issuer from it, a server and a client certificate.

    Milvus reads its certificates once, so a renewal needs a restart of the server.
    """
    certificates = [_certificate(CLUSTER_SECRET, plan.names, "server auth")]
    if plan.mode is TLSMode.MUTUAL:
        certificates.append(
            _certificate(CLUSTER_CLIENT_SECRET, (CLUSTER_CLIENT_SECRET,), "client auth")
        )
    documents = (
        _resource("Issuer", "milvus-self-signed", {"selfSigned": {}}),
        _resource(
            "Certificate",
            _CA,
            {
                "isCA": True,
                "commonName": "Milvus CA",
                "secretName": _CA,
                "duration": "87600h",
                "privateKey": _KEY,
                "issuerRef": {"name": "milvus-self-signed", "kind": "Issuer"},
            },
        ),
        _resource("Issuer", _CA, {"ca": {"secretName": _CA}}),
        *certificates,
    )
    return {"cert-manager.yaml": dumped(*documents).encode()}


_KEY = {"algorithm": "ECDSA", "size": 256}


def _certificate(name: str, names: tuple[str, ...], usage: str) -> dict[str, object]:
    addresses = [name for name in names if is_address(name)]
    spec: dict[str, object] = {
        "secretName": name,
        "commonName": names[0][:64],
        "duration": "8760h",
        "renewBefore": "720h",
        "privateKey": {**_KEY, "rotationPolicy": "Always"},
        "usages": ["digital signature", usage],
        "dnsNames": [name for name in names if name not in addresses],
        "issuerRef": {"name": _CA, "kind": "Issuer"},
    }
    if addresses:
        spec["ipAddresses"] = addresses
    return _resource("Certificate", name, spec)


def _resource(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, object]:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }
