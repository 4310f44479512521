"""The model of what Milvus reads, compared with Milvus 2.3.5.

Each set-up is passed to the model as the files and variables of a container, then a real Milvus is
booted with them. It answers in the mode that the model computes, or it is not reached at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import grpc
import pytest
from ruamel.yaml import YAML

from milvus_secure import TLSMode
from milvus_secure.server.check.milvus.config_layers import config_of
from milvus_secure.server.check.milvus.container import EnvValue, Mount, ProxyContainer
from milvus_secure.server.check.rules.ports import port_invalid
from milvus_secure.server.check.server_context import ServerContext
from real_milvus import real_milvus

Configure = Callable[[Path, Path], None]


def edited(change: Callable[[dict[str, Any], Path], None], target: str = "") -> Configure:
    """Change the milvus.yaml, or write the changed one to another path below the data."""

    def configure(configs: Path, certs: Path) -> None:
        source = configs / "milvus.yaml"
        document = YAML().load(source.read_text())
        change(document, certs)
        goal = configs.parent / target if target else source
        if goal.parent != configs:  # MILVUSCONF is where Milvus looks for its glog.conf too
            shutil.copytree(configs, goal.parent)
        with goal.open("w") as stream:
            YAML().dump(document, stream)

    return configure


def pair(certs: Path, pem: str, key: str) -> dict[str, str]:
    return {pem: str(certs / "server.pem"), key: str(certs / "server.key")}


def flat(document: dict[str, Any], certs: Path) -> None:
    del document["common"]["security"]["tlsMode"]
    document["common.security.tlsMode"] = 1
    document["tls"] = pair(certs, "server_pem_path", "ServerKeyPath")


def relative(document: dict[str, Any], _: Path) -> None:
    document["common"]["security"]["tlsMode"] = 1
    document["tls"] = {"serverPemPath": "certs/server.pem", "serverKeyPath": "certs/server.key"}


def tls_mode_1(document: dict[str, Any], certs: Path) -> None:
    document["common"]["security"]["tlsMode"] = 1
    document["tls"] = pair(certs, "serverPemPath", "serverKeyPath")


def with_a_blank(document: dict[str, Any], certs: Path) -> None:
    tls_mode_1(document, certs)
    document["common"]["security"]["tlsMode"] = "2 "


def misplaced(document: dict[str, Any], certs: Path) -> None:
    files = pair(certs, "serverPemPath", "serverKeyPath")
    document["tls"] = {**files, "tlsMode": 1}
    document["security"] = {"tlsMode": 1}
    document["common"] |= {"tlsMode": 1, "tls": {**files, "tlsMode": 1}}
    document["common"]["security"] |= {**files, "tlsEnabled": True}
    document["proxy"] = {**document.get("proxy", {}), "tlsMode": 1}


def unchanged(_: dict[str, Any], __: Path) -> None:
    """Leave tlsMode 0."""


def odd_names(certs: Path) -> dict[str, str]:
    files = pair(certs, "TLS_SERVER_PEM_PATH", "tls.serverKeyPath")
    return {"Common_Security_tlsMode": "1", **files}


def unread_names(certs: Path) -> dict[str, str]:
    return {
        "MILVUS_COMMON_SECURITY_TLSMODE": "1",
        "MILVUS_CONF_COMMON_SECURITY_TLSMODE": "1",
        "TLS_MODE": "1",
        "TLSMODE": "1",
        "TLS_ENABLED": "true",
        **pair(certs, "MILVUS_TLS_SERVERPEMPATH", "MILVUS_TLS_SERVERKEYPATH"),
    }


def none(_: Path) -> dict[str, str]:
    return {}


@pytest.mark.parametrize(
    ("configure", "variables", "mode"),
    [
        pytest.param(edited(flat), none, TLSMode.ONE_WAY, id="other spellings of keys"),
        pytest.param(edited(unchanged), odd_names, TLSMode.ONE_WAY, id="other spellings of names"),
        pytest.param(edited(relative), none, TLSMode.ONE_WAY, id="relative paths"),
        pytest.param(
            edited(tls_mode_1, "elsewhere/milvus.yaml"),
            lambda certs: {"MILVUSCONF": str(certs.parent / "elsewhere")},
            TLSMode.ONE_WAY,
            id="MILVUSCONF",
        ),
        pytest.param(edited(with_a_blank), none, TLSMode.PLAINTEXT, id="a blank behind the mode"),
        pytest.param(edited(misplaced), none, TLSMode.PLAINTEXT, id="keys in other places"),
        pytest.param(edited(unchanged), unread_names, TLSMode.PLAINTEXT, id="unread names"),
        pytest.param(
            edited(tls_mode_1, "configs/user.yaml"),
            none,
            TLSMode.PLAINTEXT,
            id="user.yaml before 2.4",
        ),
        pytest.param(
            edited(tls_mode_1, "elsewhere/milvus.yaml"),
            none,
            TLSMode.PLAINTEXT,
            id="another directory",
        ),
    ],
)
def test_milvus_answers_in_the_mode_that_the_model_computes(
    milvus_program: Path,
    milvus_certs: Path,
    tmp_path: Path,
    configure: Configure,
    variables: Callable[[Path], Mapping[str, str]],
    mode: TLSMode,
):
    data = tmp_path / "data"
    certs = data / "certs"
    certs.mkdir(parents=True)
    for file in milvus_certs.iterdir():
        (certs / file.name).write_bytes(file.read_bytes())
    environ = variables(certs)
    predicted: list[TLSMode | None] = []

    def prepare(configs: Path) -> None:
        configure(configs, certs)
        container = ProxyContainer(
            "",
            "milvus.yaml",
            configs / "milvus.yaml",
            image="milvusdb/milvus:v2.3.5",
            working_directory=PurePosixPath(data),
            environment={name: EnvValue(value, "test") for name, value in environ.items()},
            mounts=(Mount(PurePosixPath(data), "the data", data),),
        )
        predicted.append(config_of(container).tls_mode)

    # The boot ends with a Connect call in this mode.
    with real_milvus(
        milvus_program, data, tls_mode=mode, certs=certs, configure=prepare, environ=environ
    ) as server:
        assert predicted == [mode]
        plaintext = grpc.insecure_channel(f"localhost:{server.port}")
        if mode is not TLSMode.PLAINTEXT:
            with plaintext, pytest.raises(grpc.FutureTimeoutError):
                grpc.channel_ready_future(plaintext).result(timeout=2)


@pytest.mark.trips("server-port-invalid")
def test_milvus_takes_a_random_port_where_its_own_is_no_number(
    milvus_program: Path, milvus_certs: Path, tmp_path: Path
):
    """Kubernetes sets such a variable in every pod of a namespace with a Service called proxy."""
    variable = EnvValue("tcp://10.0.0.1:19530", "test")
    container = ProxyContainer(
        "", "milvus.yaml", tmp_path / "milvus.yaml", environment={"PROXY_PORT": variable}
    )
    [finding] = port_invalid(ServerContext(config_of(container)))
    assert finding.code == "server-port-invalid"
    with real_milvus(
        milvus_program,
        tmp_path,
        tls_mode=TLSMode.PLAINTEXT,
        certs=milvus_certs,
        environ={"PROXY_PORT": str(variable.value)},
        reachable=False,
    ):
        log = (tmp_path / "milvus.log").read_text()
    assert '["Proxy server already listen on tcp"] [port=0]' in log
