# The main targets are `make demo`, `make test` and `make test-slow`. Each does all set-up first.
.DEFAULT_GOAL := help
LAKE ?= ./lake
PYTHON ?=
# Another Python's: set-up, tests and demo use their own.
unexport PYTHONHOME PYTHONPATH

.PHONY: help setup native demo check test test-slow bench wheel clean

help:
	@echo "make demo [LAKE=./lake] [MEMBERS=1m]   set up, then live through two periods of a sample world"
	@echo "make check                set up, then check style and types"
	@echo "make test                 set up, then run the tests except the slow ones"
	@echo "make test-slow            set up, then run the slow tests: clusters, kills, long lives, large worlds"
	@echo "make setup [PYTHON=...]   make .venv with exact versions and fetch the Delta JARs into .jars"
	@echo "make native               set up, then fetch the native engine (Apache DataFusion Comet, 99 MB) into .jars/native"
	@echo "make wheel                build the wheel into dist/"
	@echo "make bench [OF=settle] [MEMBERS=N] [ROUNDS=R]   run a benchmark; OF: settle, collect, report, quality, small, growth"
	@echo "make clean                remove the files of set-up and builds"

setup:
	@PYTHON="$(PYTHON)" bash .ci/setup

native:
	@PYTHON="$(PYTHON)" bash .ci/setup native

demo:
	@PYTHON="$(PYTHON)" bash .ci/setup try-native
	@.venv/bin/fentan demo --lake "$(LAKE)" $(if $(MEMBERS),--members $(MEMBERS))

# Two workers, each with a Spark of one core. A file runs on one worker; files with Spark come first.
PYTEST := .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy

test: setup
	@$(PYTEST) -m "not slow"

test-slow: setup
	@bash tests/s3_server.sh
	@$(PYTEST) -m slow

wheel: setup
	@rm -rf build
	@.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

bench: native
	@.venv/bin/python -m tests.benchmarks.$(or $(OF),settle) --members $(or $(MEMBERS),$(if $(filter small,$(OF)),20k,10m)) --rounds $(or $(ROUNDS),1) $(if $(BESIDE),--beside $(BESIDE)) $(if $(CONDITIONS),--of $(CONDITIONS))

clean:
	rm -rf .venv .jars dist build *.egg-info
