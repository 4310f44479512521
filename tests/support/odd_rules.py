"""Chains for one rule of a peer at a time: signatures, policies, names, many issuers."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from odd_chains import (
    DIGESTS,
    EXPIRED,
    NAMES,
    Odd,
    Tower,
    constraints,
    mint,
    pem,
    served,
)

SIGNERS = (
    "rsa2048",
    "p224",
    "p384",
    "p521",
    "p192",
    "secp256k1",
    "brainpool",
    "ed25519",
    "ed448",
    "dsa",
)
SHA2 = (hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
PSS = {
    f"{digest.name} {word}": {"digest": digest, "pss": padding.PSS(padding.MGF1(mask), salt)}
    for place, digest in enumerate(SHA2)
    for word, mask, salt in (
        ("plain", digest, digest.digest_size),
        ("salt of 20", digest, 20),
        ("no salt", digest, 0),
        ("salt of 64", digest, 64),
        ("other mask", SHA2[place - 1], digest.digest_size),
    )
}


def raw(number: str, value: str, critical: bool) -> dict:
    """Keywords for `mint`: an extension below id-ce, or with a whole OID, of these bytes."""
    oid = x509.ObjectIdentifier(number if "." in number else f"2.5.29.{number}")
    return {"extra": [(x509.UnrecognizedExtension(oid, bytes.fromhex(value)), critical)]}


# One policy 1.2.3; anyPolicy; a mapping of 1.2.3 to 1.2.4.
_POLICY, _ANY_POLICY = "300406022a03", "30060604551d2000"
EXTENSIONS = {
    "policies": raw("32", "3006" + _POLICY, False),
    "critical policies": raw("32", "3006" + _POLICY, True),
    "empty policies": raw("32", "3000", False),
    "critical empty policies": raw("32", "3000", True),
    "policy twice": raw("32", "300c" + _POLICY * 2, False),
    "any policy": raw("32", "3008" + _ANY_POLICY, False),
    "explicit policy": {"extra": [(x509.PolicyConstraints(0, None), True)]},
    "explicit policy, not critical": {"extra": [(x509.PolicyConstraints(0, None), False)]},
    "explicit policy, one below": {"extra": [(x509.PolicyConstraints(1, None), True)]},
    "explicit policy, and one": {
        "extra": [
            (x509.PolicyConstraints(0, None), True),
            *raw("32", "3006" + _POLICY, False)["extra"],
        ]
    },
    "no mapping": {"extra": [(x509.PolicyConstraints(None, 0), True)]},
    "inhibitAnyPolicy": {"extra": [(x509.InhibitAnyPolicy(0), True)]},
    "mappings": raw("33", "300a300806022a0306022a04", True),
    "mappings of anyPolicy": raw("33", "300c300a0604551d200006022a04", False),
    "empty mappings": raw("33", "3000", False),
    "truncated mappings": raw("33", "3010", True),
    "truncated mappings, not critical": raw("33", "3010", False),
    "critical CRL distribution point": {
        "extra": [
            (
                x509.CRLDistributionPoints(
                    [
                        x509.DistributionPoint(
                            [x509.UniformResourceIdentifier("http://crl")], None, None, None
                        )
                    ]
                ),
                True,
            )
        ]
    },
    "critical Netscape type": raw("2.16.840.1.113730.1.1", "030206c0", True),
    "critical freshest CRL": {
        "extra": [
            (
                x509.FreshestCRL(
                    [
                        x509.DistributionPoint(
                            [x509.UniformResourceIdentifier("http://crl")], None, None, None
                        )
                    ]
                ),
                True,
            )
        ]
    },
    "critical subject key identifier": {
        "identifiers": False,
        "extra": [(x509.SubjectKeyIdentifier(b"key"), True)],
    },
}
_HOSTS = (
    "localhost",
    "a.example.org",
    "*.example.org",
    "A.Example.Org",
    "a.example.org.",
    "a.b.example.org",
    "*.b.example.org",
    "example.org",
    "b.example.org",
    "uri:https://a.example.org/x",
    "uri:urn:x",
    "uri:https://example.org:80",
    "uri:https://127.0.0.1/",
    "uri:spiffe://b.example.org/x",
    "xexample.org",
)
_TREES = (
    "localhost",
    "example.org",
    "b.example.org",
    ".example.org",
    "",
    "uri:example.org",
    "uri:.example.org",
    "uri:b.example.org",
    "EXAMPLE.org",
    "10.0.0.0/8",
    "example.org.",
)


def constrained(draw: random.Random) -> tuple[tuple, tuple[str, ...]]:
    """A constraint that mentions localhost, and names that may be within it."""
    permitted = draw.sample(_TREES, draw.choice((0, 0, 1, 2)))
    excluded = (
        draw.sample(_TREES[1:], draw.choice((0, 1, 1))) if permitted else [draw.choice(_TREES[1:])]
    )
    inside = draw.sample(_HOSTS[1:], draw.choice((0, 1, 1, 2)))
    return constraints(permitted and [*permitted, "localhost"], excluded), ("localhost", *inside)


_MAILBOXES = (  # and a constraint
    ("a@example.org", "example.org"),
    ("a@example.org", "a@example.org"),
    ("A@Example.org", "a@example.org"),
    ("a@b.example.org", ".example.org"),
    ("a@b.example.org", "example.org"),
    ("a@example.org", "other.org"),
    ("a@example.org", ".example.org"),
    ("a b@example.org", "example.org"),
    (".a@example.org", "example.org"),
    ("example.org", "example.org"),
    ("a@example_1.org", "example.org"),
)


def _signatures(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Keys and signatures that some peers cannot verify."""
    for kind in SIGNERS:
        yield Tower(usage).odd(f"signed by {kind}", root={"kind": kind})
        yield Tower(usage, 1).odd(f"intermediate's key {kind}", middle={"kind": kind})
        top = Tower(usage).root()
        stray = mint("stray", issuer=top, kind=kind, which=24, ca=True).certificate
        yield served(f"stray {kind} served too", Tower(usage).leaf(top), top.pem, rest=[stray])
        pinned = Tower(usage).root(kind=kind)
        yield served(f"anchor {kind} beside the root", Tower(usage).leaf(top), pinned.pem, top.pem)
    for name, odd in PSS.items():
        yield Tower(usage).odd(f"RSA-PSS {name}", root={"kind": "rsa2048"}, leaf=odd)
        make = Tower(usage, 1)
        middle = make.middle(make.root(kind="rsa2048"), **odd)
        yield served(f"intermediate RSA-PSS {name}", make.leaf(middle), middle.pem)
    for name, odd in DIGESTS.items():
        yield Tower(usage).odd(f"RSA {name}", root={"kind": "rsa2048"}, leaf=odd)
        yield Tower(usage).odd(f"p384 {name}", root={"kind": "p384"}, leaf=odd)


