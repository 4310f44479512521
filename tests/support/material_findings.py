"""What the rules about files say of settings; a pytest plugin."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

import minting
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules.files import RULES


@pytest.fixture
def file_findings(settings):
    """The findings of the rules about files."""

    def make(**values):
        loaded = settings(**values)
        return judge(Context(loaded, read_material(loaded)), RULES).findings

    return make


@pytest.fixture
def mutual_findings(certs, file_findings):
    """The findings for a healthy mutual set-up with some settings replaced."""

    def make(**values):
        healthy = {
            "ca_pem_path": certs / "ca.pem",
            "client_pem_path": certs / "client.pem",
            "client_key_path": certs / "client.key",
        }
        return file_findings(**{**healthy, **values})

    return make


def foreign(trio: minting.Trio) -> dict[str, tuple[str, bytes, str]]:
    """What people name by mistake: the setting, the bytes, and a word of the message."""
    key, certificate = trio.client.key, trio.client.certificate
    none = serialization.NoEncryption()
    private = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, none
    locked = serialization.BestAvailableEncryption(b"x")
    return {
        "DER": ("client_pem_path", trio.client.der, "a certificate in DER"),
        "DER key": ("client_key_path", key.private_bytes(*private), "a private key in DER"),
        "PKCS#12": (
            "ca_pem_path",
            pkcs12.serialize_key_and_certificates(
                b"c", key, certificate, [trio.ca.certificate], none
            ),
            "PKCS#12",
        ),
        "locked PKCS#12": (
            "ca_pem_path",
            pkcs12.serialize_key_and_certificates(
                b"c", key, certificate, [trio.ca.certificate], locked
            ),
            "PKCS#12",
        ),
        "PKCS#7": (
            "client_pem_path",
            pkcs7.serialize_certificates([certificate], serialization.Encoding.DER),
            "PKCS#7",
        ),
        "UTF-16": ("client_pem_path", trio.client.pem.decode().encode("utf-16"), "UTF-16"),
        "JKS": ("client_key_path", b"\xfe\xed\xfe\xed\0\0\0\x02", "Java key store"),
        "PuTTY": ("client_key_path", b"PuTTY-User-Key-File-3: x\n", "PuTTY"),
        "web page": ("client_pem_path", b"<!DOCTYPE html><p>404", "a web page"),
        "text": ("client_pem_path", b"see the wiki\n", "text"),
        "binary": ("client_pem_path", bytes(range(256)), "binary"),
    }
