"""Commands that convert a file to the PEM form that a setting needs."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...pem.formats import Kind


class Conversion(NamedTuple):
    """What a file holds and how to convert it.

    Attributes:
        what: In words, as in "holds a certificate request".
        to_certificate: Command that yields a certificate; empty if there is none.
        to_key: Command that yields a private key; empty if there is none.
    """

    what: str
    to_certificate: str = ""
    to_key: str = ""

    def command(self, slot: str) -> str:
        """The command for a slot, with ``{source}`` and ``{target}`` to fill in."""
        return self.to_key if slot == "client_key" else self.to_certificate


def _both(kind: Kind, command: str) -> Conversion:
    return Conversion(kind.value, command, command)


_ICONV = "iconv -f UTF-16 -t UTF-8 {source} | sed '1s/^\\xEF\\xBB\\xBF//' > {target}"
_PKCS7 = "openssl pkcs7 {form}-print_certs -in {{source}} -out {{target}}"
_OPENSSH = "cp {source} {target} && ssh-keygen -p -m PKCS8 -f {target}"

CONVERSIONS: Final = {
    c.what: c
    for c in (
        Conversion(Kind.CERTIFICATE.value, "openssl x509 -inform DER -in {source} -out {target}"),
        Conversion(Kind.KEY.value, "", "openssl pkey -inform DER -in {source} -out {target}"),
        # As a trust anchor; the client's own may stay what it is.
        Conversion(Kind.PKCS12.value, "openssl pkcs12 -in {source} -nokeys -cacerts -out {target}"),
        Conversion(Kind.PKCS7.value, _PKCS7.format(form="-inform DER ")),
        Conversion(
            Kind.JKS.value,
            "keytool -importkeystore -srckeystore {source} -deststoretype PKCS12 "
            "-destkeystore {target}.p12 && openssl pkcs12 -in {target}.p12 -nokeys -out {target}",
            "keytool -importkeystore -srckeystore {source} -deststoretype PKCS12 "
            "-destkeystore {target}.p12 && openssl pkcs12 -in {target}.p12 -nocerts -nodes "
            "-out {target}",
        ),
        _both(Kind.UTF16, _ICONV),
        _both(Kind.BASE64, "base64 -d {source} > {target}"),
        _both(Kind.BASE64_TWICE, "base64 -d {source} | base64 -d > {target}"),
        Conversion(
            Kind.BODY.value,
            "base64 -d {source} | openssl x509 -inform DER -out {target}",
            "base64 -d {source} | openssl pkey -inform DER -out {target}",
        ),
        Conversion(
            Kind.PUTTY.value,
            "",
            "puttygen {source} -O private-openssh -o {target}.ssh && "
            "ssh-keygen -p -m PKCS8 -f {target}.ssh",
        ),
    )
}

LABELS: Final = {
    "CERTIFICATE": Conversion("a certificate"),
    "PRIVATE KEY": Conversion("a private key"),
    "RSA PRIVATE KEY": Conversion("a private key"),
    "EC PRIVATE KEY": Conversion("a private key"),
    "ENCRYPTED PRIVATE KEY": Conversion("a private key"),
    "OPENSSH PRIVATE KEY": Conversion("a key in OpenSSH's format", "", _OPENSSH),
    "PUBLIC KEY": Conversion("a public key"),
    "RSA PUBLIC KEY": Conversion("a public key"),
    "CERTIFICATE REQUEST": Conversion("a certificate request, which a CA has not signed yet"),
    "NEW CERTIFICATE REQUEST": Conversion("a certificate request"),
    "X509 CRL": Conversion("a revocation list"),
    "PKCS7": Conversion("a PKCS#7 bundle", _PKCS7.format(form="")),
    "CMS": Conversion(
        "a PKCS#7 bundle",
        "openssl cms -verify -noverify -certsout {target} -inform PEM -in {source}",
    ),
    "PKCS12 without a key": Conversion("a PKCS#12 store without a private key"),
    "PKCS12 without a certificate": Conversion("a PKCS#12 store without a client's certificate"),
    "EC PARAMETERS": Conversion("the parameters of a curve and no key"),
    "DH PARAMETERS": Conversion("Diffie-Hellman parameters"),
}
