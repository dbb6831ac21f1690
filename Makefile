# Steeple: `make demo` and `make test` need Python 3.11 or newer, and nothing else.

PYTHON ?= python3
VENV ?= .venv
COVERAGE_FLOOR ?= 85
TEST_WORKERS ?= 2
TIME ?= 60
CORPUS ?= $(HOME)/.cache/steeple/fuzz
TARGET ?=
BUF_VERSION := 1.75.0
SECONDS ?= 60

# A worker that dies fails the run at once: with another in its place, xdist waits for ever for what the dead one had.
WORKERS := -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart=0
TESTS := -m "not train and not gpu and not android and not engines" $(WORKERS)

BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --only-binary=:all:

# pip builds Steeple in an environment of its own; the first variable pins that one too up to pip 25.2, the second after.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python $(PIP_INSTALL) -c constraints.txt

.PHONY: help
help: ## Print this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | \
		while read -r name text; do printf '  make %-20s %s\n' "$$name" "$$text"; done
	@echo "Variables: PYTHON=$(PYTHON) (makes the environment), VENV=$(VENV) (where it lies), TEST_WORKERS=$(TEST_WORKERS) (tests at once)"

.PHONY: demo
demo: $(VENV)/.installed ## Set up what is needed to run, and recognise real photographs
	$(BIN)/steeple demo

.PHONY: test
test: $(VENV)/.installed-dev ## Set up everything and run the tests
	$(BIN)/python -m pytest $(TESTS)

# Measuring makes the tests a quarter slower (Python 3.11), which is why `make test` does without.
.PHONY: coverage
coverage: $(VENV)/.installed-dev ## Run the same tests and see which code they reach, with a floor
	$(BIN)/python -m pytest $(TESTS) --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)

.PHONY: test-engines
test-engines: $(VENV)-engines/.installed ## Set up PostgreSQL, Milvus and an S3 server, and run the tests that need them
	$(VENV)-engines/bin/python -m pytest -m engines $(WORKERS)

.PHONY: history
history: $(VENV)/.installed-dev ## Kill a server while clients work, and check what they saw (SECONDS=600 SEED=1)
	$(BIN)/python -m tests.history run --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(VENV)/.installed-dev ## Check types
	$(BIN)/mypy

.PHONY: imports
imports: $(VENV)/.installed-dev ## Check which part imports which
	$(BIN)/lint-imports --no-cache --no-logo

.PHONY: proto-lint
proto-lint: ## Check the .proto files (needs npm; passes and says so without)
	@if command -v npx >/dev/null; then \
		cd protos && npx --yes --package=@bufbuild/buf@$(BUF_VERSION) buf lint && echo "buf lint: nothing to complain about"; \
	else \
		echo "npm is not installed, so the .proto files were not linted; nothing else needs npm"; \
	fi

.PHONY: proto-breaking
proto-breaking: $(VENV)/.installed-dev ## Check that the contract still is what protos/baseline.binpb says (buf too, where npm is)
	$(BIN)/python -m pytest --quiet tests/protos/test_compatibility.py
	@if command -v npx >/dev/null; then \
		cd protos && npx --yes --package=@bufbuild/buf@$(BUF_VERSION) buf breaking --against baseline.binpb && \
			echo "buf breaking: nothing breaks"; \
	else \
		echo "npm is not installed, so buf was not asked; the test above checks the same numbers, types and names"; \
	fi

