"""`CertificateSet`: a directory with a CA, a server and its clients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import CertificateError
from .build import build
from .change import Change
from .conform import add_client, conform
from .inventory import Inventory
from .issue import Role
from .keys import DEFAULT_KEY_TYPE
from .pkcs12 import export
from .plan import CA_DAYS, CLIENT, LEAF_DAYS, SetPlan, client_name, make_plan
from .renew import renew_authority, renew_leaves, retire
from .repair import repair
from .signing import sign_request
from .store import write_set
from .subject import Subject


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
        cls, directory: str | os.PathLike[str], plan: SetPlan, *, overwrite: bool = False,
        dry_run: bool = False,
    ) -> CertificateSet:  # fmt: skip
        """Make a new set as a plan describes it; see `create`."""
        made = cls(directory)
        if not overwrite:
            made._refuse_occupied()
        if not dry_run:
            write_set(made.directory, build(plan), drop=made._own_files() if overwrite else ())
        return made

    def conform(self, plan: SetPlan, *, dry_run: bool = False) -> Change:
        """Make the set as a plan describes it, changing only what differs.

        Args:
            plan: The description.
            dry_run: True to only tell.

        Raises:
            CertificateError: If the CA itself differs, or something cannot be written.
        """
        return self._apply(conform(self._held(), plan), dry_run)

    def add_client(
        self, name: str, *, days: int | None = None, key_type: str | None = None,
        overwrite: bool = False, dry_run: bool = False,
    ) -> Change:  # fmt: skip
        """Issue a certificate for one more client: ``NAME.key``, ``NAME.pem``, ``NAME.csr``.

        Args:
            name: Its common name and the stem of its files.
            days: Validity, in days.
            key_type: One of `keys.KEY_TYPES`.
            overwrite: Whether files of that name may be replaced.
            dry_run: True to only tell.

        Raises:
            CertificateError: If the name cannot be used or is taken, or the CA cannot sign.
        """
        client_name(name)
        there = [f"{name}{suffix}" for suffix in (".key", ".pem", ".csr")
                 if os.path.lexists(self.directory / f"{name}{suffix}")]  # fmt: skip
        if there and not overwrite:
            raise CertificateError(
                f"{self.directory} holds {', '.join(there)} already.",
                f"renew it (milvus-secure certs renew {self.directory} --only {name}), choose "
                "another name, or say --force.",
            )
        return self._apply(add_client(self._held(), name, days, key_type), dry_run)

    def renew(
        self, *stems: str, days: int | None = None, key_type: str | None = None,
        dry_run: bool = False,
    ) -> Change:  # fmt: skip
        """Renew leaves under the same CA, with new keys, the names and validity they had.

        Args:
            *stems: Which, such as ``"server"``; none means all.
            days: Another validity, in days.
            key_type: Another key type.
            dry_run: True to only tell what would change, and what would break.

        Raises:
            CertificateError: If there is no such leaf, or the CA cannot sign it.
        """
        return self._apply(renew_leaves(self._held(), stems, days, key_type), dry_run)

    def renew_ca(
        self, *, days: int | None = None, key_type: str | None = None, dry_run: bool = False
    ) -> Change:
        """Put a new CA beside the old one; ``order`` says how to go on without an outage.

        Args:
            days: Validity of the new CA, in days; as the old one's when None.
            key_type: Another key type.
            dry_run: True to only tell.

        Raises:
            CertificateError: If an earlier renewal is not finished.
        """
        return self._apply(renew_authority(self._held(), days, key_type), dry_run)

    def retire_ca(self, *, dry_run: bool = False) -> Change:
        """Take the old CA out of ca.pem, the last step of its renewal.

        Raises:
            CertificateError: If a certificate here still is of the old CA.
        """
        return self._apply(retire(self._held()), dry_run)

    def repair(
        self, names: Sequence[str] = (), ips: Sequence[str] = (), *, days: int | None = None,
        dry_run: bool = False,
    ) -> Change:  # fmt: skip
        """Reissue what is wrong in a set of the guide's gen.sh, under the same CA key.

        Args:
            names: Host names the server shall present besides those it does.
            ips: Addresses likewise.
            days: Validity of what is reissued, in days.
            dry_run: True to only tell.

        Raises:
            CertificateError: If the CA cannot be kept.
        """
        return self._apply(repair(self.directory, names, ips, days), dry_run)

    def export_pkcs12(self, password: str, client: str = CLIENT) -> bytes:
        """A client's pair, chain and CA as an encrypted PKCS#12 store.

        Raises:
            CertificateError: If the pair is not whole, or the password shorter than 6 characters.
        """
        return export(self._held(), client, password)

    def sign(
        self, request: str | os.PathLike[str], role: Role, names: Sequence[str] = (),
        ips: Sequence[str] = (), *, days: int = LEAF_DAYS,
    ) -> bytes:  # fmt: skip
        """Sign a request that was made elsewhere; returns the chain as PEM, leaf first.

        Args:
            request: The CSR's file, PEM or DER.
            role: What it may be used for.
            names: Host names to present instead of those in the request.
            ips: Addresses likewise.
            days: Validity, in days.

        Raises:
            CertificateError: If it is no sound request, or gRPC refuses its key.
        """
        return sign_request(self._held(), Path(request), role, names, ips, days)

    def _held(self) -> Inventory:
        return Inventory(self.directory)

    def _apply(self, change: Change, dry_run: bool) -> Change:
        if not dry_run and (change.files or change.dropped):
            write_set(self.directory, change.files, change.dropped)
        return change

    def _own_files(self) -> set[str]:
        """The files of the set that is here, which a new set in its place leaves no use for."""
        own = {"intermediate.key", "intermediate.pem", "chain.pem"}
        with suppress(CertificateError):
            for leaf in self._held().leaves:
                own |= {f"{leaf.stem}{suffix}" for suffix in (".key", ".pem", ".csr")}
        return own

    def _refuse_occupied(self) -> None:
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
