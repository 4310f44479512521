"""The RESTful API over TLS, and pymilvus's bulk-import helpers that use it.

They verify with Python's ``ssl`` or with curl, not with gRPC: a subjectAltName is needed, and
``server_name`` replaces the host only where the HTTP library allows that.
"""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .._common.endpoint import Endpoint
from ..diagnosis.check import check
from ..diagnosis.material import read_material
from ..errors import SecureConnectionError
from ..pem.public_roots import public_roots_path
from ..pem.slots import Slot
from .kwargs import client_kwargs

if TYPE_CHECKING:
    from ..settings.model import SettingsModel

REST_PORT = 8080


class Paths(NamedTuple):
    """What a TLS client other than gRPC is to be given.

    Attributes:
        anchor: PEM file of the trust anchors.
        client: PEM files of the client certificate and its key, or None in one-way mode.
    """

    anchor: str
    client: tuple[str, str] | None


def ssl_context(settings: SettingsModel) -> ssl.SSLContext:
    """A context that trusts, and presents, what the settings say.

    Raises:
        SecureConnectionError: If the settings contradict each other, or if Python cannot load a
            file and the offline checks know why.
        ValueError: If they ask for plaintext.
        OSError: If Python cannot load a file for another reason.
    """
    paths = _paths(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(paths.anchor)
        if paths.client:
            context.load_cert_chain(*paths.client)
    except OSError as error:  # Python's own names neither the file nor the setting
        report = check(settings, online=False)
        if report.errors:
            raise SecureConnectionError(report) from error
        raise
    return context


def requests_kwargs(settings: SettingsModel) -> dict[str, Any]:
    """``verify`` and ``cert`` for ``requests``, and for pymilvus's bulk-import helpers.

    Raises:
        SecureConnectionError: If the settings contradict each other.
        ValueError: If they ask for plaintext.
    """
    paths = _paths(settings)
    kwargs: dict[str, Any] = {"verify": paths.anchor}
    if paths.client:
        kwargs["cert"] = paths.client
    return kwargs


def curl_command(settings: SettingsModel, rest_port: int = REST_PORT) -> str:
    """The guide's curl line for these settings; secrets are left for the shell to fill in.

    Material given as text has the file name of the guide there: ``client.pem``
    for ``client_pem``.

    Args:
        settings: As loaded.
        rest_port: ``proxy.http.port`` of the server.

    Raises:
        SecureConnectionError: If the settings contradict each other.
        ValueError: If they ask for plaintext.
    """
    paths = _paths(settings, partial(_named, settings))
    endpoint = settings.valid_endpoint
    dialled = Endpoint("https", endpoint.host, rest_port, port_given=True)
    named = replace(dialled, host=settings.server_name or endpoint.host)
    words = ["curl", "--cacert", paths.anchor]
    if paths.client:
        if read_material(settings)["client_pem"].converted:  # a PKCS#12 store
            store = settings.client_pem_path or "client.p12"
            words += ["--cert", str(store), "--cert-type", "P12"]
        else:
            words += ["--cert", paths.client[0], "--key", paths.client[1]]
    if named != dialled:
        words += ["--connect-to", f"{named.address}:{dialled.address}"]
    words += ["-H", "Request-Timeout: 10", "-H", "Content-Type: application/json", "-d", "{}"]
    words.append(f"https://{named.address}/v2/vectordb/collections/list")
    line = shlex.join(words)
    if paths.client and settings.client_key_password:
        line += ' --pass "$MILVUS_CLIENT_KEY_PASSWORD"'
    if settings.token or settings.password:
        line += ' -H "Authorization: Bearer $MILVUS_TOKEN"'
    return line


def _named(settings: SettingsModel, slot: str) -> str:
    source = settings.pem_sources.get(Slot(slot))
    return str(source.path) if source and source.path else slot.replace("_", ".")


def _paths(settings: SettingsModel, path_of: Callable[[str], str] | None = None) -> Paths:
    kwargs = client_kwargs(settings, path_of)
    if not kwargs["secure"]:
        raise ValueError("the settings ask for plaintext, which has no TLS context")
    anchor = kwargs.get("ca_pem_path") or kwargs.get("server_pem_path") or str(public_roots_path())
    if "client_pem_path" not in kwargs:
        return Paths(anchor, None)
    return Paths(anchor, (kwargs["client_pem_path"], kwargs["client_key_path"]))