.PHONY: proto-baseline
proto-baseline: $(VENV)/.installed-dev ## Make protos/baseline.binpb of the contract as it is (with a release, and only then)
	$(BIN)/python -m grpc_tools.protoc -I protos --include_imports --descriptor_set_out=protos/baseline.binpb protos/steeple/v1/*.proto

.PHONY: deploy-lint
deploy-lint: $(VENV)-deploy/.installed ## Check the files in deploy/ (parts need systemd-analyze, promtool, kustomize; says so without)
	$(VENV)-deploy/bin/hadolint deploy/Containerfile
	$(VENV)-deploy/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml deploy/compose-scaled.yaml
	$(VENV)-deploy/bin/python tools/lint_manifests.py deploy/kubernetes
	$(VENV)-deploy/bin/envoy --mode validate --log-level error --config-path deploy/envoy/envoy.yaml
	@if command -v promtool >/dev/null; then promtool check config deploy/prometheus.yaml deploy/prometheus-scaled.yaml; else \
		echo "promtool is not installed, so Prometheus was not asked about its files; tests check what they name"; fi
	sh tools/verify_unit.sh deploy/steeple.service

.PHONY: staleness
staleness: $(VENV)/.installed-dev ## Check that generated code is what its sources make
	$(BIN)/python -m pytest --quiet tests/protos/test_stubs.py
	$(BIN)/python tools/generate_sync_client.py --check
	$(BIN)/python tools/write_capacity_page.py --check

.PHONY: capacity-page
capacity-page: $(VENV)/.installed-dev ## Write the tables and the figure of docs/server/capacity.md from the measured figures
	$(BIN)/python tools/write_capacity_page.py

.PHONY: generate
generate: $(VENV)/.installed-dev ## Generate the synchronous client from the asynchronous one
	$(BIN)/python tools/generate_sync_client.py

.PHONY: protos
protos: $(VENV)-protos/.installed ## Generate the stubs from the .proto files (needs Python 3.11 or 3.12)
	PYTHON="$(CURDIR)/$(VENV)-protos/bin/python" sh tools/generate_protos.sh

.PHONY: test-train
test-train: $(VENV)-train/.installed ## Set up TensorFlow and run the tests that need it (needs Python 3.11 to 3.13)
	$(VENV)-train/bin/python -m pytest -m train

# FAISS for GPUs and FAISS for the processor are one module, so each has an environment.
.PHONY: test-gpu
test-gpu: $(VENV)-gpu/.installed ## Set up FAISS for GPUs and run the tests that need one (needs an NVIDIA GPU)
	$(VENV)-gpu/bin/python -m pytest -m gpu

# atheris has wheels for Python 3.11 to 3.13 only.
.PHONY: fuzz
fuzz: $(VENV)-fuzz/.installed ## Fuzz each target for TIME=60 seconds, guided by coverage (TARGET=image: only that one; CORPUS: a folder)
	PYTHONPATH=. $(VENV)-fuzz/bin/python -m tests.fuzz.long_run --time $(TIME) --corpus "$(CORPUS)" $(TARGET)

# Steeple's own metadata asks for a newer numpy than tflite-runtime bears, hence the path instead of an installation.
.PHONY: test-tflite-runtime
test-tflite-runtime: $(VENV)/.installed-dev $(VENV)-tflite-runtime/.installed ## Compare LiteRT with tflite-runtime 2.14 (needs Python 3.11)
	PYTHONPATH=protos:models $(VENV)-tflite-runtime/bin/python tests/delf/runtime_parity.py dump $(VENV)-tflite-runtime/old.npz
	$(BIN)/python tests/delf/runtime_parity.py dump $(VENV)-tflite-runtime/new.npz
	$(BIN)/python tests/delf/runtime_parity.py compare $(VENV)-tflite-runtime/old.npz $(VENV)-tflite-runtime/new.npz

.PHONY: android-stage
android-stage: $(VENV)/.created ## Assemble what goes into the Android app, in build/android
	$(BIN)/python tools/stage_android.py

# What a phone has, on a desktop: see tools/requirements/android.txt.
.PHONY: test-android
test-android: $(VENV)/.installed-dev $(VENV)-android/.installed ## Run the staged Android app with a phone's gRPC, TFLite and recipes (needs Python 3.11)
	STEEPLE_PHONE_PYTHON="$(CURDIR)/$(VENV)-android/bin/python" $(BIN)/python -m pytest -m android tests/app/android

.PHONY: constraints
constraints: $(VENV)-lock/.installed ## Lock the dependencies of all extras anew
	$(VENV)-lock/bin/uv --no-config pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--only-binary :all: --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make constraints" \
		--output-file constraints.txt pyproject.toml tools/requirements/build.txt

.PHONY: clean
clean: ## Remove environments, caches and what was built
	rm -rf $(VENV) $(VENV)-protos $(VENV)-tflite-runtime $(VENV)-android $(VENV)-train $(VENV)-gpu $(VENV)-engines $(VENV)-deploy $(VENV)-fuzz $(VENV)-lock build dist demo htmlcov .coverage .coverage.*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find protos models server client tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments. A stamp is written last, so that what was interrupted is done again.

$(VENV)/.created:
	@python=$$(sh tools/find_python.sh 3.11 - "$(PYTHON)") && echo "$$python -m venv $(VENV)" && "$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) -e '.[client,server,cpu]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) -e '.[client,server,cpu,tracing,dev]'
	@touch $@

$(VENV)-protos/.installed: tools/requirements/protos.txt
	@python=$$(sh tools/find_python.sh 3.11 3.12 "$(PYTHON)" python3.12 python3.11) && "$$python" -m venv --clear $(VENV)-protos
	$(VENV)-protos/bin/python $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)-deploy/.installed: tools/requirements/deploy.txt
	@python=$$(sh tools/find_python.sh 3.11 - "$(PYTHON)") && "$$python" -m venv --clear $(VENV)-deploy
	$(VENV)-deploy/bin/python $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)-fuzz/.installed: pyproject.toml constraints.txt tools/requirements/fuzz.txt
	@python=$$(sh tools/find_python.sh 3.11 3.13 "$(PYTHON)" python3.13 python3.12 python3.11) && "$$python" -m venv --clear $(VENV)-fuzz
	$(subst $(BIN),$(VENV)-fuzz/bin,$(INSTALL)) -e '.[client,server,cpu]' -r tools/requirements/fuzz.txt
	@touch $@

$(VENV)-tflite-runtime/.installed: tools/requirements/tflite-runtime.txt
	@python=$$(sh tools/find_python.sh 3.11 3.11 "$(PYTHON)" python3.11) && "$$python" -m venv --clear $(VENV)-tflite-runtime
	$(VENV)-tflite-runtime/bin/python $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)-android/.installed: tools/requirements/android.txt tools/requirements/tflite-runtime.txt
	@python=$$(sh tools/find_python.sh 3.11 3.11 "$(PYTHON)" python3.11) && "$$python" -m venv --clear $(VENV)-android
	$(VENV)-android/bin/python $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)-train/.installed: pyproject.toml constraints.txt
	@python=$$(sh tools/find_python.sh 3.11 3.13 "$(PYTHON)" python3.13 python3.12 python3.11) && "$$python" -m venv --clear $(VENV)-train
	$(subst $(BIN),$(VENV)-train/bin,$(INSTALL)) -e '.[client,server,cpu,tracing,train,dev]'
	@touch $@

$(VENV)-gpu/.installed: pyproject.toml constraints.txt
	@python=$$(sh tools/find_python.sh 3.11 - "$(PYTHON)") && "$$python" -m venv --clear $(VENV)-gpu
	$(subst $(BIN),$(VENV)-gpu/bin,$(INSTALL)) -e '.[client,server,gpu,tracing,dev]'
	@touch $@

$(VENV)-engines/.installed: pyproject.toml constraints.txt
	@python=$$(sh tools/find_python.sh 3.11 - "$(PYTHON)") && "$$python" -m venv --clear $(VENV)-engines
	$(subst $(BIN),$(VENV)-engines/bin,$(INSTALL)) -e '.[client,server,cpu,tracing,dev,engines]'
	@touch $@

$(VENV)-lock/.installed: tools/requirements/lock.txt
	@python=$$(sh tools/find_python.sh 3.11 - "$(PYTHON)") && "$$python" -m venv --clear $(VENV)-lock
	$(VENV)-lock/bin/python $(PIP_INSTALL) -r $<
	@touch $@
