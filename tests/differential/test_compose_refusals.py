"""Files that Docker Compose refuses are not judged, and files that it accepts are not refused.

Each case is added to a service that runs Milvus; Compose itself decides whether it accepts it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compose_judge import compose_says, needs_compose, read
from milvus_secure import MilvusSecureError
from milvus_secure.server.check import check_server

pytestmark = needs_compose

SERVICE = """\
services:
  standalone:
    image: milvusdb/milvus:v2.6.15
    command: [milvus, run, standalone]
"""

OF_A_SERVICE = {
    "a misspelled key": "enviroment: [A=1]",
    "an unknown key": "foo: 1",
    "an extension": "x-foo: 1",
    "mappings in a list of variables": "environment: [{COMMON_SECURITY_TLSMODE: 1}]",
    "a mapping as a variable": "environment: {COMMON: {SECURITY: 1}}",
    "a list as a variable": "environment: {A: [1]}",
    "a text as an environment": "environment: A=1",
    "an empty environment": "environment:",
    "typed variables": "environment: {A: true, B: no, C: 1.50, D: 0777, E: 0o17}",
    "a date as a variable": "environment: {A: 2024-01-01}",
    "a quoted date": "environment: {A: '2024-01-01'}",
    "a blank behind a variable's name": "environment: ['A = 1']",
    "the same variable twice": "environment: [A=1, A=2]",
    "a lone dollar sign": "environment: ['A=$(pwd)', 'B=$1', 'C=x$', 'D=$-']",
    "a brace without a name": "environment: ['A=${1}']",
    "a brace that is not closed": "environment: ['A=${A:-b']",
    "a text as volumes": "volumes: ./a:/b",
    "a mapping as volumes": "volumes: {./a: /b}",
    "empty volumes": "volumes:",
    "a number as a volume": "volumes: [1]",
    "a volume without a target": "volumes: [{type: bind, source: ./a}]",
    "a volume without a type": "volumes: [{source: ./a, target: /b}]",
    "a volume of an unknown type": "volumes: [{type: mount, source: ./a, target: /b}]",
    "an unknown key of a volume": "volumes: [{type: bind, src: ./a, target: /b}]",
    "an undeclared volume": "volumes: ['data:/b']",
    "a flag in YAML 1.1": "volumes: [{type: bind, source: ./a, target: /b, read_only: yes}]",
    "a key twice": "image: x",
    "a variable twice": "environment: {A: 1, A: 2}",
    "two merges": "environment: {<<: {A: 1}, <<: {B: 1}}",
    "a merge of a list": "environment: {<<: [A=1]}",
    "a number as a user": "user: 1000",
    "a quoted number as a user": "user: '1000'",
    "a filled in user": "user: ${USER_ID:-1000}",
    "a number as a name": "container_name: 1",
    "a number in a command": "entrypoint: [tini, 1]",
    "a mapping as a command": "entrypoint: {a: b}",
    "a text as profiles": "profiles: dev",
    "an env_file that is missing": "env_file: [missing.env]",
    "an env_file that may be missing": "env_file: [{path: missing.env, required: false}]",
    "an env_file as a mapping": "env_file: {path: missing.env}",
    "an undeclared config": "configs: [nowhere]",
    "an unknown key of a secret": "secrets: [{source: a, name: b}]",
    "an undeclared service": "depends_on: [etcd]",
    "an undeclared network": "networks: [milvus]",
    "the network of another service": "network_mode: service:etcd",
    "a network and a mode": "network_mode: host\n    networks: [default]",
    "no networks": "networks:",
    "what a cluster of Docker reads": "deploy: {resources: {limits: {memory: 4g}}}\n    gpus: all",
    "a misspelled limit": "deploy: {resources: {limits: {memori: 4g}}}",
    "a limit without a unit": "deploy: {resources: {limits: {memory: 4}}}",
    "an order that Compose does not know": "deploy: {update_config: {order: random}}",
    "a device without capabilities": (
        "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}"
    ),
    "a health check": "healthcheck: {test: [CMD, curl], interval: 30s, retries: 3, disable: yes}",
    "a misspelled interval": "healthcheck: {test: curl, intervall: 30s}",
    "an interval without a unit": "healthcheck: {test: curl, interval: 30}",
    "ports": "ports: ['19530:19530', 9091, {target: 8080, published: 8080}]",
    "a port as a text": "ports: '19530:19530'",
    "an empty port": "ports: [null]",
    "an unknown key of a port": "ports: [{container: 19530}]",
    "a network's alias": "networks: {default: {aliases: [milvus]}}",
    "a misspelled alias": "networks: {default: {alias: [milvus]}}",
    "a condition that Compose does not know": "depends_on: {standalone: {condition: healthy}}",
    "a limit without its hard form": "ulimits: {nofile: {soft: 1}}",
    "a boolean of a log driver": "logging: {options: {a: true}}",
    "a container's name of one letter": "container_name: m",
    "a number out of its range": "oom_score_adj: 2000",
    "a policy that Compose does not know": "pull_policy: sometimes",
    "a limit that is no size": "deploy: {resources: {limits: {memory: 4Gi}}}",
    "a limit that is no number": "cpus: half",
    "limits as texts": "cpus: '0.5'\n    mem_limit: 4 GB\n    shm_size: 64M\n    pids_limit: '-1'",
    "a limit with an exponent": "cpus: '1e3'",
    "a count in words": "healthcheck: {test: curl, retries: three}",
    "an empty count": "cpus: ''",
    "a flag that is none": "privileged: maybe",
    "flags in words": "privileged: 'YES'\n    tty: 'off'\n    init: 'n'",
    "durations": "healthcheck: {test: curl, interval: 1m30s, timeout: '0', start_period: 1.5h}",
    "a duration with a blank": "healthcheck: {test: curl, interval: 1 m}",
    "a duration as a number in quotes": "stop_grace_period: '60'",
    "a delay of deploy": "deploy: {restart_policy: {delay: soon}}",
    "a test of another kind": "healthcheck: {test: [CURL, localhost]}",
    "no test": "healthcheck: {test: [NONE]}",
    "a port that is too large": "ports: ['19530:99999']",
    "a number that is too large for a port": "ports: [99999]",
    "a name as a port": "ports: ['http:80']",
    "a host as an address": "ports: ['localhost:19530:19530']",
    "addresses": "ports: ['127.0.0.1:1:1', '[::1]:2:2', '::1:3:3', '127.0.0.1::4', ':5']",
    "ranges": "ports: ['9000-9001:9000-9001', '8000-8009:9091', '019530:19530/udp']",
    "ranges of two lengths": "ports: ['9091:9000-9010']",
    "a range backwards": "ports: ['9001-9000:9000']",
    "an unknown protocol": "ports: ['19530:19530/foo']",
    "a port with a blank": "ports: ['19530 : 19530']",
    "an empty variable before a port": "ports: ['${UNSET}:19530']",
    "a misspelled argument of a build": "build: {context: ., arg: {A: 1}}",
}

OF_THE_FILE = {
    "a misspelled section": "volums: {}",
    "an unknown section": "foo: {}",
    "an extension of the file": "x-foo: {}",
    "a number as the version": "version: 3.5",
    "a text as the version": "version: '3.5'",
    "empty volumes of the file": "volumes:",
    "networks as a list": "networks: []",
    "a config without a source": "configs: {a: {}}",
    "a config with two sources": "configs: {a: {file: ./a, content: b}}",
    "an empty config": "configs: {a: }",
    "a config of the swarm": "configs: {a: {external: true}}",
    "an unknown key of a volume's declaration": "volumes: {a: {drivers: local}}",
    "a service without an image": "  etcd: {command: etcd}",
    "a service as a text": "  etcd: etcd",
    "an empty service": "  etcd:",
    "a service twice": "  standalone: {image: x}",
    "a service with a blank in its name": "  'e tcd': {image: x}",
    "an undeclared volume of another service": "  etcd: {image: x, volumes: ['data:/b']}",
    "a missing env_file of another service": "  etcd: {image: x, env_file: missing.env}",
    "faults of a service that is not started": (
        "  etcd: {image: x, profiles: [p], depends_on: [y], volumes: ['data:/b'], env_file: z}"
    ),
    "an anchor twice": "x-a: &a {A: 1}\nx-b: &a {A: 2}\nx-c: *a",
}

CASES = {
    **{name: f"{SERVICE}    {text}\n" for name, text in OF_A_SERVICE.items()},
    **{name: f"{SERVICE}{text}\n" for name, text in OF_THE_FILE.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_what_compose_refuses_is_refused_or_not_judged(name: str, tmp_path: Path):
    file = tmp_path / "docker-compose.yml"
    file.write_text(CASES[name])
    refused = isinstance(compose_says(tmp_path, {}), str)
    try:
        deployment = read(file)
    except MilvusSecureError:
        judged = False
    else:
        codes = {finding.code for finding in deployment.findings}
        judged = "server-file-refused" not in codes and not (
            deployment.not_judged and not deployment.containers
        )
    hidden = "profiles" in OF_A_SERVICE.get(name, "")  # nothing is started
    assert judged is not (refused or hidden)


def test_the_schema_is_that_of_the_installed_compose():
    tool = Path(__file__).parents[2] / "tools" / "compose_schema.py"
    subprocess.run([sys.executable, tool, "--check"], check=True, timeout=120)


def test_a_misspelled_section_is_refused_in_composes_words(tmp_path: Path):
    file = tmp_path / "docker-compose.yml"
    file.write_text(CASES["a misspelled section"])
    [finding] = check_server(file).errors
    assert finding.code == "server-file-refused"
    assert "unknown key volums" in finding.message
    assert "Write volumes." in finding.remedy
    assert finding.source == "docker-compose.yml:5"
