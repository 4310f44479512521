"""One plan gives both ends, the same every time, in the shape each platform expects."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

import minting
from milvus_secure import MilvusSecureError, MilvusSettings, TLSMode
from milvus_secure.server.config import TARGETS, ServerPlan

DATA = Path(__file__).parents[3] / "data"
MODES = [TLSMode.ONE_WAY, TLSMode.MUTUAL]


def load(data: bytes) -> list:
    return list(YAML(typ="safe").load_all(data.decode()))


@pytest.fixture
def plan(certs: Path):
    def make(mode: TLSMode = TLSMode.MUTUAL, **more: object) -> ServerPlan:
        return ServerPlan(certs, mode, **more)

    return make


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_same_plan_gives_the_same_bytes(plan, target: str, mode: TLSMode):
    assert TARGETS[target](plan(mode)) == TARGETS[target](plan(mode))


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_compose_mounts_every_file_that_milvus_yaml_names(plan, mode: TLSMode):
    files = TARGETS["compose"](plan(mode))
    [config] = load(files["milvus.yaml"])
    [compose] = load(files["docker-compose.yml"])
    mounts = [v.rsplit(":", 2) for v in compose["services"]["standalone"]["volumes"]]
    folder = next(target for _, target, *_ in mounts if target == "/milvus/tls")
    named = {path for key, path in config["tls"].items() if key.endswith("Path")}
    assert named <= {f"{folder}/{name.removeprefix('tls/')}" for name in files}


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_server_requires_a_client_certificate_in_mutual_mode_only(plan, mode: TLSMode):
    [config] = load(TARGETS["compose"](plan(mode))["milvus.yaml"])
    assert config["common"]["security"]["tlsMode"] == mode.number
    assert ("caPemPath" in config["tls"]) is (mode is TLSMode.MUTUAL)


def test_the_restful_api_has_a_port_of_its_own(plan):
    [config] = load(TARGETS["compose"](plan(rest_port=18080))["milvus.yaml"])
    assert config["proxy"]["http"] == {"port": 18080}


def test_internal_tls_names_what_the_certificate_presents(plan):
    [config] = load(TARGETS["compose"](plan(TLSMode.ONE_WAY, internal_tls=True))["milvus.yaml"])
    assert config["internaltls"]["sni"] == "localhost"
    assert config["common"]["security"]["internaltlsEnabled"] is True


def test_internal_tls_is_refused_for_a_certificate_without_a_dns_name(tmp_path: Path):
    minting.trio(sans=["127.0.0.1"]).write(tmp_path)
    with pytest.raises(MilvusSecureError, match="no DNS name"):
        ServerPlan(tmp_path, TLSMode.ONE_WAY, internal_tls=True).keys("/tls")


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_client_env_loads_as_the_settings_of_that_mode(plan, tmp_path: Path, mode: TLSMode):
    env = tmp_path / "client.env"
    env.write_bytes(TARGETS["compose"](plan(mode))["client.env"])
    settings = MilvusSettings(environ={}, env_file=env, cwd=tmp_path)
    assert settings.tls_mode is mode
    assert settings.uri == "https://localhost:19530"
    assert settings.ca_pem_path.is_file()


def test_helm_puts_the_configuration_where_the_chart_reads_it(plan):
    [values] = load(TARGETS["helm"](plan())["values.yaml"])
    [user] = load(values["extraConfigFiles"]["user.yaml"].encode())
    assert user["common"]["security"]["tlsMode"] == 2
    [mount] = values["volumeMounts"]
    assert user["tls"]["serverPemPath"].startswith(mount["mountPath"] + "/")


def test_helm_uses_only_keys_the_chart_has(plan):
    [chart] = load((DATA / "milvus-helm-values.yaml").read_bytes())
    [values] = load(TARGETS["helm"](plan())["values.yaml"])
    assert set(values) <= set(chart)
    assert set(values["extraConfigFiles"]) <= set(chart["extraConfigFiles"])


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_operator_accepts_the_resource(plan, mode: TLSMode):
    [resource] = load(TARGETS["operator"](plan(mode))["milvus-operator.yaml"])
    schema = json.loads((DATA / "milvus-operator-schema.json").read_text())
    spec, schema = resource["spec"], closed(schema["properties"]["spec"])
    jsonschema.validate(spec, schema)
    spec["components"]["volumeMount"] = []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec, schema)


def closed(schema: dict) -> dict:
    """The schema with unknown properties refused, as the API server prunes them."""
    made = {key: closed(v) if isinstance(v, dict) else v for key, v in schema.items()}
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made["properties"] = {k: closed(v) for k, v in schema["properties"].items()}
        if made.get("type") == "object":
            made.setdefault("additionalProperties", False)
    return made


def test_the_secret_holds_what_the_server_reads_and_nothing_of_the_client(plan, certs: Path):
    [secret] = load(TARGETS["kubernetes"](plan())["secret.yaml"])
    assert set(secret["data"]) == {"server.pem", "server.key", "ca.pem"}


def test_cert_manager_issues_for_the_names_of_the_set(plan):
    documents = load(TARGETS["cert-manager"](plan())["cert-manager.yaml"])
    [server] = [
        document for document in documents if document["metadata"]["name"] == "milvus-server"
    ]
    assert server["spec"]["dnsNames"] == ["localhost"]
    assert server["spec"]["ipAddresses"] == ["127.0.0.1"]
    assert "server auth" in server["spec"]["usages"]


def test_with_cert_manager_the_pod_mounts_the_secret_that_it_writes(plan):
    files = TARGETS["operator"](plan(issued_in_cluster=True))
    [resource] = load(files["milvus-operator.yaml"])
    [volume] = resource["spec"]["components"]["volumes"]
    paths = {item["path"] for item in volume["secret"]["items"]}
    assert paths == {"server.pem", "server.key", "ca.pem"}
    assert "secret.yaml" not in files
    assert "kubectl get secret milvus-client" in files["client.env"].decode()


def test_a_wildcard_is_no_name_to_dial(tmp_path: Path):
    minting.trio(sans=["*.example.com"]).write(tmp_path)
    with pytest.raises(MilvusSecureError, match="--host NAME"):
        TARGETS["compose"](ServerPlan(tmp_path, TLSMode.ONE_WAY))


def test_an_incomplete_set_is_named(tmp_path: Path):
    with pytest.raises(MilvusSecureError, match=r"server\.pem cannot be read"):
        TARGETS["compose"](ServerPlan(tmp_path, TLSMode.ONE_WAY))
