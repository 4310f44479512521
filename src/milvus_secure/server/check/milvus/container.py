"""The container that runs Milvus's proxy, as any deployment file describes it.

Only the proxy opens the port that clients dial (Milvus roles ``proxy``, ``standalone`` and
``mixture``), so a deployment is judged by that container. A reader (Compose, Kubernetes manifest,
Helm values, Operator resource) turns its file into `ProxyContainer` records; `config_layers`
computes what Milvus runs with from them, and the rules judge that. What a reader cannot resolve
it hands over as `NotJudged`, so that the report shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ....reporting.report import Finding


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The text of a configuration that a controller merges over Milvus's files.

    Attributes:
        text: YAML, as Milvus or the controller reads it.
        name: How to call it in a report, such as ``values.yaml user.yaml``.
        first_line: Line of ``name`` that the text begins on, from 1; 0 if lines are unknown.
    """

    text: str = field(repr=False)
    name: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class EnvValue:
    """The value of an environment variable.

    Attributes:
        value: The text, or None if it is in an object that is not in the input (a Secret).
        source: Where it is set, such as ``docker-compose.yml:12`` or ``Secret tls, key mode``.
    """

    value: str | None = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or a file that is put into the container.

    Attributes:
        target: Absolute path in the container, without ``.`` and ``..``.
        origin: What is mounted, as a report shows it, such as ``./tls`` or ``Secret certs``.
        source: Path on this machine, or None if the content is elsewhere.
        files: Content by path below ``target``, for what is not a path on this machine:
            ``{"": b"..."}`` is a mount of one file, ``{"tls.crt": None}`` a directory with a file
            whose content is unknown, ``{}`` an empty directory. None if nothing is known about
            the content. Ignored if ``source`` is set.
        mode: Permission bits of its files, owned by root, where the container's user may not
            read them; None if it may, or if nothing is known.
    """

    target: PurePosixPath
    origin: str
    source: Path | None = None
    files: Mapping[str, bytes | None] | None = field(default=None, repr=False)
    mode: int | None = None


@dataclass(frozen=True)
class ProxyContainer:
    """A container that runs Milvus's proxy.

    Attributes:
        name: The service or workload, such as ``service standalone`` or ``Deployment my-proxy``.
        kind: The kind of file: ``Compose file``, ``Kubernetes manifest``, ``Helm values``,
            ``Operator resource``.
        path: The file that was read; ``-`` for standard input.
        image: The image's name with its tag, or None for Milvus's own image of an unknown release.
        built: True if the image is built here, so that it may have any files.
        working_directory: Absolute, or None for the image's own (``/milvus``).
        environment: Variables by name, in the order in which they are set.
        mounts: Everything that is mounted; where two cover a path, the longer target counts,
            of two equal ones the later.
        overlays: Configuration that a controller merges over milvus.yaml, default.yaml and
            user.yaml, weakest first (the Operator's ``spec.config``).
        user: The numeric user, or None for the image's own.
        place: How to call the place of Milvus's keys in an advice, such as
            ``extraConfigFiles."user.yaml"`` or ``spec.config``; None for milvus.yaml itself.
    """

    name: str
    kind: str
    path: Path
    image: str | None = None
    built: bool = False
    working_directory: PurePosixPath | None = None
    environment: Mapping[str, EnvValue] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    overlays: tuple[ConfigText, ...] = ()
    user: int | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Something that this machine cannot know, so that it is not judged.

    Attributes:
        what: The subject of the sentence "… is not judged", such as ``KubeDB's resource m``.
        why: The reason, a clause without the final stop.
        fix: A command or a change after which it can be judged.
        source: The file and line, such as ``docker-compose.yml:4``.
    """

    what: str
    why: str
    fix: str
    source: str | None = None


@dataclass(frozen=True)
class Deployment:
    """The result of reading a file.

    Attributes:
        containers: The containers that run a proxy; empty if none could be judged.
        findings: What the reader itself found, such as keys that its controller ignores.
        not_judged: What could not be resolved.
    """

    containers: tuple[ProxyContainer, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
