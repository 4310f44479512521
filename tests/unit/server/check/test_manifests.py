"""Rendered Kubernetes manifests: which pod is judged, and what Milvus gets in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure import MilvusSecureError, Severity, TLSMode
from milvus_secure.cli import main
from milvus_secure.reporting.report import Report
from milvus_secure.server.check import check_server
from verdicts import errors, severities

Judge = Callable[..., Report]


@pytest.fixture
def server_files(certs: Path) -> dict[str, bytes]:
    return k8s.server_files(certs)


@pytest.fixture
def check_manifests(tmp_path: Path) -> Judge:
    """Judge a stream of objects, or a text."""

    def make(*objects: k8s.Object | str, name: str = "manifests.yaml") -> Report:
        texts = [item if isinstance(item, str) else k8s.stream(item) for item in objects]
        path = tmp_path / name
        path.write_text("\n---\n".join(texts))
        return check_server(path)

    return make


class TestTheWorkload:
    @pytest.mark.passes("server-manifest-refused")
    @pytest.mark.parametrize(
        "kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Rollout"]
    )
    def test_of_any_kind_is_judged(self, check_manifests: Judge, server_files, kind: str):
        report = check_manifests(k8s.workload(kind), k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_is_found_in_a_list_as_kubectl_prints_it(self, check_manifests: Judge, server_files):
        items = [k8s.workload(), k8s.config_map(), k8s.secret(server_files)]
        report = check_manifests({"apiVersion": "v1", "kind": "List", "items": items})
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_is_read_from_json(self, check_manifests: Judge, server_files):
        items = [k8s.workload(), k8s.config_map(), k8s.secret(server_files)]
        report = check_manifests(
            json.dumps({"kind": "List", "apiVersion": "v1", "items": items}), name="a.json"
        )
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    @pytest.mark.parametrize(
        "command",
        [
            {"args": ["milvus", "run", "proxy"]},
            {"command": ["/tini", "--"], "args": ["milvus", "run", "standalone"]},
            {"command": ["/bin/bash", "-c"], "args": ["sleep 1; exec milvus run proxy > /log"]},
            {"command": ["milvus"], "args": ["run", "mixture", "-rootcoord", "-proxy"]},
            {"args": []},
        ],
    )
    def test_is_the_one_whose_command_starts_a_proxy(
        self, check_manifests: Judge, server_files, command
    ):
        querynode = k8s.workload(
            name="querynode", args=["milvus", "run", "querynode"], volumeMounts=[]
        )
        mine = k8s.workload(name="mine", **command)
        report = check_manifests(querynode, mine, k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    @pytest.mark.parametrize("role", ["querynode", "mixcoord", "mixture -rootcoord -querycoord"])
    def test_of_another_role_has_no_port_for_clients(self, check_manifests: Judge, role: str):
        with pytest.raises(MilvusSecureError, match="no container that runs Milvus's proxy"):
            check_manifests(k8s.workload(args=["milvus", "run", *role.split()]), k8s.config_map())

    def test_with_a_sidecar_is_found(self, check_manifests: Judge, server_files):
        made = k8s.workload()
        containers = made["spec"]["template"]["spec"]["containers"]
        containers.insert(0, {"name": "proxy", "image": "envoyproxy/envoy:v1.30"})
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert report.mode is TLSMode.ONE_WAY

    def test_that_another_one_made_is_judged_once(self, check_manifests: Judge, server_files):
        owner = {"ownerReferences": [{"kind": "Deployment", "name": "milvus"}]}
        old = k8s.workload("ReplicaSet", name="old", metadata=owner, volumeMounts=[])
        report = check_manifests(k8s.workload(), old, k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_with_several_replicas_is_judged_once(self, check_manifests: Judge):
        owner = {"ownerReferences": [{"kind": "PetSet", "name": "milvus"}]}
        pods = [k8s.workload("Pod", name=f"milvus-{n}", metadata=owner) for n in range(3)]
        report = check_manifests(*pods, k8s.config_map())
        [finding] = report.findings
        assert finding.code == "server-not-judged"
        assert "server.pem" in finding.message
        assert "server.key" in finding.message

    def test_of_an_old_revision_is_not_judged(self, check_manifests: Judge, server_files):
        old = k8s.workload("ReplicaSet", name="old", volumeMounts=[])
        old["spec"]["replicas"] = 0
        report = check_manifests(old, k8s.workload(), k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_without_user_yaml_runs_in_plaintext(self, check_manifests: Judge):
        report = check_manifests(k8s.workload(volumeMounts=[]))
        assert (report.mode, severities(report)) == (
            TLSMode.PLAINTEXT,
            {"server-tls-off": Severity.INFO},
        )


def test_several_files_are_one_input(tmp_path: Path, server_files, capsys):
    objects = {"a": k8s.workload(), "b": k8s.config_map(), "c": k8s.secret(server_files)}
    for name, item in objects.items():
        (tmp_path / f"{name}.yaml").write_text(k8s.stream(item))
    paths = [str(tmp_path / f"{name}.yaml") for name in "cab"]
    assert main(["server", "check", *paths]) == 0
    assert "not judged" not in capsys.readouterr().out


class TestSecrets:
    def test_that_hold_the_files_are_healthy_in_any_encoding(
        self, check_manifests: Judge, server_files
    ):
        plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certs"}}
        plain["stringData"] = {name: content.decode() for name, content in server_files.items()}
        report = check_manifests(k8s.workload(), k8s.config_map(), plain)
        assert severities(report) == {}

    @pytest.mark.trips("server-path-unmounted")
    def test_without_the_named_key_say_which_keys_they_have(
        self, check_manifests: Judge, server_files
    ):
        named = {"tls.crt": server_files["server.pem"], "tls.key": server_files["server.key"]}
        report = check_manifests(k8s.workload(), k8s.config_map(), k8s.secret(named))
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert {item.expected for item in report.errors} == {"server.pem", "server.key"}
        assert {item.presented for item in report.errors} == {"tls.crt, tls.key"}

    def test_of_cert_manager_have_its_three_names(self, check_manifests: Judge):
        certificate = {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": "milvus"},
            "spec": {"secretName": "certs"},
        }
        report = check_manifests(k8s.workload(), k8s.config_map(), certificate)
        assert {item.presented for item in report.errors} == {"ca.crt, tls.crt, tls.key"}

    def test_in_the_cluster_are_not_judged_rather_than_missing(self, check_manifests: Judge):
        report = check_manifests(k8s.workload(), k8s.config_map())
        assert report.ok
        assert severities(report) == {"server-not-judged": Severity.INFO}
        assert "Secret certs" in report.findings[0].message

    @pytest.mark.trips("pem-malformed")
    def test_with_a_key_folded_onto_one_line_are_refused(
        self, check_manifests: Judge, server_files
    ):
        folded = {**server_files, "server.key": b" ".join(server_files["server.key"].split(b"\n"))}
        report = check_manifests(k8s.workload(), k8s.config_map(), k8s.secret(folded))
        assert errors(report) == ["pem-malformed"]
        assert "Secret certs server.key" in str(report)

    def test_folded_by_yaml_are_refused_too(self, check_manifests: Judge, server_files):
        lines = [f"    {line}" for line in server_files["server.key"].decode().splitlines()]
        pem = [f"    {line}" for line in server_files["server.pem"].decode().splitlines()]
        text = "\n".join(
            [
                "apiVersion: v1",
                "kind: Secret",
                "metadata: {name: certs}",
                "stringData:",
                "  server.pem: |",
                *pem,
                "  server.key:",
                *lines,
            ]
        )
        report = check_manifests(k8s.workload(), k8s.config_map(), text)
        assert errors(report) == ["pem-malformed"]

    @pytest.mark.parametrize("value", ["AAAA", "PGJhc2U2NCBvZiB0aGUga2V5Pg==", "<base64 here>"])
    def test_whose_author_left_the_key_out_are_not_judged(
        self, check_manifests: Judge, server_files, value: str
    ):
        made = k8s.secret(server_files)
        made["data"]["server.key"] = value
        report = check_manifests(k8s.workload(), k8s.config_map(), made)
        assert report.ok
        assert severities(report) == {"server-not-judged": Severity.INFO}

    def test_of_an_empty_file_are_no_placeholder(self, check_manifests: Judge, server_files):
        report = check_manifests(
            k8s.workload(), k8s.config_map(), k8s.secret({**server_files, "server.key": b""})
        )
        assert errors(report) == ["file-empty"]

    def test_with_the_key_of_another_certificate_are_refused(
        self, check_manifests: Judge, server_files, certs
    ):
        mismatched = {**server_files, "server.key": (certs / "client.key").read_bytes()}
        report = check_manifests(k8s.workload(), k8s.config_map(), k8s.secret(mismatched))
        assert errors(report) == ["key-mismatch"]

    def test_never_show_what_they_hold(self, check_manifests: Judge, server_files):
        report = check_manifests(k8s.workload(), k8s.config_map(), k8s.secret(server_files))
        shown = f"{report}{report.to_json()}{report!r}"
        body = server_files["server.key"].decode().splitlines()[1]
        assert body not in shown
        assert base64.b64encode(server_files["server.key"]).decode()[:40] not in shown

    @pytest.mark.trips("server-manifest-refused")
    @pytest.mark.parametrize("wrong", ["-----BEGIN CERTIFICATE-----\nMIIB\n", "MII B", "%%%%"])
    def test_whose_data_is_no_base64_are_refused(
        self, check_manifests: Judge, server_files, wrong: str
    ):
        made = k8s.secret(server_files)
        made["data"]["server.pem"] = wrong
        report = check_manifests(k8s.workload(), k8s.config_map(), made)
        assert "server-manifest-refused" in errors(report)
        assert "data.server.pem" in str(report)

    def test_with_line_breaks_in_base64_are_accepted(self, check_manifests: Judge, server_files):
        made = k8s.secret(server_files)
        made["data"]["server.pem"] = base64.encodebytes(server_files["server.pem"]).decode()
        assert severities(check_manifests(k8s.workload(), k8s.config_map(), made)) == {}


class TestVolumes:
    def test_items_give_the_files_other_names(self, check_manifests: Judge, server_files):
        items = [
            {"key": "tls.crt", "path": "server.pem"},
            {"key": "tls.key", "path": "server.key"},
        ]
        volume = {"name": "certs", "secret": {"secretName": "certs", "items": items}}
        made = k8s.workload(pod={"volumes": [k8s.CONFIG_VOLUME, volume]})
        named = {"tls.crt": server_files["server.pem"], "tls.key": server_files["server.key"]}
        assert severities(check_manifests(made, k8s.config_map(), k8s.secret(named))) == {}

    @pytest.mark.parametrize("optional", [False, True])
    def test_an_item_that_the_secret_lacks_keeps_the_pod_from_starting(
        self, check_manifests: Judge, server_files, optional: bool
    ):
        items = [{"key": name, "path": name} for name in (*server_files, "extra.pem")]
        volume = {"name": "certs", "secret": {"secretName": "certs", "items": items}}
        volume["secret"]["optional"] = optional
        made = k8s.workload(pod={"volumes": [k8s.CONFIG_VOLUME, volume]})
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert errors(report) == ([] if optional else ["server-manifest-refused"])

    def test_a_projected_volume_lays_its_sources_together(
        self, check_manifests: Judge, server_files
    ):
        pair = {"tls.crt": server_files["server.pem"]}
        items = [{"key": "tls.crt", "path": "server.pem"}]
        sources = [
            {"secret": {"name": "pair", "items": items}},
            {"configMap": {"name": "key"}},
            {"serviceAccountToken": {"path": "token"}},
        ]
        volume = {"name": "certs", "projected": {"sources": sources}}
        made = k8s.workload(pod={"volumes": [k8s.CONFIG_VOLUME, volume]})
        key = k8s.config_map("key", server_key=server_files["server.key"].decode())
        assert (
            severities(check_manifests(made, k8s.config_map(), k8s.secret(pair, "pair"), key)) == {}
        )
        assert severities(check_manifests(made, k8s.config_map(), key)) == {
            "server-not-judged": Severity.INFO
        }

    def test_sub_path_mounts_one_file(self, check_manifests: Judge, server_files):
        mounts = [
            k8s.CONFIG_MOUNT,
            {"name": "certs", "mountPath": "/certs/server.pem", "subPath": "server.pem"},
            {"name": "certs", "mountPath": "/certs/server.key", "subPathExpr": "$(WHAT).key"},
        ]
        made = k8s.workload(volumeMounts=mounts, env=[{"name": "WHAT", "value": "server"}])
        assert severities(check_manifests(made, k8s.config_map(), k8s.secret(server_files))) == {}

    def test_a_sub_path_that_is_not_there_becomes_a_directory(
        self, check_manifests: Judge, server_files
    ):
        mount = {"name": "certs", "mountPath": "/certs/server.pem", "subPath": "tls.crt"}
        made = k8s.workload(volumeMounts=[k8s.CONFIG_MOUNT, k8s.CERTS_MOUNT, mount])
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert errors(report) == ["server-path-unmounted"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"mounts": [{"name": "lost", "mountPath": "/lost"}]}, "the volume lost"),
            ({"mounts": [{"name": "certs", "mountPath": "/certs"}]}, "/certs is mounted twice"),
            ({"volumes": [{"name": "certs", "emptyDir": {}}]}, "two volumes have the name certs"),
        ],
    )
    def test_what_the_cluster_refuses_is_an_error(
        self, check_manifests: Judge, server_files, change, words: str
    ):
        report = check_manifests(k8s.workload(**change), k8s.config_map(), k8s.secret(server_files))
        assert "server-manifest-refused" in errors(report)
        assert words in " ".join(item.message for item in report.errors)

    @pytest.mark.parametrize(
        "volume",
        [
            {"hostPath": {"path": "/etc/milvus"}},
            {"csi": {"driver": "secrets-store.csi.k8s.io"}},
            {"persistentVolumeClaim": {"claimName": "certs"}},
        ],
    )
    def test_what_only_the_cluster_has_is_not_judged(self, check_manifests: Judge, volume):
        volumes = [k8s.CONFIG_VOLUME, {"name": "certs", **volume}]
        report = check_manifests(k8s.workload(pod={"volumes": volumes}), k8s.config_map())
        assert severities(report) == {"server-not-judged": Severity.INFO}

    def test_an_empty_volume_is_filled_by_an_init_container_or_stays_empty(
        self, check_manifests: Judge
    ):
        volumes = [k8s.CONFIG_VOLUME, {"name": "certs", "emptyDir": {}}]
        filler = {"name": "fetch", "image": "vault", "volumeMounts": [k8s.CERTS_MOUNT]}
        alone = check_manifests(k8s.workload(pod={"volumes": volumes}), k8s.config_map())
        assert errors(alone) == ["server-path-unmounted", "server-path-unmounted"]
        pod = {"volumes": volumes, "initContainers": [filler]}
        filled = check_manifests(k8s.workload(pod=pod), k8s.config_map())
        assert severities(filled) == {"server-not-judged": Severity.INFO}

    def test_the_claims_of_a_stateful_set_are_volumes(self, check_manifests: Judge, server_files):
        mount = {"name": "data", "mountPath": "/var/lib/milvus"}
        made = k8s.workload("StatefulSet", mounts=[mount])
        made["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
        assert severities(check_manifests(made, k8s.config_map(), k8s.secret(server_files))) == {}

    @pytest.mark.parametrize("field", ["env", "volumeMounts"])
    @pytest.mark.parametrize("value", [{"a": "b"}, ["a=b"], "a"])
    def test_a_field_that_is_no_list_of_mappings_is_refused(
        self, check_manifests: Judge, field, value
    ):
        report = check_manifests(k8s.workload(**{field: value}), k8s.config_map())
        assert "server-manifest-refused" in errors(report)
        assert field in report.errors[0].message

    @pytest.mark.trips("server-file-forbidden")
    @pytest.mark.parametrize(
        ("mode", "security", "readable"),
        [
            (0o400, {}, True),
            (0o400, {"runAsUser": 0}, True),
            (0o400, {"runAsUser": 1000}, False),
            (0o440, {"runAsUser": 1000}, True),
            (0o440, {"runAsUser": 1000, "runAsGroup": 1000}, False),
            (0o400, {"runAsUser": 1000, "fsGroup": 1000}, True),
            (None, {"runAsUser": 1000}, True),
        ],
    )
    def test_the_user_of_the_pod_has_to_read_the_files(
        self,
        check_manifests: Judge,
        server_files,
        mode: int | None,
        security: dict[str, int],
        readable: bool,
    ):
        volume = {"name": "certs", "secret": {"secretName": "certs", "defaultMode": mode}}
        pod = {"volumes": [k8s.CONFIG_VOLUME, volume], "securityContext": security}
        report = check_manifests(k8s.workload(pod=pod), k8s.config_map(), k8s.secret(server_files))
        assert set(errors(report)) == (set() if readable else {"server-file-forbidden"})

    @pytest.mark.parametrize("inject", ["true", "false"])
    def test_what_an_agent_of_vault_injects_is_not_judged(
        self, check_manifests: Judge, inject: str
    ):
        config = k8s.config_map(user_yaml=k8s.USER_YAML.replace("/certs", "/vault/secrets"))
        made = k8s.workload()
        made["spec"]["template"]["metadata"] = {
            "annotations": {"vault.hashicorp.com/agent-inject": inject}
        }
        report = check_manifests(made, config)
        assert set(severities(report)) == {
            "server-not-judged" if inject == "true" else "server-path-unmounted"
        }

    def test_a_config_map_in_the_cluster_leaves_the_mode_open(
        self, check_manifests: Judge, server_files
    ):
        report = check_manifests(k8s.workload(), k8s.secret(server_files))
        assert "server-not-judged" in severities(report)
        assert "server-tls-off" not in severities(report)
        assert "ConfigMap milvus" in str(report)


MODE = {"name": "COMMON_SECURITY_TLSMODE", "value": "2"}


class TestTheEnvironment:
    def test_overrides_user_yaml(self, check_manifests: Judge, server_files):
        made = k8s.workload(env=[MODE, {"name": "TLS_CAPEMPATH", "value": "/certs/ca.pem"}])
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.MUTUAL, {})

    def test_comes_from_a_secret_and_a_config_map(self, check_manifests: Judge, server_files):
        env = [
            {
                "name": "COMMON_SECURITY_TLSMODE",
                "valueFrom": {"secretKeyRef": {"name": "settings", "key": "mode"}},
            },
        ]
        more = k8s.config_map("more", CERTS="/certs")
        env += [{"name": "TLS_CAPEMPATH", "value": "$(CERTS)/ca.pem"}]
        made = k8s.workload(env=env, envFrom=[{"configMapRef": {"name": "more"}}])
        settings = k8s.secret({"mode": b"2"}, "settings")
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files), more, settings)
        assert (report.mode, severities(report)) == (TLSMode.MUTUAL, {})

    def test_with_a_prefix_and_lower_precedence_than_env(
        self, check_manifests: Judge, server_files
    ):
        more = k8s.config_map("more", SECURITY__TLSMODE="0")
        more["data"] = {"SECURITY_TLSMODE": "0", "not a name": "x"}
        made = k8s.workload(envFrom=[{"prefix": "COMMON_", "configMapRef": {"name": "more"}}])
        objects = (k8s.config_map(), k8s.secret(server_files), more)
        assert check_manifests(made, *objects).mode is TLSMode.PLAINTEXT
        made["spec"]["template"]["spec"]["containers"][0]["env"] = [
            {"name": "COMMON_SECURITY_TLSMODE", "value": "1"}
        ]
        assert check_manifests(made, *objects).mode is TLSMode.ONE_WAY

    def test_of_an_object_in_the_cluster_is_not_judged(self, check_manifests: Judge, server_files):
        made = k8s.workload(envFrom=[{"secretRef": {"name": "elsewhere"}}])
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert "server-not-judged" in severities(report)
        assert "Secret elsewhere" in str(report)

    @pytest.mark.parametrize(
        ("optional", "expected"), [(False, ["server-manifest-refused"]), (True, [])]
    )
    def test_from_a_key_that_is_not_there(
        self, check_manifests: Judge, server_files, optional, expected
    ):
        ref = {"name": "certs", "key": "mode", "optional": optional}
        env = [{"name": "COMMON_SECURITY_TLSMODE", "valueFrom": {"secretKeyRef": ref}}]
        report = check_manifests(k8s.workload(env=env), k8s.config_map(), k8s.secret(server_files))
        assert errors(report) == expected

    @pytest.mark.parametrize("value", [1, True])
    def test_takes_text_only(self, check_manifests: Judge, server_files, value):
        env = [{"name": "COMMON_SECURITY_TLSMODE", "value": value}]
        report = check_manifests(k8s.workload(env=env), k8s.config_map(), k8s.secret(server_files))
        assert "server-manifest-refused" in errors(report)
        assert "in quotes" in report.errors[0].remedy

    @pytest.mark.parametrize("links", [True, False])
    def test_of_a_service_called_proxy_moves_the_port(
        self, check_manifests: Judge, server_files, links: bool
    ):
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "proxy"},
            "spec": {"ports": [{"port": 19530}]},
        }
        made = k8s.workload(pod={"enableServiceLinks": links})
        config = k8s.config_map(user_yaml=k8s.USER_YAML.replace("port: 8080", "port: 19530"))
        report = check_manifests(made, config, k8s.secret(server_files), service)
        # PROXY_PORT=tcp://… makes the gRPC port 0, a random one, so nothing is shared.
        expected = "server-port-invalid" if links else "server-rest-port-shared"
        assert errors(report) == [expected]


class TestTheConfiguration:
    def test_that_the_operators_script_merges_is_read(self, check_manifests: Judge, server_files):
        mount = {"name": "config", "mountPath": "/milvus/configs/operator"}
        args = ["/milvus/tools/run.sh", "milvus", "run", "standalone"]
        made = k8s.workload(args=args, volumeMounts=[mount, k8s.CERTS_MOUNT])
        report = check_manifests(made, k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_of_the_operators_script_in_the_cluster_is_not_judged(
        self, check_manifests: Judge, server_files
    ):
        mount = {"name": "config", "mountPath": "/milvus/configs/operator"}
        args = ["/milvus/tools/run.sh", "milvus", "run", "standalone"]
        report = check_manifests(
            k8s.workload(args=args, volumeMounts=[mount]), k8s.secret(server_files)
        )
        assert "server-not-judged" in severities(report)
        assert "server-tls-off" not in severities(report)

    @pytest.mark.trips("server-manifest-refused")
    def test_as_a_mapping_where_text_is_expected_is_refused(
        self, check_manifests: Judge, server_files
    ):
        made = k8s.config_map()
        made["data"]["user.yaml"] = {"common": {"security": {"tlsMode": 1}}}
        report = check_manifests(k8s.workload(), made, k8s.secret(server_files))
        assert "server-manifest-refused" in errors(report)

    def test_may_hold_a_key_twice_elsewhere(self, check_manifests: Judge, server_files):
        text = f"mq:\n  type: pulsar\nmq:\n  type: woodpecker\n{k8s.USER_YAML}"
        report = check_manifests(
            k8s.workload(), k8s.config_map(user_yaml=text), k8s.secret(server_files)
        )
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])
