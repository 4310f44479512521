"""`MilvusSettings` once they are loaded: replaced in part, copied, printed without a secret."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from milvus_secure.errors import SettingsError
from milvus_secure.pem.slots import Slot


class TestReplace:
    def test_arguments_win_and_the_rest_keeps_its_source(self, load):
        changed = load({"MILVUS_USER": "root", "MILVUS_DB": "one"}).replace(db_name="two")
        assert (changed.user, changed.source_of("user")) == ("root", "env MILVUS_USER")
        assert (changed.db_name, changed.source_of("db_name")) == ("two", "argument")

    def test_the_original_stays_as_it_was(self, load):
        settings = load(db_name="one")
        settings.replace(db_name="two")
        assert settings.db_name == "one"

    def test_none_resets_a_setting_to_its_default(self, load):
        changed = load(timeout=3, user="u").replace(timeout=None, user=None)
        assert (changed.timeout, changed.user) == (10.0, None)
        assert changed.source_of("timeout") == "default"

    def test_relative_paths_start_at_the_working_directory(self, load):
        assert load().replace(ca_pem_path="ca.pem").ca_pem_path == Path.cwd() / "ca.pem"

    def test_a_new_uri_keeps_the_credentials_of_the_old_one(self, load):
        changed = load(uri="https://u:p@h:1/db").replace(uri="https://other:1")
        assert (changed.user, changed.password, changed.db_name) == (None, None, None)

    def test_pydantics_copy_validates_and_keeps_provenance_too(self, load):
        changed = load({"MILVUS_USER": "root"}).model_copy(update={"timeout": 3})
        assert (changed.timeout, changed.source_of("timeout")) == (3.0, "argument")
        assert changed.source_of("user") == "env MILVUS_USER"

    def test_an_unknown_name_is_an_error(self, load):
        with pytest.raises(SettingsError, match="Did you mean 'uri'"):
            load().replace(url="x")

    def test_instances_are_immutable(self, load):
        with pytest.raises(ValueError, match="frozen"):
            load().uri = "https://h:1"


class TestPemSources:
    """The source of each piece of material, which has two settings: a path and a text."""

    def test_a_path_and_a_text_name_their_setting_and_source(self, load):
        settings = load({"MILVUS_CA_PEM_PATH": "/ca.pem"}, client_key="canary")
        ca, key = settings.pem_sources.values()
        assert (ca.slot, ca.path, ca.text) == (Slot.CA_PEM, Path("/ca.pem"), None)
        assert (ca.setting, ca.source) == ("ca_pem_path", "env MILVUS_CA_PEM_PATH")
        assert (key.setting, key.source, key.text) == ("client_key", "argument", "canary")
        assert "canary" not in repr(key)

    def test_a_text_has_precedence_over_a_path(self, load):
        [source] = load(ca_pem="text", ca_pem_path="/ca.pem").pem_sources.values()
        assert source.setting == "ca_pem"

    def test_public_roots_are_neither(self, load):
        [source] = load(ca_pem_path="system").pem_sources.values()
        assert source.is_public_roots

    @pytest.mark.parametrize("slot", [*Slot, *map(str, Slot)])
    def test_has_returns_whether_a_piece_is_given(self, slot, load):
        assert not load().has(slot)
        assert load(**{str(slot): "text"}).has(slot)
        assert load(**{f"{slot}_path": "/path"}).has(slot)


class TestEndpoint:
    def test_the_uri_is_parsed_while_loading(self, load):
        settings = load(uri="https://u:p@h:1/db")
        assert (settings.endpoint.address, settings.uri_fault) == ("h:1", "")
        assert settings.valid_endpoint is settings.endpoint

    def test_the_default_has_one(self, load):
        assert load().endpoint.address == "localhost:19530"

    def test_an_endpoint_that_cannot_be_used_has_a_reason(self, load):
        settings = load(uri="h:1")
        assert settings.endpoint is None
        with pytest.raises(ValueError, match="must start with https"):
            _ = settings.valid_endpoint

    def test_a_copy_with_another_uri_has_another(self, load):
        assert load().replace(uri="https://h:1").endpoint.host == "h"


class TestCopies:
    @pytest.mark.parametrize(
        "make",
        [
            copy.copy,
            copy.deepcopy,
            lambda s: pickle.loads(pickle.dumps(s)),
        ],
        ids=["copy", "deepcopy", "pickle"],
    )
    def test_a_copy_says_the_same_and_serves_its_own_paths(self, make, load):
        settings = load({"MILVUS_CA_PEM": "text", "MILVUS_TOKEN": "t"})
        path = settings.temp_files.path_for(b"text")
        again = make(settings)
        assert again.shown() == settings.shown()
        assert again.token.get_secret_value() == "t"
        assert Path(again.temp_files.path_for(b"text")).read_bytes() == b"text"
        assert Path(path).read_bytes() == b"text"


class TestMasking:
    SECRETS = ("password", "token", "client_key_password", "client_key")

    @pytest.mark.parametrize("name", SECRETS)
    def test_secrets_are_in_nothing_that_is_printed(self, name, load):
        settings = load(**{name: "canary"})
        printed = f"{settings!r}{settings}{settings.shown()}{settings.model_dump()}"
        assert "canary" not in printed + settings.model_dump_json()

    @pytest.mark.parametrize(
        "uri",
        [
            "https://root:canary@h:1",
            "https://root:canary/1@h:1",
            "https://root:ca#canary@h",
            "root:canary@h",
            "http:/root:canary//x@h",
            "https://root:canary@[::1",
            "https://a:canary@",
            "https://root:canary@h:notaport",
            "https://canary@h:1",
            " https://root:canary@h:1 ",
        ],
    )
    def test_a_password_in_a_uri_is_in_nothing_that_is_printed(self, uri, load):
        settings = load(uri=uri)
        printed = f"{settings!r}{settings}{settings.shown()}{settings.model_dump()}{settings.notes}"
        assert "canary" not in printed + settings.model_dump_json()

    def test_pem_text_is_not_printed(self, load):
        settings = load(client_pem="canary", ca_pem="canary")
        assert "canary" not in f"{settings!r}{settings.shown()}{settings.model_dump()}"


class TestEquality:
    def test_the_same_values_are_equal_wherever_they_came_from(self, load):
        settings, same = load({"MILVUS_USER": "root"}), load(user="root")
        assert settings == same
        assert hash(settings) == hash(same)
        assert settings == copy.deepcopy(settings) == pickle.loads(pickle.dumps(settings))
        assert settings == settings.replace()

    def test_another_value_is_not_equal(self, load):
        assert load(token="one") != load(token="two")
        assert load() != "settings"
