# check = lint, types, layers, fast tests, in under a minute; test = everything, with the lab.
PY ?= .venv/bin/python
BIN := .venv/bin
WORKERS ?= $(shell $(PY) -c 'import os; print(os.cpu_count() + 1)')  # some tests wait
export PYTHONDONTWRITEBYTECODE =  # what is compiled once is kept

.PHONY: venv check lint types layers fast test demo demo-lab lab crds bench soak

venv: .venv/.done
.venv/.done: pyproject.toml
	python3.11 -m venv .venv
	$(BIN)/pip install -q -U pip
	$(BIN)/pip install -q -e '.[dev,lab]'
	touch $@

check: venv lint types layers fast

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

layers: venv
	$(BIN)/lint-imports

fast: venv
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not lab and not oracle and not git"

test: venv
	$(PY) -m tests.stages

crds: venv
	$(PY) -m crds.emit

lab: venv
	$(PY) -m tests.lab build

# Python 3.11, git and make are all it takes: an environment of its own, without the tools and the lab.
demo: .venv-demo/.done
	@.venv-demo/bin/tidegate demo $(if $(KEEP),--keep)
.venv-demo/.done: pyproject.toml
	python3.11 -m venv .venv-demo
	.venv-demo/bin/pip install -q --disable-pip-version-check -e '.[applications]'
	touch $@

demo-lab: venv
	$(PY) -m tests.e2e.demo $(if $(KEEP),--keep)

bench: lab
	for router in none istio; do $(PY) -m tests.lab run -- $(PY) -m benchmarks.scale --router $$router \
		--rollouts $(or $(N),200) --events $(or $(EVENTS),all) || exit 1; done

soak: venv
	$(PY) -m tests.properties.soak $(or $(STEPS),1000000)
