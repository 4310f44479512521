"""PEM as this library reads it, compared with the installed gRPC's reading of the same bytes."""

from __future__ import annotations

import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448

import minting
from der import rewrapped
from grpc_files import aborts, judge
from milvus_secure.diagnosis.check import judge as report_on
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules.files import RULES
from milvus_secure.pem.material import Material, parse_material

TRIO = minting.trio()
CA, OTHER = TRIO.ca.pem, minting.mint("other CA", which=9).pem
KEY, CLIENT = TRIO.client.key_pem, TRIO.client.pem
NOT_DER = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
NOT_BASE64 = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
CRL = b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"
OPEN = b"-----BEGIN CERTIFICATE-----\nMIIB\n"
LINES = CA.split(b"\n")


@pytest.fixture(scope="module")
def grpc_judge(tmp_path_factory):
    with judge(TRIO, tmp_path_factory.mktemp("judge")) as made:
        yield made


@pytest.fixture
def inline_errors(settings):
    """The codes of all errors in material given inline."""

    def make(**inline: bytes):
        text = {slot: data.decode("utf-8", "surrogateescape") for slot, data in inline.items()}
        base = settings()
        material = {}
        for slot, data in inline.items():
            raw = Material(slot, f"{slot}_path", "argument", f"file:/{slot}", data)
            material[slot] = parse_material(raw)
        mutual = settings(client_pem_path="x", client_key_path="x", ca_pem_path="x")
        context = Context(mutual if len(text) > 1 else base.replace(ca_pem_path="x"), material)
        return [f.code for f in report_on(context, RULES).errors]

    return make