def _extensions(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Policies and critical extensions, in every place and in pairs."""
    for name, odd in EXTENSIONS.items():
        yield Tower(usage).odd(f"leaf {name}", leaf=odd)
        yield Tower(usage).odd(f"root {name}", root=odd)
        yield Tower(usage, 1).odd(f"intermediate {name}", middle=odd)
        pinned = Tower(usage, 1).middle(Tower(usage).root(), **odd)
        yield served(f"intermediate {name} as anchor", Tower(usage).leaf(pinned), pinned.pem)
        for other in ("policies", "any policy", "explicit policy, and one", "mappings"):
            yield Tower(usage, 1).odd(f"{name} above {other}", middle=odd, leaf=EXTENSIONS[other])
            yield Tower(usage, 1).odd(f"{other} above {name}", middle=EXTENSIONS[other], leaf=odd)


def _names(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Names in constraints, and names that identify an issuer."""
    for number in range(60):
        limits, names = constrained(random.Random(number))
        label = f"constraint {number} {limits[0]} {names}"
        yield Tower(usage, 1).odd(label, middle={"extra": [limits]}, leaf={"sans": names})
    extra = {"extra": [constraints([], ["b.example.org"])]}
    for name in ("*.example.org", "a.example.org.", "b.example.org.", "*.b.example.org"):
        yield Tower(usage).odd(f"{name} excluded", root=extra, leaf={"sans": [*NAMES[:1], name]})
    for label in ("odd", "other"):
        subtree = x509.DirectoryName(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{label} leaf")])
        )
        for critical in (True, False):
            limits = {"extra": [(x509.NameConstraints([subtree], None), critical)]}
            yield Tower(usage, 1).odd(f"directory {label} {critical}", middle=limits)
            yield Tower(usage).odd(f"directory {label} {critical} on the root", root=limits)
    for number, (mailbox, tree) in enumerate(_MAILBOXES):
        names = {
            "sans": (),
            "extra": [
                (
                    x509.SubjectAlternativeName(
                        [x509.DNSName("localhost"), x509.RFC822Name(mailbox)]
                    ),
                    False,
                )
            ],
        }
        for side in (0, 1):
            trees = [None, None]
            trees[side] = [x509.RFC822Name(tree)]
            limits = {"extra": [(x509.NameConstraints(*trees), True)]}
            yield Tower(usage).odd(f"mailbox {number}, {side}", root=limits, leaf=names)
    host = {"common_name": "a.example.net", "sans": ()}
    yield Tower(usage).odd(
        "CN outside a constraint", leaf=host, root={"extra": [constraints(["example.org"])]}
    )
    root = Tower(usage).root()
    for name in ("odd root", "another"):
        general = [
            x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        ]
        for serial in (root.certificate.serial_number, 7):
            named = x509.AuthorityKeyIdentifier(None, general, serial)
            leaf = Tower(usage).leaf(root, identifiers=False, extra=[(named, False)])
            yield served(f"authority {name}, serial {serial == 7}", leaf, root.pem)
    for item, spelling in (
        ("\u00c9", "\u00e9"),
        ("CA", "ca"),
        ("a  b", "A b"),
        (" a", "a"),
        ("a\u00a0b", "a b"),
        ("a\tb", "a b"),
        ("\u0130", "i\u0307"),
    ):
        above = Tower(usage).root(common_name=item)
        spelt = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, spelling)])
        yield served(
            f"issuer {item!a} spelt {spelling!a}",
            Tower(usage).leaf(above, issuer_name=spelt),
            above.pem,
        )


