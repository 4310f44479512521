"""Connect to Milvus over TLS, and get the cause when it fails.

Names are imported when first used (PEP 562), so that ``import milvus_secure`` costs nothing
and never loads pymilvus, gRPC or pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from ._common.tls_mode import TLSMode
    from .certs import CertificateSet
    from .client.connect import connect_secure, connect_secure_async
    from .client.settings import MilvusSettings
    from .client.watch import watch
    from .diagnosis.check import check, check_async, check_many
    from .diagnosis.explain import explain
    from .errors import CertificateError, MilvusSecureError, SecureConnectionError, SettingsError
    from .reporting.report import Finding, Report, Severity
    from .server.embedded.server import EmbeddedMilvus

__all__ = [
    "CertificateError",
    "CertificateSet",
    "EmbeddedMilvus",
    "Finding",
    "MilvusSecureError",
    "MilvusSettings",
    "Report",
    "SecureConnectionError",
    "SettingsError",
    "Severity",
    "TLSMode",
    "__version__",
    "check",
    "check_async",
    "check_many",
    "connect_secure",
    "connect_secure_async",
    "explain",
    "watch",
]

_HOMES = {
    "CertificateError": "errors",
    "CertificateSet": "certs",
    "EmbeddedMilvus": "server.embedded.server",
    "Finding": "reporting.report",
    "MilvusSecureError": "errors",
    "MilvusSettings": "client.settings",
    "Report": "reporting.report",
    "SecureConnectionError": "errors",
    "SettingsError": "errors",
    "Severity": "reporting.report",
    "TLSMode": "_common.tls_mode",
    "check": "diagnosis.check",
    "check_async": "diagnosis.check",
    "check_many": "diagnosis.check",
    "connect_secure": "client.connect",
    "connect_secure_async": "client.connect",
    "explain": "diagnosis.explain",
    "watch": "client.watch",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: the object that the name refers to
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
