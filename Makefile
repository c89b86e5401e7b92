# The two commands a newcomer needs are `make demo` and `make test`; `make help` lists the rest.
# Everything is installed below .venv and .greenlane; delete both to start afresh.

PYTHON ?= python3
BIN := .venv/bin
BOOTSTRAP := .greenlane/bootstrap
TOXIPROXY := .greenlane/bin/toxiproxy
GO ?= $(or $(shell command -v go 2>/dev/null),/usr/local/go/bin/go)
UV := $(or $(shell command -v uv 2>/dev/null),$(BOOTSTRAP)/bin/uv)
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# a process that finds no bytecode compiles every module it imports: 5.7 s of CPU instead of 2.2 s at each start
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo up test test-python313 test-nightly method-adversary method-audit simulate-truth bench-method bench-webhooks bench-gateway bench-streams bench-year bench-closing bench-scale bench-csv cli-start image mutation faults-streams faults-webhooks faults-publishing faults-tenants faults alerts check lint format schemas asyncapi-html lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: .venv/.embedded ## real Kafka, PostgreSQL and every service on real input; ONCE=1 checks the result and exits
	@$(BIN)/greenlane demo $(if $(ONCE),--once)

test: .venv/.dev ## the whole suite: unit, then integration on real Kafka and PostgreSQL, three files at a time
	@$(BIN)/pytest tests/unit --numprocesses 2
	@$(BIN)/pytest tests/integration --numprocesses 3 --dist loadfile

test-python313: .venv/.dev ## the whole suite on Python 3.13, in the root file system of the image's base; needs root and buildah
	@tests/image/python313.sh

test-nightly: .venv/.dev ## the properties of method and account with 10,000 examples each
	@$(BIN)/pytest --numprocesses 2 --timeout=0 --hypothesis-profile=nightly --hypothesis-show-statistics tests/unit/methodology/test_properties*.py tests/unit/accounts/test_aggregator_model*.py

method-adversary: .venv/.dev ## what a lie or a silence buys, as one JSON object; LIES=write renews the document's table
	@$(BIN)/python -m tests.adversary $(LIES)

method-audit: .venv/.dev ## the method beside a second implementation from its document, as one JSON object
	@$(BIN)/python -m tests.audit

simulate-truth: .venv/.dev ## a simulated marketplace through the real pipeline, beside the simulator's own truth; SELLERS=1000 EVENTS=1000000
	@SELLERS=$(SELLERS) EVENTS=$(EVENTS) SEED=$(SEED) BREAK=$(BREAK) $(BIN)/python -m tests.truth

bench-method: .venv/.dev ## records a second on one core, and beside method 1.0.0 out of the history, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_method

bench-csv: .venv/.dev ## `import csv` on a large table: rows a second and memory, as one JSON object; ROWS=1000000
	@ROWS=$(or $(ROWS),200000) $(BIN)/python tests/benchmarks/bench_csv.py

cli-start: .venv/.dev ## processor time of `greenlane --help` and `--version`, as one JSON object
	@$(BIN)/python -m tests.benchmarks.cli_start

image: .venv/.dev ## build the image without a container engine, start every service from it, count what arrives
	@deploy/build_image.sh
	@$(BIN)/python -m tests.image localhost/greenlane:$$($(BIN)/greenlane --version | cut -d" " -f2)

mutation: .venv/.mutation ## mutants of methodology/ that the unit tests kill; takes minutes
	@nice -n 19 $(BIN)/python tests/mutation/run.py

check: lint test ## what the continuous integration runs

lint: .venv/.dev ## formatting, lint rules and types; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: .venv/.dev ## put the code in the house's form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schemas: .venv/.dev ## render schemas/ from the models
	@$(BIN)/greenlane schemas

ASYNCAPI := .greenlane/asyncapi
asyncapi-html: .venv/.dev ## schemas/asyncapi.json as one HTML page, .greenlane/asyncapi/index.html; needs npm
	@mkdir -p $(ASYNCAPI) && cd $(ASYNCAPI) && npm pack --silent @asyncapi/react-component@3.2.1 >/dev/null
	@$(BIN)/python deploy/asyncapi_html.py $(ASYNCAPI)/asyncapi-react-component-3.2.1.tgz $(ASYNCAPI)/index.html

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11

