"""What is refused in an Operator resource, compared with the schema of its definition.

The schema is that of ``milvuses.milvus.io`` v1beta1 (milvus-operator), cut down to the fields that
concern TLS; other fields are named in it without their types.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import manifests as k8s
from milvus_secure.server.check import check_server
from milvus_secure.server.check.kubernetes.operator_resource import (
    COMPONENT_MISPLACED,
    SPEC_MISPLACED,
)

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "data" / "milvus-operator-schema.json").read_text()
)
SPEC = SCHEMA["properties"]["spec"]["properties"]
COMPONENTS = SPEC["components"]["properties"]
MODE = "COMMON_SECURITY_TLSMODE"


def resource(**spec: object) -> k8s.Object:
    metadata = {"name": "mine"}
    return {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": metadata, "spec": spec}


def is_refused_by_the_schema(made: k8s.Object) -> bool:
    return bool(list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(made)))


@pytest.mark.parametrize(
    "spec",
    [
        {"components": {"env": [{"name": MODE, "value": "1"}]}},
        {"components": {"env": [{"name": MODE, "value": 1}]}},
        {"components": {"env": [{"name": MODE, "value": True}]}},
        {"components": {"env": {MODE: "1"}}},
        {"components": {"env": [f"{MODE}=1"]}},
        {"components": {"volumes": [k8s.CERTS_VOLUME], "volumeMounts": [k8s.CERTS_MOUNT]}},
        {"components": {"volumes": {"certs": {}}}},
        {"components": {"volumes": ["certs"]}},
        {"components": {"volumeMounts": {"certs": "/certs"}}},
        {"components": {"standalone": {"env": [{"name": MODE, "value": 1}]}}},
        {"components": {"standalone": {"env": {MODE: "1"}}}},
        {"config": {"common": {"security": {"tlsMode": 1}}}},
        {"config": "common:\n  security:\n    tlsMode: 1\n"},
        {"config": ["common"]},
    ],
    ids=str,
)
def test_types_are_refused_as_the_schema_refuses_them(spec: dict[str, Any], tmp_path: Path):
    made = resource(**spec)
    path = tmp_path / "milvus.yaml"
    path.write_text(k8s.stream(made))
    codes = {item.code for item in check_server(path).findings}
    assert ("server-manifest-refused" in codes) == is_refused_by_the_schema(made)


def test_a_key_called_misplaced_is_no_field_of_the_operator():
    assert not set(SPEC_MISPLACED) & set(SPEC)
    for fields in (
        COMPONENTS,
        *(COMPONENTS[role]["properties"] for role in ("proxy", "standalone")),
    ):
        assert not set(COMPONENT_MISPLACED) & set(fields)


def test_every_advised_place_exists():
    for place in {*SPEC_MISPLACED.values(), *COMPONENT_MISPLACED.values()}:
        fields = SPEC
        *above, last = place.split(".")[1:]
        for step in above:
            fields = fields[step]["properties"]
        assert last in fields
