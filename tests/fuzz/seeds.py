"""The seeds of the fuzzers: one sound input of every kind for each target."""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

import minting

CORPUS = Path(__file__).parent / "corpus"


def seeds(target: str) -> list[bytes]:
    """Inputs for a target: made here, and stored ones that once revealed an error."""
    made = globals()[f"_{target}"]()
    kept = sorted((CORPUS / target).glob("*"))
    return [*made, *(path.read_bytes() for path in kept)]


def _minted() -> list[minting.Minted]:
    """Certificates that together contain every extension the library reads."""
    trio = minting.trio()
    middle = minting.mint("middle", issuer=trio.ca, ca=True, path_length=0, which=4)
    everything = minting.mint(
        "all",
        issuer=middle,
        sans=["localhost", "*.example.org", "127.0.0.1", "::1", "uri:a:b"],
        usages=[minting.SERVER, minting.CLIENT],
        which=5,
        key_usage=x509.KeyUsage(True, False, True, False, False, False, False, False, False),
        extra=[
            (x509.NameConstraints([x509.DNSName("example.org")], None), True),
            (
                x509.CertificatePolicies(
                    [
                        x509.PolicyInformation(
                            x509.ObjectIdentifier("2.5.29.32.0"), ["https://h/cps"]
                        ),
                    ]
                ),
                False,
            ),
            (
                x509.CRLDistributionPoints(
                    [
                        x509.DistributionPoint(
                            [x509.UniformResourceIdentifier("http://h/crl")], None, None, None
                        )
                    ]
                ),
                False,
            ),
            (
                x509.AuthorityInformationAccess(
                    [
                        x509.AccessDescription(
                            x509.AuthorityInformationAccessOID.OCSP,
                            x509.UniformResourceIdentifier("http://h/ocsp"),
                        )
                    ]
                ),
                False,
            ),
            (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False),
        ],
    )
    others = [minting.mint(kind, kind=kind) for kind in ("p384", "ed25519", "rsa2048")]
    return [trio.ca, trio.server, trio.client, middle, everything, *others]


def _certificate() -> list[bytes]:
    return [minted.der for minted in _minted()]


def _pem() -> list[bytes]:
    made = _minted()
    texts = [minted.pem for minted in made] + [minted.key_pem for minted in made]
    texts += [made[2].encrypted_key_pem("password"), made[4].chain_pem, made[0].pem + made[1].pem]
    traditional = made[2].key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"password"),
    )
    texts += [traditional, _store(made)]
    return [bytes([slot]) + text for slot in range(4) for text in texts]


def _store(made: list[minting.Minted]) -> bytes:
    """The client's pair and the CA as PKCS#12."""
    client = made[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pkcs12.serialize_key_and_certificates(
            b"x",
            client.key,
            client.certificate,
            [made[0].certificate],
            serialization.BestAvailableEncryption(b"password"),
        )


def _shown_files() -> list[bytes]:
    made = _minted()
    client = made[2]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(minting.names("localhost"), critical=False)
        .sign(client.key, minting.hashes.SHA256())
    )
    encodings = (serialization.Encoding.PEM, serialization.Encoding.DER)
    return [
        *(minted.pem for minted in made),
        *(minted.der for minted in made),
        made[4].chain_pem,
        client.key_pem,
        client.encrypted_key_pem("password"),
        _store(made),
        *(request.public_bytes(e) for e in encodings),
    ]


def _settings_file() -> list[bytes]:
    table = {
        "uri": "https://root:secret@localhost:1/db",
        "timeout": 5,
        "ca_pem_path": "ca.pem",
        "tls_mode": "mutual",
        "profiles": {"prod": {"token": "x"}},
    }
    toml = (
        b'uri = "https://localhost:19530"\ntimeout = 5.0\n[profiles.prod]\ntls_mode = 2\n'
        b'ca_pem = """\n-----BEGIN CERTIFICATE-----\n"""\n'
    )
    yaml = b"uri: 'https://h:1'\nclient_key: |\n  -----BEGIN\nprofiles: {a: {token: !!str 1}}\n"
    env = b"# note\nexport MILVUS_URI='https://h:1'\nMILVUS_TOKEN=\"a\\nb\"\nMILVUS_SSL=1\n"
    return [b"\0" + toml, b"\1" + yaml, b"\2" + json.dumps(table).encode(), b"\3" + env]


