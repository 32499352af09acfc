# The supported targets; `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
BENCH ?=
MINUTES ?= 30
SEED ?=
ONLY ?=
DRAWS ?= 2000
# Of the tests, on two processors: a quarter of the time of two is waiting.
WORKERS ?= 3

PYTEST := .ci/quick-disk $(BIN)/python -m pytest --dist=loadfile --no-loadscope-reorder

.PHONY: help demo platforms core test quick coverage soak oracle dnf5 lint bench man srpm clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(VENV)/ready: pyproject.toml constraints.txt .ci/setup-debian
	.ci/setup-debian

demo: $(VENV)/ready ## build a package on a Koji of its own, show it, take everything down
	$(BIN)/koji-adjutant testbed demo

platforms: $(VENV)/ready ## what has to work on other hosts than this: ONLY=B one of them, docs/platforms.md all
	$(BIN)/python -m tests.platforms $(if $(ONLY),--only $(ONLY))

test: $(VENV)/ready ## every test, linters and real containers included; a part of them over its budget fails
	$(PYTEST) --numprocesses=$(WORKERS) --budgets --tb=short --durations=25 tests

core: $(VENV)/ready ## what runs on every platform, some minutes; MORE=--without-limits where podman has none
	$(PYTEST) --numprocesses=$(WORKERS) --tb=short -m core $(MORE) tests

quick: $(VENV)/ready ## linters, units, the contract suite on the fake, one build: a few minutes
	$(PYTEST) --numprocesses=4 --quick tests

coverage: $(VENV)/ready ## as `make test`, with line coverage, which is printed and has to be 80 %
	rm -f .coverage .coverage.*
	$(PYTEST) --numprocesses=$(WORKERS) --cov --cov-report=term --cov-fail-under=80 --tb=short tests

soak: $(VENV)/ready ## builds and faults for MINUTES, by SEED; fails when anything is lost or left
	$(BIN)/python -m tests.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

oracle: $(VENV)/ready ## DRAWS BuildRequires from SEED on, solved by dnf's own builddep and by the solver
	.ci/quick-disk $(BIN)/python -m pytest -s --timeout=0 --oracle-draws=$(DRAWS) --oracle-seed=$(or $(SEED),1) \
		tests/integration/requirements/test_oracle.py

dnf5: $(VENV)/ready ## the same for dnf 5, and builds with it: in a task image of Debian testing
	.ci/quick-disk $(BIN)/python -m pytest -s --timeout=0 --oracle-draws=$(DRAWS) --oracle-seed=$(or $(SEED),1) \
		--distribution=testing -m distribution tests/integration/requirements

lint: $(VENV)/ready ## the linters alone
	$(BIN)/python -m pytest tests/test_linters.py tests/test_imports.py

bench: $(VENV)/ready ## measure what is claimed to be fast (BENCH: options of python -m benchmarks)
	$(BIN)/python -m benchmarks $(BENCH)

man: $(VENV)/ready ## manual pages and completion, into build/share
	$(BIN)/python -m release documents build/share

srpm: $(VENV)/ready ## the source package of this tree, into dist
	$(BIN)/python -m release srpm dist

clean: ## stop the testbed and remove everything that was made here
	[ ! -x $(BIN)/koji-adjutant ] || $(BIN)/koji-adjutant testbed down
	rm -rf $(VENV) .testbed .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache build *.egg-info