ANCHORS = {
    "plain": CA,
    "CRLF": CA.replace(b"\n", b"\r\n"),
    "CR alone": CA.replace(b"\n", b"\r"),
    "byte order mark": b"\xef\xbb\xbf" + CA,
    "text around": b"subject=CN\n" + CA + b"the end\n",
    "blank lines before": b"\n \n" + CA,
    "binary before": b"\xff\xfe\x80\n" + CA,
    "NUL after": CA + b"\0\0",
    "NUL before": b"\0" + CA,
    "indented": b"".join(b"    " + line + b"\n" for line in LINES),
    "indented BEGIN": b"  " + CA,
    "indented END": CA.replace(b"-----END", b"  -----END"),
    "indented base64": b"\n".join(x if x.startswith(b"-") else b"\t " + x for x in LINES),
    "blanks at line ends": CA.replace(b"\n", b" \t\n"),
    "one base64 line": LINES[0] + b"\n" + b"".join(LINES[1:-2]) + b"\n" + LINES[-2] + b"\n",
    "all on one line": b"".join(LINES),
    "blanks for line breaks": CA.replace(b"\n", b" "),
    "literal \\n": CA.replace(b"\n", b"\\n"),
    "no line break at the end": CA.rstrip(),
    "a dash missing in BEGIN": CA[1:],
    "a dash missing in END": CA.rstrip()[:-1],
    "END missing": CA.split(b"-----END")[0],
    "cut in half": CA[: len(CA) // 2],
    "blank line before base64": CA.replace(b"-----\n", b"-----\n\n", 1),
    "two blank lines before base64": CA.replace(b"-----\n", b"-----\n\n\n", 1),
    **{
        f"blank line before base64 in lines of {width}": rewrapped(CA, width).replace(
            b"-----\n", b"-----\n\n", 1
        )
        for width in (63, 65, 76)
    },
    "blank line before and behind base64": CA.replace(b"-----\n", b"-----\n\n", 1).replace(
        b"\n-----END", b"\n\n-----END"
    ),
    "blank line within base64": b"\n".join([*LINES[:3], b"", *LINES[3:]]),
    "line of blanks within base64": b"\n".join([*LINES[:3], b"  ", *LINES[3:]]),
    "blank line behind base64": CA.replace(b"\n-----END", b"\n\n-----END"),
    **{f"lines of {width}": rewrapped(CA, width) for width in (65, 252, 253, 254, 506)},
    **{
        f"CRLF and lines of {width}": rewrapped(CA, width).replace(b"\n", b"\r\n")
        for width in (251, 252, 253, 505)
    },
    "header in the block": CA.replace(b"-----\n", b"-----\nComment: hi\n\n", 1),
    "X509 CERTIFICATE": CA.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
    "TRUSTED CERTIFICATE": CA.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
    "lower case": CA.replace(b"CERTIFICATE", b"certificate"),
    "labelled a request": CA.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"),
    "labelled PKCS7": CA.replace(b"CERTIFICATE", b"PKCS7"),
    "key before": KEY + CA,
    "key behind": CA + KEY,
    "revocation list before": CRL + CA,
    "broken DER behind": CA + NOT_DER,
    "broken DER before": NOT_DER + CA,
    "broken base64 behind": CA + NOT_BASE64,
    "broken base64 before": NOT_BASE64 + CA,
    "open block behind": CA + OPEN,
    "open block before": OPEN + CA,
    "END and BEGIN on one line": OTHER.rstrip() + CA,
    "DER": TRIO.ca.der,
    "UTF-16": CA.decode().encode("utf-16"),
    "blank": b" \n",
    "text": b"hello\n",
    "key alone": KEY,
}

PAIRS = {
    "plain": (CLIENT, KEY),
    "text before": (b"Bag Attributes\n  x: 1\n" + CLIENT, b"Key Attributes: <None>\n" + KEY),
    "certificate before the key": (CLIENT, CLIENT + KEY),
    "certificate behind the key": (CLIENT, KEY + CLIENT),
    "one combined file": (KEY + CLIENT, KEY + CLIENT),
    "another key first": (CLIENT, TRIO.server.key_pem + KEY),
    "another key second": (CLIENT, KEY + TRIO.server.key_pem),
    "CRLF": (CLIENT.replace(b"\n", b"\r\n"), KEY.replace(b"\n", b"\r\n")),
    "byte order mark": (CLIENT, b"\xef\xbb\xbf" + KEY),
    "indented key": (CLIENT, b"  " + KEY),
    "broken key first": (CLIENT, NOT_DER.replace(b"CERTIFICATE", b"PRIVATE KEY") + KEY),
    "CA behind": (CLIENT + CA, KEY),
    "broken block behind": (CLIENT + NOT_BASE64, KEY),
    "broken block before": (NOT_BASE64 + CLIENT, KEY),
    "another pair's key": (CLIENT, TRIO.server.key_pem),
    "certificate in lines of 253": (rewrapped(CLIENT, 253), KEY),
    "key with a blank line": (CLIENT, KEY.replace(b"\n-----END", b"\n\n-----END")),
    "swapped": (KEY, CLIENT),
    "encrypted": (CLIENT, TRIO.client.encrypted_key_pem("secret")),
    "blank key": (CLIENT, b"\n"),
    "key in DER": (CLIENT, b"0\x03\x02\x01\x00"),
    "public key": (
        CLIENT,
        TRIO.client.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    ),
    "OpenSSH key": (
        CLIENT,
        TRIO.client.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        ),
    ),
    "SEC1 key": (
        CLIENT,
        TRIO.client.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    ),
}


@pytest.mark.passes("pem-malformed")
@pytest.mark.passes("file-not-pem")
@pytest.mark.passes("pem-wrong-type")
@pytest.mark.parametrize("case", ANCHORS)
def test_an_anchor_file_is_an_error_exactly_when_grpc_cannot_use_it(
    case, grpc_judge, inline_errors
):
    assert (inline_errors(ca_pem=ANCHORS[case]) == []) == grpc_judge.accepts(ANCHORS[case])


@pytest.mark.passes("key-mismatch")
@pytest.mark.passes("key-encrypted")
@pytest.mark.parametrize("case", PAIRS)
def test_a_client_pair_is_an_error_exactly_when_grpc_cannot_use_it(case, grpc_judge, inline_errors):
    chain, key = PAIRS[case]
    codes = inline_errors(ca_pem=CA, client_pem=chain, client_key=key)
    assert (codes == []) == grpc_judge.accepts(CA, chain, key)


