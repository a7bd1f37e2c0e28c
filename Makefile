# Each target sets up what it needs by itself; `make` lists them.
# Variables: PYTHON=python3.12 chooses the interpreter, ARGS="-k rcc" goes to pytest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help atlas test lint bench soak fuzz lock sbom audit matrix matrix-networks clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := .tools/bin
MATRIX := 3.11 3.12 3.13 3.14
PIP := -m pip --disable-pip-version-check install -qq -c constraints.txt

# Whether an interpreter is new enough, really runs (pyenv puts stand-ins on the path) and can
# make an environment (Debian packs that apart).
USABLE := -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; \
	do printf '  make %-15s %s\n' "$$name" "$$text"; done

atlas: $(INSTALLED) ## Build the demonstration atlas into site/public and print the path to open
	@$(BIN)/python site/fetch.py scenes
	@$(BIN)/python site/scenes.py --or-photographs
	@$(BIN)/python site/masks.py
	@$(BIN)/lamella build site/atlas.toml

test: $(INSTALLED) ## Run all tests, those in the browser included
	@bash tests/install_browser.sh
	@$(BIN)/python site/fetch.py efficientnet_lite0
	@$(BIN)/python -m pytest $(ARGS)

lint: $(INSTALLED) ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(INSTALLED) ## Run the benchmarks; they print ratios
	@$(BIN)/python site/fetch.py efficientnet_lite0
	@$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -q -s $(ARGS)

soak: $(INSTALLED) ## Run the tests that take minutes
	@bash tests/install_browser.sh
	@$(BIN)/python site/fetch.py
	@$(BIN)/python -m pytest -m soak $(ARGS)

fuzz: $(INSTALLED) ## Give every reader of files N damaged ones (N=1000); what fails is kept in fuzz-faults
	@PYTHONPATH=tests $(BIN)/python -m fuzz.fuzz $(or $(N),1000) $(ARGS)

lock: $(TOOLS) ## Write requirements.lock: the pins of constraints.txt with their hashes
	@$(TOOLS)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate \
		--no-header -c constraints.txt --extra analyse --extra test pyproject.toml -o requirements.lock

sbom: $(INSTALLED) $(TOOLS) ## Write build/sbom.json: what is installed, as CycloneDX
	@mkdir -p build
	@$(TOOLS)/cyclonedx-py environment --output-reproducible --of JSON -o build/sbom.json $(VENV)

audit: $(TOOLS) ## Ask for known vulnerabilities of what requirements.lock names (pip-audit)
	@$(TOOLS)/pip-audit -r requirements.lock --require-hashes --disable-pip

$(TOOLS): $(INSTALLED)
	@$(BIN)/python -m venv .tools
	@$(TOOLS)/python $(PIP) uv==0.13.9 cyclonedx-bom==7.5.0 pip-audit==2.10.1

matrix-networks: $(INSTALLED) ## Build a tiny atlas of each of a hundred families of networks
	@cd tests && ../$(BIN)/python -W ignore -m families.families ../site/docs/networks.md

matrix: $(INSTALLED) ## Run the tests, without a browser, on every Python found here
	@$(BIN)/python site/fetch.py
	@for version in $(MATRIX); do \
		if ! python$$version $(USABLE) 2>/dev/null; then \
			echo "python$$version: not here, left out"; continue; fi; \
		echo "python$$version: installing"; \
		python$$version -m venv .matrix/$$version; \
		.matrix/$$version/bin/python $(PIP) torch torchvision; \
		.matrix/$$version/bin/python $(PIP) -e '.[analyse,test]'; \
		.matrix/$$version/bin/python -m pytest -q -m 'not soak and not browser' $(ARGS); \
	done

clean: ## Remove what was built: site/public, site/work, caches (not .venv and the downloads)
	@rm -rf site/public site/public-* site/work site/work-* build dist .matrix .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# torch goes first: asked for by its exact version it comes as one wheel; in a range, pip may
# weigh several builds of some gigabytes against each other.
$(INSTALLED): pyproject.toml constraints.txt
	@if ! $(BIN)/python $(USABLE) 2>/dev/null; then \
		found=; \
		for python in $(PYTHON) $(MATRIX:%=python%) python3 python; do \
			if "$$python" $(USABLE) 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Error: no Python from 3.11 to 3.14 that can make a virtual environment." >&2; \
			echo "  Install one (Debian: apt-get install python3-venv) or say PYTHON=/path/to/python." >&2; \
			exit 1; \
		fi; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing into $(VENV); the first time this loads a few hundred megabytes ..."
	@$(BIN)/python $(PIP) $$(grep -E '^(torch|torchvision)==' constraints.txt)
	@$(BIN)/python $(PIP) -e '.[analyse,test]'
	@touch $@