def _environment() -> list[bytes]:
    values = (
        b"https://u:p@h:1/db",
        b"~/ca.pem",
        b"$HOME/x",
        b"2",
        b"true",
        b"'quoted'",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    )
    return [bytes([index]) + value for index in range(30) for value in values]


def _uri() -> list[bytes]:
    return [
        b"https://root:Milvus@host:19530/db",
        b"http://[::1]:19530",
        b"tcp://127.0.0.1",
        b"https://h/%2f?token=x#y",
        b"unix:/x",
        b"milvus.db",
        b"https://h:99999",
        "https://b\u00fccher.example:1".encode(),
        b"https://user@h:1",
    ]


def _server_file() -> list[bytes]:
    flat = (
        b"common:\n  security:\n    tlsMode: 2\n    authorizationEnabled: true\n"
        b"tls:\n  serverPemPath: /a.pem\n  serverKeyPath: a.key\n  caPemPath: ca.pem\n"
        b"proxy:\n  port: 19530\n  http: {enabled: true, port: 8080}\n"
        b"internaltls: &x\n  sni: localhost\nmore: *x\n"
    )
    compose = (
        b"services:\n  standalone:\n    image: milvusdb/milvus:v2.5.1\n"
        b"    command: [milvus, run, standalone]\n    environment:\n"
        b"      COMMON_SECURITY_TLSMODE: 1\n    volumes:\n"
        b"    - ./milvus.yaml:/milvus/configs/user.yaml:ro\n"
        b"    - ${X:-./tls}:/milvus/tls\n"
        b"    - {type: bind, source: ~/tls, target: /t}\n"
    )
    helm = (
        b"extraConfigFiles:\n  user.yaml: |+\n    common: {security: {tlsMode: 1}}\n"
        b"    tls: {serverPemPath: /certs/server.pem}\nvolumes:\n- name: certs\n"
        b"  secret: {secretName: certs}\nvolumeMounts:\n- name: certs\n"
        b"  mountPath: /certs\n"
    )
    operator = (
        b"kind: Milvus\nspec:\n  config:\n    common: {security: {tlsMode: 2}}\n"
        b"  components:\n    image: milvusdb/milvus:v2.6.0\n    volumes: [{name: a}]\n"
        b"    volumeMounts: [{name: a, mountPath: /x}]\n"
    )
    return [b"\0" + flat, b"\1" + compose, b"\2" + helm, b"\2" + operator]


def _server_bytes() -> list[bytes]:
    http = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    settings = b"\0\0\0\4\0\0\0\0\0"
    alert = b"\x15\x03\x03\0\2\2\x28"
    answer = b"\x0a\x0b\x12\x09not ready\x12\x08\x0a\x06v2.6.0"
    flights = [flight(version) for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)]
    return [http, settings, alert, answer, b"<html>", *flights]


def flight(version: int) -> bytes:
    """What a server answers to a ClientHello: under TLS 1.2 its certificates in the clear."""
    trio = minting.trio()
    server, client = SSL.Context(SSL.TLS_METHOD), SSL.Context(SSL.TLS_METHOD)
    server.set_min_proto_version(version)
    server.set_max_proto_version(version)
    server.use_certificate(trio.server.certificate)
    server.add_extra_chain_cert(trio.ca.certificate)
    server.use_privatekey(trio.server.key)
    server.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    ours = SSL.Connection(client, None)
    theirs = SSL.Connection(server, None)
    ours.set_connect_state()
    theirs.set_accept_state()
    with suppress(SSL.WantReadError):
        ours.do_handshake()
    theirs.bio_write(ours.bio_read(65_536))
    with suppress(SSL.WantReadError):
        theirs.do_handshake()
    return bytes(theirs.bio_read(65_536))
