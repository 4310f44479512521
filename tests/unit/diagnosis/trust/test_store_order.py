"""Which of several anchors of one name gRPC comes to first; the real one is asked elsewhere."""

from __future__ import annotations

from milvus_secure.verification.store_order import as_grpc_looks, heapsorted
from minting import mint


def anchors(*names: str) -> tuple:
    return tuple(mint(name, which=1).certificate for name in names)


def test_two_of_one_name_change_places():
    one, other = anchors("root", "root")
    assert heapsorted((one, other)) == (other, one)


def test_shorter_names_come_first_and_equals_stay_neighbours():
    long, short, again = anchors("a root", "root", "a root")
    assert heapsorted((long, short, again))[0] == short


def test_anchors_with_names_of_their_own_stay_as_in_the_file():
    different = anchors("z", "y", "x")
    assert as_grpc_looks(different) == different
