"""Keys and certificates in a text are recognized in every encoding."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from milvus_secure.pem.shapes import (
    decode_material,
    holds_material,
    is_material_path,
    looks_like_path,
)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


KEYS = {
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), PrivateFormat.PKCS8),
    "EC PKCS#8": (ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8),
    "EC SEC1": (ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL),
    "EC P-384": (ec.generate_private_key(ec.SECP384R1()), PrivateFormat.TraditionalOpenSSL),
    "RSA PKCS#8": (rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8),
    "RSA PKCS#1": (rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL),
}
OF_PEM = {
    "PEM": str,
    "PEM in one line": lambda pem: pem.replace("\n", " "),
    "PEM with two characters for a line end": lambda pem: pem.replace("\n", "\\n"),
    "PEM without dashes": lambda pem: pem.replace("-", ""),
    "PEM without its first dashes": lambda pem: pem.lstrip("-"),
    "base64": lambda pem: b64(pem.encode()),
    "base64 behind a word": lambda pem: f"base64,{b64(pem.encode())}",
    "hex behind a path": lambda pem: f"/etc/{pem.encode().hex()}",
    "base64 twice": lambda pem: b64(b64(pem.encode()).encode()),
    "the body alone": lambda pem: "\n".join(pem.splitlines()[1:-1]),
    "hex": lambda pem: pem.encode().hex(),
    "data URI": lambda pem: f"data:application/x-pem-file;base64,{b64(pem.encode())}",
    "data URI without base64": lambda pem: f"data:,{pem}",
}
OF_DER = {
    "base64 of DER": b64,
    "base64 of DER in quotes": lambda der: f'"{b64(der)}"',
    "base64 of DER for URLs": lambda der: base64.urlsafe_b64encode(der).decode().rstrip("="),
    "base64 of DER cut off": lambda der: b64(der)[:50],
    "hex of DER": lambda der: der.hex(),
    "file: URI of base64": lambda der: f"file://{b64(der)}",
    "base64 of DER behind a word": lambda der: f"base64:{b64(der)}",
    "base64 of DER behind a path": lambda der: f"/run/secrets/{b64(der)}",
    "base64 of DER behind a name": lambda der: f"client.key={b64(der)}",
    "base64 of base64 behind a word": lambda der: f"key:{b64(b64(der).encode())}",
    "hex of DER behind a word": lambda der: f"hex:{der.hex(':')}",
    "HEX of DER with colons": lambda der: der.hex(":").upper(),
    "hex of DER with 0x": lambda der: f"0x{der.hex()}",
}


def forms(pem: str, der: bytes) -> dict[str, str]:
    """Every form by its name."""
    made = {name: make(pem) for name, make in OF_PEM.items()}
    return {**made, **{name: make(der) for name, make in OF_DER.items()}}


def test_every_kind_of_key_is_recognized_in_every_form():
    missed = []
    for name, (key, form) in KEYS.items():
        pem = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        der = key.private_bytes(Encoding.DER, form, NoEncryption())
        missed += [
            (name, form) for form, text in forms(pem, der).items() if not holds_material(text)
        ]
    assert missed == []


def test_a_certificate_is_recognized_too(trio):
    texts = forms(trio.ca.pem.decode(), trio.ca.der)
    assert [form for form, text in texts.items() if not holds_material(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "ca.pem",
        "/etc/ssl/certs/ca-certificates.crt",
        "MIB/ca.pem",
        "/etc/BEGIN/ca.pem",
        "MC4C.pem",
        "LS0/ca.pem",
        "https://milvus.example.com:19530",
        "system",
        "$HOME/certs/ca.pem",
        "",
        "/run/secrets/" + "M" * 60,
        "in01-" + "0123456789abcdef" * 3 + ".api.example.com",
        "MAIN" * 12,
        "C:\\certs\\ca.pem",
        "data/ca.pem",
        "./data:1/ca.pem",
        "My" * 30,
    ],
)
def test_names_and_paths_are_not_recognized_as_material(text):
    assert not is_material_path(text)


def test_hex_digits_alone_are_a_key_only_where_a_path_belongs():
    digits = "0123456789abcdef" * 4
    assert is_material_path(digits)
    assert not holds_material(digits)


def test_a_text_is_decoded_as_often_as_it_was_encoded():
    pem = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    once = b64(pem)
    assert decode_material(once) == (pem, 1)
    assert decode_material(b64(once.encode())) == (pem, 2)
    assert decode_material(pem.decode()) is None
    assert decode_material("x" * 40) is None


@pytest.mark.parametrize(
    "text",
    [
        "/certs/ca.pem",
        "./ca.pem",
        "../x",
        "~/ca.pem",
        "$HOME/ca",
        "${D}/ca",
        "file:///certs/ca.pem",
        "C:\\certs\\ca.pem",
        "ca.pem",
        "certs/ca.crt\n",
        "my-client.key",
    ],
)
def test_the_name_of_a_file_looks_like_a_path(text):
    assert looks_like_path(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "see the wiki",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
        "/9j/\n4AAQ",
        "ca.pem is here",
    ],
)
def test_other_text_does_not_look_like_a_path(text):
    assert not looks_like_path(text)


@pytest.mark.parametrize("part", ["BEGIN ", "a/", "a.", "M", "-----", "\\n", "BEGIN A "])
def test_a_long_text_is_judged_by_a_bounded_number_of_steps(part):
    text = part * (1 << 17)
    assert not looks_like_path(text)
    holds_material(text)
    decode_material(text)
