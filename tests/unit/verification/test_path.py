"""Certification paths: which path each peer judges, and which error the nearest one gets."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from milvus_secure.pem.certificate import key_hash, signature_is_wrong
from milvus_secure.verification import go_path
from milvus_secure.verification.go_path import MOST_CANDIDATES
from milvus_secure.verification.path import Role, Verdict, judge_path
from minting import CLIENT, SERVER, Minted, mint
from odd_chains import EXPIRED

NOW = dt.datetime.now(dt.timezone.utc)


def judge(leaf: Minted, anchors: list[Minted], role: Role = Role.SERVER, **more) -> Verdict:
    presented = (leaf.certificate, *leaf.above[:-1])
    return judge_path(presented, [anchor.certificate for anchor in anchors], NOW, role, **more)


@pytest.fixture
def middle(root) -> Minted:
    return mint("middle", issuer=root, ca=True, which=2)


@pytest.fixture
def leaf(middle) -> Minted:
    return mint("leaf", sans=["localhost"], issuer=middle, which=3)


class TestThePath:
    def test_leads_from_the_leaf_to_the_anchor(self, leaf, middle, root):
        verdict = judge(leaf, [root])
        assert verdict.path == (leaf.certificate, middle.certificate, root.certificate)
        assert (verdict.trusted, verdict.failure) == (2, None)

    def test_goes_on_among_the_anchors(self, leaf, middle, root):
        verdict = judge(leaf, [middle, root])
        assert verdict.path == (leaf.certificate, middle.certificate, root.certificate)
        assert verdict.trusted == 1

    def test_ends_at_a_pinned_leaf(self, leaf):
        verdict = judge_path([leaf.certificate], [leaf.certificate], NOW, Role.SERVER)
        assert (verdict.path, verdict.pinned) == ((leaf.certificate,), True)

    def test_ends_where_no_issuer_is_known(self, leaf, middle):
        verdict = judge(leaf, [mint("stranger", which=5)])
        assert verdict.path == (leaf.certificate, middle.certificate)
        assert verdict.trusted is None


class TestTwoJudges:
    """gRPC refuses some chains because it tries only one path; Go tries others, and the reverse."""

    @pytest.fixture
    def renewed_intermediate(self, root):
        """A leaf served below the expired edition of its intermediate, then the renewed one."""
        old, new = (mint("middle", issuer=root, ca=True, which=2, **odd) for odd in (EXPIRED, {}))
        leaf = mint("leaf", sans=["localhost"], issuer=new, which=3)
        return [leaf.certificate, old.certificate, new.certificate]

    def test_grpc_uses_the_first_issuer_that_fits(self, renewed_intermediate, root):
        verdict = judge_path(renewed_intermediate, [root.certificate], NOW, Role.SERVER)
        assert verdict.failure.code == "certificate-expired"

    def test_go_tries_the_next(self, renewed_intermediate, root):
        verdict = judge_path(renewed_intermediate, [root.certificate], NOW, Role.CLIENT)
        assert verdict.failure is None

    @pytest.mark.parametrize(("role", "usage"), [(Role.SERVER, SERVER), (Role.CLIENT, CLIENT)])
    def test_each_role_requires_its_own_usage(self, root, role, usage):
        sound = mint("leaf", usages=[usage], issuer=root, which=3)
        wrong_usage = mint(
            "leaf", usages=[SERVER if usage is CLIENT else CLIENT], issuer=root, which=3
        )
        assert judge(sound, [root], role).failure is None
        assert judge(wrong_usage, [root], role).failure.code == f"usage-not-{role.value}"

    def test_any_extended_key_usage_counts_for_go_only(self, root):
        usages = [x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
        leaf = mint("leaf", usages=usages, issuer=root, which=3)
        assert judge(leaf, [root], Role.CLIENT).failure is None
        assert judge(leaf, [root], Role.SERVER).failure.code == "usage-not-server"

    def test_an_anchor_without_basic_constraints_counts_for_grpc_only(self):
        bare = mint("root", which=1, basic=False)
        leaf = mint("leaf", issuer=bare, which=3)
        assert judge(leaf, [bare], Role.SERVER).failure is None
        assert judge(leaf, [bare], Role.CLIENT).failure.code == "issuer-not-ca"

    def test_a_p521_key_is_accepted_by_go_only(self, root):
        leaf = mint("leaf", issuer=root, kind="p521")
        assert judge(leaf, [root], Role.CLIENT).failure is None
        assert judge(leaf, [root], Role.SERVER).failure.code == "weak-key"


class TestTheNearestMiss:
    def test_a_rotated_key_is_shown_by_both_fingerprints(self, root):
        new = mint("root", which=4)
        leaf = mint("leaf", issuer=root, which=3)
        presented = [leaf.certificate, root.certificate]
        failure = judge_path(presented, [new.certificate], NOW, Role.SERVER).failure
        assert failure.code == "issuer-key-mismatch"
        assert key_hash(root.certificate) in failure.expected
        assert key_hash(new.certificate) in failure.presented

    def test_a_certificate_known_elsewhere_shows_what_is_missing(self, root):
        middle = mint("east", issuer=root, ca=True, which=2)
        leaf = mint("leaf", issuer=middle, which=3)
        bare, anchors = [leaf.certificate], [root.certificate]
        alone = judge_path(bare, anchors, NOW, Role.SERVER)
        helped = judge_path(bare, anchors, NOW, Role.SERVER, spare=[middle.certificate])
        assert alone.failure.code == "chain-untrusted"
        assert helped.failure.code == "chain-incomplete"

    def test_an_authority_key_identifier_may_name_the_anchor(self, root):
        middle = mint("east", issuer=root, ca=True, which=2)
        above = x509.AuthorityKeyIdentifier(
            None, [x509.DirectoryName(root.certificate.subject)], middle.certificate.serial_number
        )
        leaf = mint("leaf", issuer=middle, which=3, identifiers=False, extra=[(above, False)])
        verdict = judge_path([leaf.certificate], [root.certificate], NOW, Role.SERVER)
        assert verdict.failure.code == "chain-incomplete"

    def test_many_anchors_are_counted_not_listed(self, leaf):
        strangers = [mint(f"stranger {n}", which=5) for n in range(9)]
        failure = judge(leaf, strangers).failure
        assert "stranger 3" in failure.expected
        assert "and 5 more" in failure.expected

    def test_the_distance_to_an_expiry_date_is_shown(self, root):
        leaf = mint("leaf", issuer=root, which=3)
        later = leaf.certificate.not_valid_after_utc + dt.timedelta(hours=5, minutes=1)
        lasting = mint("root", which=1, days=10_000)
        verdict = judge_path([leaf.certificate], [lasting.certificate], later, Role.SERVER)
        assert "expired 5 hours ago" in verdict.failure.message


class TestMoreThanAPeerLooksAt:
    @pytest.mark.parametrize("count", [9, 30, 120])
    def test_many_issuers_of_one_name_are_tried_as_often_as_go_does(self, monkeypatch, root, count):
        """All have the same name and none leads to the anchor: there are factorially many ways."""
        attempts = []
        monkeypatch.setattr(
            go_path,
            "signature_is_wrong",
            lambda *pair: attempts.append(pair) or signature_is_wrong(*pair),
        )
        issuers = [mint("crowd", ca=True, which=50 + n) for n in range(count)]
        leaf = mint("crowd", issuer=issuers[0], usages=[CLIENT], which=3)
        served = [leaf.certificate, *(item.certificate for item in issuers)]
        verdict = judge_path(served, [root.certificate], NOW, Role.CLIENT)
        assert verdict.trusted is None
        # Twice: a refused chain is read again to find the reason.
        assert len(attempts) <= 2 * MOST_CANDIDATES

    def test_an_issuer_behind_too_many_others_is_not_found(self, root):
        lone = mint("crowd", issuer=root, ca=True, which=49, identifiers=False)
        issuers = [mint("crowd", ca=True, which=50 + n, identifiers=False) for n in range(100)]
        leaf = mint("leaf", issuer=lone, usages=[CLIENT], which=3, identifiers=False)
        served = [leaf.certificate, *(item.certificate for item in (*issuers, lone))]
        assert judge_path(served, [root.certificate], NOW, Role.CLIENT).failure is not None
        served.reverse()
        served = [leaf.certificate, *served[:-1]]
        assert judge_path(served, [root.certificate], NOW, Role.CLIENT).failure is None

    def test_too_many_intermediates_are_named_as_the_reason(self, root):
        above, between = root, []
        for level in range(101):
            above = mint(f"level {level}", issuer=above, ca=True, which=40)
            between.insert(0, above.certificate)
        leaf = mint("leaf", issuer=above, which=3)
        verdict = judge_path([leaf.certificate, *between], [root.certificate], NOW, Role.SERVER)
        assert verdict.failure.code == "chain-untrusted"
        assert "at most 100 intermediates" in verdict.failure.expected


class TestTheReason:
    def test_a_ca_of_a_key_that_no_peer_verifies_is_named(self):
        strange = mint("strange", which=1, kind="brainpool")
        failure = judge(mint("leaf", issuer=strange, which=3), [strange]).failure
        assert failure.code == "weak-key"
        assert "CN=strange with EC brainpoolP256r1" in failure.presented

    def test_a_signature_that_the_peer_does_not_know_is_named(self, root):
        leaf = mint("leaf", issuer=root, which=3, digest=hashes.SHA3_384())
        for role in Role:
            failure = judge(leaf, [root], role).failure
            assert failure.code == "weak-signature"
            assert failure.presented == "CN=leaf signed with SHA3-384"


@pytest.mark.filterwarnings("ignore")  # warnings of cryptography about a certificate that it loads
class TestDamage:
    @pytest.mark.parametrize("role", Role)
    def test_a_damaged_certificate_is_never_accepted_and_never_a_traceback(self, root, role):
        """Bytes flipped at random, where the certificate can still be parsed."""
        usage = SERVER if role is Role.SERVER else CLIENT
        leaf = mint("leaf", sans=["localhost"], usages=[usage], issuer=root, which=3)
        judged, accepted = 0, []
        for seed in range(600):
            draw, damaged = random.Random(seed), bytearray(leaf.der)
            place = draw.randrange(len(damaged))
            damaged[place] ^= draw.randint(1, 255)
            try:
                certificate = x509.load_der_x509_certificate(bytes(damaged))
            except (ValueError, x509.InvalidVersion):
                continue
            verdict = judge_path([certificate], [root.certificate], NOW, role)
            judged += 1
            if verdict.accepted:
                accepted.append(place)
        assert judged > 200
        assert accepted == []


def test_a_client_s_key_on_an_unknown_curve_is_reported_once(root):
    leaf = mint("leaf", issuer=root, usages=[CLIENT], ca=False, kind="secp256k1")
    verdict = judge(leaf, [root], Role.CLIENT)
    assert [failure.code for failure in verdict.failures] == ["weak-key"]
