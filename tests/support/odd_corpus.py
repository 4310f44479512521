"""A systematic corpus of odd chains, and a seeded generator of combinations."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from cryptography import x509

from minting import Minted
from odd_chains import (
    AUTHORITIES,
    CONSTRAINTS,
    EXPIRED,
    LEAVES,
    NAMES,
    Odd,
    Tower,
    constraints,
    mint,
    pem,
    served,
)
from odd_rules import rules


def corpus(usage: x509.ObjectIdentifier) -> list[Odd]:
    """Every oddity by itself, on the leaf, on an intermediate and on the root."""
    return [
        *_oddities(usage),
        *rules(usage),
        *_pinned(usage),
        *_anchor_files(usage),
        *_servings(usage),
    ]


def _oddities(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    for depth in range(4):
        yield Tower(usage, depth).odd(f"{depth} intermediates")
    for name, odd in LEAVES.items():
        yield Tower(usage).odd(f"leaf {name}", leaf=odd)
        yield Tower(usage, 1).odd(f"leaf {name} below an intermediate", leaf=odd)
    for name, odd in AUTHORITIES.items():
        yield Tower(usage).odd(f"root {name}", root=odd)
        yield Tower(usage, 1).odd(f"root {name} above an intermediate", root=odd)
        yield Tower(usage, 2).odd(f"root {name} above two intermediates", root=odd)
        yield Tower(usage, 1).odd(f"intermediate {name}", middle=odd)
        yield Tower(usage, 2).odd(f"upper intermediate {name}", middle=odd)
    for constraint in CONSTRAINTS:
        extra = {"extra": [constraints(*constraint)]}
        for label, names in (
            ("names", {}),
            ("DNS only", {"sans": NAMES[:1]}),
            ("CN only", {"sans": (), "common_name": "localhost"}),
        ):
            yield Tower(usage).odd(f"root constraint {constraint} {label}", root=extra, leaf=names)
            yield Tower(usage, 1).odd(f"constraint {constraint} {label}", middle=extra, leaf=names)


def _pinned(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """A leaf or an intermediate as the anchor."""
    make = Tower(usage, 1)
    root = make.root()
    middle = make.middle(root)
    leaf = make.leaf(middle)
    expired = make.root(**EXPIRED)
    yield served("intermediate as anchor", leaf, middle.pem)
    yield served("intermediate as anchor, not served", leaf, middle.pem, rest=())
    yield served("intermediate and root as anchors", leaf, middle.pem, root.pem, rest=())
    yield served("intermediate and expired root as anchors", leaf, middle.pem, expired.pem, rest=())
    yield served("leaf as anchor", leaf, leaf.pem)
    yield served("leaf as anchor, alone", leaf, leaf.pem, rest=())
    old = make.middle(root, **EXPIRED)
    yield served(
        "leaf as anchor beside an expired intermediate", make.leaf(old), make.leaf(old).pem
    )
    yield served(
        "leaf as anchor below an expired intermediate", leaf, leaf.pem, rest=[old.certificate]
    )
    yield served("leaf and root as anchors", leaf, leaf.pem, root.pem)
    yield served("leaf and root as anchors, alone", leaf, leaf.pem, root.pem, rest=())
    for name, odd in LEAVES.items():
        alone = make.leaf(None, **{"which": 30, **odd})
        yield served(f"self-signed leaf {name} as its anchor", alone, alone.pem)
        pinned = make.leaf(root, **odd)
        yield served(f"leaf {name} as its anchor", pinned, pinned.pem)
    by_rsa = make.root(kind="rsa2048")
    for digest in ("md5", "sha1", "sha256"):
        yield served(f"leaf RSA {digest}", make.leaf(by_rsa, broken_hash=digest), by_rsa.pem)
    yield served("self-signed, not trusted", make.leaf(None), root.pem)
    yield served(
        "self-signed of the root's name", make.leaf(None, common_name="odd root"), root.pem
    )
    for name, odd in AUTHORITIES.items():
        pinned = make.middle(root, **odd)
        yield served(f"intermediate {name} as anchor", make.leaf(pinned), pinned.pem)
        yield served(
            f"intermediate {name} with root as anchors", make.leaf(pinned), pinned.pem, root.pem
        )


def _anchor_files(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Roots that are renewed, rotated, unrelated, or in a broken bundle."""
    make = Tower(usage, 1)
    root = make.root()
    middle = make.middle(root)
    leaf = make.leaf(middle)
    unrelated = mint("another root", which=20, ca=True)
    rotated = make.root(which=21)
    rotated_plain = make.root(which=21, identifiers=False)
    expired = make.root(**EXPIRED)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    yield served("another root", leaf, unrelated.pem)
    yield served("rotated root", leaf, rotated.pem)
    yield served("rotated root without identifiers", leaf, rotated_plain.pem)
    yield served("rotated and old root", leaf, rotated.pem, root.pem)
    yield served("old and rotated root", leaf, root.pem, rotated.pem)
    yield served("expired twin of the root", leaf, expired.pem)
    yield served("expired twin and the root", leaf, expired.pem, root.pem)
    yield served("the root and its expired twin", leaf, root.pem, expired.pem)
    yield served(
        "expired stranger and the root", leaf, mint("old", which=22, **EXPIRED).pem, root.pem
    )
    for word, odd in (("", {}), (" without identifiers", {"identifiers": False})):
        old, new = (make.leaf(None, which=n, **odd) for n in (30, 31))
        yield served(f"self-signed leaf{word} behind its old edition", new, old.pem, new.pem)
        yield served(f"self-signed leaf{word} before its old edition", new, new.pem, old.pem)
    yield served("broken block first", leaf, broken, root.pem)
    yield served("broken block last", leaf, root.pem, broken)
    yield served("broken block between", leaf, unrelated.pem, broken, root.pem)


