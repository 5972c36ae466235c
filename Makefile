# Meridian. `make run` is all it takes; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test lint bench fuzz soak clean tools
.DELETE_ON_ERROR:

HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= .data
HOURS ?= 1
BENCH_SECONDS ?= 60
# how many processes share the Python tests, each with servers of its own; servers that were named are one, and so are they
WORKERS ?= $(if $(DATABASE_URL)$(REDIS_URL),0,2)
# the newest Python the packages are pinned for, unless PYTHON names one
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
PY := .venv/bin/python

STAMPS := .venv/stamps
PACKAGES := $(STAMPS)/packages
TOOLS := $(STAMPS)/tools
EXTENSION := $(STAMPS)/extension
FRONT := node_modules/.stamp
STATIC := build/.stamp

# What a machine may lack, each told in a sentence before anything fails for it.
NEED_PLACE = [ -w . ] || { echo "$(CURDIR) cannot be written, and the build puts .venv and build/ there. Clone it where you may write."; exit 1; }
NEED_PYTHON = "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  || { echo "Meridian needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv python3-dev"; exit 1; }
NEED_COMPILER = command -v "$${CC:-cc}" >/dev/null 2>&1 \
  || { echo "No C compiler ($${CC:-cc}) was found, and the core is C. On Debian: apt-get install gcc"; exit 1; }; \
  $(PY) -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' \
  || { echo "Python's C headers (Python.h) were not found. On Debian: apt-get install python3-dev"; exit 1; }
NEED_NPM = command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 \
  || { echo "npm was not found; it fetches the chart library and the font. On Debian: apt-get install npm"; exit 1; }

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##\(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: build  ## build what is missing, start everything, print the address (PORT=8000 DATA=.data HOST=127.0.0.1)
	@exec $(PY) manage.py up --host $(HOST) --port $(PORT) --data $(DATA)

build: $(PACKAGES) $(EXTENSION) $(STATIC)  ## everything `make run` needs, without starting it

$(PACKAGES): requirements.txt
	@$(NEED_PLACE)
	@$(NEED_PYTHON)
	@echo "Python packages into .venv, from requirements.txt; the first time this takes a minute"
	@[ -x $(PY) ] || $(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "Python could not make its environment. On Debian: apt-get install python3-venv"; exit 1; }
	@$(PY) -m pip install --disable-pip-version-check --progress-bar off -r requirements.txt \
	  | sed -u -n -e 's/^Collecting \([^ ]*\).*/    \1/p' -e 's/^Installing collected.*/    installing/p' \
	  || { echo "The Python packages could not be installed; the reason is above. Is there a way to the package index?"; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(TOOLS): tests/requirements.txt $(PACKAGES)
	@echo "Test tools into .venv, from tests/requirements.txt"
	@$(PY) -m pip install --disable-pip-version-check --progress-bar off -q -r tests/requirements.txt \
	  || { echo "The test tools could not be installed; the reason is above."; exit 1; }
	@touch $@

# One command builds every source: the whole core is one extension.
$(EXTENSION): setup.py $(wildcard orders/core/*.[ch] orders/benchmark/*.[ch] orders/edge/*.[ch]) $(PACKAGES)
	@$(NEED_COMPILER)
	@echo "C extensions orders._core and orders._edge"
	@$(PY) setup.py -q build_ext --inplace || { echo "The C extension did not compile; the reason is above."; exit 1; }
	@touch $@

$(FRONT): package.json package-lock.json
	@$(NEED_NPM)
	@echo "Front-end packages"
	@npm ci --no-audit --no-fund --loglevel=error >/dev/null \
	  || { echo "npm could not fetch the front-end packages; the reason is above."; exit 1; }
	@touch $@

$(STATIC): $(PACKAGES) $(FRONT) $(shell find static -type f 2>/dev/null)
	@echo "Static files"
	@mkdir -p build
	@$(PY) manage.py collectstatic --noinput --clear --verbosity 0
	@touch $@

tools: build $(TOOLS)

lint: tools  ## style and types: ruff, mypy, the layers, clang-format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/clang-format --dry-run -Werror $(wildcard orders/core/*.[ch] orders/benchmark/*.[ch] orders/edge/*.[ch] tests/core/*.[ch])

# The browser's tests last and by themselves: their driver keeps an event loop running that others would trip over.
test: lint  ## everything that must pass before a change lands: C, Python, browser
	@$(MAKE) -s -j2 -C tests/core run
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --ignore=tests/browser
	@$(PY) -m pytest tests/browser

# The streams are made once: the same bytes everywhere.
STREAMS := $(addprefix build/streams/,s1 s64 s-wide s-drift s-many)
build/streams/s1: SHAPE := --symbols 1 --target 5000 --seed 42
build/streams/s64: SHAPE := --symbols 64 --target 2000 --seed 43
build/streams/s-wide: SHAPE := --symbols 1 --target 5000 --seed 5 --commands 500000 --distance 4000 --step 400 --start 3000000
build/streams/s-drift: SHAPE := --symbols 1 --target 5000 --seed 9 --commands 500000 --distance 2000 --step 20000 --start 20000000
build/streams/s-many: SHAPE := --symbols 2000 --target 50 --seed 6 --commands 500000
$(STREAMS): orders/benchmark/generate.py $(PACKAGES)
	@echo "Command stream $(@F)" && mkdir -p build/streams
	@$(PY) -m orders.benchmark.generate $@ $(SHAPE)

bench: build $(STREAMS)  ## every benchmark against its limits and its peers; prints ratios, writes JSON
	@$(PY) -m orders.benchmark.suite $(STREAMS)
	@$(PY) -m orders.benchmark.path.suite --seconds $(BENCH_SECONDS)
	@$(PY) -m terminal.benchmark.fanout
	@$(PY) -m terminal.benchmark.markets

fuzz: tools  ## the core's fuzzer and the property tests, for long
	@$(MAKE) -s -C tests/core fuzz ROUNDS=10000000
	@HYPOTHESIS_PROFILE=long $(PY) -m pytest --timeout 0 -k "property or oracle or fuzz or binding"

soak: tools  ## the long forms of the bounded tests (HOURS=1)
	@SOAK_HOURS=$(HOURS) $(PY) -m pytest -m soak

clean:  ## remove what was built; keeps DATA
	@rm -rf .venv node_modules build orders/_core*.so orders/_edge*.so