KINDS = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "p192": ec.SECP192R1(),
    "p224": ec.SECP224R1(),
    "secp256k1": ec.SECP256K1(),
    "brainpool": ec.BrainpoolP256R1(),
}


def client_key(kind: str):
    if kind in KINDS:
        return ec.generate_private_key(KINDS[kind])
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    return ed448.Ed448PrivateKey.generate() if kind == "ed448" else minting.key(kind)


def openssl_key(*options: str) -> bytes:
    """A key that cryptography does not make."""
    arguments = [part for option in options[1:] for part in ("-pkeyopt", option)]
    command = ["openssl", "genpkey", "-algorithm", options[0], *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def issued(key_pem: bytes, folder) -> bytes:
    """A client certificate for any key, by the openssl command."""
    for name, data in (("k", key_pem), ("ca", CA), ("cak", TRIO.ca.key_pem)):
        (folder / name).write_bytes(data)
    request = subprocess.run(
        ["openssl", "req", "-new", "-key", folder / "k", "-subj", "/CN=client"],
        capture_output=True,
        check=True,
        timeout=120,
    )
    command = [
        "openssl",
        "x509",
        "-req",
        "-CA",
        folder / "ca",
        "-CAkey",
        folder / "cak",
        "-days",
        "9",
    ]
    return subprocess.run(
        command, input=request.stdout, capture_output=True, check=True, timeout=120
    ).stdout


@pytest.mark.passes("key-unsupported")
@pytest.mark.trips("key-unsupported")
@pytest.mark.parametrize(
    "kind",
    [
        *KINDS,
        "dsa",
        "ed448",
        "ed25519",
        "rsa1024",
        "rsa2048",
        "rsa3072",
        "rsa4096",
        ("RSA", "rsa_keygen_bits:512"),
        ("RSA", "rsa_keygen_bits:768"),
        ("RSA-PSS", "rsa_keygen_bits:2048"),
        ("RSA", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"),
        ("EC", "ec_paramgen_curve:P-256", "ec_param_enc:explicit"),
    ],
    ids=str,
)
def test_a_client_key_is_unsupported_exactly_when_grpc_cannot_use_it(
    kind, grpc_judge, inline_errors, tmp_path
):
    if isinstance(kind, tuple):
        key = openssl_key(*kind)
    else:
        key = client_key(kind).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    chain = issued(key, tmp_path)
    codes = inline_errors(ca_pem=CA, client_pem=chain, client_key=key)
    assert codes == ([] if grpc_judge.accepts(CA, chain, key) else ["key-unsupported"])


@pytest.mark.parametrize("empty", ["chain", "key"])
def test_an_empty_client_file_aborts_grpc_and_is_an_error_here(empty, inline_errors):
    chain, key = (b"" if empty == "chain" else CLIENT), (b"" if empty == "key" else KEY)
    assert aborts(chain, key)
    assert "file-empty" in inline_errors(ca_pem=CA, client_pem=chain, client_key=key)


@pytest.mark.parametrize(
    ("name", "ok"),
    [
        ("localhost", True),
        ("localhost:19530", True),
        ("127.0.0.1:1", True),
        ("https://localhost", False),
        ("localhost/", False),
        ("local host", False),
        ("[127.0.0.1]", False),
    ],
)
def test_server_names_are_judged_as_grpc_reads_them(name, ok, grpc_judge):
    """`server-name-malformed`: an error where gRPC refuses the name, a warning where it cuts it."""
    assert grpc_judge.accepts(CA, name=name) is ok


def test_each_slot_that_is_set_is_read(certs, settings):
    loaded = settings(ca_pem_path=certs / "ca.pem", server_pem=CA.decode())
    assert list(read_material(loaded)) == ["server_pem", "ca_pem"]


def test_nothing_of_the_bytes_is_shown(certs, settings):
    loaded = settings(client_key_path=certs / "client.key")
    material = read_material(loaded)["client_key"]
    assert KEY.splitlines()[1].decode() not in repr(material)
