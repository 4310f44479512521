"""Describes a set: its CAs, names, validities and key type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...errors import CertificateError
from .issue import check_days
from .keys import DEFAULT_KEY_TYPE, check_key_type
from .subject import Subject
from .subject_alt_names import Identifiers, identifiers

CA_DAYS = 3650
LEAF_DAYS = 365

CLIENT = "client"
"""The client that every set has, named as in Milvus's guide."""

_MAX_COMMON_NAME = 64
_CLIENT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
_TAKEN = {"ca", "server", "intermediate", "chain"}


@dataclass(frozen=True)
class SetPlan:
    """The description of a set. Impossible descriptions are refused when it is made.

    Attributes:
        server: What the server presents.
        clients: Days of validity by client name; ``client`` is always there.
        server_days: Validity of the server's certificate, in days.
        ca_days: Validity of the CA.
        intermediate_days: Validity of an intermediate CA between root and leaves, or None.
        key_type: One of `keys.KEY_TYPES`.
        subject: What all names share; its common name is the server's.
        ca_common_name: The CA's; None makes a unique one.

    Raises:
        CertificateError: If certificates cannot be as described.
    """

    server: Identifiers
    clients: Mapping[str, int] = field(default_factory=lambda: {CLIENT: LEAF_DAYS})
    server_days: int = LEAF_DAYS
    ca_days: int = CA_DAYS
    intermediate_days: int | None = None
    key_type: str = DEFAULT_KEY_TYPE
    subject: Subject = field(default_factory=Subject)
    ca_common_name: str | None = None

    def __post_init__(self) -> None:
        check_key_type(self.key_type)
        if not self.server.texts:
            raise CertificateError("The server has no name.", "Add --name, --ip or both.")
        check_days(self.ca_days, "ca_days")
        above = self.ca_days
        if self.intermediate_days is not None:
            _within(self.intermediate_days, above, "intermediate_days", "ca_days")
            above = self.intermediate_days
        outer = "ca_days" if self.intermediate_days is None else "intermediate_days"
        _within(self.server_days, above, "days of the server", outer)
        for name, days in self.clients.items():
            client_name(name)
            _within(days, above, f"days of the client {name}", outer)
        if self.ca_common_name is not None:
            self.subject.named(self.ca_common_name)  # judges it
        self._judge_common_names()

    @property
    def server_subject(self) -> Subject:
        """The server's subject: its common name is the requested one, or the first that fits."""
        return self.subject.named(self.subject.common_name or common_name(self.server))

    def client_subject(self, name: str) -> Subject:
        """The subject of a client."""
        return self.subject.named(name)

    def _judge_common_names(self) -> None:
        server = self.server_subject.common_name
        if server in self.clients:
            raise CertificateError(
                f"The server and a client would have the same common name {server!r}.",
                "Use another common name for the server (--common-name).",
            )
        if self.ca_common_name and self.ca_common_name in {server, *self.clients}:
            raise CertificateError(
                f"The CA and a leaf would have the same common name {self.ca_common_name!r}.",
                "Use another common name for the CA.",
            )


def make_plan(names: Iterable[str] = (), ips: Iterable[str] = (), **rest: object) -> SetPlan:
    """Make a plan for these names; for localhost and 127.0.0.1 if there are none.

    Args:
        names: Host names and wildcards.
        ips: IP addresses.
        **rest: The other fields of `SetPlan`.
    """
    names, ips = tuple(names), tuple(ips)
    if not names and not ips:
        names, ips = ("localhost",), ("127.0.0.1",)
    return SetPlan(identifiers(names, ips), **rest)  # type: ignore[arg-type]


def common_name(server: Identifiers) -> str:
    """The first identifier that is short enough for a common name."""
    return next((t for t in server.texts if len(t) <= _MAX_COMMON_NAME), "milvus server")


def client_name(name: object) -> str:
    """Check a client's name, which is also the name of its files without suffix.

    Raises:
        CertificateError: If it cannot be the name of a file and a common name, or is reserved.
    """
    if not isinstance(name, str) or not _CLIENT_NAME.fullmatch(name):
        raise CertificateError(
            f"{name!r} cannot be the name of a client.",
            "Use 1 to 64 letters and digits; . _ @ - may be between them.",
        )
    if name.lower() in _TAKEN:
        raise CertificateError(
            f"A client cannot have the name {name!r}: a file of the set has that name.",
            "Choose another name.",
        )
    return name


def _within(days: int, above: int, label: str, outer: str) -> None:
    check_days(days, label)
    if days > above:
        raise CertificateError(
            f"{label} is {days}, more than the {above} of the CA that signs it ({outer}).",
            f"Use fewer days, or more for {outer}.",
        )
