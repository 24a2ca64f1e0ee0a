# vitviz: each target is the only command needed. It takes python3 (3.11 or newer) and make.
# Another Python: make PYTHON=python3.12 run. The settings of pip (PIP_INDEX_URL and so on) hold as usual.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt
BENCHMARKS = $(wildcard benchmarks/bench_*.py)
PINS = constraints.txt
FAULTS = probes links files kills steady sessions uploads

.PHONY: help run test check format bench faults wheel proof lowest docs notebooks messages training clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: $(VENV)/run.stamp ## start the dashboard on http://127.0.0.1:8501
	@echo "vitviz: starting; open the address below, stop with Ctrl+C."
	@exec $(PY) -m streamlit run app.py

# One thread a worker: many small tests, each far too small to be shared among cores. A file stays with one worker, and
# the files keep the order of tests/conftest.py, the longest first.
test: $(VENV)/dev.stamp ## run the tests (ARGS="-k grid" passes options on)
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev.stamp ## ruff, format and types, changing nothing
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: $(VENV)/dev.stamp ## put the code into shape
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(VENV)/run.stamp ## run every benchmarks/bench_*.py
	@test -n "$(BENCHMARKS)" || { echo "vitviz: there is no benchmarks/bench_*.py."; exit 1; }
	@set -e; for file in $(BENCHMARKS); do echo "vitviz: $$file"; PYTHONPATH=. $(PY) "$$file"; done

wheel: $(VENV)/dev.stamp ## build dist/vitviz-*.whl and the source archive, to install with pip
	@$(PY) -m hatchling build

docs: $(VENV)/dev.stamp ## build the reference of the Python library into build/docs
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict --config-file docs/mkdocs.yml --site-dir ../build/docs
	@echo "vitviz: open build/docs/index.html."

notebooks: $(VENV)/dev.stamp ## run the notebooks in examples/ anew and store what they show
	@PYTHONPATH=. $(PY) docs/notebooks.py

# The only check that sees a requirement which the package forgot: the other tests run where everything is installed.
# Its dashboard is opened in Chromium, by the same test that opens the wheel's in `make test`.
proof: wheel ## install the wheel alone into an environment of its own, outside the clone, and use it
	@set -e; place=$$(mktemp -d); trap 'rm -rf "$$place"' EXIT; \
		$(PYTHON) -m venv "$$place/venv"; bin="$$place/venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)"; \
		"$$bin/python" -m pip install --quiet --disable-pip-version-check -c $(PINS) dist/vitviz-*.whl; \
		mkdir "$$place/empty"; (cd "$$place/empty"; "$$bin/vitviz" explain example:cat --out cat.png); \
		VITVIZ_PROOF="$$bin/vitviz" $(PY) -m pytest -q tests/browser/test_wheel_flow.py; \
		test -z "$(SLICE)" || { \
			"$$bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt pytest pytest-timeout; \
			"$$bin/python" -m pytest -q -o filterwarnings=ignore -p no:cacheprovider -k "not Hugging" $(SLICE); }

# What the lower ends of the ranges in pyproject.toml promise: each direct requirement at its oldest version. Older
# packages warn of each other; what they compute, draw and write is tested.
OLDEST = import tomllib; [print(need.split(",")[0].replace(">=", "==")) for need in \
	tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]]

lowest: $(VENV)/dev.stamp ## the same proof and a part of the tests with the oldest versions that the ranges allow
	@mkdir -p build; $(PY) -c '$(OLDEST)' > build/oldest.txt
	@$(MAKE) --no-print-directory proof PINS=build/oldest.txt SLICE="tests/figures tests/trace tests/export \
		tests/test_pictures.py tests/test_images.py tests/test_cli.py tests/models/test_shipped.py"

faults: $(VENV)/run.stamp ## load and fault: odd files, kills, probes, many readers (ARGS=--quick)
	@set -e; for name in $(FAULTS); do echo "vitviz: benchmarks/faults/$$name.py"; \
		$(PY) benchmarks/faults/$$name.py $(ARGS); done

# Babel takes "95 % of" for a placeholder of another kind and complains; tests/ui/test_text.py checks the real ones.
messages: $(VENV)/dev.stamp ## collect the visible texts, bring the catalogues up to date and compile them
	@mkdir -p vitviz/ui/locale
	@$(PY) -m babel.messages.frontend --quiet extract --project=vitviz --sort-by-file --add-location=file \
		--add-comments=Translators: --copyright-holder='the authors of vitviz' \
		--output-file=vitviz/ui/locale/vitviz.pot vitviz/ui $(wildcard pages)
	@$(PY) -m vitviz.ui.words.library_words vitviz/ui/locale/vitviz.pot
	@$(PY) -m babel.messages.frontend --quiet update --domain=vitviz --input-file=vitviz/ui/locale/vitviz.pot \
		--output-dir=vitviz/ui/locale --no-fuzzy-matching --ignore-obsolete --width=120
	@$(PY) -m babel.messages.frontend compile --domain=vitviz --directory=vitviz/ui/locale --statistics 2>&1 \
		| grep -v "placeholders are incompatible\|errors encountered"

training: $(VENV)/training.stamp ## add what training and converting the shipped weights needs

clean: ## remove caches and results (the environment stays: delete .venv to start anew)
	@rm -rf .pytest_cache .ruff_cache .mypy_cache build dist screenshots
	@find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
	@echo "vitviz: caches removed."

# The environment. A stamp is older than a changed list of pins, so a change installs and a second run does not.
$(VENV)/run.stamp: requirements.txt constraints.txt $(VENV)/made.stamp
	@echo "vitviz: installing the pinned packages into $(VENV); once, in silence, and it takes a few minutes."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "vitviz: installing the tools for tests and checks."
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/training.stamp: requirements-train.txt $(VENV)/run.stamp
	@echo "vitviz: installing what training needs."
	@$(PIP) --no-deps -r requirements-train.txt
	@touch $@

# An environment whose Python is gone, half made or moved is made anew; one that works is taken as it is.
ifneq ($(shell $(PY) -c "import pip; print('works')" 2>/dev/null),works)
.PHONY: $(VENV)/made.stamp
endif

$(VENV)/made.stamp:
	@$(PY) -c "import pip" 2>/dev/null || { \
		command -v $(PYTHON) >/dev/null || { \
			echo "vitviz: no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=python3.12"; exit 1; }; \
		$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
			echo "vitviz: needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=python3.12"; \
			exit 1; }; \
		$(PYTHON) -c "import venv, ensurepip" 2>/dev/null || { \
			echo "vitviz: $(PYTHON) lacks the venv module. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }; \
		echo "vitviz: making the environment $(VENV) with $$($(PYTHON) -V)."; \
		$(PYTHON) -m venv --clear $(VENV); }
	@touch $@
