"""Front ends are distinguished from Milvus: HTTP answers, routes, dead backends."""

from __future__ import annotations

from urllib.parse import quote

import pytest

import front_ends
import impostors
import minting
from milvus_secure import explain
from verdicts import cause, codes

GRPC = ("content-type", "application/grpc")


@pytest.mark.trips("front-end-answered")
@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "operator"),
        (403, "operator"),
        (404, "route"),
        (502, "upstream"),
        (503, "upstream"),
        (504, "upstream"),
        (400, "grpc_pass"),
        (464, "target group"),
        (500, "grpc_pass"),
    ],
)
def test_an_http_answer_is_not_milvus_s(trio, look, tmp_path, status, word):
    with front_ends.front_end(trio.server, tmp_path, front_ends.answers(status)) as port:
        report = look(port, token="root:Milvus")

    assert cause(report) == "front-end-answered"
    assert str(status) in report.root_cause.message
    assert word in report.root_cause.remedy
    assert not codes(report) & {
        "authentication-failed",
        "authentication-required",
        "server-not-ready",
        "not-milvus",
    }


@pytest.mark.passes("front-end-answered")
@pytest.mark.passes("backend-closed")
@pytest.mark.passes("server-name-unknown")
@pytest.mark.passes("tls-cipher")
def test_milvus_s_own_answer_is_no_front_end_s(embedded_one_way, look):
    assert codes(look(embedded_one_way.port)) == set()


@pytest.mark.trips("client-certificate-required")
def test_nginx_requires_a_client_certificate(trio, look, tmp_path):
    with front_ends.front_end(trio.server, tmp_path, front_ends.as_nginx, clients=trio.ca) as port:
        report = look(port)

    assert cause(report) == "client-certificate-required"
    assert "HTTP status 400" in report.root_cause.presented


@pytest.mark.trips("backend-closed")
def test_a_server_that_closes_after_the_handshake(trio, look, tmp_path):
    with front_ends.front_end(trio.server, tmp_path, front_ends.closes) as port:
        assert cause(look(port)) == "backend-closed"


@pytest.mark.trips("backend-closed")
@pytest.mark.parametrize("require", [True, False])
@pytest.mark.parametrize("ciphers", [None, "ECDHE+AESGCM"], ids=["1.3", "1.2"])
def test_a_dead_backend_has_not_refused_our_certificate(
    trio, look, client_pair, tmp_path, require, ciphers
):
    with front_ends.front_end(
        trio.server, tmp_path, front_ends.closes, clients=trio.ca, require=require, ciphers=ciphers
    ) as port:
        report = look(port, **client_pair)

    assert cause(report) == "backend-closed"
    assert "client-certificate-rejected" not in codes(report)
    assert report.server.tls.request.accepted is True


@pytest.mark.passes("backend-closed")
def test_an_alert_is_a_refusal_and_no_dead_backend(trio, look, tmp_path):
    with front_ends.front_end(
        trio.server, tmp_path, front_ends.closes, clients=trio.ca, require=True
    ) as port:
        assert cause(look(port)) == "client-certificate-required"


class TestServerName:
    """An ingress chooses certificate and route by the name that the client asks for."""

    @pytest.fixture
    def ingress(self, trio) -> minting.Minted:
        return minting.mint("ingress", sans=["ingress.local"], issuer=trio.ca, which=4)

    @pytest.mark.trips("server-name-unknown")
    def test_a_default_certificate_under_server_name(self, trio, ingress, look, tmp_path):
        with front_ends.front_end(
            ingress, tmp_path, front_ends.answers(404), names={"localhost": trio.server}
        ) as port:
            report = look(port, server_name="milvus.internal")

        assert cause(report) == "server-name-unknown"
        assert "Leave out server_name" in report.root_cause.remedy
        assert "-servername localhost" in report.root_cause.command

    @pytest.mark.trips("server-name-unknown")
    def test_no_route_for_server_name(self, look, tmp_path, trio):
        minted = minting.mint(
            "both", sans=["localhost", "milvus.internal"], issuer=trio.ca, which=4
        )
        with front_ends.front_end(minted, tmp_path, front_ends.answers(404)) as port:
            report = look(port, server_name="milvus.internal")

        assert cause(report) == "server-name-unknown"
        assert "Leave out server_name" in report.root_cause.remedy

    @pytest.mark.trips("server-name-unknown")
    @pytest.mark.parametrize(
        ("name", "remedy"),
        [
            ("milvus.internal", "Leave out server_name"),
            (None, "Use a host name in uri"),
        ],
    )
    def test_the_alert_unrecognized_name(self, trio, look, tmp_path, name, remedy):
        names = {"localhost": trio.server} if name else {"elsewhere.example": trio.server}
        with front_ends.front_end(
            trio.server, tmp_path, front_ends.answers(404), names=names, strict=True
        ) as port:
            report = look(port, **({"server_name": name} if name else {}))

        assert cause(report) == "server-name-unknown"
        assert report.root_cause.remedy.startswith(remedy)

    @pytest.mark.passes("server-name-unknown")
    def test_a_single_certificate_for_another_name(self, embedded_one_way, look):
        report = look(embedded_one_way.port, server_name="other.example")
        assert cause(report) == "name-mismatch"

    @pytest.mark.trips("front-end-answered")
    def test_no_route_at_all(self, trio, look, tmp_path):
        with front_ends.front_end(trio.server, tmp_path, front_ends.answers(404)) as port:
            report = look(port)
        assert cause(report) == "front-end-answered"
        assert "'localhost'" in report.root_cause.remedy


