"""The commands of explanations, as a shell reads them."""

from __future__ import annotations

import subprocess

from milvus_secure.diagnosis.explain import explanations


def test_a_shell_can_parse_the_commands_of_every_code():
    errors = {}
    for code, explanation in explanations().items():
        lines = explanation.reproduce.splitlines()
        script = "\n".join(line[4:] for line in lines if line.startswith("    "))
        parsed = subprocess.run(
            ["bash", "-n"], input=script, text=True, capture_output=True, timeout=60
        )
        if parsed.returncode or parsed.stderr:
            errors[code] = parsed.stderr
    assert errors == {}
