"""What other projects and Kubernetes call a setting, by meaning where the name is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from ipaddress import ip_address

from .._common.endpoint import DEFAULT_URI
from .._common.text import printable
from ..pem.shapes import holds_material
from ..pem.slots import Slot
from ..reporting.report import Finding, Severity, finding
from .normalize import stripped
from .provenance import Sourced

CONTROLS = ("CONFIG", "PROFILE", "SECRETS_DIR")
"""Variables, without their prefix, that say where settings are read."""

ENDPOINTS = ("ADDRESS", "ENDPOINT", "HOST")
"""Variables, without their prefix, that name the endpoint in other ways than as a URI."""

_PORT = "PORT"
# Variables of pymilvus that are no settings here.
_FOREIGN = ("MILVUS_CONN_ALIAS", "MILVUS_DEFAULT_CONNECTION")
_SERVER = "CONF_"

# The words of a name by which its meaning is known, the most telling first. A name has a meaning
# only if all of its words belong to it: MILVUS_PARTITION_KEY is not a private key.
_SIDE = {"tls", "ssl", "mtls", "grpc", "milvus"}
_FORM = {"pem", "file", "path", "crt", "location", "text", "data", "content", "base64", "b64"}
_CLIENT = {"client", "user", "mtls"}
_CA = {"ca", "cacert", "cafile", "capath", "rootca", "cabundle", "truststore", "trusted"}
_CERT = {"cert", "certs", "certificate", "certificates", "chain", "crt", "certfile", "bundle"}
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
_OPPOSED = {"KEY", "CA", "PASSWORD", "SERVER", "CLIENT"}
_Words = frozenset[str] | set[str]
_MEANINGS: tuple[tuple[str, _Words, _Words, _Words], ...] = (
    # setting, one of these words, one of these too (if there are any), and these may be there
    ("client_key_password", {"passphrase"}, set(), _SIDE | _CLIENT | _KEY | _CERT | _FORM),
    ("client_key_password", _KEY, _SECRET, _SIDE | _CLIENT | _CERT | _FORM),
    ("token", {"token", "apikey"}, set(), {"auth", "access", "grpc"}),
    ("token", {"api"}, {"key", "token"}, {"auth"}),
    ("client_key_path", _KEY, set(), _SIDE | _CLIENT | _CERT | _FORM),
    ("ca_pem_path", _CA, set(), _SIDE | _FORM | _CERT | {"root", "server", "authority"}),
    ("ca_pem_path", {"root", "roots"}, _CERT | {"pem"}, _SIDE | _FORM),
    ("server_name", {"sni", "servername"}, set(), _SIDE | {"override"}),
    ("server_name", {"name"}, {"server", "override", "target", "common"}, _SIDE),
    ("server_pem_path", {"server"}, _CERT | _FORM, _SIDE),
    ("client_pem_path", _CERT, set(), _SIDE | _CLIENT | _FORM),
    ("client_pem_path", {"client"}, _FORM, _SIDE),
    ("password", _SECRET, set(), {"auth", "user", "login"}),
    ("user", {"user", "username", "login"}, set(), {"auth", "name", "grpc"}),
    ("db_name", {"database", "db", "dbname"}, set(), {"name", "default"}),
    ("timeout", {"timeout"}, set(), {"connect", "connection", "conn", "grpc", "client", "seconds"}),
    ("tls_mode", {"mode"}, _SIDE | {"security"}, set()),
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
    """The variable like ``MILVUS_PORT``, if it is a number; Kubernetes puts a URL there.

    Args:
        values: Variables in upper case, with their values.
        prefix: What the variables begin with, in upper case.
    """
    port = values.get(f"{prefix}{_PORT}")
    return port if port is not None and stripped(str(port.value)).isdecimal() else None


def is_port(variable: str, prefix: str) -> bool:
    """True for the variable that completes one like ``MILVUS_HOST``."""
    return variable == f"{prefix}{_PORT}"


def settings_in(
    values: Mapping[str, Sourced],
    variables: Mapping[str, str],
    prefix: str,
    port: Sourced | None = None,
) -> dict[str, Sourced]:
    """Translate variables to settings; an empty variable counts as not set.

    Args:
        values: Variables in upper case, with their values.
        variables: Those that are known, with the setting each stands for.
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
    if _is_service_url(text):
        return None
    if "://" in text:
        return replace(value, value=text)
    if port is not None:
        try:
            bare = f"[{text}]" if ip_address(text).version == 6 else text
        except ValueError:
            bare = text
        if not re.search(r":\d*$", bare):
            number = stripped(str(port.value))
            both = value.source if value.source == port.source else f"{value.source}, {port.source}"
            return replace(value, value=f"{bare}:{number}", source=both, without_scheme=True)
    return replace(value, value=text, without_scheme=True)


