"""No secret is shown by a screen, a log, an error, a traceback, a crash reporter or a pickle."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import threading

import pytest

import impostors
from canaries import (
    KEY_PASSWORD,
    PASSWORD,
    SOURCES,
    TOKEN,
    USER,
    printed,
    report_text,
    secret_values,
    shown,
    with_locals,
)
from milvus_secure import check, connect_secure, connect_secure_async
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.errors import MilvusSecureError, SecureConnectionError

FAILURES: dict[str, dict[str, object]] = {
    "nothing": {},
    "a value of the wrong type": {"timeout": "soon"},
    "an unknown setting": {"tokn": TOKEN},
    "a contradiction": {"tls_mode": "mutual", "secure": False},
    "a missing file": {"ca_pem_path": "nowhere.pem"},
    "the wrong password for the key": {"client_key_password": f"{KEY_PASSWORD}x"},
    "a refused connection": {"uri": f"https://{USER}:{PASSWORD}@localhost:1"},
    "a URI that is none": {"uri": f"https://{USER}:{PASSWORD}@localhost:x"},
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda item: item.__name__.strip("_"))
@pytest.mark.parametrize("failure", FAILURES)
def test_no_outcome_shows_a_secret(
    source, failure, certs, tmp_path, key_pem, canaries, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    values = {
        "cwd": tmp_path,
        "uri": "https://localhost:1",
        "ca_pem_path": certs / "ca.pem",
        "client_pem_path": certs / "client.pem",
        "timeout": 1,
        **source(tmp_path, key_pem),
        **FAILURES[failure],
    }
    output = ""
    try:
        settings = MilvusSettings(**values)
        output += shown(settings) + report_text(check(settings, online=False))
        if failure != "nothing":
            connect_secure(settings)
    except MilvusSecureError as error:
        output += printed(error)
    output += caplog.text + "".join(capfd.readouterr())

    assert output
    assert [canary for canary in canaries if canary in output] == []


def test_the_canaries_would_be_found(canaries, key_pem):
    assert all(item in f"{secret_values(key_pem)}" for item in (PASSWORD, TOKEN, KEY_PASSWORD))
    assert sum(canary in key_pem for canary in canaries) > 3
    assert PASSWORD in printed(ValueError(PASSWORD))


def test_a_secret_in_a_local_variable_would_be_found():
    def fail(settings: dict[str, object]) -> None:
        raise KeyError

    with pytest.raises(KeyError) as caught:
        fail({"password": PASSWORD})
    assert PASSWORD in with_locals(caught.value)


@pytest.mark.parametrize("call", ["connect_secure", "connect_secure_async"])
def test_a_crash_reporter_finds_no_secret_in_the_variables_of_a_failed_connection(
    call, settings, certs, canaries
):
    made = settings(
        uri="https://localhost:1",
        ca_pem_path=certs / "ca.pem",
        timeout=1,
        user=USER,
        password=PASSWORD,
    )
    with pytest.raises(SecureConnectionError) as caught:
        connect_secure(made) if call == "connect_secure" else asyncio.run(
            connect_secure_async(made)
        )
    output = with_locals(caught.value)
    assert "MilvusException" in output, "the cause is still shown"
    assert [canary for canary in canaries if canary in output] == []


@pytest.mark.parametrize("fault", [{}, {"ca_pem_path": "/nowhere.pem"}], ids=["dialled", "checked"])
def test_crash_reporters_find_no_secret_given_as_a_keyword(fault, certs, trio):
    """Tools that show local variables also show those of the library's own frames."""
    with impostors.tls(trio.server) as port, pytest.raises(SecureConnectionError) as caught:
        connect_secure(
            uri=f"https://localhost:{port}",
            environ={},
            env_file=None,
            timeout=1,
            **{"ca_pem_path": certs / "ca.pem", "user": USER, "password": PASSWORD, **fault},
        )
    output = with_locals(caught.value)
    assert PASSWORD not in output


def test_crash_reporters_find_no_secret_when_it_is_interrupted(certs, trio):
    with impostors.tls(trio.server) as port:
        timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            connect_secure(
                uri=f"https://localhost:{port}",
                environ={},
                env_file=None,
                timeout=30,
                ca_pem_path=certs / "ca.pem",
                token=TOKEN,
            )
    assert TOKEN not in with_locals(caught.value)


@pytest.mark.parametrize("name", ["token", "tokn", "spool"])
def test_a_setting_that_is_assigned_is_not_shown(name, settings):
    with pytest.raises(ValueError, match=rf"settings\.replace\({name}=") as caught:
        setattr(settings(), name, TOKEN)
    assert TOKEN not in printed(caught.value)


@pytest.mark.parametrize(
    "uri", ["https://u:{}", "https://u:{}%40h:1", "https://u:{}\uff20h:1", "https://u:{}@h:x"]
)
def test_a_password_in_a_uri_that_cannot_be_parsed_is_not_shown(uri, settings):
    made = settings(uri=uri.format(PASSWORD))
    report = check(made, online=False)
    assert report.root_cause.code == "uri-invalid"
    assert PASSWORD not in shown(made) + report_text(report)


class TestPickles:
    """A pickle contains the secrets, as it must; what the loaded object prints does not."""

    def test_settings_arrive_complete_and_masked(self, settings):
        original = settings(token=TOKEN)
        assert TOKEN.encode() in pickle.dumps(original)
        arrived = pickle.loads(pickle.dumps(original))
        assert arrived.token.get_secret_value() == TOKEN
        assert TOKEN not in shown(arrived)

    def test_errors_arrive_complete_and_contain_no_secret(self, settings, certs, trio):
        with impostors.tls(trio.server) as port:
            made = settings(
                uri=f"https://localhost:{port}",
                ca_pem_path=certs / "ca.pem",
                token=TOKEN,
                timeout=1,
            )
            with pytest.raises(SecureConnectionError) as caught:
                connect_secure(made)
        packed = pickle.dumps(caught.value)
        assert TOKEN.encode() not in packed
        arrived = pickle.loads(packed)
        assert str(arrived) == str(caught.value)
        assert arrived.report.to_dict() == caught.value.report.to_dict()

    @pytest.mark.parametrize("values", [{"timeout": "soon"}, {"tokn": TOKEN}], ids=str)
    def test_settings_errors_arrive_complete(self, settings, values):
        with pytest.raises(MilvusSecureError) as caught:
            settings(**values)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
