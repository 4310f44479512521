"""Resources of the Milvus Operator: judged as the pod that the Operator makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure import Severity, TLSMode
from verdicts import errors, severities

CONFIG = {
    "common": {"security": {"tlsMode": 1}},
    "tls": {"serverPemPath": "/certs/server.pem", "serverKeyPath": "/certs/server.key"},
    "proxy": {"http": {"port": 8080}},
}
VOLUMES = {"volumes": [k8s.CERTS_VOLUME]}
MOUNTS = {"volumeMounts": [k8s.CERTS_MOUNT]}
MOUNTED = {**VOLUMES, **MOUNTS}
ENV = [
    {"name": "COMMON_SECURITY_TLSMODE", "value": "1"},
    {"name": "TLS_SERVERPEMPATH", "value": "/certs/server.pem"},
    {"name": "TLS_SERVERKEYPATH", "value": "/certs/server.key"},
    {"name": "PROXY_HTTP_PORT", "value": "8080"},
]
ELSEWHERE = {"server-not-judged": Severity.INFO}


def resource(config: object = None, components: object = None, **spec: object) -> k8s.Object:
    return {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": {"name": "mine"},
        "spec": {
            "config": CONFIG if config is None else config,
            "components": components or {},
            **spec,
        },
    }


class TestVolumes:
    def test_of_all_components_reach_the_proxy(self, check_manifests):
        report = check_manifests(resource(components=MOUNTED))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, ELSEWHERE)

    @pytest.mark.parametrize(("mode", "role"), [("cluster", "proxy"), ("standalone", "standalone")])
    def test_of_the_component_that_has_the_proxy(self, check_manifests, mode, role):
        report = check_manifests(resource(components={role: MOUNTED}, mode=mode))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, ELSEWHERE)

    @pytest.mark.parametrize(("mode", "role"), [("cluster", "standalone"), ("standalone", "proxy")])
    def test_of_the_other_component_do_not(self, check_manifests, mode, role):
        report = check_manifests(resource(components={role: MOUNTED}, mode=mode))
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert f"spec.components.{role}.volumes" in str(report)

    @pytest.mark.parametrize("volumes", [[], [{"name": "other", "emptyDir": {}}]])
    def test_of_the_component_replace_the_common_ones(self, check_manifests, volumes):
        report = check_manifests(
            resource(components={**MOUNTED, "standalone": {"volumes": volumes}})
        )
        assert errors(report) == ["server-manifest-refused"]
        assert "standalone.volumes replaces spec.components.volumes" in report.errors[0].remedy

    def test_named_in_both_are_healthy(self, check_manifests):
        component = {"volumes": [k8s.CERTS_VOLUME, {"name": "other", "emptyDir": {}}]}
        report = check_manifests(resource(components={**MOUNTED, "standalone": component}))
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])

    def test_null_replaces_nothing(self, check_manifests):
        report = check_manifests(resource(components={**MOUNTED, "standalone": {"volumes": None}}))
        assert errors(report) == []

    def test_mounts_of_both_are_appended(self, check_manifests):
        component = {"volumeMounts": [{"name": "certs", "mountPath": "/other"}]}
        report = check_manifests(resource(components={**MOUNTED, "standalone": component}))
        assert errors(report) == []

    def test_a_mount_may_be_removed(self, check_manifests):
        component = {"volumeMounts": [{"name": "_remove", "mountPath": "/certs"}]}
        report = check_manifests(resource(components={**MOUNTED, "standalone": component}))
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]


class TestTheEnvironment:
    def test_of_all_components_switches_tls_on(self, check_manifests):
        report = check_manifests(resource({}, {**MOUNTED, "env": ENV}))
        assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, ELSEWHERE)

    def test_of_the_component_counts_before_the_common_one(self, check_manifests):
        off = {"env": [{"name": "COMMON_SECURITY_TLSMODE", "value": "0"}]}
        report = check_manifests(resource({}, {**MOUNTED, "env": ENV, "standalone": off}))
        assert report.mode is TLSMode.PLAINTEXT
        report = check_manifests(resource({}, {**MOUNTED, **off, "standalone": {"env": ENV}}))
        assert report.mode is TLSMode.ONE_WAY

    def test_of_a_deployment_group_counts_before_all_others(self, check_manifests):
        off = {"env": [{"name": "COMMON_SECURITY_TLSMODE", "value": "0"}]}
        groups = [{"name": "a", "replicas": 1, "extraEnv": ENV}]
        components = {**MOUNTED, **off, "proxy": {**off, "groups": groups}}
        assert check_manifests(resource({}, components, mode="cluster")).mode is TLSMode.ONE_WAY

    @pytest.mark.parametrize("env", [{"A": "b"}, ["A=b"]])
    def test_is_a_list_of_mappings(self, check_manifests, env):
        assert "server-manifest-refused" in errors(check_manifests(resource({}, {"env": env})))

    def test_accepts_text_only(self, check_manifests):
        env = [{"name": "COMMON_SECURITY_TLSMODE", "value": 1}]
        assert "server-manifest-refused" in errors(check_manifests(resource({}, {"env": env})))


class TestTheConfiguration:
    def test_overlays_the_images_so_that_a_mode_alone_serves_its_public_key(self, check_manifests):
        report = check_manifests(resource({"common": {"security": {"tlsMode": 1}}}, MOUNTED))
        assert report.mode is TLSMode.ONE_WAY
        assert "known-public-key" in errors(report)

    def test_below_common_is_not_read(self, check_manifests):
        config = {"common": {"security": {"tlsMode": 1}, "tls": CONFIG["tls"]}}
        report = check_manifests(resource({**config, "proxy": CONFIG["proxy"]}, MOUNTED))
        assert "known-public-key" in errors(report)
        assert "common.tls.serverPemPath" in str(report)

    @pytest.mark.trips("server-manifest-refused")
    def test_as_text_is_refused(self, check_manifests):
        report = check_manifests(resource("common:\n  security:\n    tlsMode: 1\n", MOUNTED))
        assert "server-manifest-refused" in errors(report)

    def test_names_the_line_of_the_resource(self, check_manifests):
        text = (
            "apiVersion: milvus.io/v1beta1\nkind: Milvus\nmetadata: {name: mine}\nspec:\n"
            "  config:\n    # why\n    common:\n      security:\n        tlsMode: '2 '\n"
        )
        report = check_manifests(text)
        assert report.settings["common.security.tlsMode"]["source"] == "manifests.yaml:9"
        assert report.mode is TLSMode.PLAINTEXT

    @pytest.mark.parametrize(
        ("where", "key", "value"),
        [
            ("spec", "tls", CONFIG["tls"]),
            ("spec", "common", CONFIG["common"]),
            ("spec", "env", ENV),
            ("spec", "volumes", [k8s.CERTS_VOLUME]),
            ("spec.components", "tls", CONFIG["tls"]),
            ("spec.components", "extraEnv", ENV),
            ("spec.components.standalone", "tls", CONFIG["tls"]),
        ],
    )
    def test_of_no_field_is_named_with_its_place(self, check_manifests, where, key, value):
        made = resource({})
        target = made
        for step in where.split("."):
            target = target.setdefault(step, {})
        target[key] = value
        [finding] = [
            item for item in check_manifests(made).findings if item.code == "server-key-ignored"
        ]
        assert finding.setting == f"{where}.{key}"
        assert "spec.co" in finding.remedy


class TestSecretsBesideIt:
    def test_are_read(self, check_manifests, certs: Path):
        files = k8s.server_files(certs)
        assert severities(check_manifests(k8s.secret(files), resource(components=MOUNTED))) == {}
        named = {"tls.crt": files["server.pem"], "tls.key": files["server.key"]}
        report = check_manifests(k8s.secret(named), resource(components=MOUNTED))
        assert report.errors[0].presented == "tls.crt, tls.key"

    def test_of_the_operators_own_sample_have_a_folded_key(self, check_manifests):
        sample = (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: certs}\nstringData:\n"
            "  server.pem: |\n    -----BEGIN CERTIFICATE-----\n    change to your own\n"
            "    -----END CERTIFICATE-----\n"
            "  server.key:\n    -----BEGIN RSA PRIVATE KEY-----\n    change to your own\n"
            "    -----END RSA PRIVATE KEY-----\n"
        )
        report = check_manifests(sample, resource(components=MOUNTED))
        assert errors(report) == ["pem-malformed"]
        assert "server-not-judged" in severities(report)


def test_the_older_api_has_its_fields_at_the_top(check_manifests):
    made = resource()
    made["apiVersion"] = "milvus.io/v1alpha1"
    made["spec"] = {"config": CONFIG, **MOUNTED}
    assert (check_manifests(made).mode, severities(check_manifests(made))) == (
        TLSMode.ONE_WAY,
        ELSEWHERE,
    )


def test_what_the_operator_made_is_judged_by_the_resource(check_manifests):
    owner = {"ownerReferences": [{"kind": "Milvus", "name": "mine"}]}
    report = check_manifests(
        resource(components=MOUNTED), k8s.workload(metadata=owner, volumeMounts=[])
    )
    assert (report.mode, severities(report)) == (TLSMode.ONE_WAY, ELSEWHERE)
