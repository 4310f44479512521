"""Rendered Kubernetes manifests: which pod is judged, and what Milvus gets in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure import MilvusSecureError, Severity, TLSMode
from milvus_secure.cli import main
from verdicts import errors, severities


class TestTheWorkload:
    @pytest.mark.passes("server-manifest-refused")
    @pytest.mark.parametrize(
        "kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Rollout"]
    )
    def test_of_any_kind_is_judged(self, check_workload, kind: str):
        report = check_workload(k8s.workload(kind))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_is_found_in_a_list_as_kubectl_prints_it(self, check_manifests, server_files):
        items = [k8s.workload(), k8s.config_map(), k8s.secret(server_files)]
        report = check_manifests({"apiVersion": "v1", "kind": "List", "items": items})
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_is_read_from_json(self, check_manifests, server_files):
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
    def test_is_the_one_whose_command_starts_a_proxy(self, check_manifests, server_files, command):
        querynode = k8s.workload(
            name="querynode", args=["milvus", "run", "querynode"], volumeMounts=[]
        )
        mine = k8s.workload(name="mine", **command)
        report = check_manifests(querynode, mine, k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    @pytest.mark.parametrize("role", ["querynode", "mixcoord", "mixture -rootcoord -querycoord"])
    def test_of_another_role_has_no_port_for_clients(self, check_manifests, role: str):
        with pytest.raises(MilvusSecureError, match="no container that runs Milvus's proxy"):
            check_manifests(k8s.workload(args=["milvus", "run", *role.split()]), k8s.config_map())

    def test_with_a_sidecar_is_found(self, check_workload):
        made = k8s.workload()
        containers = made["spec"]["template"]["spec"]["containers"]
        containers.insert(0, {"name": "proxy", "image": "envoyproxy/envoy:v1.30"})
        report = check_workload(made)
        assert report.mode is TLSMode.ONE_WAY

    def test_that_another_one_made_is_judged_once(self, check_workload):
        owner = {"ownerReferences": [{"kind": "Deployment", "name": "milvus"}]}
        old = k8s.workload("ReplicaSet", name="old", metadata=owner, volumeMounts=[])
        report = check_workload(k8s.workload(), old)
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_with_several_replicas_is_judged_once(self, check_manifests):
        owner = {"ownerReferences": [{"kind": "PetSet", "name": "milvus"}]}
        pods = [k8s.workload("Pod", name=f"milvus-{n}", metadata=owner) for n in range(3)]
        report = check_manifests(*pods, k8s.config_map())
        [finding] = report.findings
        assert finding.code == "server-not-judged"
        assert "server.pem" in finding.message
        assert "server.key" in finding.message

    def test_of_an_old_revision_is_not_judged(self, check_manifests, server_files):
        old = k8s.workload("ReplicaSet", name="old", volumeMounts=[])
        old["spec"]["replicas"] = 0
        report = check_manifests(old, k8s.workload(), k8s.config_map(), k8s.secret(server_files))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_without_user_yaml_runs_in_plaintext(self, check_manifests):
        report = check_manifests(k8s.workload(volumeMounts=[]))
        assert (report.mode, severities(report)) == (
            TLSMode.PLAINTEXT,
            {"server-tls-off": Severity.INFO},
        )


def test_several_files_are_one_input(server_files, tmp_path: Path, capsys):
    objects = {"a": k8s.workload(), "b": k8s.config_map(), "c": k8s.secret(server_files)}
    for name, item in objects.items():
        (tmp_path / f"{name}.yaml").write_text(k8s.stream(item))
    paths = [str(tmp_path / f"{name}.yaml") for name in "cab"]
    assert main(["server", "check", *paths]) == 0
    assert "not judged" not in capsys.readouterr().out


MODE = {"name": "COMMON_SECURITY_TLSMODE", "value": "2"}


class TestTheEnvironment:
    def test_overrides_user_yaml(self, check_workload):
        made = k8s.workload(env=[MODE, {"name": "TLS_CAPEMPATH", "value": "/certs/ca.pem"}])
        report = check_workload(made)
        assert (report.mode, severities(report)) == (TLSMode.MUTUAL, {})

    def test_comes_from_a_secret_and_a_config_map(self, check_workload):
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
        report = check_workload(made, more, settings)
        assert (report.mode, severities(report)) == (TLSMode.MUTUAL, {})

    def test_with_a_prefix_and_lower_precedence_than_env(self, check_manifests, server_files):
        more = k8s.config_map("more", SECURITY__TLSMODE="0")
        more["data"] = {"SECURITY_TLSMODE": "0", "not a name": "x"}
        made = k8s.workload(envFrom=[{"prefix": "COMMON_", "configMapRef": {"name": "more"}}])
        objects = (k8s.config_map(), k8s.secret(server_files), more)
        assert check_manifests(made, *objects).mode is TLSMode.PLAINTEXT
        made["spec"]["template"]["spec"]["containers"][0]["env"] = [
            {"name": "COMMON_SECURITY_TLSMODE", "value": "1"}
        ]
        assert check_manifests(made, *objects).mode is TLSMode.ONE_WAY

    def test_of_an_object_in_the_cluster_is_not_judged(self, check_workload):
        made = k8s.workload(envFrom=[{"secretRef": {"name": "elsewhere"}}])
        report = check_workload(made)
        assert "server-not-judged" in severities(report)
        assert "Secret elsewhere" in str(report)

    @pytest.mark.parametrize(
        ("optional", "expected"), [(False, ["server-manifest-refused"]), (True, [])]
    )
    def test_from_a_key_that_is_not_there(self, check_workload, optional, expected):
        ref = {"name": "certs", "key": "mode", "optional": optional}
        env = [{"name": "COMMON_SECURITY_TLSMODE", "valueFrom": {"secretKeyRef": ref}}]
        report = check_workload(k8s.workload(env=env))
        assert errors(report) == expected

    @pytest.mark.parametrize("value", [1, True])
    def test_accepts_text_only(self, check_workload, value):
        env = [{"name": "COMMON_SECURITY_TLSMODE", "value": value}]
        report = check_workload(k8s.workload(env=env))
        assert "server-manifest-refused" in errors(report)
        assert "in quotes" in report.errors[0].remedy

    @pytest.mark.parametrize("links", [True, False])
    def test_of_a_service_called_proxy_moves_the_port(
        self, check_manifests, server_files, links: bool
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
    def test_that_the_operators_script_merges_is_read(self, check_workload):
        mount = {"name": "config", "mountPath": "/milvus/configs/operator"}
        args = ["/milvus/tools/run.sh", "milvus", "run", "standalone"]
        made = k8s.workload(args=args, volumeMounts=[mount, k8s.CERTS_MOUNT])
        report = check_workload(made)
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, {})

    def test_of_the_operators_script_in_the_cluster_is_not_judged(
        self, check_manifests, server_files
    ):
        mount = {"name": "config", "mountPath": "/milvus/configs/operator"}
        args = ["/milvus/tools/run.sh", "milvus", "run", "standalone"]
        report = check_manifests(
            k8s.workload(args=args, volumeMounts=[mount]), k8s.secret(server_files)
        )
        assert "server-not-judged" in severities(report)
        assert "server-tls-off" not in severities(report)

    @pytest.mark.trips("server-manifest-refused")
    def test_as_a_mapping_where_text_is_expected_is_refused(self, check_manifests, server_files):
        made = k8s.config_map()
        made["data"]["user.yaml"] = {"common": {"security": {"tlsMode": 1}}}
        report = check_manifests(k8s.workload(), made, k8s.secret(server_files))
        assert "server-manifest-refused" in errors(report)

    def test_may_hold_a_key_twice_elsewhere(self, check_manifests, server_files):
        text = f"mq:\n  type: pulsar\nmq:\n  type: woodpecker\n{k8s.USER_YAML}"
        report = check_manifests(
            k8s.workload(), k8s.config_map(user_yaml=text), k8s.secret(server_files)
        )
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])
