"""Implicit files that this user may not find or read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Imports as root, then loads as another user: Python itself may be in root's home.
AS_NOBODY = """
import os, sys
from milvus_secure import MilvusSettings
MilvusSettings(environ={}, env_file=None, config=False)  # whatever is imported late
os.chdir(sys.argv[1])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
settings = MilvusSettings(environ={})
print(settings.user)
for note in settings.notes:
    print(note.code, note.severity, note.message)
"""

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user"
)


def loaded_as_nobody(folder: Path, script: str = AS_NOBODY) -> list[str]:
    command = [sys.executable, "-c", script, folder]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.splitlines()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of root with both implicit files, where others can look."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
            pytest.skip("others may not search the directory for temporary files")
        (folder / ".env").write_text("MILVUS_USER=env\n")
        (folder / "milvus-secure.toml").write_text('user = "toml"\n')
        yield folder


CHECK_AS_NOBODY = """
import os, sys
from milvus_secure import MilvusSettings, check
check(MilvusSettings.from_arguments(ca_pem_path=sys.argv[1] + "/none"), online=False)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
settings = MilvusSettings.from_arguments(ca_pem_path=sys.argv[1] + "/certs/ca.pem")
cause = check(settings, online=False).root_cause
print(cause.code)
print(cause.message)
print(cause.command)
"""


def test_a_directory_that_this_user_may_not_enter_is_named(folder):
    folder.chmod(0o755)
    certs = folder / "certs"
    certs.mkdir(mode=0o700)
    (certs / "ca.pem").write_text("x")
    code, message, command = loaded_as_nobody(folder, CHECK_AS_NOBODY)
    assert code == "file-unreadable"
    assert message.endswith(f"this user may not enter the directory {certs}.")
    assert command == f"ls -ld {certs}"


def test_a_working_directory_that_may_not_be_searched_holds_none(folder):
    folder.chmod(0o700)
    assert loaded_as_nobody(folder) == ["None"]


def test_a_file_that_may_not_be_read_is_a_warning(folder):
    folder.chmod(0o755)
    for name in (".env", "milvus-secure.toml"):
        (folder / name).chmod(0o600)
    user, *notes = loaded_as_nobody(folder)
    assert user == "None"
    assert len(notes) == 2
    assert all(note.startswith("config-file-malformed warning") for note in notes)
    assert all("was not read: this user has no permission" in note for note in notes)


def test_an_unreadable_secrets_directory_is_not_reported_as_missing(folder):
    (folder / "secrets").mkdir()
    folder.chmod(0o700)
    script = AS_NOBODY.replace(
        "settings = MilvusSettings(environ={})",
        """from milvus_secure import SettingsError
try:
    MilvusSettings(environ={}, env_file=None, secrets_dir=os.path.join(sys.argv[1], "secrets"))
except SettingsError as error:
    sys.exit(print(error))
""",
    )
    [message] = loaded_as_nobody(folder, script)
    assert "cannot be read: permission denied" in message
