"""What other projects and Kubernetes call a setting, by meaning where the name is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import quote

from ..pem.shapes import holds_material
from ..pem.slots import Slot
from .normalize import stripped
from .provenance import Sourced

CONTROLS = ("CONFIG", "PROFILE", "SECRETS_DIR")
"""Variables, without their prefix, that say where settings are read."""

ENDPOINTS = ("ADDRESS", "ENDPOINT", "HOST")
"""Variables, without their prefix, that name the endpoint in other ways than as a URI."""

PORT = "PORT"

# The words of a name by which its meaning is known, the most telling first. A name has a meaning
# only if all of its words belong to it: MILVUS_PARTITION_KEY is not a private key.
TLS_WORDS = {"tls", "ssl", "mtls", "grpc", "milvus"}
_FORM = {"pem", "file", "path", "crt", "location", "text", "data", "content", "base64", "b64"}
_CLIENT = {"client", "user", "mtls"}
_CA = {"ca", "cacert", "cafile", "capath", "rootca", "cabundle", "truststore", "trusted"}
CERT_WORDS = {
    "cert",
    "certs",
    "certificate",
    "certificates",
    "chain",
    "crt",
    "certfile",
    "bundle",
}
_KEY = {"key", "keyfile", "privkey", "privatekey", "private"}
_SECRET = {"password", "passphrase", "pass", "passwd", "pwd"}
_ENDPOINT = {
    "url",
    "uri",
    "addr",
    "address",
    "addresses",
    "endpoint",
    "endpoints",
    "host",
    "hostname",
    "server",
}
# What OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR mean.
_OPENSSL = ({"ssl", "cert", "file"}, {"ssl", "cert", "dir"})
_Words = frozenset[str] | set[str]
_MEANINGS: tuple[tuple[str, _Words, _Words, _Words], ...] = (
    # setting, one of these words, one of these too (if there are any), and these may be there
    (
        "client_key_password",
        {"passphrase"},
        set(),
        TLS_WORDS | _CLIENT | _KEY | CERT_WORDS | _FORM,
    ),
    ("client_key_password", _KEY, _SECRET, TLS_WORDS | _CLIENT | CERT_WORDS | _FORM),
    ("token", {"token", "apikey"}, set(), {"auth", "access", "grpc"}),
    ("token", {"api"}, {"key", "token"}, {"auth"}),
    ("client_key_path", _KEY, set(), TLS_WORDS | _CLIENT | CERT_WORDS | _FORM),
    (
        "ca_pem_path",
        _CA,
        set(),
        TLS_WORDS | _FORM | CERT_WORDS | {"root", "server", "authority"},
    ),
    ("ca_pem_path", {"root", "roots"}, CERT_WORDS | {"pem"}, TLS_WORDS | _FORM),
    ("server_name", {"sni", "servername"}, set(), TLS_WORDS | {"override"}),
    ("server_name", {"name"}, {"server", "override", "target", "common"}, TLS_WORDS),
    ("server_pem_path", {"server"}, CERT_WORDS | _FORM, TLS_WORDS),
    ("client_pem_path", CERT_WORDS, set(), TLS_WORDS | _CLIENT | _FORM),
    ("client_pem_path", {"client"}, _FORM, TLS_WORDS),
    ("password", _SECRET, set(), {"auth", "user", "login"}),
    ("user", {"user", "username", "login"}, set(), {"auth", "name", "grpc"}),
    ("db_name", {"database", "db", "dbname"}, set(), {"name", "default"}),
    ("timeout", {"timeout"}, set(), {"connect", "connection", "conn", "grpc", "client", "seconds"}),
    ("tls_mode", {"mode"}, TLS_WORDS | {"security"}, set()),
    ("secure", {"tls", "ssl", "https", "secure"}, set(), {"use", "enable", "enabled", "with"}),
    ("uri", {*_ENDPOINT, "port"}, set(), {"grpc", "service", "connection"}),
)


def meant_setting(name: str) -> str | None:
    """The setting that a name of another project stands for, by the words it consists of.

    Args:
        name: Without the prefix of variables; case and the kind of separator do not matter.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = set(filter(None, re.split(r"[^a-z0-9]+", spaced)))
    if words in _OPENSSL:
        return "ca_pem_path"
    for setting, telling, also, others in _MEANINGS:
        if words & telling and (not also or words & also) and words <= {*telling, *also, *others}:
            return setting
    return None