def _servings(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """More, fewer and other certificates than the path needs."""
    make = Tower(usage, 1)
    root = make.root()
    middle = make.middle(root)
    leaf = make.leaf(middle)
    unrelated = mint("another root", which=20, ca=True)
    rotated = make.root(which=21)
    yield served("missing intermediate", leaf, root.pem, rest=())
    yield served("root served too", leaf, root.pem, rest=leaf.above)
    yield served("root served, not trusted", leaf, unrelated.pem, rest=leaf.above)
    yield served(
        "unrelated extras served",
        leaf,
        root.pem,
        rest=(unrelated.certificate, *leaf.above, rotated.certificate),
    )
    yield served("twice served", leaf, root.pem, rest=[middle.certificate] * 2)
    two = Tower(usage, 2)
    upper = two.leaf(two.below(root))
    yield served(
        "two intermediates in wrong order",
        upper,
        root.pem,
        rest=[c for c in reversed(upper.above) if c.issuer != c.subject],
    )
    yield served("lower intermediate missing", upper, root.pem, rest=upper.above[1:2])
    yield served("upper intermediate missing", upper, root.pem, rest=upper.above[:1])
    cross = mint("odd intermediate 0", issuer=unrelated, which=2, ca=True)
    yield served(
        "cross-signed, first to a stranger",
        leaf,
        root.pem,
        rest=(cross.certificate, middle.certificate),
    )
    yield served(
        "cross-signed, last to a stranger",
        leaf,
        root.pem,
        rest=(middle.certificate, cross.certificate),
    )
    yield served(
        "cross-signed, both trusted",
        leaf,
        root.pem,
        unrelated.pem,
        rest=(cross.certificate, middle.certificate),
    )
    late = mint("odd intermediate 0", issuer=root, which=2, ca=True, **EXPIRED)
    yield served(
        "expired intermediate before its renewal",
        leaf,
        root.pem,
        rest=(late.certificate, middle.certificate),
    )
    yield served(
        "renewed intermediate before the expired",
        leaf,
        root.pem,
        rest=(middle.certificate, late.certificate),
    )
    same_name = mint("odd intermediate 0", issuer=root, which=23, ca=True)
    yield served(
        "intermediate of the same name, other key, first",
        leaf,
        root.pem,
        rest=(same_name.certificate, middle.certificate),
    )


def under(root: Minted, usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Oddities of leaf and intermediate below a given root."""
    for name, odd in LEAVES.items():
        for depth in (0, 1):
            make = Tower(usage, depth)
            leaf = make.leaf(make.below(root), **odd)
            yield served(f"leaf {name} below {depth} intermediates", leaf, root.pem)
    make = Tower(usage, 1)
    for name, odd in AUTHORITIES.items():
        yield served(f"intermediate {name}", make.leaf(make.middle(root, **odd)), root.pem)
    for constraint in CONSTRAINTS:
        middle = make.middle(root, extra=[constraints(*constraint)])
        yield served(f"constraint {constraint}", make.leaf(middle), root.pem)
    leaf = make.leaf(make.middle(root))
    yield served("missing intermediate", leaf, root.pem, rest=())
    yield served("another root", make.leaf(make.middle(make.root())), root.pem)
    yield served("self-signed", make.leaf(None), root.pem)


def combinations(seed: int, count: int, usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    """Chains in which several things are odd at once; the same for the same seed."""
    for number in range(count):
        yield _Combination(usage, seed, number).odd()


class _Combination:
    def __init__(self, usage: x509.ObjectIdentifier, seed: int, number: int) -> None:
        self.draw = random.Random(f"{seed}/{number}")
        self.labels = [f"seed {seed}/{number}"]
        self.make = Tower(usage)

    def likely(self, chance: float) -> bool:
        return self.draw.random() < chance

    def draw_oddities(self, table: dict, chance: float) -> dict:
        odd: dict = {}
        while self.likely(chance):
            oddity = self.draw.choice(list(table))
            self.labels.append(oddity)
            if table[oddity].keys() & {"broken_hash", "version"}:
                return table[oddity]  # openssl signs no other oddity
            odd.update(table[oddity])
        return odd

    def odd(self) -> Odd:
        limits = {"extra": [constraints(*self.draw.choice(CONSTRAINTS))]}
        authorities = {**AUTHORITIES, "constrained": limits}
        root = above = self.make.root(**self.draw_oddities(authorities, 0.2))
        unrelated = mint("another root", which=20, ca=True)
        crossed = []
        for level in range(self.draw.choice((0, 0, 1, 1, 1, 2, 3))):
            above = self.make.middle(above, level, **self.draw_oddities(authorities, 0.15))
            if self.likely(0.1):
                crossed.append(self.make.middle(unrelated, level).certificate)
        leaf = self.make.leaf(above, **self.draw_oddities(LEAVES, 0.35))
        rest = [*leaf.above[: None if self.likely(0.1) else -1], *crossed]
        if self.likely(0.2):
            self.draw.shuffle(rest)
        if rest and self.likely(0.1):
            rest.pop(self.draw.randrange(len(rest)))
        line = [leaf.certificate, *leaf.above]
        anchors = self.anchors(line, unrelated) if self.likely(0.4) else [root.certificate]
        return Odd(" + ".join(self.labels), leaf, tuple(rest), b"".join(map(pem, anchors)))

    def anchors(
        self, line: Sequence[x509.Certificate], unrelated: Minted
    ) -> list[x509.Certificate]:
        anchors = self.draw.sample(list(line), self.draw.randint(1, min(2, len(line))))
        if self.likely(0.4):
            anchors.append(unrelated.certificate)
        if self.likely(0.3):
            twin = self.draw.choice((EXPIRED, {"which": 21}, {}))
            anchors.append(self.make.root(**twin).certificate)
        self.draw.shuffle(anchors)
        return anchors
