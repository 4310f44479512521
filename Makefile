# Every target sets itself up: a fresh machine needs Python >= 3.10, git and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test thorough matrix lint types format bench docs build audit clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[embedded]' --group dev
	@touch $@

demo: $(BIN)/.ready  ## certificates, a TLS server, one-way and mutual connections, one fault explained
	$(BIN)/milvus-secure demo

test: $(BIN)/.ready  ## the whole test suite, the real Milvus included
	$(BIN)/python -m pytest -n auto --dist loadgroup

thorough: $(BIN)/.ready  ## the differential tests with thousands of cases
	$(BIN)/python -m pytest -n auto --dist loadgroup -m thorough

matrix: $(BIN)/.ready  ## a quick lane on every Python and pymilvus that is supported (QUICK=1: two)
	$(BIN)/python tools/matrix.py $(if $(QUICK),--quick)

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
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/python tools/build.py

audit: $(BIN)/.ready  ## known vulnerabilities in what a user installs with this
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/pip-audit --strict --skip-editable

clean:  ## remove what the targets made
	rm -rf $(VENV) .matrix .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
