# What one does with a checkout. Everything happens in .venv, from locked dependencies; after `make setup` no target
# but `lock` needs the network (`test` does once, where it has to build an API server).

PYTHON ?= python3
BIN := .venv/bin

# The virtual environment is right when it was made from these locks, by this Python, in this place. A stamp with that in
# its name says so; times of files say little after a checkout.
ready := .venv/ready-$(shell { echo '$(CURDIR)'; '$(PYTHON)' -VV; cat requirements/dev.txt; } 2>/dev/null | sha256sum | cut -c1-16)
installed := .venv/installed-$(shell cat pyproject.toml | sha256sum | cut -c1-16)

# The versions are those of the lock, so what pip would say about newer ones helps nobody.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# What the process of `make` was told about jobs is not for the programs it starts.
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup run demo test lint bench crds lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(ready) $(installed) ## Make .venv from the locked dependencies, where it is not there or they changed

# The lock is complete, so nothing is resolved again; bytecode is made of what is used, when it is used: a fifth of it.
$(ready): | can-setup
	@echo "making .venv from requirements/dev.txt"
	@'$(PYTHON)' -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --no-deps --no-compile --require-hashes \
	  --requirement requirements/dev.txt
	@touch $@

$(installed): $(ready)
	@$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@rm -f .venv/installed-*
	@touch $@

# One clear line in place of a traceback from inside ensurepip.
.PHONY: can-setup
can-setup:
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, as $(PYTHON); name another one with: make PYTHON=python3.12" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# `exec`: without a shell between, a signal to make reaches the controller, and make waits until it has ended all.
run: setup ## Run the controller of this box on four sample integrations, with a live table (Ctrl-C ends it)
	@exec $(BIN)/brownout run --mode local manifests/samples/local

demo: setup ## Make real, bounded memory pressure and show voice go, then android, then both come back (2 minutes)
	@$(BIN)/brownout demo

test: setup ## Run all tests; builds a real API server once (about 4 minutes) unless KUBEBUILDER_ASSETS names one
	@$(BIN)/python -m tests.apiserver.assets || [ "$${CI:-}" != true ]
	@$(BIN)/python -m pytest

lint: setup ## Check style, format, types and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: setup ## Measure decisions, ticks, memory, writes and the sentinel; prints a table and writes bench.json (an hour on real memory: python -m tests.bench hour, 5 minutes)
	@$(BIN)/python -m tests.bench

crds: setup ## Write crds/ anew from the models
	@$(BIN)/brownout crds --dir crds

# pip-compile writes down every file of a release, whatever the platform; 3.11, the oldest Python that we support, picks
# releases that all of them can install. Nothing in the result names an index: that is the machine's own setting.
LOCK := --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-options \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: can-setup ## Resolve requirements/*.in into requirements/*.txt anew (Python 3.11; UPGRADE=--upgrade for newer versions)
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "locks are made by Python 3.11, the oldest that must install them: make lock PYTHON=python3.11" >&2; exit 1; }
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	'$(PYTHON)' -m venv "$$tools" && \
	"$$tools/bin/python" -m pip install --quiet --require-hashes --requirement requirements/lock.txt && \
	cd requirements && for name in run build lock training dev; do \
	  echo "resolving $$name.in" && \
	  CUSTOM_COMPILE_COMMAND="make lock" "$$tools/bin/pip-compile" $(LOCK) $(UPGRADE) --output-file $$name.txt $$name.in || exit 1; \
	done

clean: ## Remove everything that is made here, .venv included
	@rm -rf .venv build dist bench.json operator/brownout.egg-info .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find operator tests plugins manifests -name __pycache__ -type d -prune -exec rm -rf {} +
