# make demo: restore and enlarge a bundled JPEG.   make test: style, types and tests.   make test-slow: what takes many minutes.
# make wheel: the package, with the networks, in dist/.   make docs: the documentation as a site, in site/.
# All set up .venv first, once; they need python3 and a network to the package index.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DOCS_READY := .venv/docs-ready

.PHONY: demo test lint pytest test-slow docs wheel clean

demo: $(READY)
	@mkdir -p demo
	@$(BIN)/python upscale.py sr_keras/sample/web.jpg --output=demo/web_x4.png --comparison=demo/comparison.png --overwrite

test: lint pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: $(READY)
	$(BIN)/pytest

test-slow: $(READY)
	$(BIN)/pytest -m slow

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit(f"Python 3.10 to 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}; another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[addons,cluster,cpu,datasets,formats,litert,onnx,test,video,web]'
	@touch $@

docs: $(DOCS_READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html"

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

wheel: $(READY)
	rm -rf build
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build demo dist site
