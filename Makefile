# Everything a checkout needs. `make demo` and `make test` do all the set-up: Python 3.11 or later, make and git are enough.
#
#   PYTHON=python3.12 make test        another interpreter (the environment is made anew when it differs)
#   make test TESTS=tests/unit         some tests only;  PYTEST="-k lease -x" adds options
#   VENV=/tmp/venv make check          an environment elsewhere

VENV ?= .venv
TESTS ?= tests
PYTEST ?=
WORKERS ?= auto
BENCH ?=
SEEDS ?=
FROM ?= 0
CELLS ?=
RESULTS ?= .crash-matrix.jsonl
RUNS ?= 100000
SECONDS ?=

BIN := $(VENV)/bin
MADE := $(VENV)/.made
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
LOCK_TOOL := .venv-lock
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CHECKED := runner storage server tests benchmarks examples .ci

# What is measured and tested is what users have: modules compiled once, not at each start.
unexport PYTHONDONTWRITEBYTECODE

# An interpreter asked for by name rules; an environment made with another one is made anew.
ifdef PYTHON
VERSION_OF = $(shell $(1) -c 'import sys; print(sys.version)' 2>/dev/null)
ifneq ($(call VERSION_OF,$(PYTHON)),$(call VERSION_OF,$(BIN)/python))
$(shell rm -f $(MADE) $(LOCKED) $(READY))
endif
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench simulate crash-matrix multitude fuzz writers lock clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: $(READY) ## the main job on this machine, start to end, in a home of its own under .demo/
	@$(BIN)/python examples/demo.py

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST) $(TESTS)

check: $(READY) ## lint, format, types, and which room may import which
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(READY) ## all benchmarks, as JSON lines and a table; BENCH="idle throughput" for some
	$(BIN)/python benchmarks $(BENCH)

simulate: $(READY) ## simulated servers, workers and networks: SEEDS=1000 FROM=0, each seed another story
	cd tests && $(abspath $(BIN))/python -m simulation --seeds $(or $(SEEDS),1000) --from $(FROM)

crash-matrix: $(READY) ## real processes killed, stopped and starved at named points: SEEDS=20 CELLS="kill daemon"; continues what RESULTS holds, then the table
	cd tests && $(abspath $(BIN))/python -m crash --seeds $(or $(SEEDS),1) --from $(FROM) --only "$(CELLS)" --results $(abspath $(RESULTS))

multitude: $(READY) ## RUNS=100000 runs through four workers that are killed at random, then a multiset check
	cd tests && $(abspath $(BIN))/python -m crash.multitude --runs $(RUNS)

fuzz: $(READY) ## requests made from the API's own description: SECONDS=600 on each kind of database
	FLOWHAND_TEST_FUZZ_SECONDS=$(or $(SECONDS),600) $(BIN)/python -m pytest tests/system/test_schemathesis.py

writers: $(READY) ## 16 writers against a server that is killed again and again: SECONDS=300 DATABASE=sqlite, then every acknowledged write is looked for
	cd tests && $(abspath $(BIN))/python -m crash.writers --seconds $(or $(SECONDS),300) --database $(or $(DATABASE),sqlite)

lock: $(LOCK_TOOL)/bin/uv ## resolves the dependencies anew into requirements.lock
	@$(LOCK_TOOL)/bin/python .ci/lock.py $(LOCK_TOOL)/bin/uv

clean: ## removes what the targets above made
	rm -rf .venv .venv-* .demo build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find runner storage server tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ------------------------------------------------------------------------------------------------------------------

$(MADE):
	@PYTHON="$(PYTHON)" sh .ci/make-venv $(VENV)
	@touch $@

# --no-compile: what is never imported need not be compiled, which is most of it.
$(LOCKED): requirements.lock | $(MADE)
	@echo "Installing what requirements.lock names into $(VENV) (once; a minute or two)"
	@$(PIP) install --no-compile --prefer-binary --require-hashes -r requirements.lock
	@touch $@

# --no-build-isolation: the build backend is in the lock as well, so nothing is fetched without a hash.
$(READY): pyproject.toml $(LOCKED)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(LOCK_TOOL)/bin/uv:
	@PYTHON="$(PYTHON)" sh .ci/make-venv $(LOCK_TOOL)
	@$(LOCK_TOOL)/bin/python -m pip --disable-pip-version-check --quiet install uv
