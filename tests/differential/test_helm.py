"""Values are read as Helm reads them: real Helm renders them, and both get one verdict.

The package helm-python-sdk holds Helm v4 as a library (linux x86_64); the chart is one of this
project's tests, with the parts of Milvus's chart that decide on TLS.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from milvus_secure.server.check import check_server
from milvus_secure.server.check.helm.chart_values import truthy
from milvus_secure.server.check.yaml.go_scalars import boolean, is_text, number
from milvus_secure.server.check.yaml.yaml_tree import Block, documents

helm = pytest.importorskip("helm_python", reason="helm-python-sdk exists for linux x86_64 alone")

CHART = Path(__file__).parents[1] / "support" / "helm_chart"
USER_YAML = (
    "common:\n  security:\n    tlsMode: {mode}\ntls:\n  serverPemPath: {folder}/tls.crt\n"
    "  serverKeyPath: {folder}/tls.key\nproxy:\n  http:\n    port: 8080\n"
)
SCALARS = [
    "no",
    "y",
    "Y",
    "N",
    "'no'",
    '"false"',
    "on",
    "off",
    "true",
    "True",
    "tRue",
    "TRUE",
    "0",
    "0o17",
    "017",
    "08",
    "1_000",
    "12:30",
    "1e3",
    "1.0",
    "0x1f",
    "0b11",
    "~",
    "null",
    "Null",
    "''",
    "2020-01-01",
    "+1",
    "-1",
    ".5",
    "1.",
    "0.0",
    "-0",
    "1.2.3",
    "!!str 1",
    "a",
    "1,000",
    "+",
]


@pytest.mark.parametrize("text", SCALARS)
def test_scalars_have_the_type_that_helm_gives_them(text: str):
    real = helm.chart.values_from_yaml(f"a: {text}\n")["a"]
    [document] = documents(f"a: {text}\n", "values.yaml")
    assert isinstance(document, Block)
    scalar = document["a"]
    assert boolean(scalar) == (real if isinstance(real, bool) else None)
    assert number(scalar) == (real if type(real) is int else None)
    assert is_text(scalar) == isinstance(real, str)
    assert truthy(scalar) == bool(real)


def entries(folder: str) -> tuple[list[object], list[object]]:
    volume = {"name": "certs", "secret": {"secretName": "certs"}}
    return [volume], [{"name": "certs", "mountPath": folder}]


def random_values(rng: random.Random) -> dict[str, object]:
    """Values of a chart, right and wrong in the ways that people get them wrong."""
    folder = rng.choice(["/certs", "/etc/milvus/certs", "/certs/"])
    volumes, mounts = entries(folder)
    mode = rng.choice([0, 1, 2, "'1'", "no"])
    text = USER_YAML.format(mode=mode, folder=folder.rstrip("/"))
    env = [
        {"name": "COMMON_SECURITY_TLSMODE", "value": rng.choice(["0", "1", "2", 1])},
        {"name": "TLS_SERVERPEMPATH", "value": f"{folder}/tls.crt"},
    ]
    values: dict[str, object] = {}
    proxy: dict[str, object] = {}
    standalone: dict[str, object] = {}

    def sometimes(target: dict[str, object], key: str, value: object, share: float = 0.5) -> None:
        if rng.random() < share:
            target[key] = value

    sometimes(values, "cluster", {"enabled": rng.choice([True, False, "false", "", 0])})
    sometimes(values, "volumes", volumes)
    sometimes(values, "volumeMounts", mounts)
    sometimes(proxy, "volumes", volumes, 0.3)
    sometimes(proxy, "volumeMounts", mounts, 0.3)
    sometimes(standalone, "volumes", volumes, 0.2)
    sometimes(proxy, "extraEnv", env, 0.3)
    sometimes(standalone, "extraEnv", env, 0.3)
    sometimes(proxy, "http", {"enabled": False}, 0.2)
    tls = {"enabled": True, "secretName": "certs", "crt": "AAAA", "key": "AAAA"}
    sometimes(proxy, "tls", rng.choice([tls, {**tls, "crt": ""}, {**tls, "crt": "<left out>"}]))
    user_yaml = rng.choice([text] * 5 + [{"common": {"security": {"tlsMode": 1}}}, "", 7])
    name = rng.choice(["user.yaml"] * 4 + ["milvus.yaml"])
    sometimes(values, "extraConfigFiles", {name: user_yaml}, 0.8)
    sometimes(values, "customConfigMap", rng.choice(["mine", ""]), 0.2)
    sometimes(values, "common", {"security": {"tlsMode": 1}}, 0.2)
    sometimes(values, "proxy", proxy, 0.9)
    sometimes(values, "standalone", standalone, 0.9)
    return values


def check_like_helm(values: dict[str, object], folder: Path) -> None:
    path = folder / "values.yaml"
    path.write_text(json.dumps(values, indent=1))
    report = check_server(path)
    refused = "server-manifest-refused" in {item.code for item in report.findings}
    with helm.Chart.load(CHART) as chart:
        try:
            rendered = chart.render(values=helm.chart.values_from_yaml(path.read_text()))
        except helm.errors.HelmRenderError:
            assert refused, "the chart fails to render, and the values were not refused"
            return
    (folder / "rendered.yaml").write_text("\n---\n".join(rendered.values()))
    judged = check_server(folder / "rendered.yaml")
    assert (report.ok, report.mode) == (judged.ok, judged.mode)
    codes = {item.code for item in report.findings} - {"server-key-ignored"}
    assert codes == {item.code for item in judged.findings}


@pytest.mark.parametrize("seed", range(30))
def test_values_get_the_verdict_of_what_helm_renders(seed: int, tmp_path: Path):
    check_like_helm(random_values(random.Random(seed)), tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(30, 1030))
def test_a_thousand_values_get_the_verdict_of_what_helm_renders(seed: int, tmp_path: Path):
    check_like_helm(random_values(random.Random(seed)), tmp_path)
