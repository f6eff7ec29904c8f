# One word a job. Needs git, make and Python 3.11 to 3.13 with its venv module; the rest is installed into .venv.

PYTHON ?= python3
PORT ?= 8000
RESET ?=
SIZE ?= 1k
DATABASE ?= sqlite
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Where this is set, each process of a run would compile the sources, and pytest the tests, once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install built demo demo-intranet run test quick proof interop lint format types messages lock bench bench-all wheel screenshots coverage kill-test clean

help:
	@echo "make demo           the portal with demo data at http://127.0.0.1:$(PORT) (RESET=1 starts over)"
	@echo "make demo-intranet  the portal in another site: in its path, its frame, its look, with its sign-in"
	@echo "make test           everything that must hold: checks, SQLite, PostgreSQL, a real browser"
	@echo "make quick          the checks and the fast tests, in a minute or so"
	@echo "make proof          the whole of what make test only samples: kills, made-up histories, windows; up to an hour"
	@echo "make install        the environment alone, in .venv"
	@echo "also: run built interop lint format types messages lock bench bench-all wheel screenshots coverage kill-test clean"

# The environment: the packages to run (.installed) and those to check (.tools). Both come from hashed lock files.

install: built

.venv/.installed: requirements.lock setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Files made from the sources and not committed: compiled catalogs, and the static files for browsers.
built: .venv/.installed
	$(BIN)/python -m tools.catalogs compile
	$(BIN)/python tools/statics.py

.venv/.tools: .venv/.installed requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

lock: .venv/.installed
	$(BIN)/python tools/lock.py

# The portal.

demo: export PORTAL_DEMO = 1
demo: export PORTAL_BASE_URL = http://127.0.0.1:$(PORT)
demo: install
	$(BIN)/portal demo load $(if $(RESET),--reset)
	exec $(BIN)/portal serve --port $(PORT)

# In a made-up company's intranet, with an identity provider: three ports from PORT on (docs/embedding.md).
demo-intranet: built .venv/.tools
	exec $(BIN)/python -m tools.intranet --port $(PORT) $(if $(RESET),--reset)

run: install
	$(BIN)/portal init
	$(BIN)/portal serve --port $(PORT)

# The checks.

test: built .venv/.tools lint types
	$(BIN)/python tools/browser.py
	$(BIN)/pytest -n 2 --dist worksteal

# The tests that a change is likely to break first: no browser, no PostgreSQL, nothing that builds or kills.
quick: built .venv/.tools lint types
	$(BIN)/pytest -n 2 --dist worksteal -m "not browser and not postgres and not long"

# `make test` runs a sample of this: here come many more made-up histories, new ones each time, all of the kills, all
# pages below a path, and on PostgreSQL all cases.
proof: built .venv/.tools kill-test
	$(BIN)/python tools/browser.py
	PORTAL_PROOF_TIMES=20 $(BIN)/pytest -n 2 --dist worksteal tests/proof tests/domain tests/labels tests/test_templating.py tests/guards/test_old_databases.py tests/browser/test_pages.py tests/browser/test_themes.py
	PORTAL_PROOF_PATH=/apps/portal $(BIN)/pytest -n 2 --dist worksteal tests/pages

# Beside real servers of Debian's packages and of npm's, which it installs (tests/interop); as root, in a quarter of an hour.
interop: built .venv/.tools
	$(BIN)/python -m tools.debian
	$(BIN)/python -m tools.npm
	$(BIN)/pytest -n 2 --dist loadfile tests/interop

lint: .venv/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/bandit --quiet --recursive --severity-level medium --configfile pyproject.toml webapp

format: .venv/.tools
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

types: .venv/.tools
	$(BIN)/mypy

coverage: built .venv/.tools
	$(BIN)/coverage run -m pytest -m "not browser"
	$(BIN)/coverage combine
	$(BIN)/coverage report

# Every page beside a floor and two peers: SIZE=1k, 100k or 1m, DATABASE=sqlite or postgresql; docs/performance.md.
bench: built .venv/.tools
	$(BIN)/python -m bench.pages --size $(SIZE) --database $(DATABASE)
	$(BIN)/python -m bench.weight

# Whatever else is measured: planning, sending, imports, changed settings and memory.
bench-all: bench
	$(BIN)/python -m bench.profile --size $(SIZE)
	$(BIN)/python -m bench.imports --database $(DATABASE)
	$(BIN)/python -m bench.settings --database $(DATABASE)
	$(BIN)/python -m bench.run

# 1,000 kills in each mode, on SQLite and on PostgreSQL: docs/reliability.md.
kill-test: built .venv/.tools
	$(BIN)/python -m tools.kill_test

# Made from the sources.

messages: install
	$(BIN)/python -m tools.catalogs update

wheel: install
	rm -rf build
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

screenshots: built .venv/.tools
	$(BIN)/python tools/browser.py
	$(BIN)/python -m tools.screenshots

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