lock: $(UV) ## resolve the dependencies again, with hashes
	@$(COMPILE) --group pyproject.toml:build -o requirements/build.txt
	@$(COMPILE) pyproject.toml --extra disk --extra mysql -o requirements/runtime.txt
	@$(COMPILE) pyproject.toml --extra embedded --group build -o requirements/embedded.txt
	@$(COMPILE) pyproject.toml --extra embedded --extra disk --extra mysql --group build --group dev -o requirements/dev.txt

clean: ## remove what the commands made
	@rm -rf .venv .greenlane .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.embedded: requirements/embedded.txt pyproject.toml | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python '>=3.11' .venv
	@echo "Installing the packages into .venv; the first time takes a minute or two"
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements/embedded.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q services/greenlane
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.embedded
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.mutation: pyproject.toml .venv/.dev
	@$(UV) pip install --quiet --python .venv --group pyproject.toml:mutation
	@touch $@

$(BOOTSTRAP)/bin/uv:
	@echo "uv is not installed; putting it into $(BOOTSTRAP)"
	@$(PYTHON) -m venv $(BOOTSTRAP) && $(BOOTSTRAP)/bin/pip install --quiet uv \
		|| { echo "could not install uv: Python >= 3.11 with venv and a network are needed"; exit 2; }

up: .venv/.embedded ## Kafka, PostgreSQL and every service until Ctrl-C
	@$(BIN)/greenlane up

faults-streams: .venv/.dev ## seeded kills of every process under load and the proof that nothing changed; KILLS=200 SEED=n
	@KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m tests.faults.streams

faults: .venv/.dev $(TOXIPROXY) ## every other fault, one by one, and every rule broken on purpose (half an hour)
	@$(BIN)/pytest -m faults tests/faults

$(TOXIPROXY):
	@command -v $(GO) >/dev/null || { echo "make faults needs a network that fails: install Go, or name it in GO="; exit 2; }
	@GOBIN=$(CURDIR)/.greenlane/toxiproxy $(GO) install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
	@mkdir -p $(@D) && mv .greenlane/toxiproxy/server $@

bench-webhooks: .venv/.dev ## webhooks a second on one core, first bytes, and healthy endpoints while others hang, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_webhooks

bench-gateway: .venv/.dev ## events a second through the gateway, latency, a flooding tenant, memory, and the SDK beside it, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_gateway $(PARTS)

faults-webhooks: .venv/.dev ## kill -9 at eight points between intake and outcome, outages, a frozen dispatcher; KILLS=160
	@KILLS=$(KILLS) $(BIN)/python -m tests.faults.webhooks

faults-publishing: .venv/.dev $(TOXIPROXY) ## seeded kills and cuts on every road in, and the proof that nothing was lost; KILLS=1000 SEED=n
	@KILLS=$(KILLS) SEED=$(SEED) BROKEN=$(BROKEN) $(BIN)/python -m tests.faults.publishing

faults-tenants: .venv/.dev ## one marketplace does everything it can against three others; MINUTES=4 RATE=200
	@MINUTES=$(MINUTES) RATE=$(RATE) $(BIN)/python -m tests.faults.tenants

bench-streams: .venv/.bench ## streams beside Faust, quixstreams and bare loops; ARGS="--seconds 300" runs long, PLOT=FILE.json draws there
	@UV="$(UV)" $(BIN)/python -m tests.benchmarks.bench_streams --json $(or $(PLOT),.greenlane/bench/streams.json) $(ARGS)

bench-year: .venv/.bench ## a simulated year of accounts on disk: speed and memory by quarter, restarts, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_year $(ARGS)

bench-closing: .venv/.bench ## a day of 320,000 sellers is closed: memory and the longest stall, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_closing $(ARGS)

bench-scale: .venv/.bench ## scorer and aggregator over 1, 4 and 16 partitions with one worker and two, as one JSON object
	@$(BIN)/python -m tests.benchmarks.bench_scale $(ARGS)

alerts: .venv/.dev ## an idle hour beside a real Prometheus, and each alert provoked and cleared; MINUTES=n for a shorter one
	@MINUTES=$(MINUTES) PARTS=$(PARTS) $(BIN)/python -m tests.faults.alerts

.venv/.bench: .venv/.dev pyproject.toml
	@$(UV) pip install --quiet --python .venv --group bench
	@touch $@
