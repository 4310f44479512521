"""The result of a check is reused for a second while nothing that it judged has changed."""

from __future__ import annotations

import gc
import logging

import pytest

import minting
from milvus_secure import SecureConnectionError, connect_secure
from milvus_secure.client import material_provider, recent_checks


@pytest.fixture
def settings_of_server(mutual, certs, client_pair, settings):
    return settings(uri=mutual.uri, ca_pem_path=certs / "ca.pem", timeout=20, **client_pair)


@pytest.fixture
def checks(monkeypatch):
    """How often the offline checks ran."""
    runs = []

    def counted(*arguments, **options):
        runs.append(options)
        return material_provider_guard(*arguments, **options)

    material_provider_guard = material_provider.guard
    monkeypatch.setattr(material_provider, "guard", counted)
    monkeypatch.setattr(recent_checks, "_SECONDS", 3600.0)
    return runs


def test_a_second_connection_with_the_same_files_is_not_checked_again(settings_of_server, checks):
    connect_secure(settings_of_server).close()
    connect_secure(settings_of_server).close()
    assert len(checks) == 1


def test_it_presents_the_same_certificate(settings_of_server, mutual):
    connect_secure(settings_of_server).close()
    connect_secure(settings_of_server).close()
    assert mutual.names == ["client", "client"]


def test_a_changed_file_is_checked_at_once(settings_of_server, certs, checks):
    connect_secure(settings_of_server).close()
    (certs / "client.key").write_bytes(minting.mint("other", which=9).key_pem)
    with pytest.raises(SecureConnectionError, match="key-mismatch"):
        connect_secure(settings_of_server)
    assert len(checks) == 2


def test_a_renewed_pair_is_used_at_once(settings_of_server, certs, trio, mutual, checks):
    connect_secure(settings_of_server).close()
    renewed = minting.mint("renewed", issuer=trio.ca, usages=[minting.CLIENT], which=4)
    (certs / "client.pem").write_bytes(renewed.pem)
    (certs / "client.key").write_bytes(renewed.key_pem)
    connect_secure(settings_of_server).close()
    assert mutual.names == ["client", "renewed"]


def test_changed_permissions_are_checked_at_once(settings_of_server, certs, checks, caplog):
    connect_secure(settings_of_server).close()
    (certs / "client.key").chmod(0o644)
    connect_secure(settings_of_server).close()
    assert "key-permissions" in caplog.text
    assert len(checks) == 2


def test_a_file_that_is_gone_is_found_at_once(settings_of_server, certs, checks):
    connect_secure(settings_of_server).close()
    (certs / "ca.pem").unlink()
    with pytest.raises(SecureConnectionError, match="file-missing"):
        connect_secure(settings_of_server)


def test_an_error_is_not_remembered(settings_of_server, certs, checks):
    key = (certs / "client.key").read_bytes()
    (certs / "client.key").write_bytes(minting.mint("other", which=9).key_pem)
    with pytest.raises(SecureConnectionError):
        connect_secure(settings_of_server)
    (certs / "client.key").write_bytes(key)
    connect_secure(settings_of_server).close()


def test_warnings_are_logged_for_each_connection(settings_of_server, certs, checks, caplog):
    (certs / "client.key").chmod(0o644)
    with caplog.at_level(logging.WARNING, logger="milvus_secure"):
        connect_secure(settings_of_server).close()
        connect_secure(settings_of_server).close()
    assert caplog.text.count("key-permissions") == 2
    assert len(checks) == 1


def test_other_settings_are_checked_for_themselves(settings_of_server, checks):
    connect_secure(settings_of_server).close()
    connect_secure(settings_of_server.replace(timeout=19)).close()
    assert len(checks) == 2


def test_a_check_without_preflight_is_not_remembered(settings_of_server, checks):
    connect_secure(settings_of_server, preflight=False).close()
    connect_secure(settings_of_server).close()
    assert len(checks) == 2


def test_the_result_is_discarded_with_the_settings(settings):
    short_lived = settings()
    key = id(short_lived)
    recent_checks.remember_check(short_lived, recent_checks.Check({}, ()))
    assert key in recent_checks._ENTRIES
    del short_lived
    gc.collect()
    assert key not in recent_checks._ENTRIES
