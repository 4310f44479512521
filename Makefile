# Every target sets itself up: a fresh machine needs Python >= 3.10, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PIN    := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 \
          --generate-hashes --custom-compile-command 'make pins' pyproject.toml

# An environment that is kept: its set-up was not interrupted, and its Python runs and is new enough.
IS_NEW  = -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo yes
KEPT    = $(shell [ ! -e $(VENV)/.unfinished ] && $(BIN)/python $(IS_NEW))
TOO_OLD = milvus-secure needs Python 3.10 or newer, which $(PYTHON) is not. \
          Name another: make PYTHON=python3.12 $(MAKECMDGOALS)

.PHONY: help demo test documented thorough matrix extremes frameworks lint types format bench docs site build audit pins clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# $(call set-up,REQUIREMENTS,WHAT)
define set-up
	$(if $(KEPT),,$(if $(shell "$(PYTHON)" $(IS_NEW)),,$(error $(TOO_OLD))))
	@echo "Installing into $(VENV): $(2)."
	@$(if $(KEPT),,rm -rf $(VENV))
	@mkdir -p $(VENV) && touch $(VENV)/.unfinished
	@[ -e $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	@$(PIP) install --quiet --require-hashes --requirement $(1)
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@rm $(VENV)/.unfinished
endef

$(VENV)/.demo: pyproject.toml requirements/demo.txt
	$(call set-up,requirements/demo.txt,milvus-secure and Milvus Lite (120 MB to download; 500 MB on disk))
	@touch $@

$(VENV)/.ready: pyproject.toml requirements/dev.txt
	$(call set-up,requirements/dev.txt,the tools of development; Go and the real Milvus (390 MB to download; 1.5 GB on disk))
	-@$(BIN)/python tests/support/odd_peers.py
	@touch $(VENV)/.demo $@

demo: $(VENV)/.demo  ## certificates, a TLS server, one-way and mutual connections, one fault explained
	$(BIN)/milvus-secure demo

test: $(VENV)/.ready  ## the whole suite, the real Milvus included
	$(BIN)/python -m pytest -n auto --dist loadgroup --durations 20 --durations-min 2

documented: $(VENV)/.ready  ## what the documentation prints: reproductions with servers, the site, a recipe
	$(BIN)/python -m pytest -n auto --dist loadgroup -m thorough tests/system/test_docs.py \
	    tests/system/test_frameworks.py tests/system/test_reproductions.py

thorough: $(VENV)/.ready  ## the differential tests with thousands of cases
	$(BIN)/python -m pytest -n auto --dist loadgroup -m thorough --timeout 3600

extremes: $(VENV)/.ready  ## tests that depend on other projects' releases, on the oldest and newest
	$(BIN)/python tools/matrix.py --quick

matrix: $(VENV)/.ready  ## the same on every Python and pymilvus that is supported
	$(BIN)/python tools/matrix.py

frameworks: $(VENV)/.ready  ## the recipes of examples/frameworks, each with its framework from PyPI
	$(BIN)/python tools/frameworks.py

lint: $(VENV)/.ready  ## ruff: rules and format; import-linter: the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

types: $(VENV)/.ready  ## mypy --strict
	$(BIN)/mypy

format: $(VENV)/.ready  ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready  ## ratios of speed and memory, measured in one run
	$(BIN)/python -m bench

docs: $(VENV)/.ready  ## regenerate the table of settings
	$(BIN)/python tools/docs.py

site: $(VENV)/.ready  ## the documentation site, into build/site, without network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

build: $(VENV)/.ready  ## wheel and sdist, made twice and compared byte by byte
	$(PIP) install --quiet --require-hashes --requirement requirements/release.txt
	$(BIN)/python tools/build.py

audit: $(VENV)/.ready  ## known vulnerabilities in what a user installs with this
	$(PIP) install --quiet --require-hashes --requirement requirements/release.txt
	$(BIN)/pip-audit --strict --skip-editable

pins: $(VENV)/.ready  ## the newest versions that fit, with their hashes, into requirements
	$(PIN) --extra embedded --group dev --output-file requirements/dev.txt
	$(PIN) --extra embedded --group packaging --constraint requirements/dev.txt \
	    --output-file requirements/demo.txt
	$(PIN) --group release --constraint requirements/dev.txt \
	    --output-file requirements/release.txt
	$(PIN) requirements/oldest.in --extra embedded --group test --group packaging \
	    --resolution lowest-direct --override requirements/override.txt \
	    --output-file requirements/oldest.txt

clean:  ## remove what the targets made
	rm -rf $(VENV) .matrix .frameworks .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