@pytest.mark.trips("tls-cipher")
@pytest.mark.parametrize("ciphers", ["ECDHE-RSA-AES256-SHA384", "AES128-SHA"])
def test_no_common_cipher_suite(trio, look, tmp_path, ciphers):
    rsa = minting.mint("localhost", sans=["localhost"], issuer=trio.ca, kind="rsa2048")
    with front_ends.front_end(
        rsa, tmp_path, front_ends.answers(404), ciphers=f"{ciphers}:@SECLEVEL=0"
    ) as port:
        report = look(port)

    assert cause(report) == "tls-cipher"
    assert "TLSv1.2" in report.root_cause.presented


class TestMutualNeverRequested:
    """A client certificate that the server does not request is not used."""

    @pytest.mark.trips("client-certificate-not-requested")
    def test_is_an_error_with_tls_mode_mutual(self, embedded_one_way, look, client_pair):
        report = look(embedded_one_way.port, tls_mode="mutual", **client_pair)
        assert cause(report) == "client-certificate-not-requested"

    @pytest.mark.trips("client-certificate-not-requested")
    def test_is_a_warning_where_only_a_pair_is_given(self, embedded_one_way, look, client_pair):
        report = look(embedded_one_way.port, **client_pair)
        assert report.ok
        assert codes(report) == {"client-certificate-not-requested"}

    @pytest.mark.passes("client-certificate-not-requested")
    @pytest.mark.parametrize("insisted", [{}, {"tls_mode": "mutual"}])
    def test_is_no_finding_where_the_server_requests_one(
        self, embedded_mutual, look, client_pair, insisted
    ):
        assert codes(look(embedded_mutual.port, **client_pair, **insisted)) == set()


@pytest.mark.passes("client-certificate-rejected")
def test_a_server_that_requests_but_does_not_require_one(trio, look, client_pair):
    with impostors.grpc_server(trio.server, answer=impostors.status()) as port:
        assert look(port, **client_pair).ok


ENVOY = {
    "no healthy upstream": ("14", "upstream"),
    "upstream connect error or disconnect/reset before headers. reset reason: x": (
        "14",
        "upstream",
    ),
    "upstream request timeout": ("4", "upstream"),
    "RBAC: access denied": ("7", "refuses the caller"),
    "Jwt is missing": ("16", "refuses the caller"),
}


@pytest.mark.trips("front-end-answered")
@pytest.mark.parametrize("credentials", [{}, {"token": "root:Milvus"}], ids=["none", "token"])
@pytest.mark.parametrize("words", ENVOY)
def test_envoy_answers_in_the_form_of_grpc(trio, look, tmp_path, words, credentials):
    status, fix = ENVOY[words]
    fields = [GRPC, ("grpc-status", status), ("grpc-message", quote(words))]
    with front_ends.front_end(trio.server, tmp_path, front_ends.replies(fields)) as port:
        report = look(port, **credentials)

    assert [finding.code for finding in report.errors] == ["front-end-answered"]
    assert fix in report.root_cause.remedy
    assert "most likely Envoy" in report.root_cause.message
    assert explain(report.server.grpc.details).startswith("Most likely front-end-answered")


@pytest.mark.passes("front-end-answered")
def test_milvus_s_own_messages_are_not_mistaken_for_envoy_s(trio, look, tmp_path):
    fields = [GRPC, ("grpc-status", "14"), ("grpc-message", quote("service not ready"))]
    with front_ends.front_end(trio.server, tmp_path, front_ends.replies(fields)) as port:
        assert cause(look(port)) == "server-not-ready"


@pytest.mark.trips("not-milvus")
@pytest.mark.parametrize("waits", [False, True], ids=["speaks first", "waits"])
@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_a_program_behind_tls_that_does_not_speak_the_http2_it_agreed_to(trio, look, words, waits):
    def then(session):
        if waits:
            session.recv(65_536)
        session.sendall(words)

    with impostors.tls(trio.server, then=then) as port:
        report = look(port)

    assert cause(report) == "not-milvus"
    assert report.root_cause.presented == words.decode().replace("\r\n", "\\r\\n")
    assert explain(report.server.grpc.details).startswith("Most likely not-milvus")


@pytest.mark.trips("not-milvus")
def test_an_ambiguous_grpc_status_is_worded_as_likely(trio, look, tmp_path):
    fields = [GRPC, ("grpc-status", "13"), ("grpc-message", "no")]
    with front_ends.front_end(trio.server, tmp_path, front_ends.replies(fields)) as port:
        report = look(port)

    assert cause(report) == "not-milvus"
    assert "Most likely it is not Milvus" in report.root_cause.message
