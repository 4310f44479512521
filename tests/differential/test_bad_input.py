"""Any input ends in findings or a `SettingsError`: no traceback, no hang, no secret shown."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import minting
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import SETTINGS, files
from milvus_secure.errors import SettingsError
from milvus_secure.reporting.report import Report
from milvus_secure.settings.model import VARIABLES
from milvus_secure.settings.normalize import PATHS

RULES = (*SETTINGS, *files.RULES)
TRIO = minting.trio()


@pytest.fixture(autouse=True)
def _files_that_are_not_being_renewed(monkeypatch):
    """Read garbage once, instead of waiting a second for a program that may be writing the file."""
    monkeypatch.setattr("milvus_secure.diagnosis.material._changed_recently", lambda _: False)


def outcome(**values) -> Report | SettingsError:
    """The report, or the error of loading; any other exception fails the test."""
    try:
        loaded = MilvusSettings(**values)
    except SettingsError as error:
        return error
    return judge(Context(loaded, read_material(loaded)), RULES)


def printed(result: Report | SettingsError) -> str:
    """All text of an outcome that could reach a screen or a log."""
    if isinstance(result, Report):
        return f"{result!r}{result}{result.to_json()}"
    text, error = "", result
    while error is not None:
        text += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return text


def crashed(result: Report | SettingsError) -> bool:
    return isinstance(result, Report) and any(f.code == "internal-error" for f in result.findings)


bytes_in_environment = st.one_of(
    st.binary(max_size=60).map(lambda b: b.replace(b"\0", b"")),
    st.sampled_from(
        [
            b"",
            b"~",
            b"~nobody/x",
            b"$",
            b"${",
            b"$HOME",
            b"\xff\xfe",
            b"''",
            b'"',
            b"1",
            b"-----BEGIN CERTIFICATE-----",
            b"https://[",
            b"https://@:@",
            b"/dev/zero",
            b"/",
            b"system",
            b"true",
            b"2",
            b"1e309",
            b"nan",
        ]
    ),
)
pem_like = st.lists(
    st.sampled_from(
        [
            TRIO.ca.pem,
            TRIO.ca.key_pem,
            TRIO.client.pem[:300],
            b"-----BEGIN CERTIFICATE-----\n",
            b"-----END CERTIFICATE-----\n",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            b"\\n",
            b"\xef\xbb\xbf",
            b"\0",
            b"\r",
            b"0\x82\x01\x01",
            b"\xfe\xed\xfe\xed",
            b"Proc-Type: 4,ENCRYPTED\n\n",
        ]
    )
    | st.binary(max_size=40),
    max_size=6,
).map(b"".join)


class TestGarbage:
    @hypothesis_settings(max_examples=50, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from([*VARIABLES, "MILVUS_CONFIG", "MILVUS_PROFILE", "MILVUS_SECRETS_DIR"]),
            bytes_in_environment.map(os.fsdecode),
            max_size=6,
        )
    )
    def test_in_every_variable(self, environ):
        with tempfile.TemporaryDirectory() as folder:
            result = outcome(environ=environ, env_file=None, cwd=folder)
        assert not crashed(result)
        printed(result).encode()

    @hypothesis_settings(max_examples=50, deadline=None)
    @given(st.sampled_from(PATHS), pem_like)
    def test_in_every_file(self, name, content):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "given").write_bytes(content)
            result = outcome(environ={}, env_file=None, cwd=folder, **{name: "given"})
        assert isinstance(result, Report)
        assert not crashed(result)

    @hypothesis_settings(
        max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(
        st.sampled_from(["x.toml", "x.yaml", "x.json", ".env"]),
        st.one_of(
            st.binary(max_size=60),
            st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")),
            st.text("[]{}:=\"'&*!|>-#\n\t ,0a.", max_size=60).map(str.encode),
            st.dictionaries(
                st.sampled_from(["uri", "timeout", "profiles", "ca_pem", "x"]),
                st.recursive(
                    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
                    lambda s: (
                        st.lists(s, max_size=3)
                        | st.dictionaries(st.text(max_size=5), s, max_size=3)
                    ),
                ),
            ).map(lambda d: json.dumps(d).encode()),
        ),
    )
    def test_in_every_settings_file(self, name, content):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_bytes(content)
            place = {"env_file": name} if name == ".env" else {"config": name, "env_file": None}
            result = outcome(environ={}, cwd=folder, **place)
        assert not crashed(result)


class TestSettingsFiles:
    @pytest.mark.trips("config-file-malformed")
    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("x.toml", b"uri = canary", "line 1"),
            ("x.toml", b"a = 1\na = 'canary'", "twice"),
            ("x.toml", b"\xff\xfe", "UTF-8"),
            ("x.toml", b"uri = " + b"[" * 100_000, "nested|TOML"),
            ("x.toml", b"timeout = " + b"1" * 5000, "TOML"),
            ("x.toml", b"profiles = 3", "tables"),
            ("x.toml", b"[profiles]\nprod = 'canary'", "tables"),
            ("x.json", b'{"token": canary}', "line 1, column 11"),
            ("x.json", b'{"token": "a", "token": "canary"}', "twice"),
            ("x.json", b"[1]", "table"),
            ("x.json", b"[" * 100_000, "nested"),
            ("x.yaml", b"token: canary: x", "line 1"),
            ("x.yaml", b"\ttoken: canary", "line 1"),
            ("x.yaml", b"token: a\ntoken: canary", "line"),
            ("x.yaml", b"- canary", "table"),
            ("x.yaml", b"user: &a canary\ntoken: *a", "aliases"),
            ("x.yaml", b"user: !!python/object:os.system canary", "line 1"),
            ("x.yaml", b"uri: " + b"[" * 1000, "nested|YAML"),
            ("x.yaml", b"uri: x\0canary", "YAML"),
            ("env", b"MILVUS_TOKEN='canary", "NAME=value"),
            ("env", b"MILVUS_TOKEN=\xffcanary", "UTF-8"),
        ],
    )
    def test_a_file_that_cannot_be_parsed_is_reported_without_its_text(
        self, name, content, words, tmp_path
    ):
        (tmp_path / name).write_bytes(content)
        place = {"env_file": "env"} if name == "env" else {"config": name}
        with pytest.raises(SettingsError, match=words) as error:
            MilvusSettings(environ={}, cwd=tmp_path, **place)
        assert [f.code for f in error.value.findings] == ["config-file-malformed"]
        assert "canary" not in printed(error.value)
        assert error.value.__context__ is None

    @pytest.mark.passes("config-file-malformed")
    def test_a_sound_file_is_read(self, tmp_path):
        (tmp_path / "x.yaml").write_text("uri: https://h:1 # & * are fine here\nuser: a&b *c\n")
        assert MilvusSettings(environ={}, cwd=tmp_path, config="x.yaml").user == "a&b *c"

    @pytest.mark.parametrize("place", ["config", "env_file", "secret"])
    def test_a_file_of_one_gigabyte_is_refused_unread(self, place, tmp_path):
        with (tmp_path / "milvus_token").open("wb") as stream:
            stream.truncate(1 << 30)
        where = {"secrets_dir": tmp_path} if place == "secret" else {place: "milvus_token"}
        with pytest.raises(SettingsError, match="1 MiB"):
            MilvusSettings(environ={}, cwd=tmp_path, **where)

    @pytest.mark.parametrize("place", ["config", "env_file", "secret"])
    def test_a_named_pipe_is_not_waited_for(self, place, tmp_path):
        os.mkfifo(tmp_path / "milvus_token")
        where = {"secrets_dir": tmp_path} if place == "secret" else {place: "milvus_token"}
        with pytest.raises(SettingsError, match="regular file"):
            MilvusSettings(environ={}, cwd=tmp_path, **where)

    @pytest.mark.parametrize("place", ["config", "secrets_dir"])
    @pytest.mark.parametrize("path", ["\0", "~nobody-here/x", "x" * 5000, "circle", "/dev/null/x"])
    def test_a_place_that_cannot_exist(self, place, path, tmp_path):
        (tmp_path / "circle").symlink_to(tmp_path / "circle")
        assert isinstance(
            outcome(environ={}, cwd=tmp_path, env_file=None, **{place: path}), SettingsError
        )


class TestSecrets:
    @pytest.mark.parametrize("name", ["password", "token", "client_key_password", "client_key"])
    @pytest.mark.parametrize(
        "value",
        [
            "canary",
            " canary ",
            "canary\ud800",
            ["canary"],
            {"canary": "canary"},
            b"canary\xff",
        ],
        ids=ascii,
    )
    def test_are_in_no_outcome(self, name, value, tmp_path):
        result = outcome(environ={}, env_file=None, cwd=tmp_path, **{name: value, "timeout": "x"})
        assert isinstance(result, SettingsError)
        assert "canary" not in printed(result)
        result = outcome(environ={}, env_file=None, cwd=tmp_path, **{name: value})
        assert "canary" not in printed(result)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda t: t,
            lambda t: t.replace("\n", " "),
            lambda t: t.replace("\n", "\\n"),
            lambda t: t.replace("\n", ""),
            lambda t: t[5:],
            lambda t: t[:-30],
            lambda t: "  " + t,
            lambda t: t.replace("-----\n", "-----\nX: y\n\n", 1),
            lambda t: t.encode("utf-16").hex(),
        ],
    )
    @pytest.mark.parametrize("slot", ["server_pem", "ca_pem", "client_pem", "client_key"])
    def test_damaged_key_bytes_are_in_no_outcome(self, damage, slot, tmp_path):
        key = TRIO.client.key_pem.decode()
        result = outcome(environ={}, env_file=None, cwd=tmp_path, **{slot: damage(key)})
        assert not crashed(result)
        assert not any(line in printed(result) for line in key.splitlines()[1:-1])

    def test_a_wrong_uri_does_not_show_its_password(self, tmp_path):
        for uri in ("https://root:canary@h:x", "https://root:canary/@h", "root:canary@h"):
            result = outcome(environ={"MILVUS_URI": uri}, env_file=None, cwd=tmp_path, timeout="x")
            assert "canary" not in printed(result)
