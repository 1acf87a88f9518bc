# Every target sets up what it needs in .venv first. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test faults lint golden coverage peer-test bench bench-compare wheel-test licences constraints clean

PYTHON ?=
export PYTHON
BIN := .venv/bin
# Whoever has nothing left to do takes over what others have not begun.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: ## set up, then show the main job on a copy of sample-repo in .demo
	@.ci/setup runtime
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh sample-repo/demo.sh

test: ## set up, then run all tests (ARGS="-k merge" for a part)
	@.ci/setup test
	$(PYTEST) -rs $(ARGS)

faults: ## run every test of a fault, with the sweeps that `make test` leaves out (ARGS="-m sweep" for these alone)
	@.ci/setup test
	$(PYTEST) -rs -m "fault or sweep" $(ARGS)

lint: ## ruff, mypy, pyright and the import contracts
	@.ci/setup dev
	@.ci/lint

golden: ## write golden files and recorded sessions again, to be read in `git diff`
	@.ci/setup test
	$(BIN)/python -m tests.golden.update
	$(BIN)/python -m tests.sessions.update

coverage: ## run the tests and report what they do not reach
	@.ci/setup test
	$(PYTEST) --cov --cov-report=term-missing:skip-covered $(ARGS)

peer-test: ## the tests that compare with other programs, of which the PATH has as many as it has
	@.ci/setup test
	$(PYTEST) -rs -m peer $(ARGS) $$(grep -rlw --include='*.py' peer tests)

bench: ## measure everything beside other programs, into .bench/report.md (ARGS=--full for 1,000,000 keys)
	@.ci/setup test
	@$(BIN)/python benchmarks/report.py $(ARGS)

bench-compare: ## measure this checkout beside another revision (BASE=main, ARGS="--keys 100000")
	@.ci/setup test
	@$(BIN)/python benchmarks/compare.py $(or $(BASE),$(error name a revision: make bench-compare BASE=main)) $(ARGS)

wheel-test: ## build the sdist and the wheel, and test the installed wheel alone (ARGS=tests for every test)
	@.ci/setup test
	@.ci/wheel-test $(ARGS)

licences: ## check the licence of everything that is installed with llmcfg
	@.ci/setup test
	@$(BIN)/python .ci/licences.py

constraints: ## resolve the newest allowed versions and write constraints.txt
	@.ci/refresh-constraints

clean: ## remove everything that was made here
	rm -rf .venv .demo .bench build dist .coverage* htmlcov .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find core cli tests -name __pycache__ -type d -prune -exec rm -rf {} +