def by_upper_case(values: Mapping[str, Sourced]) -> dict[str, Sourced]:
    """Variables by their names in upper case: as in pydantic-settings, case does not matter.

    Where names differ in case alone, the one in upper case counts.
    """
    others = {name.upper(): value for name, value in values.items() if not name.isupper()}
    return {**others, **{name: value for name, value in values.items() if name.isupper()}}


def port_in(values: Mapping[str, Sourced], prefix: str) -> Sourced | None:
    """The variable like ``MILVUS_PORT``, unless it is empty or the URL that Kubernetes sets.

    Args:
        values: Variables in upper case, with their values.
        prefix: What the variables begin with, in upper case.
    """
    port = values.get(f"{prefix}{PORT}")
    text = stripped(str(port.value)) if port is not None else ""
    return port if text and not is_service_url(text) else None


def is_port(variable: str, prefix: str) -> bool:
    """True for the variable that completes one like ``MILVUS_HOST``."""
    return variable == f"{prefix}{PORT}"


def settings_in(
    values: Mapping[str, Sourced],
    variables: Mapping[str, str],
    prefix: str,
    port: Sourced | None = None,
) -> dict[str, Sourced]:
    """Translate variables to settings; an empty variable counts as not set.

    Args:
        values: Variables in upper case, with their values.
        variables: Those that are known, with the setting of each.
        prefix: What the variables begin with, in upper case.
        port: The port for a variable like ``MILVUS_HOST``, from whatever source.
    """
    settings: dict[str, Sourced] = {}
    for variable, name in variables.items():
        value = values.get(variable)
        if value is None or not is_filled(value):
            continue
        alias = variable.removeprefix(prefix)
        if name == "uri" and alias in ENDPOINTS:
            address = _address(value, port if alias == "HOST" else None)
            if address is not None:
                settings.setdefault(name, address)
        elif name in _TEXT_FOR and alias != name.upper():
            text = _TEXT_FOR[name]
            if not settings.keys() & {name, text}:
                settings[text if holds_material(value.value) else name] = value
        else:
            settings.setdefault(name, value)
    return settings


# Some projects put the text and some the path of a certificate into one variable.
_TEXT_FOR = {slot.path_setting: slot.text_setting for slot in Slot}


def is_filled(value: Sourced) -> bool:
    """True for a value that counts: one of blanks alone does only where it is meant literally."""
    return bool(value.value if value.literal else value.value.strip())


def _address(value: Sourced, port: Sourced | None) -> Sourced | None:
    """The endpoint from a variable like ``MILVUS_HOST``; None if it is none, or Kubernetes's."""
    text = stripped(value.value)
    if is_service_url(text):
        return None
    has_scheme = "://" in text
    if port is not None:
        with suppress(ValueError):
            text = f"[{text}]" if ip_address(text).version == 6 else text
        if without_port := _WITHOUT_PORT.fullmatch(text):
            number = quote(stripped(str(port.value)), safe="")  # 1/tcp is no port and a path
            scheme = without_port["scheme"] or "https://"  # so that a wrong port is said to be one
            text = f"{scheme}{without_port['host']}:{number}{without_port['rest']}"
            if value.source != port.source:
                value = replace(value, source=f"{value.source}, {port.source}")
    return replace(value, value=text, without_scheme=not has_scheme)


_WITHOUT_PORT = re.compile(
    r"(?P<scheme>\w+://(?:[^/?#]*@)?)?(?P<host>\[[^\]]*\]|[^/?#:\[\]]+)(?P<rest>(?:[/?#].*)?)"
)


def is_service_url(text: str) -> bool:
    """True for what Kubernetes and Docker links put into the variable of a service's port."""
    return re.match(r"(?:tcp|udp|sctp)://", text.strip(), re.IGNORECASE) is not None
