"""Crash reporters show the local variables of every frame: no frame holds a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from traceback import walk_tb

import pytest
from _pytest._io.saferepr import saferepr  # some objects were never finished

from milvus_secure import (
    MilvusSecureError,
    MilvusSettings,
    connect_secure,
    connect_secure_async,
)

SECRET = "canary-frames-51c0"
WRONG = {
    "a value of another type": {"timeout": "soon"},
    "an unknown name": {"tokn": "x"},
    "a profile that is not there": {"profile": "nowhere"},
    "a file that is not there": {"ca_pem_path": "/nowhere/ca.pem"},
}
SECRETS = {
    "token": {"token": SECRET},
    "password": {"user": "root", "password": SECRET},
    "URI": {"uri": f"https://root:{SECRET}@localhost:1"},
    "key": {"client_key": SECRET, "client_key_password": SECRET},
}


def call(function: Callable[..., object], **values: object) -> object:
    return function(**values)


def call_async(function: Callable[..., object], **values: object) -> object:
    return asyncio.run(function(**values))


def variables(error: BaseException) -> Iterator[tuple[str, str, str]]:
    """Function, name and text of each local variable of an exception and of all behind it."""
    pending, known = [error], set()
    while pending:
        link = pending.pop()
        if link is None or id(link) in known:
            continue
        known.add(id(link))
        pending += [link.__cause__, link.__context__]
        for frame, _ in walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in frame.f_locals.items():
                    yield frame.f_code.co_name, name, saferepr(value, maxsize=None)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_no_frame_holds_a_secret(secret, wrong):
    ways = [(call, connect_secure), (call_async, connect_secure_async), (call, MilvusSettings)]
    for way, function in ways:
        if function is MilvusSettings and "ca_pem_path" in wrong:
            continue  # loading settings opens no file
        with pytest.raises(MilvusSecureError) as caught:
            way(function, **secret, **wrong)
        assert [variable for variable in variables(caught.value) if SECRET in variable[2]] == []


def test_the_endpoint_as_the_first_argument_is_kept_by_no_frame():
    with pytest.raises(MilvusSecureError) as caught:
        connect_secure(f"https://root:{SECRET}@localhost:x")
    assert [variable for variable in variables(caught.value) if SECRET in variable[2]] == []


def test_frames_of_a_changed_copy_hold_no_secret():
    settings = MilvusSettings.from_arguments(uri="https://localhost:1")
    with pytest.raises(MilvusSecureError) as caught:
        settings.replace(token=SECRET, timeout="soon")
    assert [variable for variable in variables(caught.value) if SECRET in variable[2]] == []
