# What a developer runs. `make` alone says what there is.

CARGO ?= cargo
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.DEFAULT_GOAL := help
.PHONY: help build test test-tools test-apps fmt lint generate bench bench-tools

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the program and the examples, optimised
	$(CARGO) build --release --workspace

test: test-tools test-apps ## Run every test; installs the tools that they need if it may
	$(CARGO) test --workspace

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

# make bench WHAT="cpu short" ONLY="rustcorn nginx" ROUNDS=9 SECONDS_EACH=3; by default everything, in about ten minutes.
bench: bench-tools ## Measure against peers on this machine, about ten minutes
	$(CARGO) run --release --package rustcorn-benches -- $(WHAT) $(addprefix --only ,$(ONLY)) \
		$(addprefix --rounds ,$(ROUNDS)) $(addprefix --seconds ,$(SECONDS_EACH)) $(addprefix --trials ,$(TRIALS))
