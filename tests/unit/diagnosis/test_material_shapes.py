"""Material in the wrong shape gets the hint that repairs it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from milvus_secure import check


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def body(pem: bytes) -> bytes:
    return b"\n".join(pem.splitlines()[1:-1])


@pytest.fixture
def root_cause(settings):
    """The root cause of an offline check with one piece of material."""

    def judge(**values):
        return check(settings(uri="https://h:1", **values), online=False).root_cause

    return judge


class TestText:
    @pytest.mark.trips("file-not-pem")
    @pytest.mark.parametrize("path", ["/certs/ca.pem", "ca.pem", "file:///certs/ca.pem", "~/x.crt"])
    def test_a_path_in_place_of_text_points_to_the_setting_for_paths(self, root_cause, path):
        finding = root_cause(ca_pem=path)
        assert (finding.code, finding.presented) == ("file-not-pem", "the path of a file")
        assert "Name the file in ca_pem_path" in finding.remedy

    def test_a_path_in_place_of_a_key_is_not_shown(self, root_cause, trio):
        pair = {"client_pem": trio.client.pem, "ca_pem": trio.ca.pem}
        finding = root_cause(client_key="/canary/client.key", **pair)
        assert "client_key_path" in finding.remedy
        assert "canary" not in repr(finding)

    def test_what_is_encoded_twice_says_so(self, root_cause, trio):
        finding = root_cause(ca_pem=b64(b64(trio.ca.pem)))
        assert finding.presented == "PEM encoded as base64 more than once"
        assert "stringData" in finding.remedy

    def test_a_body_alone_gets_its_first_and_last_line(self, root_cause, trio):
        finding = root_cause(ca_pem=body(trio.ca.pem))
        assert "-----BEGIN CERTIFICATE-----" in finding.remedy

    @pytest.mark.trips("pem-malformed")
    def test_missing_dashes_are_named(self, root_cause, trio):
        finding = root_cause(ca_pem=trio.ca.pem.replace(b"-", b""))
        assert (finding.code, "five dashes" in finding.message) == ("pem-malformed", True)

    @pytest.mark.trips("pem-malformed")
    def test_a_first_line_alone_says_how_it_was_cut(self, root_cause):
        finding = root_cause(ca_pem="-----BEGIN CERTIFICATE-----")
        assert "Only its first line was read" in finding.remedy
        assert "base64" in finding.remedy

    def test_lines_joined_by_blanks_are_not_called_truncated(self, root_cause, trio):
        finding = root_cause(ca_pem=trio.ca.pem.strip().replace(b"\n", b" "))
        assert finding.code == "pem-malformed"
        assert "Only its first line" not in finding.remedy

    @pytest.mark.passes("file-not-pem")
    def test_base64_of_pem_is_read(self, root_cause, trio):
        assert root_cause(ca_pem=b64(trio.ca.pem)) is None


class TestFiles:
    @pytest.mark.trips("file-missing")
    @pytest.mark.parametrize("url", ["file:///certs/ca.pem", "file:/certs/ca.pem"])
    def test_a_file_url_is_named(self, root_cause, url):
        finding = root_cause(ca_pem_path=url)
        assert finding.code == "file-missing"
        assert "without file://, as /certs/ca.pem." in finding.remedy

    @pytest.mark.trips("file-missing")
    @pytest.mark.parametrize(
        ("path", "remedy"),
        [
            ("$NO_SUCH/ca.pem", "Set the variable NO_SUCH"),
            ("${NO_SUCH}/ca.pem", "Set the variable NO_SUCH"),
            ("%CERTS%/ca.pem", "Set the variable CERTS"),
            (r"C:\certs\ca.pem", "in WSL /mnt/c/certs/ca.pem."),
            ("System", "Write system in lower case"),
            ("{file}:{file}", "Name one file"),
            ("{file}, {file}", "Name one file"),
            ("/etc/none/ca.pem", "Correct ca_pem_path"),
        ],
    )
    def test_a_path_of_another_form_gets_the_remedy_for_it(
        self, root_cause, path, remedy, tmp_path
    ):
        file = tmp_path / "ca.pem"
        file.write_text("")
        finding = root_cause(ca_pem_path=path.replace("{file}", str(file)))
        assert finding.code == "file-missing"
        assert remedy in finding.remedy

    @pytest.mark.parametrize("url", ["https://example.com/ca.pem", "s3://bucket/ca.pem"])
    def test_for_another_url_the_remedy_is_to_download_it(self, root_cause, url):
        finding = root_cause(ca_pem_path=url)
        assert finding.code == "file-missing"
        assert "takes the path of a file, not a URL" in finding.remedy

    def test_a_file_that_holds_a_path_is_named(self, root_cause, tmp_path):
        path = tmp_path / "secret"
        path.write_text("/certs/ca.pem\n")
        finding = root_cause(ca_pem_path=path)
        assert finding.presented == "the path of a file"
        assert "Set ca_pem_path to that path" in finding.remedy


class TestKubernetes:
    @pytest.fixture
    def pair(self, certs) -> dict[str, Path]:
        (certs / "client.key").chmod(0o644)
        names = {"ca_pem_path": "ca.pem", "client_pem_path": "client.pem"}
        paths = {setting: certs / name for setting, name in names.items()}
        return {**paths, "client_key_path": certs / "client.key"}

    @pytest.mark.trips("key-permissions")
    def test_a_key_in_a_volume_is_restricted_where_the_volume_is_declared(
        self, settings, pair, certs
    ):
        (certs / "..data").symlink_to(".")
        report = check(settings(uri="https://h:1", **pair), online=False)
        [finding] = [finding for finding in report.findings if finding.code == "key-permissions"]
        assert "defaultMode: 0440" in finding.remedy
        assert finding.command is None

    def test_a_key_behind_a_link_is_restricted_where_the_volume_is_declared(
        self, settings, pair, certs, tmp_path
    ):
        volume = tmp_path / "volume"
        (volume / "..2026").mkdir(parents=True)
        (volume / "..data").symlink_to("..2026")
        (certs / "client.key").rename(volume / "..2026" / "client.key")
        (certs / "client.key").symlink_to(volume / "..data" / "client.key")
        report = check(settings(uri="https://h:1", **pair), online=False)
        [finding] = [finding for finding in report.findings if finding.code == "key-permissions"]
        assert "defaultMode: 0440" in finding.remedy

    def test_any_other_key_is_restricted_by_chmod(self, settings, pair):
        report = check(settings(uri="https://h:1", **pair), online=False)
        [finding] = [finding for finding in report.findings if finding.code == "key-permissions"]
        assert finding.command.startswith("chmod 600")
