# Every target that needs Python depends on the stamp of the environment, so any of them is the right
# first command of a fresh clone. Paths stay relative and tools run as `python -m`: folders may have spaces.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Where it is set, every server that a test or the bench starts would compile all of armarium anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup check format-check lint types imports test-fast test demo serve bench bench-page docs newcomer format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv with the pinned versions and armarium itself

$(READY): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "No $(PYTHON) here. Name a Python 3.11 or newer: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "armarium needs Python 3.11 or newer and $(PYTHON) is " + sys.version.split()[0] + ". Name another: make setup PYTHON=python3.12")'
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments (on Debian: install python3-venv)." >&2; exit 1; }
	@echo "Installing the pinned versions into $(VENV) ..."
	@$(PY) -m pip install --quiet --constraint constraints.txt pip hatchling editables
	@$(PY) -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable ".[server,postgres,s3,vectors,documents]" --group dev
	@touch $(READY)

check: format-check lint types imports test-fast ## format, lint, types, import rules, fast tests

format-check: $(READY)
	$(PY) -m ruff format --check .

lint: $(READY)
	$(PY) -m ruff check .

types: $(READY)
	$(PY) -m mypy

imports: $(READY)
	$(PY) -c "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"

test-fast: $(READY)
	$(PY) -m pytest -m "not slow" -n auto -q

test: $(READY) ## every test, the slow ones too
	$(PY) -m pytest -n auto

demo: $(READY) ## store a dataset gallery on a temporary server and read it back (KEEP=1 leaves it running)
	@$(PY) examples/demo.py

serve: $(READY) ## serve ./data on http://127.0.0.1:8100
	$(PY) -m armarium serve

# `make bench STORAGE=sqlite+disk WORKERS=1` is the quickest.
STORAGE ?= sqlite+disk postgres+s3
WORKERS ?= 1 2 4

bench: $(READY) ## measure the speed budgets on both storages, with 1, 2 and 4 processes
	$(PY) -m bench --storage $(STORAGE) --workers $(WORKERS) --out build/bench.json

bench-page: $(READY) ## write docs/reference/performance.md from the figures of `make bench`
	$(PY) -m bench.page build/bench.json > build/performance.md
	@mv build/performance.md docs/reference/performance.md

docs: $(READY) ## render the documentation into build/site
	$(PY) -m mkdocs build --strict --quiet --site-dir build/site

newcomer: ## do in a fresh clone what the README says (minutes, the tests too)
	@"$(PYTHON)" .ci/newcomer

format: $(READY) ## rewrite the code in the house format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock: ## refresh constraints.txt from a fresh environment
	@rm -rf build/lock && mkdir -p build
	"$(PYTHON)" -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip
	build/lock/bin/python -m pip install --quiet ".[server,postgres,s3,vectors,documents]" --group dev hatchling editables
	@echo "# Exact versions of everything the project is developed and tested with. Refresh: make lock" > build/constraints.txt
	@build/lock/bin/python -m pip freeze --all --exclude armarium --exclude setuptools >> build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
