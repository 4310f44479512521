"""Nothing is overwritten without --force, and a patched file changes only where it must."""

from __future__ import annotations

import difflib
import importlib.util
import re
import stat
from base64 import b64encode
from pathlib import Path

import pytest

from command_line import server_config
from milvus_secure import MilvusSecureError, TLSMode
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.milvus_yaml import milvus_yaml
from milvus_secure.server.config.yaml_text import parsed, patched

SMALL = """\
# our Milvus
etcd:
  endpoints:
    - etcd:2379  # the only one
proxy:
  http:
    enabled: true # keep me
  # can specify ip for example
  port: 19530
common:
  security:
    authorizationEnabled: 'true'
    tlsMode: 0
"""


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in {"+++", "---"}]


def test_a_patched_file_keeps_comments_order_quotes_and_every_other_key(certs: Path):
    after = milvus_yaml(ServerPlan(certs, TLSMode.ONE_WAY, template=SMALL), "/t")
    assert sorted(changed(SMALL, after)) == [
        "+    port: 8080",
        "+    tlsMode: 1",
        "+  serverKeyPath: /t/server.key",
        "+  serverPemPath: /t/server.pem",
        "+tls:",
        "-    tlsMode: 0",
    ]


@pytest.mark.skipif(
    importlib.util.find_spec("milvus") is None, reason="the milvus wheel is for linux x86_64"
)
def test_milvus_own_template_changes_in_the_intended_keys_only(certs: Path):
    home = Path(importlib.util.find_spec("milvus").origin).parent
    template = (home / "data" / "config.yaml.template").read_text("utf-8")
    placeholder = r"\{\{\s*(\w+)(?:\(\w+\))?\s*(?::\s*(.*?))?\s*\}\}"
    before = re.sub(placeholder, lambda match: match[2] or match[1], template)
    after = milvus_yaml(ServerPlan(certs, TLSMode.MUTUAL, template=before), "/t")
    keys = {re.sub(r"[-+]\s*", "", line).split(":")[0] for line in changed(before, after)}
    assert keys == {"port", "serverPemPath", "serverKeyPath", "caPemPath", "tlsMode"}


@pytest.fixture
def patch(certs: Path, tmp_path: Path, capsys):
    """Patch the text of a milvus.yaml; returns the result and what was reported."""

    def run(text: str, *flags: object) -> tuple[str, str]:
        file = tmp_path / "milvus.yaml"
        file.write_text(text)
        assert (
            server_config("--certs", certs, "--patch", file, "--out", tmp_path / "out", *flags) == 0
        )
        return (tmp_path / "out" / "milvus.yaml").read_text(), capsys.readouterr().err

    return run


MUTUAL = """\
common: {security: {tlsMode: 2}}
proxy: {http: {port: 9999}}
"""


class TestPatch:
    def test_what_the_file_says_wins_over_the_defaults(self, patch):
        after, _ = patch(MUTUAL)
        assert "tlsMode: 2" in after
        assert "port: 9999" in after
        assert "caPemPath" in after

    def test_what_a_flag_changes_is_printed(self, patch):
        after, reported = patch(MUTUAL, "--tls-mode", "1", "--rest-port", "8081")
        assert "tlsMode: 1" in after
        assert "common.security.tlsMode: 2 -> 1" in reported
        assert "proxy.http.port: 9999 -> 8081" in reported

    def test_what_stays_is_not_printed(self, patch):
        _, reported = patch(MUTUAL)
        assert "tlsMode" not in reported
        assert "proxy.http" not in reported

    def test_a_restful_api_that_is_off_stays_off(self, patch):
        after, _ = patch("proxy: {http: {enabled: no}}\n")
        assert "enabled: no" in after
        assert "8080" not in after

    def test_a_restful_api_that_is_off_is_turned_on_for_a_port_of_its_own(self, patch):
        after, reported = patch("proxy: {http: {enabled: no}}\n", "--rest-port", "8081")
        assert "enabled: true" in after
        assert "proxy.http.enabled: false -> true" in reported

    def test_what_is_on_by_default_is_not_written(self, patch):
        after, _ = patch("proxy: {http: {port: 9999}}\n")
        assert "enabled" not in after

    def test_a_port_that_rest_shares_with_grpc_is_changed_and_printed(self, patch):
        after, reported = patch("proxy: {port: 19530, http: {port: 19530}}\n")
        assert "port: 8080" in after
        assert "proxy.http.port: 19530 -> 8080" in reported

    def test_the_port_in_the_container_follows_the_file(self, patch, tmp_path):
        patch("proxy: {port: 29530}\n")
        assert "29530:29530" in (tmp_path / "out" / "docker-compose.yml").read_text()

    @pytest.mark.parametrize(
        "text",
        [
            "common.security.tlsMode: 0\n",
            "common: {security.tlsMode: 0}\n",
            "Common: {Security: {TLSMode: 0}}\n",
            "common: {security: {tls_mode: 0}}\n",
            "common.security: {tlsmode: 0}\n",
        ],
    )
    def test_a_key_is_replaced_in_its_spelling(self, patch, text):
        after, reported = patch(text, "--tls-mode", "2")
        assert after.splitlines()[0] == text.replace("0", "2").strip()
        assert "common.security.tlsMode: 0 -> 2" in reported

    def test_a_key_in_two_spellings_gets_one_value(self, patch):
        after, _ = patch("common.security.tlsMode: 0\ncommon: {security: {tlsMode: 1}}\n")
        assert [line for line in after.splitlines() if "0" in line and "Mode" in line] == []

    def test_a_missing_key_goes_into_its_section_in_whatever_spelling(self, patch):
        after, _ = patch("TLS:\n  server_pem_path: /old.pem\n")
        assert "server_pem_path: /milvus/tls/server.pem" in after
        assert after.index("serverKeyPath") > after.index("TLS:")
        assert "\ntls:" not in after


