"""What helps when a chain is refused: by the finding's code, or by a more specific reason."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from ...verification.verdict import Failure
from .lifetime import SIGN_AGAIN, SIGN_AGAIN_COMMAND


class Remedy(NamedTuple):
    """What repairs a chain.

    Attributes:
        text: In words.
        command: A line to paste that does so, or shows more; None if there is none.
    """

    text: str
    command: str | None = None


SHOW_SERVER = "openssl s_client -connect {address}{sni} -showcerts </dev/null"
_RENEW = "milvus-secure certs renew DIR"
_REPAIR = "milvus-secure certs repair DIR"
_NEW_CLIENT = "milvus-secure certs client NAME --dir DIR"
_SERVER = {
    "certificate-not-yet-valid": Remedy(
        "Set this machine's clock, or have the certificate reissued.", "timedatectl"
    ),
    "certificate-expired": Remedy(
        "Renew it with the same CA, then restart Milvus: it reads certificates only at start-up.",
        _RENEW,
    ),
    "certificate-malformed": Remedy("Have it reissued.", _REPAIR),
    "weak-key": Remedy(
        "Make a new server key (EC P-256 or RSA 2048), and have a certificate issued for it.",
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out server.key",
    ),
    "weak-signature": Remedy(SIGN_AGAIN, SIGN_AGAIN_COMMAND),
    "issuer-key-mismatch": Remedy(
        "Set {setting} to the CA's current certificate, or reissue the server's with that CA."
    ),
    "chain-incomplete": Remedy(
        "Append the intermediate to Milvus's tls.serverPemPath and restart Milvus, or append it to "
        "{setting}.",
        "cat server.pem intermediate.pem > chain.pem",
    ),
    "issuer-not-ca": Remedy(
        "Reissue the issuer's certificate with basicConstraints=critical,CA:TRUE and "
        "keyUsage=keyCertSign, or have the certificate issued by a CA."
    ),
    "name-constraint": Remedy("Have the certificate issued by a CA that allows the name."),
    "usage-not-server": Remedy(
        "Reissue it with extendedKeyUsage=serverAuth and keyUsage=digitalSignature.", _REPAIR
    ),
    "chain-untrusted": Remedy(
        "Set {setting} to the certificate of the CA that issued the server's certificate. If that "
        "CA is an intermediate, have Milvus send its certificate too. To see the chain:",
        SHOW_SERVER,
    ),
    "presented-certificate-differs": Remedy(
        "Compare the fingerprints with the server's administrator. If the certificate was renewed, "
        "set ca_pem_path to its CA, which stays the same after a renewal, or put the new "
        "certificate in "
        "{setting}. To see it:",
        SHOW_SERVER,
    ),
    "shared-subject": Remedy("Reissue the server's certificate with a different subject.", _REPAIR),
}
_CLIENT = {
    **_SERVER,
    "certificate-expired": Remedy("Renew it with the same CA.", _RENEW),
    "certificate-malformed": Remedy("Make a new client pair.", _NEW_CLIENT),
    "weak-key": Remedy("Make a new client pair.", _NEW_CLIENT),
    "usage-not-client": Remedy("Reissue it with extendedKeyUsage=clientAuth.", _REPAIR),
}
# Where the usual remedy of a code does not fit: see `Failure.remedy`.
_SPECIAL = {
    "plain-extensions": Remedy(
        "Have it reissued without critical extensions that peers do not know."
    ),
    "plain-certificate": Remedy(
        "Have the certificate reissued in a usual form. To see it:", SHOW_SERVER
    ),
    "another-ca": Remedy(
        "Make a new CA, and reissue all its certificates, with RSA keys or keys on P-256.",
        "milvus-secure certs init NEW-DIR",
    ),
    "path-length": Remedy(
        "Issue the certificate directly under that CA, or have the CA reissued with a larger "
        "pathLenConstraint, or none. To see it:",
        "openssl x509 -in ca.pem -noout -ext basicConstraints",
    ),
    "stale-intermediate": Remedy(
        "Send the intermediate's current certificate instead, which has the key that signed the "
        "leaf.",
        "cat leaf.pem intermediate.pem > chain.pem",
    ),
    "other-edition": Remedy(
        "Reissue the certificate under the CA's current certificate, or add the earlier one to "
        "the trust anchors.",
        "cat ca-old.pem ca.pem > anchors.pem",
    ),
}


def server_remedy(
    failure: Failure,
    setting: str = "ca_pem_path",
    address: str = "HOST:19530",
    server_name: str = "",
) -> Remedy:
    """What helps when a server's chain is refused.

    Args:
        failure: Why.
        setting: The client's setting that names the trust anchor.
        address: Where the server is.
        server_name: What gRPC sends as SNI: an ingress chooses the certificate by it.
    """
    return _filled(_SERVER, failure, setting, address, server_name)


def client_remedy(failure: Failure, setting: str, address: str) -> Remedy:
    """What helps when a client's chain is refused; arguments as for `server_remedy`."""
    return _filled(_CLIENT, failure, setting, address)


def show_server(address: str, server_name: str = "") -> str:
    """The command that shows what a server presents to a client that sends this name (SNI)."""
    sni = f" -servername {shlex.quote(server_name)}" if server_name else ""
    return SHOW_SERVER.format(address=address, sni=sni)


def _filled(
    remedies: Mapping[str, Remedy],
    failure: Failure,
    setting: str,
    address: str,
    server_name: str = "",
) -> Remedy:
    text, command = _SPECIAL.get(failure.remedy) or remedies[failure.code]
    text = text.format(setting=setting)
    if command == SHOW_SERVER:
        command = show_server(address, server_name)
    return Remedy(text, command)
