# The two commands: `make demo` and `make test`. Each does all set-up first.
.DEFAULT_GOAL := help
LAKE ?= ./lake
PYTHON ?=

.PHONY: help setup demo test bench wheel clean

help:
	@echo "make demo [LAKE=./lake]   set up, then settle several periods of a small world"
	@echo "make test                 set up, then run the tests"
	@echo "make setup [PYTHON=...]   make .venv with exact versions and fetch the Delta JARs into .jars"
	@echo "make wheel                build the wheel into dist/"
	@echo "make bench [OF=settle] [MEMBERS=N] [ROUNDS=R]   a benchmark, OF=settle, collect or report (see README, Speed)"
	@echo "make clean                remove what set-up and builds made"

setup:
	@PYTHON="$(PYTHON)" bash .ci/setup

demo: setup
	@.venv/bin/fentan demo --lake "$(LAKE)"

test: setup
	@.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

wheel: setup
	@rm -rf build
	@.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

bench: setup
	@.venv/bin/python -m tests.benchmarks.$(or $(OF),settle) --members $(or $(MEMBERS),10m) --rounds $(or $(ROUNDS),1)

clean:
	rm -rf .venv .jars dist build *.egg-info