BROKEN = {
    "tab": "tls:\n\tserverPemPath: x\n",
    "repeated key": "tls:\n  a: 1\ntls:\n  b: secret-canary\n",
    "list": "- a\n- b\n",
    "scalar where a mapping belongs": "common: secret-canary\n",
    "bomb": "a: &a [x]\nb: [" + ", ".join(["*a"] * 500) + "]\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_cannot_be_patched_is_named_and_not_quoted(text: str):
    with pytest.raises(MilvusSecureError, match=r"^milvus\.yaml") as caught:
        patched(text, {"common": {"security": {"tlsMode": 1}}}, "milvus.yaml")
    assert "secret-canary" not in str(caught.value)


def test_a_broken_file_is_reported_with_line_and_column():
    with pytest.raises(MilvusSecureError, match="line 2, column 1"):
        parsed("tls:\n\tserverPemPath: x\n", "milvus.yaml")


def test_the_written_key_is_readable_by_its_owner_only(certs: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert server_config("--certs", certs, "--tls-mode", 2, "--out", out) == 0
    assert stat.S_IMODE((out / "tls/server.key").stat().st_mode) == 0o600
    assert not list(out.rglob(".*"))


def test_a_second_run_changes_nothing(certs: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    server_config("--certs", certs, "--out", out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert server_config("--certs", certs, "--out", out) == 0
    assert "files were as they should be" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_difference_is_shown_and_refused_without_force(certs: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    server_config("--certs", certs, "--out", out)
    assert server_config("--certs", certs, "--tls-mode", 2, "--out", out) == 1
    shown = capsys.readouterr()
    assert "-    tlsMode: 1" in shown.out
    assert "--force" in shown.err
    assert "tlsMode: 1" in (out / "milvus.yaml").read_text()
    assert not (out / "tls/ca.pem").exists()
    assert server_config("--certs", certs, "--tls-mode", 2, "--out", out, "--force") == 0
    assert "tlsMode: 2" in (out / "milvus.yaml").read_text()


@pytest.mark.parametrize("target", ["compose", "helm", "operator", "kubernetes"])
def test_no_private_key_is_shown(certs: Path, capsys, target: str):
    server_config("--certs", certs, "--tls-mode", 2, "--target", target)
    shown = capsys.readouterr().out
    key = b64encode((certs / "server.key").read_bytes()).decode()
    assert "PRIVATE" not in shown
    assert key not in shown


def test_rest_and_grpc_may_not_share_a_port(certs: Path, capsys):
    assert server_config("--certs", certs, "--rest-port", 19530) == 1
    assert "cannot share port 19530" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_leaves_nothing(certs: Path, tmp_path: Path, capsys):
    (tmp_path / "file").touch()
    assert server_config("--certs", certs, "--out", tmp_path / "file") == 1
    assert "is not a directory" in capsys.readouterr().err
