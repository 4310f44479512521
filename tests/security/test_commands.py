"""No command prints a secret, and no process is started whose arguments would show one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from canaries import KEY_PASSWORD, PASSWORD, TOKEN, USER, env_file, secret_values
from milvus_secure.cli import main

COMMANDS = (
    ["check"],
    ["check", "--offline", "--format", "json"],
    ["check", "--format", "junit"],
    ["check", "--timeout", "soon"],
    ["check", "--fail-on", "warning", "--offline"],
    ["settings"],
    ["settings", "--format", "json"],
    ["settings", "--profile", "absent"],
    ["server", "curl"],
    ["certs", "status"],
    ["certs", "status", "--format", "prometheus"],
    ["server", "check", "milvus.yaml", "--client", ".env"],
    ["check", "--server", "milvus.yaml"],
    ["check", "--pasword", PASSWORD],
    ["check", f"--pasword={PASSWORD}"],
    ["check", f"--client-ke={KEY_PASSWORD}"],
    ["--token", TOKEN, "check"],
    ["check", "--token", TOKEN, "--timeout", "x"],
    ["check", "--token"],
    ["serve", "--certs", "certs", "--port", "99999", "--token", TOKEN],
    ["certs", "show", "certs/client.key", "--password-file", "password"],
    ["certs", "show", "encrypted.key", "--password-file", "wrong"],
    ["certs", "export", "certs", "--password-file", "password"],
    ["certs", "export", "nowhere", "--password-file", "password"],
    ["server", "config", "--certs", "certs"],
    ["explain", "key-mismatch"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_secret(
    command, certs, tmp_path, key_pem, canaries, capfd, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encrypted.key").write_text(key_pem)
    (tmp_path / "password").write_text(KEY_PASSWORD)
    (tmp_path / "wrong").write_text(PASSWORD)
    (tmp_path / "milvus.yaml").write_text("common: {security: {tlsMode: 1}}\ntls: {}\n")
    env_file(tmp_path, key_pem)
    for name, value in secret_values(key_pem).items():
        monkeypatch.setenv(f"MILVUS_{name.upper()}", value)
    monkeypatch.setenv("MILVUS_URI", f"https://{USER}:{PASSWORD}@localhost:1")
    monkeypatch.setenv("MILVUS_CA_PEM_PATH", str(certs / "ca.pem"))
    monkeypatch.setenv("MILVUS_CLIENT_PEM_PATH", str(certs / "client.pem"))
    monkeypatch.setenv("MILVUS_TIMEOUT", "1")

    with suppress(SystemExit):
        main(command)

    output = "".join(capfd.readouterr()) + caplog.text
    assert output
    assert [canary for canary in canaries if canary in output] == []


def test_no_process_is_started_that_would_show_its_arguments(certs, tmp_path):
    script = (
        "import sys\n"
        "from milvus_secure.cli import main\n"
        "from milvus_secure import connect_secure, MilvusSecureError\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: event.startswith(('subprocess', 'os.exec', 'os.fork',\n"
        "    'os.posix_spawn', 'os.system', 'os.spawn')) and started.append(event))\n"
        "main(['check']), main(['settings']), main(['server', 'curl'])\n"
        "main(['certs', 'init', 'new']), main(['certs', 'status'])\n"
        "try: connect_secure()\n"
        "except MilvusSecureError: pass\n"
        "sys.exit(str(started) if started else 0)\n"
    )
    environ = {
        **os.environ,
        "MILVUS_TOKEN": TOKEN,
        "MILVUS_URI": "https://localhost:1",
        "MILVUS_CA_PEM_PATH": str(certs / "ca.pem"),
        "MILVUS_TIMEOUT": "2",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