def _many_issuers(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """More certificates than a peer reads."""
    root = Tower(usage).root()
    for depth in (98, 99, 100, 101):
        above, between = root, []
        for level in range(depth):
            above = mint(f"level {level}", issuer=above, which=40, ca=True)
            between.insert(0, above.certificate)
        yield served(f"{depth} intermediates", Tower(usage).leaf(above), root.pem, rest=between)
    for count in (9, 49, 50, 51, 98, 99, 100):
        issuers = [mint("crowd", which=50 + n, ca=True, identifiers=False) for n in range(count)]
        lone = mint("crowd", issuer=root, which=49, ca=True, identifiers=False)
        for word, rest in (("first", [lone, *issuers]), ("last", [*issuers, lone])):
            leaf = Tower(usage).leaf(lone, identifiers=False)
            certificates = [item.certificate for item in rest]
            yield served(
                f"{count} of the issuer's name, it {word}", leaf, root.pem, rest=certificates
            )
        leaf = Tower(usage).leaf(issuers[0], identifiers=False)
        yield served(
            f"{count} of one name, none trusted",
            leaf,
            root.pem,
            rest=[item.certificate for item in issuers],
        )
    same_name = [mint("crowd", issuer=root, which=49, ca=True) for _ in range(9)]
    yield served(
        "renewed nine times",
        Tower(usage).leaf(same_name[0]),
        root.pem,
        rest=[item.certificate for item in same_name],
    )
    ring = [mint("crowd", which=50 + n, ca=True) for n in range(5)]
    crossed = [
        mint("crowd", issuer=item, which=50 + n, ca=True).certificate
        for n in range(5)
        for item in ring
    ]
    yield served("five that signed each other", Tower(usage).leaf(ring[0]), root.pem, rest=crossed)
    lone = mint("crowd", issuer=root, which=54, ca=True)
    yield served(
        "five that signed each other, one trusted",
        Tower(usage).leaf(ring[0]),
        root.pem,
        rest=[*crossed, lone.certificate],
    )


def rules(usage: x509.ObjectIdentifier) -> list[Odd]:
    """Every rule in every place where it may matter."""
    return [*_signatures(usage), *_extensions(usage), *_names(usage), *_many_issuers(usage)]


def at_random(seed: int, count: int, usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Extensions, names and cross-signed CAs of one name, combined at random from the seed."""
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        yield (_mixed, _named, _forest)[number % 3](draw, f"{seed}/{number}", usage)


def _mixed(draw: random.Random, label: str, usage: x509.ObjectIdentifier) -> Odd:
    def oddity() -> dict:
        chosen = draw.sample(list(EXTENSIONS), draw.choice((0, 1, 1, 2)))
        extra = {
            extension[0].oid: extension
            for name in chosen
            for extension in EXTENSIONS[name]["extra"]
        }
        return {"extra": list(extra.values()), "identifiers": False}

    make = Tower(usage, 2)
    root = make.root(**oddity())
    upper = make.middle(root, 0, **oddity())
    lower = make.middle(upper, 1, **oddity())
    anchor = draw.choice((root, root, upper, lower))
    return served(f"extensions {label}", make.leaf(lower, **oddity()), anchor.pem)


def _named(draw: random.Random, label: str, usage: x509.ObjectIdentifier) -> Odd:
    limits, names = constrained(draw)
    above, _ = constrained(draw)
    return Tower(usage, 1).odd(
        f"names {label} {limits[0]} {names}",
        root={"extra": [above]} if draw.random() < 0.3 else {},
        middle={"extra": [limits], "sans": draw.choice(((), (), ("a.example.org",)))},
        leaf={"sans": names},
    )


def _forest(draw: random.Random, label: str, usage: x509.ObjectIdentifier) -> Odd:
    """CAs with a few names and keys that signed each other; some of them are trusted."""
    names = ("odd root", "crowd", "third")[: draw.randint(1, 3)]
    keys, plant = draw.choice((3, 40)), []
    for _ in range(draw.choice((4, 8, 12, 30))):
        above = draw.choice(plant) if plant and draw.random() < 0.7 else None
        odd = draw.choice(({},) * 8 + (EXPIRED, {"path_length": draw.randint(0, 2)}))
        plant.append(
            mint(
                draw.choice(names),
                issuer=above,
                which=50 + draw.randrange(keys),
                ca=True,
                identifiers=draw.random() < 0.5,
                **odd,
            )
        )
    leaf = Tower(usage).leaf(draw.choice(plant), identifiers=draw.random() < 0.7)
    rest = [item.certificate for item in plant]
    draw.shuffle(rest)
    anchors = draw.sample(rest, draw.choice((1, 1, 2, 3)))
    served_too = rest[: draw.choice((len(rest), len(rest) // 2))]
    return served(f"forest {label}", leaf, *map(pem, anchors), rest=served_too)
