"""Reads what a set's directory holds: anchors, who signs, and the leaves below."""

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
"""The stems of files that hold CAs."""


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
        """By its extended key usage, by its name where that says nothing."""
        usage = extension(self.certificate, x509.ExtendedKeyUsage)
        usages = set(usage) if usage else set()
        if self.stem == "server":
            return Role.SERVER
        only_server = ExtendedKeyUsageOID.CLIENT_AUTH not in usages
        serves = ExtendedKeyUsageOID.SERVER_AUTH in usages and only_server
        return Role.SERVER if serves and self.stem != "client" else Role.CLIENT

    @property
    def days(self) -> int:
        """The validity it was issued with."""
        whole = self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc
        return max(whole.days, 1)

    @property
    def names(self) -> x509.SubjectAlternativeName | None:
        """What it presents."""
        return extension(self.certificate, x509.SubjectAlternativeName)


@dataclass(frozen=True)
class Inventory:
    """What stands in a directory; read when asked for."""

    directory: Path

    @cached_property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The CAs in ca.pem; the first is the one that issues.

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
        """Who signs leaves.

        Raises:
            CertificateError: If its key or certificate is missing, or they do not belong together.
        """
        stem = "intermediate" if self.has_intermediate else "ca"
        certificate = read_certificates(self.directory / f"{stem}.pem")[0]
        key = load_key(self.directory / f"{stem}.key")
        require_pair(certificate, key, self.directory / stem)
        if not is_authority(certificate):
            raise CertificateError(
                f"{self.directory / stem}.pem is no CA certificate and may sign nothing.",
                f"reissue it: {certs('repair', self.directory)}",
            )
        return Authority(certificate, key, (certificate,) if self.has_intermediate else ())

    @cached_property
    def issued(self) -> tuple[Leaf, ...]:
        """The certificates of this set, the server first; keys may be elsewhere.

        Raises:
            CertificateError: If there is no set here.
        """
        found = []
        _ = self.anchors  # an empty directory is named, too
        for path in self._leaf_files():
            chain = _readable(path)
            if chain:
                leaf = Leaf(path.stem, chain[0], chain[1:])
                if not self._authority_too(leaf) and self.issued_by(leaf) is not None:
                    found.append(leaf)
        return tuple(sorted(found, key=lambda leaf: (leaf.role is not Role.SERVER, leaf.stem)))

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Those that have a key beside them."""
        return tuple(leaf for leaf in self.issued if self.has_key(leaf.stem))

    @cached_property
    def of_old_ca(self) -> tuple[Leaf, ...]:
        """Those that would be refused if the first anchor stood alone."""
        return tuple(leaf for leaf in self.issued if self.issued_by(leaf) != self.anchors[0])

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """The stems of keys whose certificate cannot be read, or is missing for a usual one."""
        stems = {"server", "client", *(path.stem for path in self._leaf_files())}
        return tuple(
            stem
            for stem in sorted(stems)
            if self.has_key(stem) and not _readable(self.directory / f"{stem}.pem")
        )

    @property
    def foreign(self) -> tuple[str, ...]:
        """The stems of pairs that are not of this set, whatever else they are."""
        known = {*self.damaged, *(leaf.stem for leaf in self.issued)}
        stems = (path.stem for path in self._leaf_files())
        return tuple(stem for stem in stems if self.has_key(stem) and stem not in known)

    def has_key(self, stem: str) -> bool:
        """Whether ``STEM.key`` is here."""
        return (self.directory / f"{stem}.key").exists()

    def _authority_too(self, leaf: Leaf) -> bool:
        """Whether it is a CA under another name, such as a copy of an old ca.pem."""
        named = leaf.stem in {"server", "client"}
        return leaf.certificate in self.anchors or (is_authority(leaf.certificate) and not named)

    def _leaf_files(self) -> list[Path]:
        return [p for p in sorted(self.directory.glob("*.pem")) if p.stem not in AUTHORITIES]

    def issued_by(self, leaf: Leaf) -> x509.Certificate | None:
        """The anchor a leaf chains to, or None if it is not of this set."""
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
        CertificateError: If it cannot be read or holds none.
    """
    got = read_path(os.fspath(path))
    if got.fault is not None:
        missing = got.fault.code == "file-missing"
        raise CertificateError(
            f"{path} cannot be read: {got.fault.detail or got.fault.code}.",
            f"name the directory of a set, or make one: {certs('init', path.parent)}"
            if missing
            else "make it a file that you may read.",
        )
    try:
        found = tuple(x509.load_pem_x509_certificates(got.data))
        _ = [(one.subject, one.issuer) for one in found]  # parsed only when asked for
    except (*NAME_ERRORS, x509.InvalidVersion):
        raise CertificateError(
            f"{path} holds no PEM certificate.", f"look at it: {certs('show', path)}"
        ) from None
    return found


def _readable(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return read_certificates(path)
    except CertificateError:
        return ()


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether names match and the issuer's key made the signature."""
    return issued(issuer, certificate)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may sign others (RFC 5280, 4.2.1.9 and 4.2.1.3)."""
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca and may_sign(certificate)


def require_pair(certificate: x509.Certificate, key: PrivateKey, stem: Path) -> None:
    """Raise if a key is not the certificate's.

    Raises:
        CertificateError: If so.
    """
    if public_key(certificate) != key.public_key():
        raise CertificateError(
            f"{stem}.key is not the key of {stem}.pem.",
            f"put the key back that was made with it, or see which it is: "
            f"{certs('show', stem.parent)}",
        )
