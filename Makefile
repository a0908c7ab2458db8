# make app       install what is missing and start the app on 127.0.0.1:8501
# make test      install what is missing, and run all checks and the tests that end within minutes
# make test-slow the slow tests: most of those that train, start servers or use a browser; CI runs them too
# make test-full all tests, with those that take minutes, and long sweeps without sampling
# make coverage  the tests once more, with the lines that none of them reaches (nearly twice as slow)
# make lock      write constraints.txt anew from the versions that are installed, and their hashes to *.lock
# make sbom      write sbom.json, the packages of the app with their licences and hashes (CycloneDX)
# make audit     look up known vulnerabilities of the packages of the app
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests wait for browsers and other processes half of the time: two workers per core.
WORKERS := -n $(shell expr 2 \* $$(nproc)) --maxprocesses 8 --dist loadscope --no-loadscope-reorder
# Otherwise each of the many processes that the tests start compiles all modules again.
export PYTHONDONTWRITEBYTECODE :=
CHROMIUM := $(shell command -v chromium chromium-browser google-chrome 2>/dev/null | head -n 1)

.PHONY: app test test-slow test-full coverage lint browser lock sbom audit clean

app: $(VENV)/.app
	$(BIN)/streamlit run app.py

test: lint browser
	$(BIN)/python -m pytest $(WORKERS)

# A test that needs a browser may fail on a machine that is too busy: what failed is run once more, one test at a time.
test-slow: $(VENV)/.test browser
	$(BIN)/python -m pytest $(WORKERS) --slow || { [ $$? -eq 1 ] && \
		$(BIN)/python -m pytest --slow --last-failed --last-failed-no-failures none; }

test-full: lint browser
	$(BIN)/python -m pytest $(WORKERS) --full

coverage: lint browser
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

browser:
ifeq ($(CHROMIUM),)
	-@scripts/apt_install.sh chromium || echo "Without chromium the browser tests are skipped."
endif

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/apt_install.sh python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.app
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

lock: $(VENV)/.test
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	$(MAKE) requirements.lock

TOOLS := $(VENV)/tools
requirements.lock: requirements.txt constraints.txt scripts/write_lock.py | $(TOOLS)/.done
	$(BIN)/python -m scripts.write_lock $(TOOLS)/bin/uv

sbom: $(TOOLS)/.done
	$(TOOLS)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON -o sbom.json

audit: $(TOOLS)/.done
	$(TOOLS)/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip

$(TOOLS)/.done: requirements-tools.txt | $(VENV)/bin/pip
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r requirements-tools.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage*
