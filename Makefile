# Every verb does its own set-up: a virtual environment in .venv, the package and its dependencies, then its job.
# Needed beforehand: make and Python 3.11 or newer. PYTHON=/path/to/python chooses one.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.installed
PYTHON ?=

# A virtual environment sees these instead of whatever the caller's shell has.
unexport PYTHONPATH PYTHONHOME

.PHONY: help install run chat test slow-test browser lint format wheel-test nano eval bench parity docs fonts clean

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# Only for its file with CLIP's vocabulary; what it depends on, torchvision among it, is left out.
CLIP_VOCABULARY := "open_clip_torch>=3.3,<4" "ftfy>=6.3,<7" "wcwidth>=0.2"

install: $(STAMP)  ## make .venv and install Bubo with what the server, training and tests need

# The new environment is only marked as installed when everything works; an interrupted install starts again.
$(STAMP): pyproject.toml
	@$(find_python); \
	echo "Setting up $(VENV) with $$python"; \
	$(PY) -c "" 2>/dev/null || "$$python" -m venv --clear $(VENV) || { $(add_venv) && "$$python" -m venv --clear $(VENV); }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[dev,train,web,postgres]"
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps $(CLIP_VOCABULARY)
	@$(PY) -c "$$CHECK_INSTALL"
	@touch $@

run: $(STAMP)  ## serve the page with nano, print its address, open it where there is a browser
	@exec $(BIN)/bubo serve

chat: $(STAMP)  ## talk about a sample picture and sound in the terminal; in a pipe: one linked answer
	@$(BIN)/bubo chat --samples

test: $(STAMP) fonts  ## unit and end-to-end tests: CPU, no network
	$(BIN)/pytest tests/unit tests/e2e tests/parity

slow-test: $(STAMP) fonts  ## tests of more than ten seconds: killed trainings, full disks, workers
	$(BIN)/pytest -m slow tests

browser: $(STAMP)  ## drive the page in Chromium and Firefox, with a scripted model and with nano
	$(BIN)/pytest -m "browser" tests/browser

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)  ## let ruff sort imports and lay out the code
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

wheel-test: $(STAMP)  ## build wheel and sdist, install the wheel in a clean environment, ask a question there
	$(BIN)/pytest -m wheel tests/e2e/test_wheel.py

nano: $(STAMP) fonts  ## train the nano model from nothing, in stages that can be resumed
	@$(MAKE) --no-print-directory -j2 -f configs/train/nano.mk PY=$(PY)

eval: $(STAMP) fonts  ## report the shipped model's figures on the held-out world
	@$(BIN)/bubo eval world --split heldout --count 1000 --seed 1

bench: $(STAMP)  ## measure speed and memory on this machine
	@$(BIN)/bubo bench

parity: $(STAMP)  ## compare with stored reference tensors
	$(BIN)/pytest -m "parity or not parity" tests/parity

docs: $(STAMP)  ## write docs/cli.md from the help texts
	@mkdir -p docs
	@$(PY) -m bubo.cli.pages > docs/cli.md.part && mv docs/cli.md.part docs/cli.md
	@echo "Wrote docs/cli.md"

fonts: $(STAMP)
	@export DEBIAN_FRONTEND=noninteractive; $(PY) -c "$$FIND_FONT" 2>/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "Installing the font that draws the world: fonts-noto-color-emoji"; \
	       apt-get install -qq -y fonts-noto-color-emoji >/dev/null 2>&1 \
	       || { apt-get update -qq && apt-get install -qq -y fonts-noto-color-emoji >/dev/null; }; }; } \
	|| true
	@$(PY) -c "$$FIND_FONT" || true  # says what to do; what needs no font still runs

clean:  ## remove what building and testing left behind, not .venv
	rm -rf build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

define find_python
python=; \
for name in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python3.14 python; do \
  if [ -n "$$name" ] && "$$name" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; \
  then python=$$name; break; fi; \
done; \
[ -n "$$python" ] || { echo "No Python 3.11 or newer was found: install one, or say make PYTHON=/path/to/python." >&2; exit 1; }
endef

# Debian keeps a part of the venv module in a package of its own.
define add_venv
{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install -qq -y python3-venv; } \
|| { echo "This Python cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2; exit 1; }
endef

define CHECK_INSTALL
import importlib.util, torch, transformers
if importlib.util.find_spec("torchvision"):
    import torchvision  # one that does not load breaks all of transformers
endef
export CHECK_INSTALL

define FIND_FONT
import sys
from bubo.data_tools.world.glyphs import find_font
from bubo.errors import BuboError
try:
    find_font()
except BuboError as error:
    sys.exit(str(error))
endef
export FIND_FONT