def _is_service_url(text: str) -> bool:
    """True for what Kubernetes and Docker links put into the variable of a service's port."""
    return re.match(r"(?:tcp|udp|sctp)://", text.strip(), re.IGNORECASE) is not None


def unread_variables(
    values: Mapping[str, Sourced],
    variables: Mapping[str, str],
    prefix: str,
    *,
    uri_is_default: bool,
) -> Iterator[Finding]:
    """Variables that nothing reads though they look as if they were meant for us.

    Args:
        values: All variables with their values.
        variables: Those that are known, with the setting each stands for.
        prefix: What ours begin with, in upper case.
        uri_is_default: True if no source gives the uri.
    """
    known = (*variables, *(f"{prefix}{name}" for name in CONTROLS))
    services = []
    capital = by_upper_case(values)
    for name, value in values.items():
        upper = name.upper()
        if not prefix or not upper.startswith(prefix) or upper.startswith(f"{prefix}{_SERVER}"):
            continue
        rest = upper.removeprefix(prefix)
        if _is_of_kubernetes(rest, value.value):
            services.append(name)
            continue
        if upper in _FOREIGN or (rest == _PORT and f"{prefix}HOST" in capital):
            continue
        why = "its name looks like {}"
        if rest == _PORT:
            why = f"it is used only together with {prefix}HOST, and the proper name is {{}}"
        elif upper in known:
            if rest not in ENDPOINTS or not _is_service_url(stripped(str(value.value))):
                continue
            why = "a tcp:// address is what Kubernetes sets for a service; the proper name is {}"
        meant = "uri" if rest == _PORT else variables.get(upper) or meant_setting(rest)
        close = f"{prefix}{meant.upper()}" if meant else _spelled(rest, known, prefix)
        if close and (upper not in known or uri_is_default):
            yield _unread(
                name,
                close,
                variables.get(close),
                value,
                why=why.format(close),
                uri_is_default=uri_is_default,
            )
    if services and uri_is_default:
        yield _service(services, values, prefix)


def _spelled(rest: str, known: Iterable[str], prefix: str) -> str | None:
    """The known name a misspelled one is close to; never one of the opposite meaning."""
    words = _OPPOSED & set(rest.split("_"))
    # What all names share says nothing about how close two of them are.
    bare = {
        name.removeprefix(prefix): name
        for name in known
        if words <= set(name.removeprefix(prefix).split("_"))
    }
    close = get_close_matches(rest, bare, n=1, cutoff=0.8)
    return bare[close[0]] if close else None


def _is_of_kubernetes(rest: str, value: str) -> bool:
    """True for a variable that Kubernetes sets for a service (its ``envvars.FromServices``)."""
    if re.fullmatch(r"(?:\w+_)?SERVICE_(?:HOST|PORT(?:_\w+)?)", rest):
        return True
    if re.fullmatch(r"(?:\w+_)?PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?", rest):
        return True
    return re.fullmatch(r"(?:\w+_)?PORT", rest) is not None and _is_service_url(value)


def _unread(
    name: str, close: str, setting: str | None, value: Sourced, *, why: str, uri_is_default: bool
) -> Finding:
    local = setting == "uri" and uri_is_default
    outcome = f" No uri is set, so the default {DEFAULT_URI} is used." if local else ""
    return finding(
        "env-unknown",
        f"The variable {printable(name)} is not read; {why}.{outcome}",
        f"Set {close}, or unset {printable(name)}.",
        setting=setting,
        source=value.source,
        expected=close,
        presented=printable(name),
    )


def _service(names: list[str], values: Mapping[str, Sourced], prefix: str) -> Finding:
    """No uri, in a pod whose namespace has a service with such a name."""
    first = next((name for name in names if name.endswith("_SERVICE_HOST")), names[0])
    stem = re.sub(r"_(?:SERVICE_HOST|SERVICE_PORT.*|PORT(?:_.*)?)$", "", first)
    port = values.get(f"{stem}_SERVICE_PORT")
    number = port.value if port and port.value.isdigit() else "19530"
    host = stem.lower().replace("_", "-")
    return finding(
        "env-unknown",
        f"No uri is set, so the default {DEFAULT_URI} is used. Kubernetes sets {first} for a "
        f"service {host}, but its variables are not read.",
        f"Set {prefix}URI=https://{host}:{number} if you want to use that service.",
        severity=Severity.WARNING,
        setting="uri",
        source=values[first].source,
        expected=f"{prefix}URI",
        presented=printable(first),
    )
