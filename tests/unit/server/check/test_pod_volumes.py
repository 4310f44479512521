"""What a pod's volumes and Secrets put into the container of Milvus."""

from __future__ import annotations

import base64

import pytest

import manifests as k8s
from milvus_secure import Severity
from verdicts import errors, severities


class TestSecrets:
    def test_that_hold_the_files_are_healthy_in_any_encoding(self, check_manifests, server_files):
        plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certs"}}
        plain["stringData"] = {name: content.decode() for name, content in server_files.items()}
        report = check_manifests(k8s.workload(), k8s.config_map(), plain)
        assert severities(report) == {}

    @pytest.mark.trips("server-path-unmounted")
    def test_without_the_named_key_say_which_keys_they_have(self, check_workload, server_files):
        named = {"tls.crt": server_files["server.pem"], "tls.key": server_files["server.key"]}
        report = check_workload(k8s.workload(), files=named)
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert {item.expected for item in report.errors} == {"server.pem", "server.key"}
        assert {item.presented for item in report.errors} == {"tls.crt, tls.key"}

    def test_of_cert_manager_have_its_three_names(self, check_manifests):
        certificate = {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": "milvus"},
            "spec": {"secretName": "certs"},
        }
        report = check_manifests(k8s.workload(), k8s.config_map(), certificate)
        assert {item.presented for item in report.errors} == {"ca.crt, tls.crt, tls.key"}

    def test_in_the_cluster_are_not_judged_rather_than_missing(self, check_manifests):
        report = check_manifests(k8s.workload(), k8s.config_map())
        assert report.ok
        assert severities(report) == {"server-not-judged": Severity.INFO}
        assert "Secret certs" in report.findings[0].message

    @pytest.mark.trips("pem-malformed")
    def test_with_a_key_folded_onto_one_line_are_refused(self, check_workload, server_files):
        folded = {**server_files, "server.key": b" ".join(server_files["server.key"].split(b"\n"))}
        report = check_workload(k8s.workload(), files=folded)
        assert errors(report) == ["pem-malformed"]
        assert "Secret certs server.key" in str(report)

    def test_folded_by_yaml_are_refused_too(self, check_manifests, server_files):
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
        self, check_manifests, server_files, value: str
    ):
        made = k8s.secret(server_files)
        made["data"]["server.key"] = value
        report = check_manifests(k8s.workload(), k8s.config_map(), made)
        assert report.ok
        assert severities(report) == {"server-not-judged": Severity.INFO}

    def test_of_an_empty_file_are_no_placeholder(self, check_workload, server_files):
        report = check_workload(k8s.workload(), files={**server_files, "server.key": b""})
        assert errors(report) == ["file-empty"]

    def test_with_the_key_of_another_certificate_are_refused(
        self, check_workload, server_files, certs
    ):
        mismatched = {**server_files, "server.key": (certs / "client.key").read_bytes()}
        report = check_workload(k8s.workload(), files=mismatched)
        assert errors(report) == ["key-mismatch"]

    def test_never_show_what_they_hold(self, check_workload, server_files):
        report = check_workload(k8s.workload())
        shown = f"{report}{report.to_json()}{report!r}"
        body = server_files["server.key"].decode().splitlines()[1]
        assert body not in shown
        assert base64.b64encode(server_files["server.key"]).decode()[:40] not in shown

    @pytest.mark.trips("server-manifest-refused")
    @pytest.mark.parametrize("wrong", ["-----BEGIN CERTIFICATE-----\nMIIB\n", "MII B", "%%%%"])
    def test_whose_data_is_no_base64_are_refused(self, check_manifests, server_files, wrong: str):
        made = k8s.secret(server_files)
        made["data"]["server.pem"] = wrong
        report = check_manifests(k8s.workload(), k8s.config_map(), made)
        assert "server-manifest-refused" in errors(report)
        assert "data.server.pem" in str(report)

    def test_with_line_breaks_in_base64_are_accepted(self, check_manifests, server_files):
        made = k8s.secret(server_files)
        made["data"]["server.pem"] = base64.encodebytes(server_files["server.pem"]).decode()
        assert severities(check_manifests(k8s.workload(), k8s.config_map(), made)) == {}


