# make demo   set everything up, then render a real guitar through the shipped amp and draw it
# make test   set everything up, then run all tests
# make lint   set everything up, then check format, style and types
# make clean  remove what these made, the virtual environment included

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: help demo test lint setup clean
.NOTPARALLEL:

help:
	@sed -n 's/^# //p' Makefile

demo: setup
	$(VENV)/bin/tonerig demo --output demo

test: setup
	$(RUN) -m pytest

lint: setup
	PYTHON=$(RUN) scripts/lint

setup:
	@PYTHON=$(PYTHON) scripts/system-packages
	@$(MAKE) --silent --no-print-directory $(VENV)/python-packages.stamp

$(VENV)/python-packages.stamp: pyproject.toml scripts/python-packages
	@echo "Setting up $(VENV), which takes a few minutes the first time"
	@PYTHON=$(PYTHON) scripts/python-packages $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build demo .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
