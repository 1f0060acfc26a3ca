# make run    starts the ledger with its own database        make test   everything that must be green
# Only python3 (3.11 or newer, with its venv module) and make are needed; the rest is installed into .venv.

PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
UV_VERSION := 0.13.9
WORKERS ?= 2

# Commands that start many times, as in tests, would otherwise compile every module each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test lint types contract bench lock clean

help:
	@sed -n '1,2s/^# //p' Makefile

$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Parkledger needs Python 3.11 or newer; '$(PY)' is older or missing. Name another one: make PY=python3.11"; \
	  echo "需要 Python 3.11 或更高版本；'$(PY)' 版本过低或不存在。请另行指定：make PY=python3.11"; exit 1; }
	@$(PY) -c 'import venv, ensurepip' || { \
	  echo "This Python has no venv module. On Debian: apt-get install python3-venv"; \
	  echo "此 Python 缺少 venv 模块。Debian 上请运行：apt-get install python3-venv"; exit 1; }
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q -p $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)
	@exec $(BIN)/parkledger start

test: lint types contract
	$(BIN)/python -m pytest -q -n $(WORKERS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy --num-workers $(WORKERS)

contract: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python bench/run.py
	$(BIN)/python bench/log.py
	$(BIN)/python bench/fsck.py
	$(BIN)/python bench/history.py
	$(BIN)/python bench/api.py
	$(BIN)/python bench/pairings.py
	$(BIN)/python bench/vouchers.py

lock: $(STAMP)
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --all-extras --python-version 3.11 \
	  -o requirements.lock pyproject.toml requirements.build.in

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
