# Thin names for what scripts/setup, CMake and the program do; `make help` lists them.
PRESET ?= dev
PREFIX ?= $(HOME)/.local
BUILD := $(if $(filter dev,$(PRESET)),build,build-$(PRESET))
JOBS ?= $(shell nproc)

.PHONY: help setup quickstart build test nightly stage install clean
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

help:                   ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "  variables: PRESET=dev|release|asan|tsan, PREFIX=DIR (install), JOBS=N, TRAINHOST_CACHE=DIR, TRAINHOST_CUDA=ON|OFF"

setup:                  ## install what is missing: packages of Debian 12, LibTorch in the cache
	@scripts/setup test

quickstart:             ## build the program and its plugins, then train the quickstart job
	@scripts/setup build
	@$(MAKE) _build TARGETS=trainhost_programs
	$(BUILD)/bin/trainhost run configs/quickstart.toml

build: setup            ## build everything
	@$(MAKE) _build TARGETS=all

test: build             ## build everything and run the default tests
	GOMP_SPINCOUNT=1000 ctest --test-dir $(BUILD) -LE 'gpu|nightly' --output-on-failure --no-tests=error -j $(JOBS)

nightly: build          ## build everything and run the tests that take hours: all kills, many models
	GOMP_SPINCOUNT=1000 ctest --test-dir $(BUILD) -L nightly --output-on-failure --no-tests=error

stage: setup            ## lay a relocatable tree in build/stage
	@$(MAKE) _build TARGETS=all
	cmake --build $(BUILD) --target stage

install: setup          ## install the program, the plugins and the SDK into PREFIX
	@$(MAKE) _build TARGETS=trainhost_programs
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:                  ## remove the build folder; the cache with LibTorch stays
	rm -rf $(BUILD)

# Configures each time, which costs half a second, so that a changed environment is never missed.
.PHONY: _build
_build:
	@mkdir -p $(BUILD) && settings="$$(scripts/setup --where | sed 's/^python=/-DTRAINHOST_PYTHON=/; s/^cuda=/-DTRAINHOST_CUDA=/; s/^test_modules=/-DTRAINHOST_TEST_MODULES=/; s/^model_modules=/-DTRAINHOST_MODEL_MODULES=/')" && \
	  cmake --preset $(PRESET) $$settings >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }
	@cmake --build $(BUILD) --target $(TARGETS) -j $(JOBS)
