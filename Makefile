# One word each; `make` alone lists them. Every target sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two processes suit two cores; a browser test each is what memory allows.
TEST_WORKERS ?= 2
ARGS ?=

.PHONY: help setup demo build serve up run schedule retrain score report test test-fast test-browser lint fix screenshots dictionary bench clean browser

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@bash scripts/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

setup: $(STAMP) ## make .venv with the pinned packages

browser: ## install Chromium and its driver where they are missing (Debian, as root)
	@bash scripts/browser.sh

run: $(STAMP) ## set everything up, make demo data when there is none, open the app on 127.0.0.1:8050
	@$(BIN)/clv up $(ARGS)

up: run

demo: $(STAMP) ## write the synthetic shop into data/raw
	@$(BIN)/clv demo $(ARGS)

build: $(STAMP) ## land new files and publish a build
	@$(BIN)/clv ingest && $(BIN)/clv build $(ARGS)

serve: $(STAMP) ## only the web app
	@$(BIN)/clv serve $(ARGS)

schedule: $(STAMP) ## only the scheduler
	@$(BIN)/clv worker $(ARGS)

retrain: $(STAMP) ## train a challenger, and promote it when it is better
	@$(BIN)/clv train $(ARGS)

score: $(STAMP) ## score every customer with the champion
	@$(BIN)/clv score $(ARGS)

report: $(STAMP) ## write the reports of the published build as PDF
	@$(BIN)/clv report $(ARGS)

test: $(STAMP) browser ## all tests
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

test-fast: $(STAMP) ## the tests that need no browser
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal -m "not browser" $(ARGS)

test-browser: $(STAMP) browser ## the tests in a real Chromium
	@$(BIN)/pytest -m browser $(ARGS)

lint: $(STAMP) ## ruff, mypy, import rules, SQL layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfmt --check sql --quiet

fix: $(STAMP) ## let ruff and sqlfmt put things right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfmt sql --quiet

screenshots: $(STAMP) browser ## draw every page, both themes, into docs/pictures
	@$(BIN)/python scripts/screenshots.py $(ARGS)

dictionary: $(STAMP) ## write docs/data-dictionary.md from the SQL files
	@$(BIN)/python scripts/dictionary.py $(ARGS)

bench: $(STAMP) ## list the benchmarks and how to run them
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what was made, but not data/
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
