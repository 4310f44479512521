"""`CertificateSet`: a directory with a CA, a server and its clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..errors import CertificateError
from .apply_plan import add_client, conform
from .ca_renewal import renew_authority, retire
from .create import create
from .csr import sign_request
from .inspect.inventory import Inventory
from .issuing.issue import Role
from .issuing.keys import DEFAULT_KEY_TYPE
from .issuing.plan import CA_DAYS, CLIENT, LEAF_DAYS, SetPlan, make_plan
from .issuing.subject import Subject
from .messages import certs
from .pkcs12_bundle import export
from .renew import renew_leaves
from .repair import repair
from .storage.change import Change
from .storage.store import check_writable, exclusive, require_finished, write_change


@dataclass(frozen=True, slots=True)
class End:
    """When a certificate ends.

    Attributes:
        name: Its file in the set.
        end: The last moment of its validity, with time zone.
    """

    name: str
    end: datetime

    @property
    def days_left(self) -> int:
        """Whole days until then, negative afterwards."""
        return (self.end - datetime.now(timezone.utc)).days


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
            names,
            ips,
            key_type=key_type,
            server_days=days,
            clients={CLIENT: days},
            ca_days=ca_days,
            intermediate_days=intermediate_days,
            subject=subject or Subject(),
        )
        made = cls(directory)
        made.make(plan, overwrite=overwrite)
        return made

    def make(self, plan: SetPlan, *, overwrite: bool = False, dry_run: bool = False) -> Change:
        """Make a new set as a plan describes it.

        Args:
            plan: The description.
            overwrite: Whether a set that is there may be replaced.
            dry_run: True to only tell.

        Raises:
            CertificateError: As `create` does.
        """
        return self._apply(
            lambda held: create(held, plan, overwrite=overwrite), dry_run, create=True
        )

    def conform(self, plan: SetPlan, *, dry_run: bool = False) -> Change:
        """Make the set as a plan describes it, changing only what differs.

        Args:
            plan: The description.
            dry_run: True to only tell.

        Raises:
            CertificateError: If the CA itself differs, or something cannot be written.
        """
        return self._apply(lambda held: conform(held, plan), dry_run, create=True)

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
            dry_run: True to only tell.

        Raises:
            CertificateError: If the name cannot be used or is taken, or the CA cannot sign.
        """
        return self._apply(
            lambda held: add_client(held, name, days, key_type, overwrite=overwrite), dry_run
        )

    def renew(
        self,
        *stems: str,
        days: int | None = None,
        key_type: str | None = None,
        dry_run: bool = False,
    ) -> Change:
        """Renew leaves under the same CA, with new keys, the names and validity they had.

        Args:
            *stems: Which, such as ``"server"``; none means all.
            days: Another validity, in days.
            key_type: Another key type.
            dry_run: True to only tell what would change, and what would break.

        Raises:
            CertificateError: If there is no such leaf, or the CA cannot sign it.
        """
        return self._apply(lambda held: renew_leaves(held, stems, days, key_type), dry_run)

    def ends(self) -> tuple[End, ...]:
        """When each certificate of the set ends, the earliest first.

        Raises:
            CertificateError: If there is no set.
        """
        held = self._held()
        authorities = (*held.anchors, *((held.authority.certificate,) * held.has_intermediate))
        named = [("ca.pem", anchor) for anchor in held.anchors[:1]]
        named += [("intermediate.pem", authority) for authority in authorities[len(held.anchors) :]]
        named += [(f"{leaf.stem}.pem", leaf.certificate) for leaf in held.issued]
        ends = (End(name, certificate.not_valid_after_utc) for name, certificate in named)
        return tuple(sorted(ends, key=lambda end: end.end))

    def first_to_end(self, stems: Collection[str] = (), *, ca: bool = False) -> End:
        """The certificate that ends first among those that a renewal replaces.

        Args:
            stems: Leaves, such as ``server``; none means all of them.
            ca: The CA instead.

        Raises:
            CertificateError: If there is no set, or no such leaf.
        """
        names = {"ca.pem"} if ca else {f"{stem}.pem" for stem in stems}
        authorities = {"ca.pem", "intermediate.pem"}
        for end in self.ends():
            if end.name in names or (not names and end.name not in authorities):
                return end
        wanted = ", ".join(sorted(names)) or "a server or client certificate"
        raise CertificateError(
            f"{self.directory} does not hold {wanted}.",
            f"see what it holds: {certs('show', self.directory)}",
        )

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
        return self._apply(lambda held: renew_authority(held, days, key_type), dry_run)

    def retire_ca(self, *, dry_run: bool = False) -> Change:
        """Take the old CA out of ca.pem, the last step of its renewal.

        Raises:
            CertificateError: If a certificate here still is of the old CA.
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
        """Reissue what is wrong in a set of the guide's gen.sh, under the same CA key.

        Args:
            names: Host names the server shall present besides those it does.
            ips: Addresses likewise.
            days: Validity of what is reissued, in days.
            dry_run: True to only tell.

        Raises:
            CertificateError: If the CA cannot be kept.
        """
        return self._apply(lambda held: repair(held, names, ips, days), dry_run)

    def export_pkcs12(self, password: str, client: str = CLIENT) -> bytes:
        """A client's pair, chain and CA as an encrypted PKCS#12 store.

        Raises:
            CertificateError: If the pair is not whole, or the password shorter than 6 characters.
        """
        return export(self._held(), client, password)

    def sign(
        self,
        request: str | os.PathLike[str],
        role: Role,
        names: Sequence[str] = (),
        ips: Sequence[str] = (),
        *,
        days: int = LEAF_DAYS,
    ) -> bytes:
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

    def _apply(
        self, decide: Callable[[Inventory], Change], dry_run: bool, *, create: bool = False
    ) -> Change:
        if dry_run:
            require_finished(self.directory)
            change = decide(self._held())
            check_writable(self.directory, change)
            return change
        with exclusive(self.directory, create=create) as expected:
            change = decide(self._held())
            if change.files or change.dropped:
                write_change(self.directory, change, expected)
        return change
