"""The documentation agrees with the declarations in the code, and its commands work."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import milvus_secure
from milvus_secure import MilvusSettings
from milvus_secure.cli import main, parser
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.settings.model import declarations
from namespaces import NETWORK, has_own_network

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}
README = PAGES["README.md"]
GENERATED = re.compile(
    r"(^|/)(findings/.*|reference/(settings|command-line)|security|changelog)\.md$"
)
"""Pages that the site makes itself; its strict build checks the links to them."""


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of every `milvus-secure` command in the shell blocks of a page."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    piped = [part for line in text.splitlines() for part in line.split(" | ")]
    split = [shlex.split(part, comments=True) for part in piped]
    return [words[1:] for words in split if words[:1] == ["milvus-secure"]]


def options(grammar) -> set[str]:
    """Every option of a command and of the commands below it."""
    names = set(grammar._option_string_actions)
    for action in grammar._actions:
        if isinstance(action.choices, dict):
            names.update(*map(options, action.choices.values()))
    return names


def environment() -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
    return {**kept, "NO_COLOR": "1", "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}


def test_the_settings_table_is_the_declarations():
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs.py", "--check"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr


def test_every_code_in_the_table_of_messages_exists():
    table = PAGES["docs/how-to/diagnose.md"].partition("| text | code |")[2]
    codes = set(re.findall(r"^\|[^|]+\| \[`([a-z0-9-]+)`\]", table, re.MULTILINE))
    assert codes
    assert codes <= set(CATALOGUE)


def test_the_readme_is_a_landing_page():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES)
class TestEveryPage:
    def test_its_commands_parse(self, page):
        for words in commands(page):
            arguments = [word for word in words if word != "&"]
            parser().parse_args(arguments)  # exits on what it does not know

    def test_its_commands_in_prose_exist(self, page):
        named = set(re.findall(r"`milvus-secure ([a-z]+)", PAGES[page]))
        assert named <= set(parser()._subparsers._group_actions[0].choices)

    def test_its_options_exist(self, page):
        declared = options(parser())
        prose = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
        named = set(re.findall(r"`(--[a-z-]+)", prose)) - {"--set"}  # Helm's
        assert named <= declared

    def test_its_variables_are_read(self, page):
        known = {name for row in declarations() for name in (row.variable, *row.aliases)}
        known |= {"MILVUS_CONFIG", "MILVUS_PROFILE", "MILVUS_SECRETS_DIR", "MILVUS_PORT"}
        assert set(re.findall(r"\bMILVUS_[A-Z_]+\b", PAGES[page])) <= known

    def test_its_files_and_links_exist(self, page):
        text, folder = PAGES[page], (ROOT / page).parent
        linked = {
            target.partition("#")[0]
            for target in re.findall(r"\]\(([^)]+)\)", text)
            if "://" not in target
        }
        missing = {
            name for name in linked if not (folder / name).exists() and not GENERATED.search(name)
        }
        named = re.findall(r"`((?:tests|docs|tools|examples|bench)/[\w./-]*)`", text)
        assert missing | {name for name in named if not (ROOT / name).exists()} == set()

    def test_its_targets_of_make_exist(self, page):
        targets = set(
            re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        )
        lines = re.findall(r"(?:^|`)make ([a-z ]+)", PAGES[page], re.MULTILINE)
        assert {word for line in lines for word in line.split("  ")[0].split()} <= targets

    def test_its_python_uses_names_that_exist(self, page):
        for block in blocks(page, "python"):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module == "milvus_secure":
                    assert {name.name for name in node.names} <= set(milvus_secure.__all__)

    def test_its_settings_files_load(self, page, tmp_path):
        for block in blocks(page, "toml"):
            file = tmp_path / "milvus-secure.toml"
            file.write_text(block, "utf-8")
            for profile in re.findall(r"^\[profiles\.(\w+)\]", block, re.MULTILINE):
                assert MilvusSettings(config=file, profile=profile).source_of("uri") != "default"

    def test_its_certificate_and_server_commands_run(self, page, tmp_path, monkeypatch, capsys):
        """Those that need no server, in the order of the page, in one folder."""
        monkeypatch.chdir(tmp_path)
        for name in set(os.environ) - set(environment()):
            monkeypatch.delenv(name)
        for words in commands(page):
            if words[0] not in {"certs", "server"} or {"NAME", "-"} & set(words):
                continue
            assert main(words) == 0, (words, capsys.readouterr())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation site, built without network where the system allows it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment(), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.thorough
@pytest.mark.xdist_group("site")  # so that one worker builds it, once
class TestSite:
    def test_each_code_has_a_page(self, site):
        assert not {code for code in CATALOGUE if not (site / "findings" / code).is_dir()}

    def test_each_public_name_is_in_the_reference(self, site):
        page = (site / "reference" / "api" / "index.html").read_text("utf-8")
        public = set(milvus_secure.__all__) - {"__version__"}
        assert not {name for name in public if f'id="milvus_secure.{name}"' not in page}

    def test_it_loads_nothing_from_other_sites(self, site):
        loaded = re.compile(r"<(?:script|img|link)[^>]+(?:src|href)=\"(https?://[^\"]+)")
        pages = site.rglob("*.html")
        assert not {url for page in pages for url in loaded.findall(page.read_text("utf-8"))}


def python_commands(page: str) -> list[list[str]]:
    """The words after `.venv/bin/python` in the shell blocks of a page."""
    lines = "\n".join(blocks(page, "sh")).splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words[:1] == [".venv/bin/python"]]


def test_the_fuzzer_starts_as_printed():
    (command,) = [words for words in python_commands("docs/robustness.md") if "-m" not in words]
    completed = subprocess.run(
        [sys.executable, *command[:-1], "1"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert completed.returncode == 0 or completed.stderr.startswith("atheris is not installed"), (
        completed.stderr
    )


@pytest.mark.thorough
def test_a_benchmark_runs_as_printed():
    (command,) = [words for words in python_commands("docs/development.md") if "bench" in words]
    completed = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert completed.returncode == 0, completed.stderr
    assert "import milvus_secure / import pymilvus" in completed.stdout


def test_a_benchmark_that_does_not_exist_is_refused():
    completed = subprocess.run(
        [sys.executable, "-m", "bench", "typo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (completed.returncode, "no such benchmark: typo" in completed.stderr) == (1, True)


@pytest.mark.thorough
@pytest.mark.skipif(not has_own_network(), reason="no network namespace may be made here")
def test_the_example_of_a_check_is_what_it_prints(tmp_path):
    (shown,) = blocks("README.md", "console")
    commands = [line[2:] for line in shown.splitlines() if line.startswith("$ ")]
    quiet = [command.replace(" &", " >&2 &") for command in commands[:-1]]
    quiet[1] += " >&2"
    completed = subprocess.run(
        [*NETWORK, "bash", "-c", "\n".join(["ip link set lo up", *quiet, commands[-1]])],
        env={**environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    report = [line for line in shown.splitlines() if not line.startswith("$ ")]
    printed = completed.stdout.splitlines()
    assert not [line for line in report if line not in printed], completed.stdout + completed.stderr


def test_the_python_about_settings_runs(tmp_path):
    """Each block by itself, in an environment without settings."""
    for block in blocks("docs/how-to/settings.md", "python"):
        completed = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            env=environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert completed.returncode == 0, (block, completed.stderr)
