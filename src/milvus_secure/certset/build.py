"""Makes all files of a new set from its plan."""

from __future__ import annotations

from cryptography import x509

from .issue import Authority, Pair, Role, issue, pem, request, self_signed
from .keys import generate
from .names import Identifiers
from .plan import SetPlan
from .subject import Subject


def build(plan: SetPlan) -> dict[str, bytes]:
    """Make every key and certificate of a set; returns contents by file name."""
    root = make_root(plan.subject, plan.key_type, plan.ca_days, plan)
    files = {"ca.key": root.files("ca")["ca.key"], "ca.pem": pem(root.certificate)}
    authority = root.authority()
    if plan.intermediate_days is not None:
        middle = make_intermediate(plan, authority)
        files |= middle.files("intermediate")
        files["chain.pem"] = pem(middle.certificate) + pem(root.certificate)
        authority = middle.authority()
    leaf = make_leaf(
        Role.SERVER, plan.server_subject, plan.key_type, authority, plan.server_days, plan.server
    )
    files |= leaf.files("server")
    for name, days in plan.clients.items():
        subject = plan.client_subject(name)
        leaf = make_leaf(Role.CLIENT, subject, plan.key_type, authority, days)
        files |= leaf.files(name)
    files["ca.srl"] = serial_file(leaf.certificate)
    return files


def make_root(subject: Subject, key_type: str, days: int, plan: SetPlan | None = None) -> Pair:
    """Make a self-signed CA whose name no other bears."""
    key = generate(key_type)
    named = plan.ca_common_name if plan else None
    if named is None:
        named = f"Milvus CA {key_mark(key.public_key())}"
    length = 1 if plan and plan.intermediate_days is not None else 0
    return self_signed(subject.named(named), key, days, path_length=length)


def make_intermediate(plan: SetPlan, root: Authority) -> Pair:
    """Make the CA between the root and the leaves."""
    key = generate(plan.key_type)
    name = plan.subject.named(f"Milvus intermediate CA {key_mark(key.public_key())}").x509_name()
    days = plan.intermediate_days or 0
    return Pair(issue(Role.INTERMEDIATE, name, key.public_key(), root, days), key)


def make_leaf(
    role: Role,
    subject: Subject,
    key_type: str,
    authority: Authority,
    days: int,
    names: Identifiers | None = None,
) -> Pair:
    """Make a server's or a client's key, request and certificate."""
    key = generate(key_type)
    signed = issue(role, subject.x509_name(), key.public_key(), authority, days, names)
    return Pair(signed, key, authority.chain, request(subject, key, names))


def key_mark(public: object) -> str:
    """Eight hex digits that tell a CA's key from any other."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)  # type: ignore[arg-type]
    return identifier.digest[:4].hex()


def serial_file(certificate: x509.Certificate) -> bytes:
    """``ca.srl`` as openssl keeps it: the last serial number, in hex."""
    digits = f"{certificate.serial_number:X}"
    return f"{digits:0>{len(digits) + len(digits) % 2}}\n".encode()
