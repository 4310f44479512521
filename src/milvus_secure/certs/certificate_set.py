"""`CertificateSet`: a directory with a CA, a server and its clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .apply_plan import add_client, conform
from .ca_renewal import retire
from .create import create
from .csr import sign_request
from .inspect.ends import End, ends
from .inspect.inventory import Inventory
from .issuing.issue import Role
from .issuing.keys import DEFAULT_KEY_TYPE
from .issuing.plan import CA_DAYS, CLIENT, LEAF_DAYS, SetPlan, make_plan
from .issuing.subject import Subject
from .pkcs12_bundle import export
from .renew_due import renew_due_authority, renew_due_leaves
from .repair import repair
from .storage.change import Change
from .storage.store import check_writable, exclusive, require_finished, write_change


class CertificateSet:
    """The files of a CA, a server and its clients, named as in Milvus's TLS guide.

    Nothing is read before a method is called.

    Args:
        directory: Where the files are; also an attribute.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def __repr__(self) -> str:
        return f"CertificateSet({str(self.directory)!r})"

    @property
    def ca_pem(self) -> Path:
        """The CA certificates: every client needs them, and in mutual mode the server."""
        return self.directory / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """The CA's private key. Keep it on the machine that issues certificates."""
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
        """The chain of the client that every set has, leaf first."""
        return self.directory / f"{CLIENT}.pem"

    @property
    def client_key(self) -> Path:
        """The private key of the client that every set has."""
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
            directory: Made with mode 0700 if it does not exist; its parent must exist.
            names: Host names and wildcards of the server. Without a name and an address:
                localhost and 127.0.0.1.
            ips: IP addresses of the server.
            key_type: ``p256``, ``p384``, ``rsa2048``, ``rsa3072`` or ``rsa4096``.
            days: Validity of the server and client certificates, in days.
            ca_days: Validity of the CA, in days.
            intermediate_days: Validity, in days, of an intermediate CA that signs; None for none.
            subject: Country, organization and so on, the same in every subject.
            overwrite: Whether an existing set may be replaced.

        Raises:
            CertificateError: If a value is not possible in a certificate, the directory holds
                files and ``overwrite`` is false, or it cannot be written.
        """
        plan = make_plan(
            names,
            ips,
            key_type=key_type,
            server_days=days,
            clients={CLIENT: days},
            ca_days=ca_days,
            intermediate_days=intermediate_days,
            subject=subject or Subject(),
        )
        cls(directory).make(plan, overwrite=overwrite)
        return cls(directory)

    def make(self, plan: SetPlan, *, overwrite: bool = False, dry_run: bool = False) -> Change:
        """Make a new set as a plan describes it.

        Args:
            plan: The description.
            overwrite: Whether a set that is there may be replaced.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: As `create` does.
        """
        return self._apply(
            lambda inventory: create(inventory, plan, overwrite=overwrite), dry_run, create=True
        )

    def conform(self, plan: SetPlan, *, dry_run: bool = False) -> Change:
        """Make the set as a plan describes it, changing only what differs.

        Args:
            plan: The description.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: If the CA itself differs, or something cannot be written.
        """
        return self._apply(lambda inventory: conform(inventory, plan), dry_run, create=True)

    def add_client(
        self,
        name: str,
        *,
        days: int | None = None,
        key_type: str | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
    ) -> Change:
        """Issue a certificate for one more client: ``NAME.key``, ``NAME.pem``, ``NAME.csr``.

        Args:
            name: Its common name and the stem of its files.
            days: Validity, in days.
            key_type: One of `keys.KEY_TYPES`.
            overwrite: Whether files of that name may be replaced.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: If the name cannot be used or is taken, or the CA cannot sign.
        """
        return self._apply(
            lambda inventory: add_client(inventory, name, days, key_type, overwrite=overwrite),
            dry_run,
        )

    def renew(
        self,
        *stems: str,
        days: int | None = None,
        key_type: str | None = None,
        within: int | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Renew the server and client certificates under the same CA and names, with new keys.

        Args:
            *stems: Which, such as ``"server"``; none means all.
            days: Another validity, in days.
            key_type: Another key type.
            within: Only those that end within this number of days; None for no such condition.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: If there is no such certificate, the CA cannot sign it, or (with
                ``within``) renewing it now would not help.
        """
        return self._apply(
            lambda inventory: renew_due_leaves(inventory, within, stems, days, key_type), dry_run
        )

    def ends(self) -> tuple[End, ...]:
        """When each certificate of the set ends, the earliest first.

        Raises:
            CertificateError: If there is no set.
        """
        return ends(Inventory(self.directory))

    def renew_ca(
        self,
        *,
        days: int | None = None,
        key_type: str | None = None,
        within: int | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Add a new CA to the old one, the first of the steps that the change's ``order`` lists.

        Args:
            days: Validity of the new CA, in days; as the old one's when None.
            key_type: Another key type.
            within: Only if the CA ends within this number of days; None for no such condition.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: If an earlier renewal of the CA is not finished.
        """
        return self._apply(
            lambda inventory: renew_due_authority(inventory, within, days, key_type), dry_run
        )

    def retire_ca(self, *, dry_run: bool = False) -> Change:
        """Remove the old CA from ca.pem, the last step of the CA's renewal.

        Raises:
            CertificateError: If the old CA issued a certificate that is still here.
        """
        return self._apply(retire, dry_run)

    def repair(
        self,
        names: Sequence[str] = (),
        ips: Sequence[str] = (),
        *,
        days: int | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Reissue the certificates that clients or servers refuse, under the same CA key.

        Args:
            names: Host names for the server's certificate, in addition to those that it has.
            ips: IP addresses for it, likewise.
            days: Validity of the reissued certificates, in days.
            dry_run: True to change nothing and only describe the change.

        Raises:
            CertificateError: If the CA cannot be kept.
        """
        return self._apply(lambda inventory: repair(inventory, names, ips, days), dry_run)

    def export_pkcs12(self, password: str, client: str = CLIENT) -> bytes:
        """Put a client's key, chain and CA into an encrypted PKCS#12 store.

        Raises:
            CertificateError: If key or certificate is missing, or the password is under 6 letters.
        """
        return export(Inventory(self.directory), client, password)

    def sign(
        self,
        request: str | os.PathLike[str],
        role: Role,
        names: Sequence[str] = (),
        ips: Sequence[str] = (),
        *,
        days: int = LEAF_DAYS,
    ) -> bytes:
        """Sign a certificate request that was made elsewhere.

        Args:
            request: Its file, PEM or DER.
            role: Whether a server or a client will use the certificate.
            names: Host names for the certificate instead of those in the request.
            ips: IP addresses for it, likewise.
            days: Validity, in days.

        Returns:
            The chain as PEM, leaf first.

        Raises:
            CertificateError: If the request is damaged, or gRPC refuses its key.
        """
        return sign_request(Inventory(self.directory), Path(request), role, names, ips, days)

    def _apply(
        self, decide: Callable[[Inventory], Change], dry_run: bool, *, create: bool = False
    ) -> Change:
        if dry_run:
            require_finished(self.directory)
            change = decide(Inventory(self.directory))
            check_writable(self.directory, change)
            return change
        with exclusive(self.directory, create=create) as expected:
            change = decide(Inventory(self.directory))
            if change.files or change.dropped:
                write_change(self.directory, change, expected)
        return change
