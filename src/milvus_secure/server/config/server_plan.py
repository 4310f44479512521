"""What both ends of a Milvus over TLS need to agree on."""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from ..._common.tls_mode import TLSMode
from ...errors import MilvusSecureError

IMAGE = "milvusdb/milvus:v2.5.16"
"""The release the generated files name, pinned so that the same input gives the same output."""

USER_YAML_SINCE = (2, 4)
"""The first release whose standalone server lays a user.yaml over milvus.yaml; 2.3 does not."""

SERVER_FILES = ("server.pem", "server.key", "ca.pem")
"""What the server reads in mutual mode; the guide mounts the same three."""


@dataclass(frozen=True)
class ServerPlan:
    """One description of a server, from which every output and the client's settings follow.

    Attributes:
        certs: Folder with ca.pem, server.pem, server.key, client.pem, client.key.
        mode: One-way (``tlsMode: 1``) or mutual (``tlsMode: 2``).
        host: The name clients dial; the server certificate's first name unless given.
        port: The gRPC port clients dial.
        rest_port: The RESTful API's port, since Milvus does not start when it shares the gRPC
            port under TLS; None to leave the RESTful API as the template has it.
        enable_rest: Whether a template has the RESTful API turned off, so that it must be enabled.
        container_port: The gRPC port in the container.
        image: The container image.
        internal_tls: Whether Milvus's components talk TLS among themselves.
        authorization: Whether Milvus asks for user and password.
        template: Text of an existing milvus.yaml to patch, or None for a new one.
        template_name: What to call it in an error.
        issued_in_cluster: Whether cert-manager makes the certificates instead of ``certs``.
    """

    certs: Path
    mode: TLSMode
    host: str | None = None
    port: int = 19530
    rest_port: int | None = 8080
    enable_rest: bool = False
    container_port: int = 19530
    image: str = IMAGE
    internal_tls: bool = False
    authorization: bool = False
    template: str | None = None
    template_name: str = "milvus.yaml"
    issued_in_cluster: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the server certificate presents: DNS names, then IP addresses, else the CN.

        Raises:
            MilvusSecureError: If server.pem is missing or holds no certificate.
        """
        certificate = self.server_certificate
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return tuple(
                str(item.value)
                for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            )
        dns = extension.value.get_values_for_type(x509.DNSName)
        return (*dns, *(str(ip) for ip in extension.value.get_values_for_type(x509.IPAddress)))

    @property
    def client_host(self) -> str:
        """The host in the client's URI.

        Raises:
            MilvusSecureError: If none is given and the certificate presents only wildcards.
        """
        if self.host:
            return self.host
        named = next((name for name in self.names if not name.startswith("*")), None)
        if named is None:
            raise MilvusSecureError(
                f"{self.certs / 'server.pem'} contains no name that a client could connect to.",
                "Set it with --host NAME.",
            )
        return named

    @property
    def client_uri(self) -> str:
        """The URI clients dial."""
        host = self.client_host
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    @property
    def internal_name(self) -> str:
        """The DNS name the components expect of each other (``internaltls.sni``).

        Raises:
            MilvusSecureError: If the certificate presents no DNS name.
        """
        for name in self.names:
            if not name.startswith("*") and not is_address(name):
                return name
        raise MilvusSecureError(
            f"{self.certs / 'server.pem'} contains no DNS name, and internal TLS needs one as sni.",
            "Add a DNS name.",
            f"milvus-secure certs repair {shlex.quote(str(self.certs))} --name milvus",
        )

    def keys(self, folder: str) -> dict[str, dict[str, object]]:
        """The keys of milvus.yaml that make this plan, with certificates under a folder.

        Args:
            folder: Where the server finds its certificates, such as ``/milvus/tls``.
        """
        security: dict[str, object] = {"tlsMode": self.mode.number}
        tls: dict[str, object] = {
            "serverPemPath": f"{folder}/server.pem",
            "serverKeyPath": f"{folder}/server.key",
        }
        if self.mode is TLSMode.MUTUAL:
            tls["caPemPath"] = f"{folder}/ca.pem"
        if self.authorization:
            security["authorizationEnabled"] = True
        keys: dict[str, dict[str, object]] = {
            "tls": tls,
            "common": {"security": security},
        }
        if self.rest_port is not None:
            # It is on by default (Milvus pkg/util/paramtable/http_param.go).
            enabled = {"enabled": True} if self.enable_rest else {}
            keys["proxy"] = {"http": {**enabled, "port": self.rest_port}}
        if self.internal_tls:
            security["internaltlsEnabled"] = True
            keys["internaltls"] = {
                "serverPemPath": f"{folder}/server.pem",
                "serverKeyPath": f"{folder}/server.key",
                "caPemPath": f"{folder}/ca.pem",
                "sni": self.internal_name,
            }
        return keys

    @property
    def server_files(self) -> tuple[str, ...]:
        """The files of the set that the server reads."""
        needs_ca = self.mode is TLSMode.MUTUAL or self.internal_tls
        return SERVER_FILES if needs_ca else SERVER_FILES[:2]

    def read(self, name: str) -> bytes:
        """A file of the set.

        Raises:
            MilvusSecureError: If it cannot be read.
        """
        path = self.certs / name
        try:
            return path.read_bytes()
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise MilvusSecureError(
                f"{path} cannot be read: {why}.",
                "Make the certificate set.",
                f"milvus-secure certs init {shlex.quote(str(self.certs))}",
            ) from None

    @cached_property
    def server_certificate(self) -> x509.Certificate:
        """The server's own certificate.

        Raises:
            MilvusSecureError: If server.pem is missing or holds no certificate.
        """
        try:
            return x509.load_pem_x509_certificate(self.read("server.pem"))
        except ValueError:
            path = self.certs / "server.pem"
            raise MilvusSecureError(
                f"{path} contains no PEM certificate.",
                "See what it contains.",
                f"milvus-secure certs show {shlex.quote(str(path))}",
            ) from None


def is_address(name: str) -> bool:
    """True if a presented name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def image_version(image: object) -> tuple[int, int] | None:
    """Milvus's release as a container image's tag tells it, such as ``(2, 5)``."""
    match = re.search(r":v?(\d+)\.(\d+)", str(image or ""))
    return (int(match[1]), int(match[2])) if match else None
