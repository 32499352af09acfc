# The supported targets; `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
BENCH ?=
MINUTES ?= 30
SEED ?=

.PHONY: help demo test soak lint bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(VENV)/ready: pyproject.toml constraints.txt .ci/setup-debian
	.ci/setup-debian

demo: $(VENV)/ready ## build a package on a Koji of its own, show it, take everything down
	$(BIN)/koji-adjutant testbed demo

test: $(VENV)/ready ## every test, linters and real containers included; line coverage is printed and enforced
	rm -f .coverage .coverage.* .tests-*
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target .tests-builds .tests-rest
	$(BIN)/coverage combine --quiet .coverage.builds* .coverage.rest*
	$(BIN)/coverage report --fail-under=80

.tests-%: $(VENV)/ready # two parts at once, see tests/parts.py
	COVERAGE_FILE=.coverage.$* $(BIN)/python -m pytest --cov --cov-report= --part=$* --tb=short --durations=25 tests

soak: $(VENV)/ready ## builds and faults for MINUTES, by SEED; fails when anything is lost or left
	$(BIN)/python -m tests.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/ready ## the linters alone
	$(BIN)/python -m pytest tests/test_linters.py tests/test_imports.py

bench: $(VENV)/ready ## measure what is claimed to be fast (BENCH: options of python -m benchmarks)
	$(BIN)/python -m benchmarks $(BENCH)

clean: ## stop the testbed and remove everything that was made here
	[ ! -x $(BIN)/koji-adjutant ] || $(BIN)/koji-adjutant testbed down
	rm -rf $(VENV) .testbed .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache build *.egg-info
