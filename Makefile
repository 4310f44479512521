# Every target sets itself up: a fresh machine needs Python >= 3.10, git and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PIN    := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 \
          --generate-hashes --custom-compile-command 'make pins' pyproject.toml

.PHONY: help demo test thorough matrix lint types format bench docs build audit pins clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.ready: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(BIN)/.ready  ## certificates, a TLS server, one-way and mutual connections, one fault explained
	$(BIN)/milvus-secure demo

test: $(BIN)/.ready  ## the whole suite, the real Milvus included; a part on the oldest and newest
	$(BIN)/python -m pytest -n auto --dist loadgroup
	$(BIN)/python tools/matrix.py --quick

thorough: $(BIN)/.ready  ## the differential tests with thousands of cases
	$(BIN)/python -m pytest -n auto --dist loadgroup -m thorough

matrix: $(BIN)/.ready  ## that part on every Python and pymilvus that is supported
	$(BIN)/python tools/matrix.py

lint: $(BIN)/.ready  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.ready  ## mypy --strict
	$(BIN)/mypy

format: $(BIN)/.ready  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BIN)/.ready  ## ratios of speed and memory, measured in one run
	$(BIN)/python -m bench

docs: $(BIN)/.ready  ## regenerate the generated parts of README.md
	$(BIN)/python tools/docs.py

build: $(BIN)/.ready  ## wheel and sdist, made twice and compared byte by byte
	$(PIP) install --quiet --require-hashes --requirement requirements/release.txt
	$(BIN)/python tools/build.py

audit: $(BIN)/.ready  ## known vulnerabilities in what a user installs with this
	$(PIP) install --quiet --require-hashes --requirement requirements/release.txt
	$(BIN)/pip-audit --strict --skip-editable

pins: $(BIN)/.ready  ## the newest versions that fit, with their hashes, into requirements
	$(PIN) --extra embedded --group dev --output-file requirements/dev.txt
	$(PIN) --group release --constraint requirements/dev.txt \
	    --output-file requirements/release.txt
	$(PIN) requirements/oldest.in --extra embedded --group test --group packaging \
	    --resolution lowest-direct --override requirements/override.txt \
	    --output-file requirements/oldest.txt

clean:  ## remove what the targets made
	rm -rf $(VENV) .matrix .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
