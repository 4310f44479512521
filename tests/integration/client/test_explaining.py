"""explaining(): a failure to connect gets its cause; all other exceptions pass unchanged."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pymilvus import AsyncMilvusClient, MilvusClient
from pymilvus.exceptions import MilvusException, ParamError

from milvus_endpoint import milvus_endpoint
from milvus_secure import SecureConnectionError
from milvus_secure._common.versions import installed_pymilvus


@pytest.fixture
def untrusting_settings(one_way, foreign_ca, settings):
    """Settings that trust another CA than the server's."""
    return settings(uri=one_way.uri, ca_pem_path=foreign_ca, timeout=5)


@pytest.fixture
def trusting_settings(one_way, certs, settings):
    return settings(uri=one_way.uri, ca_pem_path=certs / "ca.pem", timeout=5)


LISTS = pytest.mark.skipif(
    not hasattr(AsyncMilvusClient, "list_collections"), reason="this client has no such call"
)
MANAGED = pytest.mark.skipif(
    installed_pymilvus() < (2, 6, 10), reason="this pymilvus raises it as a failed call of gRPC"
)


class TestAFailureToConnect:
    def test_inside_a_block_is_explained(self, untrusting_settings):
        with pytest.raises(SecureConnectionError) as caught, untrusting_settings.explaining():
            MilvusClient(**untrusting_settings.client_kwargs())
        assert caught.value.report.root_cause.code == "chain-untrusted"
        assert isinstance(caught.value.__cause__, MilvusException)
        assert "Fix: " in str(caught.value)

    def test_inside_a_function_is_explained(self, untrusting_settings):
        @untrusting_settings.explaining()
        def store(name: str) -> MilvusClient:
            """Make a store."""
            return MilvusClient(**untrusting_settings.client_kwargs())

        assert store.__doc__ == "Make a store."
        with pytest.raises(SecureConnectionError, match="chain-untrusted"):
            store("name")

    @LISTS
    async def test_inside_an_asynchronous_block_is_explained(self, untrusting_settings):
        client = AsyncMilvusClient(**untrusting_settings.client_kwargs())
        with pytest.raises(SecureConnectionError, match="chain-untrusted"):
            async with untrusting_settings.explaining():
                await client.list_collections()
        await client.close()

    @LISTS
    async def test_inside_a_coroutine_function_is_explained(self, untrusting_settings):
        @untrusting_settings.explaining()
        async def names() -> list[str]:
            client = AsyncMilvusClient(**untrusting_settings.client_kwargs())
            try:
                return await client.list_collections()
            finally:
                await client.close()

        with pytest.raises(SecureConnectionError, match="chain-untrusted"):
            await names()

    def test_in_the_wrapping_of_a_framework_is_explained(self, untrusting_settings):
        def framework() -> None:
            try:
                MilvusClient(**untrusting_settings.client_kwargs())
            except MilvusException as error:
                raise RuntimeError("the vector store is not available") from error

        with pytest.raises(SecureConnectionError) as caught, untrusting_settings.explaining():
            framework()
        assert isinstance(caught.value.__cause__, RuntimeError)

    def test_in_a_wrapping_that_hides_its_cause_is_explained(self, untrusting_settings):
        def framework() -> None:
            try:
                MilvusClient(**untrusting_settings.client_kwargs())
            except MilvusException:
                raise RuntimeError("the vector store is not available") from None

        with pytest.raises(SecureConnectionError), untrusting_settings.explaining():
            framework()

    def test_because_a_file_is_missing_is_explained(self, settings, tmp_path):
        made = settings(ca_pem_path=tmp_path / "missing.pem")
        with pytest.raises(SecureConnectionError, match="file-missing"), made.explaining():
            MilvusClient(**made.client_kwargs())

    def test_for_a_wrong_password_is_explained(self, trio, certs, settings):
        with milvus_endpoint(trio.server, token="root:Milvus") as endpoint:
            made = settings(uri=endpoint.uri, ca_pem_path=certs / "ca.pem", token="root:wrong-7d")
            with pytest.raises(SecureConnectionError) as caught, made.explaining():
                MilvusClient(**made.client_kwargs())
        assert caught.value.report.root_cause.code == "authentication-failed"
        assert "wrong-7d" not in f"{caught.value}{caught.value.report}"

    def test_found_by_the_guard_is_raised_as_it_is(self, settings):
        made = settings(uri="http://localhost:1")
        with pytest.raises(SecureConnectionError, match="not-allowed") as caught, made.explaining():
            MilvusClient(**made.client_kwargs())
        assert caught.value.__cause__ is None

    @MANAGED
    def test_that_no_longer_exists_is_reported_as_by_pymilvus(self, trio, certs, settings):
        # Every other call is refused: that of pymilvus, but not that of the probe.
        with milvus_endpoint(trio.server, refusal="out of order") as endpoint:
            made = settings(uri=endpoint.uri, ca_pem_path=certs / "ca.pem", timeout=5)
            with pytest.raises(SecureConnectionError, match="out of order"), made.explaining():
                MilvusClient(**made.client_kwargs())


class TestAnythingElse:
    def test_a_success_passes_unchanged(self, trusting_settings):
        with trusting_settings.explaining():
            MilvusClient(**trusting_settings.client_kwargs()).close()

    def test_a_failure_to_connect_to_another_endpoint_passes(self, trusting_settings):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with (
            pytest.raises(MilvusException, match="Fail connecting"),
            trusting_settings.explaining(),
        ):
            MilvusClient(f"http://127.0.0.1:{port}", timeout=2)

    def test_a_call_that_the_server_does_not_offer_passes(self, trusting_settings):
        client = MilvusClient(**trusting_settings.client_kwargs())
        with pytest.raises(Exception) as caught, trusting_settings.explaining():  # noqa: PT011 - of any type
            client.list_collections()
        assert not isinstance(caught.value, SecureConnectionError)
        client.close()

    @MANAGED
    def test_a_wrong_parameter_passes(self, trusting_settings):
        with pytest.raises(ParamError), trusting_settings.explaining():
            MilvusClient(**{**trusting_settings.client_kwargs(), "secure": "yes"})

    def test_a_missing_file_of_the_application_passes(self, untrusting_settings):
        with pytest.raises(FileNotFoundError, match="documents"), untrusting_settings.explaining():
            Path("documents.txt").read_text(encoding="utf-8")

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_an_exception_of_the_application_passes(self, untrusting_settings, error):
        with pytest.raises(error), untrusting_settings.explaining():
            raise error


def test_generator_functions_are_refused_because_their_body_runs_later(trusting_settings):
    def lines():
        yield 1

    with pytest.raises(TypeError, match="use `with` inside"):
        trusting_settings.explaining()(lines)
