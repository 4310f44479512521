"""Variables and secret files that nothing reads though they look as if they were meant for us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .._common.endpoint import DEFAULT_URI
from .._common.text import nearest, printable
from ..pem.slots import Slot
from ..reporting.report import Finding, Severity, finding
from .normalize import stripped
from .other_names import (
    CERT_WORDS,
    CONTROLS,
    ENDPOINTS,
    PORT,
    TLS_WORDS,
    by_upper_case,
    is_service_url,
    meant_setting,
)
from .provenance import Sourced

# Variables of pymilvus that are no settings here.
_FOREIGN = ("MILVUS_CONN_ALIAS", "MILVUS_DEFAULT_CONNECTION")
_SERVER = "CONF_"
_OPPOSED = {"KEY", "CA", "PASSWORD", "SERVER", "CLIENT"}
_PEM_SETTINGS = {name for slot in Slot for name in slot.settings}

# Words of names by which other programs turn off the verification of the server.
_VERIFICATION = {"verify", "verification", "insecure", "skipverify", "noverify"}
_NEGATION = {"insecure", "skip", "no", "disable", "disabled", "skipverify", "noverify"}
_OFF = {"", "0", "false", "f", "no", "n", "off", "none", "never"}


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
        variables: Those that are known, with the setting of each.
        prefix: What ours begin with, in upper case.
        uri_is_default: True if no source gives the uri.
    """
    services, capital = [], by_upper_case(values)
    for name, value in values.items():
        upper = name.upper()
        if not prefix or not upper.startswith(prefix) or upper.startswith(f"{prefix}{_SERVER}"):
            continue
        if _is_of_kubernetes(upper.removeprefix(prefix), value.value):
            services.append(name)
            continue
        rest = upper.removeprefix(prefix)
        contained = variables.get(upper.removesuffix("_FILE"))
        if upper not in variables and is_about_verification(rest):
            if _turns_verification_off(rest, value.value):
                yield _always_verified(name, value, prefix)
        elif upper not in variables and contained and contained not in _PEM_SETTINGS:
            yield _file_variable(name, contained, value, prefix)
        elif upper not in _FOREIGN and not (rest == PORT and f"{prefix}HOST" in capital):
            yield from _unread(name, value, variables, prefix, uri_is_default=uri_is_default)
    if services and uri_is_default:
        yield _service(services, values, prefix)


def is_about_verification(name: str) -> bool:
    """True for a name by which other programs turn the verification of the server on or off."""
    words = set(name.lower().split("_"))
    neutral = TLS_WORDS | _NEGATION | CERT_WORDS | {"peer", "host", "hostname", "server", "name"}
    return bool(words & _VERIFICATION) and words <= _VERIFICATION | neutral


def _turns_verification_off(name: str, value: str) -> bool:
    negated = bool(set(name.lower().split("_")) & _NEGATION)
    return negated is not (stripped(value).lower() in _OFF)


def _always_verified(name: str, value: Sourced, prefix: str) -> Finding:
    return finding(
        "env-unknown",
        f"The variable {printable(name)} is not read; the server's certificate is always verified.",
        f"Set {prefix}CA_PEM_PATH to the CA that issued the server's certificate, and unset "
        f"{printable(name)}.",
        setting="ca_pem_path",
        source=value.source,
        expected=f"{prefix}CA_PEM_PATH",
        presented=printable(name),
    )


def _file_variable(name: str, setting: str, value: Sourced, prefix: str) -> Finding:
    """The form in which images of databases take Docker secrets: ``..._PASSWORD_FILE``."""
    return finding(
        "env-unknown",
        f"The variable {printable(name)} is not read; {setting} is read from a file only in a "
        "secrets directory.",
        f"Name the file {prefix.lower()}{setting}, set {prefix}SECRETS_DIR to its directory, and "
        f"unset {printable(name)}.",
        setting=setting,
        source=value.source,
        expected=f"{prefix}SECRETS_DIR",
        presented=printable(name),
    )


def misnamed_secret(
    name: str, path: str, variables: Mapping[str, str], prefix: str
) -> Finding | None:
    """A note on a file in a secrets directory that is nearly named as a setting.

    Args:
        name: Of a file that is not read.
        path: Of the same file, as it may be shown.
        variables: Those that are known, with the setting of each.
        prefix: What the variables begin with, in upper case.
    """
    bare = re.sub(r"\.(?:txt|secret)$", "", name, flags=re.IGNORECASE).upper()
    separated = re.sub(r"[-.]", "_", bare)
    complete = separated.startswith(prefix)
    variable = separated if complete else f"{prefix}{bare}"
    if variable not in variables:
        return None
    return finding(
        "env-unknown",
        f"The file {path} is not read; its name looks like {variable}.",
        f"Rename it to {variable} if it is meant for this program.",
        # In a directory that other programs share, a bare name may well be theirs.
        severity=Severity.WARNING if complete else Severity.INFO,
        setting=variables[variable],
        source=f"secret {path}",
        expected=variable,
        presented=printable(name),
    )


def _spelled(rest: str, known: Iterable[str], prefix: str) -> str | None:
    """The known name a misspelled one is close to; never one of the opposite meaning."""
    words = _OPPOSED & set(rest.split("_"))
    # What all names share says nothing about how close two of them are.
    bare = {
        name.removeprefix(prefix): name
        for name in known
        if words <= set(name.removeprefix(prefix).split("_"))
    }
    close = nearest(rest, bare, 0.8)
    return bare[close] if close else None


def _is_of_kubernetes(rest: str, value: str) -> bool:
    """True for a variable that Kubernetes sets for a service (its ``envvars.FromServices``)."""
    if re.fullmatch(r"(?:\w+_)?SERVICE_(?:HOST|PORT(?:_\w+)?)", rest):
        return True
    if re.fullmatch(r"(?:\w+_)?PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?", rest):
        return True
    return re.fullmatch(r"(?:\w+_)?PORT", rest) is not None and is_service_url(value)


def _unread(
    name: str, value: Sourced, variables: Mapping[str, str], prefix: str, *, uri_is_default: bool
) -> Iterator[Finding]:
    upper = name.upper()
    rest = upper.removeprefix(prefix)
    known = (*variables, *(f"{prefix}{control}" for control in CONTROLS))
    why = "its name looks like {}"
    if rest == PORT:
        why = f"it is used only together with {prefix}HOST, and the proper name is {{}}"
    elif upper in known:
        if rest not in ENDPOINTS or not is_service_url(stripped(str(value.value))):
            return
        why = "a tcp:// address is what Kubernetes sets for a service; the proper name is {}"
    meant = "uri" if rest == PORT else variables.get(upper) or meant_setting(rest)
    close = f"{prefix}{meant.upper()}" if meant else _spelled(rest, known, prefix)
    if not close or (upper in known and not uri_is_default):
        return
    setting = variables.get(close)
    local = setting == "uri" and uri_is_default
    outcome = f" No uri is set, so the default {DEFAULT_URI} is used." if local else ""
    subject, remedy = f"variable {printable(name)}", f"Set {close}, or unset {printable(name)}."
    if value.source.startswith("secret "):
        subject, remedy = f"file {value.source.removeprefix('secret ')}", f"Rename it to {close}."
    yield finding(
        "env-unknown",
        f"The {subject} is not read; {why.format(close)}.{outcome}",
        remedy,
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