class TestVolumes:
    def test_items_give_the_files_other_names(self, check_workload, server_files):
        items = [
            {"key": "tls.crt", "path": "server.pem"},
            {"key": "tls.key", "path": "server.key"},
        ]
        volume = {"name": "certs", "secret": {"secretName": "certs", "items": items}}
        made = k8s.workload(pod={"volumes": [k8s.CONFIG_VOLUME, volume]})
        named = {"tls.crt": server_files["server.pem"], "tls.key": server_files["server.key"]}
        assert severities(check_workload(made, files=named)) == {}

    @pytest.mark.parametrize("optional", [False, True])
    def test_an_item_that_the_secret_lacks_keeps_the_pod_from_starting(
        self, check_workload, server_files, optional: bool
    ):
        items = [{"key": name, "path": name} for name in (*server_files, "extra.pem")]
        volume = {"name": "certs", "secret": {"secretName": "certs", "items": items}}
        volume["secret"]["optional"] = optional
        made = k8s.workload(pod={"volumes": [k8s.CONFIG_VOLUME, volume]})
        report = check_workload(made)
        assert errors(report) == ([] if optional else ["server-manifest-refused"])

    def test_a_projected_volume_lays_its_sources_together(self, check_manifests, server_files):
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

    def test_sub_path_mounts_one_file(self, check_workload):
        mounts = [
            k8s.CONFIG_MOUNT,
            {"name": "certs", "mountPath": "/certs/server.pem", "subPath": "server.pem"},
            {"name": "certs", "mountPath": "/certs/server.key", "subPathExpr": "$(WHAT).key"},
        ]
        made = k8s.workload(volumeMounts=mounts, env=[{"name": "WHAT", "value": "server"}])
        assert severities(check_workload(made)) == {}

    def test_a_sub_path_that_is_not_there_becomes_a_directory(self, check_workload):
        mount = {"name": "certs", "mountPath": "/certs/server.pem", "subPath": "tls.crt"}
        made = k8s.workload(volumeMounts=[k8s.CONFIG_MOUNT, k8s.CERTS_MOUNT, mount])
        report = check_workload(made)
        assert errors(report) == ["server-path-unmounted"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"mounts": [{"name": "lost", "mountPath": "/lost"}]}, "the volume lost"),
            ({"mounts": [{"name": "certs", "mountPath": "/certs"}]}, "/certs is mounted twice"),
            ({"volumes": [{"name": "certs", "emptyDir": {}}]}, "two volumes have the name certs"),
        ],
    )
    def test_what_the_cluster_refuses_is_an_error(self, check_workload, change, words: str):
        report = check_workload(k8s.workload(**change))
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
    def test_what_only_the_cluster_has_is_not_judged(self, check_manifests, volume):
        volumes = [k8s.CONFIG_VOLUME, {"name": "certs", **volume}]
        report = check_manifests(k8s.workload(pod={"volumes": volumes}), k8s.config_map())
        assert severities(report) == {"server-not-judged": Severity.INFO}

    def test_an_empty_volume_is_filled_by_an_init_container_or_stays_empty(self, check_manifests):
        volumes = [k8s.CONFIG_VOLUME, {"name": "certs", "emptyDir": {}}]
        filler = {"name": "fetch", "image": "vault", "volumeMounts": [k8s.CERTS_MOUNT]}
        alone = check_manifests(k8s.workload(pod={"volumes": volumes}), k8s.config_map())
        assert errors(alone) == ["server-path-unmounted", "server-path-unmounted"]
        pod = {"volumes": volumes, "initContainers": [filler]}
        filled = check_manifests(k8s.workload(pod=pod), k8s.config_map())
        assert severities(filled) == {"server-not-judged": Severity.INFO}

    def test_the_claims_of_a_stateful_set_are_volumes(self, check_workload):
        mount = {"name": "data", "mountPath": "/var/lib/milvus"}
        made = k8s.workload("StatefulSet", mounts=[mount])
        made["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
        assert severities(check_workload(made)) == {}

    @pytest.mark.parametrize("field", ["env", "volumeMounts"])
    @pytest.mark.parametrize("value", [{"a": "b"}, ["a=b"], "a"])
    def test_a_field_that_is_no_list_of_mappings_is_refused(self, check_manifests, field, value):
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
        self, check_workload, mode, security, readable
    ):
        volume = {"name": "certs", "secret": {"secretName": "certs", "defaultMode": mode}}
        pod = {"volumes": [k8s.CONFIG_VOLUME, volume], "securityContext": security}
        report = check_workload(k8s.workload(pod=pod))
        assert set(errors(report)) == (set() if readable else {"server-file-forbidden"})

    @pytest.mark.parametrize("inject", ["true", "false"])
    def test_what_an_agent_of_vault_injects_is_not_judged(self, check_manifests, inject: str):
        config = k8s.config_map(user_yaml=k8s.USER_YAML.replace("/certs", "/vault/secrets"))
        made = k8s.workload()
        made["spec"]["template"]["metadata"] = {
            "annotations": {"vault.hashicorp.com/agent-inject": inject}
        }
        report = check_manifests(made, config)
        assert set(severities(report)) == {
            "server-not-judged" if inject == "true" else "server-path-unmounted"
        }

    def test_a_config_map_in_the_cluster_leaves_the_mode_open(self, check_manifests, server_files):
        report = check_manifests(k8s.workload(), k8s.secret(server_files))
        assert "server-not-judged" in severities(report)
        assert "server-tls-off" not in severities(report)
        assert "ConfigMap milvus" in str(report)
