# What a developer runs. `make` alone says what there is.

CARGO ?= cargo
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.DEFAULT_GOAL := help
.PHONY: help build wheel test test-tools test-apps test-python python-tests-ready fmt lint generate bench bench-tools \
	fuzz fuzz-tools

TARGET := $(or $(CARGO_TARGET_DIR),target)

# The interpreter for the Python package: the first that is new enough, unless one is given.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && { echo $$python; exit; }; done; echo python3)
VENV := $(abspath $(TARGET))/python/venv

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the program and the examples, optimised
	$(CARGO) build --release --workspace
	$(CARGO) rustc --release --package hello --lib --crate-type cdylib

# As it is shipped: optimised by a profile that is taken from the package at work (python/profile), which takes two builds,
# in a folder of their own because nothing of them can be used again. PROFILED=no leaves that out.
PROFILED ?= yes
WHEELS ?= $(TARGET)/wheels
WHEEL_BUILD := $(TARGET)/wheel-build
wheel: $(if $(MATURIN),,$(VENV)/ready) ## Build a wheel for the interpreter PYTHON into target/wheels
	@profile=""; \
	if [ "$(PROFILED)" != no ]; then \
		tool="$$(rustc --print target-libdir)/../bin/llvm-profdata"; \
		if [ -x "$$tool" ] || rustup component add llvm-tools; then profile=--pgo; \
		else echo "rustc's llvm-tools are not here: the wheel is built without a profile, and is slower" >&2; fi; \
	fi; \
	$(or $(MATURIN),$(VENV)/bin/maturin) build --profile wheel $${profile:+--pgo --target-dir "$(WHEEL_BUILD)"} \
		--manifest-path python/Cargo.toml --interpreter $(PYTHON) --out "$(WHEELS)"; \
	status=$$?; rm -rf "$(WHEEL_BUILD)"; \
	[ $$status = 0 ] || [ -z "$$profile" ] || echo "make wheel PROFILED=no does without the profile" >&2; \
	exit $$status

# The program is tested as it is shipped: in one build with its neighbours it would have their features too (their allocator).
test: test-tools test-apps ## Run every test; installs the tools that they need if it may
	$(CARGO) test
	$(CARGO) test --workspace --exclude rustcorn
	$(MAKE) test-python

# make test-python ONLY="package/test_run.py -k object"
# Most of the tests wait for processes, so that three at a time take half the time. Those that load a server or measure what
# it holds come after them, one by one.
PYTEST := $(VENV)/bin/python -m pytest
test-python: python-tests-ready ## Run the tests of the Python package
	cd python/tests && $(if $(ONLY),$(PYTEST) $(ONLY),$(PYTEST) --numprocesses 3 --dist worksteal --ignore load && $(PYTEST) load)

# The package is installed so that changes of its Python files count at once. Some tests start the program that cargo
# builds, and an application in Rust: one after the other, so that neither has the other's features.
python-tests-ready: $(VENV)/ready
	$(CARGO) build --package rustcorn
	$(CARGO) build --package hello
	cd python && VIRTUAL_ENV=$(VENV) $(VENV)/bin/maturin develop

$(VENV)/ready: python/tests/requirements.txt
	$(PYTHON) -m venv $(VENV) || { \
		echo "the Python tests need Python 3.10 or newer with the module venv; name one with PYTHON=..." >&2; exit 1; }
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The process tests run these through systemd's own checker and in namespaces of their own.
test-tools:
	@missing=""; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	command -v unshare >/dev/null && command -v setpriv >/dev/null || missing="$$missing util-linux"; \
	if [ -n "$$missing" ]; then \
		if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; }; then \
			$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends $$missing; \
		else \
			echo "the tests need these packages, please install them:$$missing" >&2; exit 1; \
		fi; \
	fi
	@command -v redis-server redis-check-rdb >/dev/null || { \
		command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; } && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-tools; \
	} || echo "redis cannot be installed here; the tests that need it are left out" >&2

# The process tests build the applications that they serve by themselves; here it is done with cargo's progress to see.
test-apps:
	for package in hello testapps todo static-link; do $(CARGO) build --package $$package || exit 1; done

fmt: ## Format the sources
	$(CARGO) fmt --all

lint: ## What CI wants of the sources: format and clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

generate: ## Write the files that are made from the option table
	$(CARGO) run --quiet -- generate all

# nginx is one of the contenders. It is unpacked, not installed: no service starts, and no root is needed. Without it the
# others are measured all the same.
BENCH_TOOLS := $(or $(CARGO_TARGET_DIR),target)/bench-tools
bench-tools:
	@PATH="$$PATH:/usr/sbin:$(BENCH_TOOLS)/usr/sbin"; \
	command -v nginx >/dev/null || { \
		mkdir -p $(BENCH_TOOLS) && cd $(BENCH_TOOLS) && \
		{ apt-get download -qq nginx || { $(SUDO) apt-get update -qq && apt-get download -qq nginx; }; } && \
		dpkg-deb --extract nginx_*.deb . && usr/sbin/nginx -v; \
	} || echo "nginx cannot be fetched here; it is left out" >&2

# The servers of Python applications that rustcorn is compared with, at the versions of benches/peers/requirements.txt.
BENCH_VENV := $(abspath $(BENCH_TOOLS))/venv
$(BENCH_VENV)/ready: benches/peers/requirements.txt
	@$(PYTHON) -m venv $(BENCH_VENV) && \
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $< && touch $@ || \
	echo "no environment with the Python peers can be made here; they are left out" >&2

# make bench WHAT="cpu short" ONLY="rustcorn nginx" ROUNDS=9 SECONDS_EACH=3; by default everything. Of Python alone:
# make bench WHAT="asgi wsgi latency scale"
bench: bench-tools $(BENCH_VENV)/ready ## Measure against peers on this machine, about forty minutes
	$(CARGO) run --release --package rustcorn-benches -- $(WHAT) $(addprefix --only ,$(ONLY)) \
		$(addprefix --rounds ,$(ROUNDS)) $(addprefix --seconds ,$(SECONDS_EACH)) $(addprefix --trials ,$(TRIALS))

# Each target keeps what it learns under target/fuzz/corpus, and the next run goes on from there.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(sort $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs))))
FUZZ := $(CARGO) +nightly fuzz

fuzz: fuzz-tools ## Fuzz every parser for FUZZ_SECONDS (600) each; needs a nightly compiler
	$(FUZZ) build --fuzz-dir tests/fuzz --target-dir target/fuzz
	@for target in $(FUZZ_TARGETS); do \
		echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
		mkdir -p target/fuzz/corpus/$$target target/fuzz/artifacts/$$target; \
		$(FUZZ) run --fuzz-dir tests/fuzz --target-dir target/fuzz $$target \
			target/fuzz/corpus/$$target tests/fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=4200 \
			-print_final_stats=1 -artifact_prefix=target/fuzz/artifacts/$$target/ || exit 1; \
	done

fuzz-tools:
	@$(CARGO) +nightly --version >/dev/null 2>&1 || rustup toolchain install nightly --profile minimal
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
