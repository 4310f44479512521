"""Reads what the directory of a set holds: trust anchors, the CA that signs, and the leaves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...errors import CertificateError
from ...pem.certificate import NAME_ERRORS, extension, issued, may_sign, public_key
from ...pem.files import read_path
from ..issuing.issue import Authority, Role
from ..issuing.keys import PrivateKey, load_key
from ..messages import certs

AUTHORITIES = ("ca", "intermediate", "chain")
"""The stems of files that hold CA certificates."""


@dataclass(frozen=True)
class Leaf:
    """A server's or client's certificate in a set.

    Attributes:
        stem: Its files' name without suffix.
        certificate: The first in ``STEM.pem``.
        chain: What follows it there.
    """

    stem: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def role(self) -> Role:
        """By its extended key usage; by the name of its file where that does not decide."""
        usage = extension(self.certificate, x509.ExtendedKeyUsage)
        usages = set(usage) if usage else set()
        if self.stem == "server":
            return Role.SERVER
        only_server = ExtendedKeyUsageOID.CLIENT_AUTH not in usages
        serves = ExtendedKeyUsageOID.SERVER_AUTH in usages and only_server
        return Role.SERVER if serves and self.stem != "client" else Role.CLIENT

    @property
    def days(self) -> int:
        """The validity it was issued with, in days."""
        validity = self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc
        return max(validity.days, 1)

    @property
    def names(self) -> x509.SubjectAlternativeName | None:
        """The host names and addresses in it."""
        return extension(self.certificate, x509.SubjectAlternativeName)


@dataclass(frozen=True)
class Inventory:
    """The contents of a directory, read when they are needed."""

    directory: Path

    @cached_property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The CAs in ca.pem; the first one issues.

        Raises:
            CertificateError: If there are none.
        """
        return read_certificates(self.directory / "ca.pem")

    @cached_property
    def has_intermediate(self) -> bool:
        """Whether an intermediate CA signs the leaves."""
        return (self.directory / "intermediate.key").exists()

    @cached_property
    def authority(self) -> Authority:
        """The CA that signs leaves.

        Raises:
            CertificateError: If its key or certificate is missing, or one does not fit the other.
        """
        stem = "intermediate" if self.has_intermediate else "ca"
        certificate = read_certificates(self.directory / f"{stem}.pem")[0]
        key = load_key(self.directory / f"{stem}.key")
        require_pair(certificate, key, self.directory / stem)
        if not is_authority(certificate):
            raise CertificateError(
                f"{self.directory / stem}.pem is not a CA certificate, so it must not sign "
                "certificates.",
                "Reissue it.",
                certs("repair", self.directory),
            )
        chain = (certificate,) if self.has_intermediate else ()
        return Authority(certificate, key, chain, certs("renew", self.directory, "--ca"))

    @cached_property
    def issued(self) -> tuple[Leaf, ...]:
        """The certificates of this set, the server first; their keys may be on other machines.

        Raises:
            CertificateError: If there is no set here.
        """
        leaves = []
        _ = self.anchors  # raises for an empty directory, too
        for path in self._leaf_files():
            chain = _readable(path)
            if chain:
                leaf = Leaf(path.stem, chain[0], chain[1:])
                if not self._authority_too(leaf) and self.issued_by(leaf) is not None:
                    leaves.append(leaf)
        return tuple(sorted(leaves, key=lambda leaf: (leaf.role is not Role.SERVER, leaf.stem)))

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The issued certificates whose key is here."""
        return tuple(leaf for leaf in self.issued if self.has_key(leaf.stem))

    @cached_property
    def of_old_ca(self) -> tuple[Leaf, ...]:
        """The issued certificates that do not chain to the first anchor."""
        return tuple(leaf for leaf in self.issued if self.issued_by(leaf) != self.anchors[0])

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """The stems of keys whose certificate cannot be read, or (server, client) is missing."""
        stems = {"server", "client", *(path.stem for path in self._leaf_files())}
        return tuple(
            stem
            for stem in sorted(stems)
            if self.has_key(stem) and not _readable(self.directory / f"{stem}.pem")
        )

    @property
    def foreign(self) -> tuple[str, ...]:
        """The stems of keys and certificates that do not belong to this set."""
        known = {*self.damaged, *(leaf.stem for leaf in self.issued)}
        stems = (path.stem for path in self._leaf_files())
        return tuple(stem for stem in stems if self.has_key(stem) and stem not in known)

    def has_key(self, stem: str) -> bool:
        """Whether ``STEM.key`` exists."""
        return (self.directory / f"{stem}.key").exists()

    def _authority_too(self, leaf: Leaf) -> bool:
        """Whether it is a CA in a file with another name, such as a copy of an old ca.pem."""
        named = leaf.stem in {"server", "client"}
        return leaf.certificate in self.anchors or (is_authority(leaf.certificate) and not named)

    def _leaf_files(self) -> list[Path]:
        return [p for p in sorted(self.directory.glob("*.pem")) if p.stem not in AUTHORITIES]

    def issued_by(self, leaf: Leaf) -> x509.Certificate | None:
        """The anchor that a leaf chains to, or None if it does not belong to this set."""
        links = list(leaf.chain)
        if self.has_intermediate:
            links += read_certificates(self.directory / "intermediate.pem")
        tip = leaf.certificate
        while True:
            anchor = next((a for a in self.anchors if signed_by(tip, a)), None)
            if anchor is not None:
                return anchor
            above = next((link for link in links if signed_by(tip, link)), None)
            if above is None:
                return None
            links.remove(above)
            tip = above


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read a PEM file of certificates.

    Raises:
        CertificateError: If it cannot be read or holds no certificate.
    """
    reading = read_path(os.fspath(path))
    if reading.fault is not None:
        missing = reading.fault.code == "file-missing"
        raise CertificateError(
            f"{path} cannot be read: {reading.fault.detail or reading.fault.code}.",
            "Name the directory of a set, or make a set there."
            if missing
            else "Correct its permissions, or name another file.",
            certs("init", path.parent) if missing else None,
        )
    try:
        certificates = tuple(x509.load_pem_x509_certificates(reading.data))
        # Names are parsed only when they are read.
        _ = [(certificate.subject, certificate.issuer) for certificate in certificates]
    except (*NAME_ERRORS, x509.InvalidVersion):
        raise CertificateError(
            f"{path} contains no PEM certificate.", "See what it contains.", certs("show", path)
        ) from None
    return certificates


def _readable(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return read_certificates(path)
    except CertificateError:
        return ()


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the names match and the issuer's key made the signature."""
    return issued(issuer, certificate)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may sign others (RFC 5280, 4.2.1.9 and 4.2.1.3)."""
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca and may_sign(certificate)


def require_pair(certificate: x509.Certificate, key: PrivateKey, stem: Path) -> None:
    """Require that a key belongs to a certificate.

    Raises:
        CertificateError: If it does not.
    """
    if public_key(certificate) != key.public_key():
        raise CertificateError(
            f"{stem}.key is not the key of {stem}.pem.",
            "Restore the key that belongs to the certificate. To see which key belongs to which "
            "certificate:",
            certs("show", stem.parent),
        )
