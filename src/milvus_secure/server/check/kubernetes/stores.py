"""What the Secrets and ConfigMaps of a stream of manifests hold."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ....reporting.report import Finding
from ..yaml.go_scalars import is_text
from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null
from .objects import KubernetesObject, block_at, blocks_at, text_at
from .placeholders import looks_left_out
from .refusals import Refusals

# What cert-manager writes into the Secret of a Certificate (its documentation, "Certificate").
_ISSUED: Final = ("tls.crt", "tls.key", "ca.crt")
_EXTRA_FORMATS: Final = {"CombinedPEM": "tls-combined.pem", "DER": "key.der"}


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value of a Secret or a ConfigMap.

    Attributes:
        content: Decoded; None if only its name is known. Its repr is not shown.
        line: The line of the key, from 1.
    """

    content: bytes | None = field(repr=False)
    line: int


@dataclass(frozen=True)
class Store:
    """A Secret or a ConfigMap.

    Attributes:
        label: Such as ``Secret certs``.
        values: By key.
        findings: Why the cluster would refuse it.
    """

    label: str
    values: Mapping[str, StoredValue] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Stores:
    """The Secrets and ConfigMaps of a stream, found by name."""

    def __init__(self, objects: Iterable[KubernetesObject]) -> None:
        """Read those among the objects."""
        self._stores: dict[tuple[str, str], list[tuple[str, Store]]] = {}
        for item in objects:
            for kind, name, store in _stores_of(item):
                self._stores.setdefault((kind, name), []).append((item.namespace, store))

    def get(self, kind: str, name: str, namespace: str) -> Store | None:
        """A ``Secret`` or ``ConfigMap`` for a pod of a namespace, or None if it is not here.

        A manifest without a namespace goes where the command line says, so it fits any.
        """
        candidates = self._stores.get((kind, name), [])
        exact = [store for store_namespace, store in candidates if store_namespace == namespace]
        loose = [
            store for store_namespace, store in candidates if not store_namespace or not namespace
        ]
        return next(iter([*exact, *loose]), None)


def _stores_of(item: KubernetesObject) -> Iterator[tuple[str, str, Store]]:
    if item.group == "" and item.kind in {"Secret", "ConfigMap"}:
        yield item.kind, item.name, _store(item)
    elif item.group == "cert-manager.io" and item.kind == "Certificate":
        spec = block_at(item.body, "spec")
        name = text_at(spec, "secretName")
        formats = [text_at(block, "type") for block in blocks_at(spec, "additionalOutputFormats")]
        keys = [*_ISSUED, *(_EXTRA_FORMATS[name] for name in formats if name in _EXTRA_FORMATS)]
        line = spec.lines.get("secretName", 0)
        values = {key: StoredValue(None, line) for key in keys}
        yield "Secret", name, Store(f"Secret {name} of {item.label}", values)
    elif item.group == "bitnami.com" and item.kind == "SealedSecret":
        sealed = block_at(item.body, "spec", "encryptedData")
        values = {key: StoredValue(None, line) for key, line in sealed.lines.items()}
        yield "Secret", item.name, Store(item.label, values)


def _store(item: KubernetesObject) -> Store:
    values: dict[str, StoredValue] = {}
    refusals = Refusals(item.label, item.file)
    # stringData is laid over data (Kubernetes API reference, Secret).
    encoded, plain = ("data", "stringData") if item.kind == "Secret" else ("binaryData", "data")
    for part in (encoded, plain):
        block = block_at(item.body, part)
        for key, value in block.items():
            line = block.lines[key]
            content: bytes | None = None
            if is_null(value):
                content = b""
            elif not isinstance(value, Scalar) or not is_text(value):
                _refuse_type(refusals, f"{part}.{key}", value, line)
            elif part == plain:
                content = value.encode()
            elif (content := decoded(value)) is None and not looks_left_out(value):
                _refuse_encoding(refusals, key, value, (encoded, plain), line)
            values[key] = StoredValue(content, line)
    return Store(item.label, values, tuple(refusals.findings))


def decoded(text: str) -> bytes | None:
    """Base64 as the API server takes it, or None: line breaks are skipped, blanks are not.

    Go ``encoding/base64``, StdEncoding.
    """
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _refuse_type(refusals: Refusals, setting: str, value: Tree, line: int) -> None:
    key = setting.partition(".")[2]
    if isinstance(value, Block | Items):
        kind = "a mapping" if isinstance(value, Block) else "a list"
        refusals.add(
            f"{setting} is {kind}, and the cluster accepts only text",
            f'Write "{key}: |" and indent the text below it.',
            setting,
            line,
        )
    else:
        refusals.add(
            f"{setting} is a number or a boolean, and the cluster accepts only text",
            f"Put the value of {key} in quotes.",
            setting,
            line,
        )


def _refuse_encoding(
    refusals: Refusals, key: str, value: str, parts: tuple[str, str], line: int
) -> None:
    encoded, plain = parts
    kind = "PEM text" if "-----BEGIN" in value else "text"
    refusals.add(
        f"{encoded}.{key} is {kind} that is not base64",
        f"Move {key} to {plain}, or encode its file: base64 -w0 FILE",
        f"{encoded}.{key}",
        line,
    )
