# Needs only python3 and make.  Every target works alone in a clean clone.
B := .venv/bin
UV := $(B)/uv --quiet
PYTHON ?= python3
# A company's own certificate authority is known to the system, not to uv.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif
COMPILE := $(B)/uv --quiet pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-config

.PHONY: demo test test-slow test-clients fuzz lint docs bench lock prices

demo: .venv/.ready
	@$(B)/seatrial demo

# What a user installs: the run time alone.
.venv/.ready: pyproject.toml requirements.lock
	@$(PYTHON) -m venv .venv
	@$(B)/python -m pip install -q --disable-pip-version-check uv
	@$(UV) pip install --python $(B)/python --require-hashes -r requirements.lock
	@$(UV) pip install --python $(B)/python --no-deps -e .
	@touch $@

# The tools of development, on top.
.venv/.dev: .venv/.ready requirements-dev.lock
	@$(UV) pip install --python $(B)/python --require-hashes -r requirements-dev.lock
	@touch $@

# Names, versions and hashes only; UPGRADE=--upgrade takes the newest of all.
# It makes its own tool, so that it works where a lock is missing or stale.
lock:
	@test -x $(B)/uv || { $(PYTHON) -m venv .venv && $(B)/python -m pip install -q --disable-pip-version-check uv; }
	@$(COMPILE) $(UPGRADE) -o requirements.lock
	@$(COMPILE) $(UPGRADE) -c requirements.lock --extra scale --group dev -o requirements-dev.lock
	@$(subst pyproject.toml,tests/clients/requirements.in,$(COMPILE)) $(UPGRADE) -o requirements-clients.lock

test: .venv/.dev
	@$(B)/pytest -q -n 2 tests/rooms --cov --cov-report=term
	@$(B)/pytest -q -n 2 --ignore=tests/rooms

test-slow: .venv/.dev
	@$(B)/pytest -q -m slow

# Other people's clients against a gateway; needs npm for those from Node.
CLIENTS := tests/clients
test-clients: .venv/.dev .venv-clients/.ready $(CLIENTS)/node_modules/.package-lock.json
	@$(B)/python -m tests.clients.run .venv-clients/bin/python $(ONLY)

.venv-clients/.ready: requirements-clients.lock | .venv/.ready
	@$(PYTHON) -m venv .venv-clients
	@$(UV) pip install --python .venv-clients/bin/python --require-hashes -r requirements-clients.lock
	@touch $@

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json
	@cd $(CLIENTS) && npm ci --silent --ignore-scripts
	@touch $@

# Bytes of others against every parser; FUZZ=1000000 for the long run.
FUZZ ?= 10000
fuzz: .venv/.dev
	@$(B)/python -m tests.fuzz.run --runs $(FUZZ) $(ONLY)

lint: .venv/.dev
	@$(B)/ruff check
	@$(B)/ruff format --check
	@$(B)/mypy --strict seatrial
	@$(B)/lint-imports --no-logo
	@$(B)/pytest -q tests/house/test_size.py
	@$(MAKE) --no-print-directory docs

docs: .venv/.dev
	@NO_MKDOCS_2_WARNING=1 $(B)/mkdocs build --quiet --strict

bench: .venv/.dev
	@$(B)/python -m bench

# The price list that is shipped, from the data of the genai-prices that is installed.
prices: .venv/.dev
	@$(B)/python -m seatrial.prices.making
