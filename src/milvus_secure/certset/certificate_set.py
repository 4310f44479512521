"""`CertificateSet`: a directory with a CA, a server and its clients."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import CertificateError
from .build import build
from .keys import DEFAULT_KEY_TYPE
from .plan import CA_DAYS, CLIENT, LEAF_DAYS, SetPlan, make_plan
from .store import write_set
from .subject import Subject

OWN_SUFFIXES = (".key", ".pem", ".csr", ".srl")


class CertificateSet:
    """The files of a set, under the names Milvus's guide gives them.

    Nothing is read until something is asked of it.

    Args:
        directory: Where the files are.

    Attributes:
        directory: As given.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def __repr__(self) -> str:
        return f"CertificateSet({str(self.directory)!r})"

    @property
    def ca_pem(self) -> Path:
        """The trust anchors: for clients always, for the server in mutual mode."""
        return self.directory / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """The CA's private key; it never leaves the machine that issues."""
        return self.directory / "ca.key"

    @property
    def server_pem(self) -> Path:
        """The server's chain, leaf first."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key."""
        return self.directory / "server.key"

    @property
    def client_pem(self) -> Path:
        """The chain of the client every set has, leaf first."""
        return self.directory / f"{CLIENT}.pem"

    @property
    def client_key(self) -> Path:
        """The private key of the client every set has."""
        return self.directory / f"{CLIENT}.key"

    @classmethod
    def create(  # noqa: PLR0913 - all by name
        cls,
        directory: str | os.PathLike[str],
        names: Iterable[str] = (),
        ips: Iterable[str] = (),
        *,
        key_type: str = DEFAULT_KEY_TYPE,
        days: int = LEAF_DAYS,
        ca_days: int = CA_DAYS,
        intermediate_days: int | None = None,
        subject: Subject | None = None,
        overwrite: bool = False,
    ) -> CertificateSet:
        """Make a new set: a CA, a server and one client.

        Args:
            directory: Where to; made with mode 0700, its parent must exist.
            names: Host names and wildcards the server is reached by. With no name and no
                address, localhost and 127.0.0.1.
            ips: IP addresses it is reached by.
            key_type: ``p256``, ``p384``, ``rsa2048``, ``rsa3072`` or ``rsa4096``.
            days: Validity of server and client, in days.
            ca_days: Validity of the CA, in days.
            intermediate_days: Validity of an intermediate CA that signs instead of the root, in
                days; None for no such CA.
            subject: Country, organization and the like, shared by all names.
            overwrite: Whether a set that is there may be replaced.

        Raises:
            CertificateError: If something asked for fits no certificate, the directory holds
                files and ``overwrite`` is false, or it cannot be written.
        """
        plan = make_plan(
            names, ips, key_type=key_type, server_days=days, clients={CLIENT: days},
            ca_days=ca_days, intermediate_days=intermediate_days, subject=subject or Subject(),
        )  # fmt: skip
        return cls.from_plan(directory, plan, overwrite=overwrite)

    @classmethod
    def from_plan(
        cls, directory: str | os.PathLike[str], plan: SetPlan, *, overwrite: bool = False
    ) -> CertificateSet:
        """Make a new set as a plan describes it; see `create`."""
        made = cls(directory)
        if not overwrite:
            made.refuse_occupied()
        write_set(made.directory, build(plan))
        return made

    def refuse_occupied(self) -> None:
        """Raise if the directory holds anything.

        Raises:
            CertificateError: If it does, or if it is no directory.
        """
        try:
            held = sorted(entry.name for entry in self.directory.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise CertificateError(
                f"{self.directory} cannot be used: {why}.", "name another directory."
            ) from None
        if not held:
            return
        if "ca.pem" in held or "ca.key" in held:
            raise CertificateError(
                f"{self.directory} holds a certificate set already.",
                f"renew it (milvus-secure certs renew {self.directory}), or replace it, CA and "
                "all, with --force.",
            )
        few = ", ".join(held[:3]) + (" ..." if len(held) > 3 else "")
        raise CertificateError(
            f"{self.directory} holds files that belong to no set: {few}.",
            "name a new or empty directory; with --force they stay where they are.",
        )
