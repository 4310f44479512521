"""Makes all files of a new set from its plan."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from .issue import Authority, Pair, Role, check_days, issue, now, pem, request, self_signed
from .keys import PrivateKey, generate
from .plan import SetPlan
from .subject import Subject


def build(plan: SetPlan) -> dict[str, bytes]:
    """Make every key and certificate of a set; returns contents by file name."""
    subject = plan.subject.named(plan.ca_common_name) if plan.ca_common_name else plan.subject
    files, authority = build_authority(
        subject,
        plan.key_type,
        plan.ca_days,
        plan.intermediate_days,
        named=plan.ca_common_name is not None,
    )
    key = generate(plan.key_type)
    leaf = make_leaf(
        Role.SERVER,
        plan.server_subject.x509_name(),
        key,
        authority,
        plan.server_days,
        plan.server.extension(),
    )
    files |= leaf.files("server")
    for name, days in plan.clients.items():
        leaf = make_client(plan, name, authority, days)
        files |= leaf.files(name)
    files["ca.srl"] = serial_file(leaf.certificate)
    return files


def build_authority(
    subject: Subject, key_type: str, days: int, intermediate_days: int | None, *, named: bool
) -> tuple[dict[str, bytes], Authority]:
    """Make a root, and the intermediate CA below it if one is asked for.

    Args:
        subject: What all subjects share.
        key_type: One of `keys.KEY_TYPES`.
        days: Validity of the root.
        intermediate_days: Validity of the intermediate, or None for none.
        named: Whether the root has the common name of the subject. Otherwise it gets a unique one,
            so that two CAs can be in one file.

    Returns:
        Their files, and the CA that signs leaves.
    """
    key = generate(key_type)
    ca_subject = subject if named else subject.named(f"Milvus CA {_mark(key)}")
    end = now() + timedelta(days=check_days(days, "ca_days"))
    length = 0 if intermediate_days is None else 1
    root = self_signed(ca_subject.x509_name(), key, end, path_length=length)
    files = root.files("ca")
    if intermediate_days is None:
        return files, root.authority()
    key = generate(key_type)
    name = subject.named(f"Milvus intermediate CA {_mark(key)}").x509_name()
    signed = issue(Role.INTERMEDIATE, name, key.public_key(), root.authority(), intermediate_days)
    middle = Pair(signed, key)
    files |= middle.files("intermediate")
    files["chain.pem"] = pem(signed) + pem(root.certificate)
    return files, middle.authority()


def make_client(plan: SetPlan, name: str, authority: Authority, days: int) -> Pair:
    """Make a client's key and certificate as a plan describes them."""
    subject = plan.client_subject(name).x509_name()
    return make_leaf(Role.CLIENT, subject, generate(plan.key_type), authority, days)


def make_leaf(
    role: Role,
    subject: x509.Name,
    key: PrivateKey,
    authority: Authority,
    days: int,
    names: x509.SubjectAlternativeName | None = None,
) -> Pair:
    """Make a server's or a client's key, certificate and request."""
    signed = issue(role, subject, key.public_key(), authority, days, names)
    return Pair(signed, key, authority.chain, request(subject, key, names))


def serial_file(certificate: x509.Certificate) -> bytes:
    """``ca.srl`` as openssl keeps it: the last serial number, in hex."""
    digits = f"{certificate.serial_number:X}"
    return f"{digits:0>{len(digits) + len(digits) % 2}}\n".encode()


def _mark(key: PrivateKey) -> str:
    """Eight hex digits that identify a CA's key."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return identifier.digest[:4].hex()
