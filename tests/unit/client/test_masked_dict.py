"""Keyword arguments whose repr shows no secret, and that are a dict in every other way."""

from __future__ import annotations

import copy
import json
import pickle
import pprint

import pytest
from rich.pretty import pretty_repr

from milvus_secure.client.masked_dict import MaskedDict

SECRET = "canary-4f1"
VALUES = {"uri": "https://host:1", "token": SECRET, "timeout": 3.0}


@pytest.fixture
def masked():
    return MaskedDict(VALUES, masked=("token",))


@pytest.mark.parametrize(
    "show", [repr, str, pprint.pformat, pretty_repr, "{}".format], ids=lambda f: f.__name__
)
def test_what_is_printed_shows_no_secret(masked, show):
    shown = show(masked)
    assert SECRET not in shown
    assert "https://host:1" in shown


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d)), MaskedDict.copy],
    ids=["copy", "deepcopy", "pickle", "copy method"],
)
def test_a_copy_is_equal_and_shows_no_secret_either(masked, duplicate):
    again = duplicate(masked)
    assert again == VALUES
    assert SECRET not in repr(again)


def test_a_union_is_equal_to_that_of_plain_dicts_and_shows_no_secret(masked):
    union = masked | {"db_name": "books"}
    assert union == VALUES | {"db_name": "books"}
    assert SECRET not in repr(union)


def test_it_is_a_dict_of_its_values(masked):
    assert masked == VALUES
    assert isinstance(masked, dict)
    assert dict(**masked) == VALUES
    assert json.loads(json.dumps(masked)) == VALUES
    assert masked["token"] == SECRET


def test_a_secret_that_is_set_later_is_hidden_too(masked):
    masked["token"] = f"{SECRET}-2"
    assert SECRET not in repr(masked)
