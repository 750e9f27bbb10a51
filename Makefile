# Causerie. `make` alone lists the targets; docs/development.md says more.

SHELL := bash
CARGO ?= cargo
# Recipes run programs from the target folder, and the scripts that they call must agree about it.
TARGET := $(or $(CARGO_TARGET_DIR),target)
export CARGO_TARGET_DIR := $(if $(filter /%,$(TARGET)),,$(CURDIR)/)$(TARGET)
# Where the lock file must not change, it is an error that it would.
LOCKED := $(if $(CI),--locked)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build in release, fetch the default weights where needed, serve
	@bash bins/causerie/run.sh

.PHONY: build
build: ## Build the program in release
	$(CARGO) build --release $(LOCKED) --package causerie

.PHONY: test
test: ## Run every test; what the suites need is fetched first
	@bash tests/run.sh

.PHONY: check
check: format lint rustdoc deny layers shape ## Format, lints, docs, licences, unused dependencies, layers, fresh documents

.PHONY: bench
bench: ## Run the benchmarks
	@bash tests/run.sh bench

.PHONY: fmt
fmt: ## Format the sources
	$(CARGO) fmt --all

.PHONY: docs
docs: ## Write docs/openapi.json, docs/errors.md and docs/configuration.md anew
	UPDATE_DOCS=1 $(CARGO) test $(LOCKED) --quiet --package api --package causerie -- $(FRESH)

.PHONY: clean
clean: ## Remove what was built; the data folder stays
	$(CARGO) clean

# The parts of `make check`.

.PHONY: format
format:
	$(CARGO) fmt --all --check

.PHONY: lint
lint:
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

.PHONY: rustdoc
rustdoc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --workspace --no-deps

# The lists of deny.toml hold without cargo-deny too: `shape` reads them.
.PHONY: deny
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; \
	else echo "cargo-deny is not installed: tests/architecture alone checks deny.toml"; fi

# CRATE:FORBIDDEN,… through everything that the crate links, as tests/architecture does for what manifests name.
LAYERS := domain:actix-web,diesel,reqwest,tokio memory-engine:actix-web,diesel,reqwest,tokio \
	documents:actix-web,diesel,reqwest llm-providers:actix-web,diesel,storage storage:actix-web,reqwest,llm-providers \
	services:actix-web,diesel,reqwest,storage,llm-providers api:diesel,storage,llm-providers

.PHONY: layers
layers:
	@for layer in $(LAYERS); do \
		crate=$${layer%%:*}; forbidden=$${layer#*:}; \
		tree=$$($(CARGO) tree $(LOCKED) --quiet --package "$$crate" --edges normal --prefix none) || exit 1; \
		for name in $$(grep -oE "^($${forbidden//,/|}) v" <<<"$$tree" | cut -d' ' -f1 | sort -u); do \
			echo "$$crate must not know $$name:"; \
			$(CARGO) tree --quiet --package "$$crate" --edges normal --invert "$$name"; exit 1; \
		done; \
	done; echo "layers: no forbidden edge"

# Names of the tests that compare a document in docs/ with what the code says.
FRESH := is_fresh configuration_page
NOTHING :=
SPACE := $(NOTHING) $(NOTHING)

# The whole workspace is built for these few tests, so that `make test` finds it built with the same features.
.PHONY: shape
shape:
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run $(LOCKED) --workspace -E 'package(architecture) + test(/$(subst $(SPACE),|,$(FRESH))/)'; \
	else \
		$(CARGO) test $(LOCKED) --quiet --package architecture && \
		$(CARGO) test $(LOCKED) --quiet --package api --package causerie -- $(FRESH); \
	fi
