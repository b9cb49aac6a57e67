# What a person types. Every target sets up what it needs; CI calls the same ones.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
CHECKPOINT := builder/pagelm_builder/pico/checkpoint
BUILDER := $(shell find builder py_runtime -name '*.py' -o -name '*.mjs' -path 'builder/*')
WEB := $(shell find web -type f)

.PHONY: demo serve site test lint format bench pico setup clean

demo: site  ## build everything and serve it
	$(BIN)/pagelm serve dist --port $(PORT)

serve: demo

site: dist/site.json  ## dist/: the page with the embedded model

test: .venv/.test node_modules/.ready dist/site.json  ## everything that CI runs
	$(BIN)/python tests/browser/chromium.py
	node --test tests/web/
	$(BIN)/pytest

lint: .venv/.test node_modules/.ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && npm run --silent lint

format: .venv/.test node_modules/.ready
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && npm run --silent format

bench: .venv/.test dist/site.json  ## figures, as Markdown
	$(BIN)/python tests/browser/chromium.py
	PYTHONPATH=tests $(BIN)/python -m bench

pico: .venv/.test  ## train the embedded model from scratch, within an hour on two cores
	$(BIN)/python -m pagelm_builder.pico.train

setup: .venv/.test node_modules/.ready

clean:
	rm -rf build dist

build/bundles/pico/manifest.json: $(wildcard $(CHECKPOINT)/*) $(BUILDER) | .venv/.demo
	$(BIN)/pagelm export pico --out $(@D)

dist/site.json: build/bundles/pico/manifest.json $(WEB) $(BUILDER) node_modules/.ready
	$(BIN)/pagelm site build/bundles/pico --out dist
	@touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[build,serve]'
	@touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/.demo
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

node_modules/.ready: package.json package-lock.json
	npm ci --silent
	@touch $@
