# qwen-gateway: `make demo` to try it, `make run` to use it, `make help` for the rest.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The port that the gateway listens on in `make demo` and `make run`.
PORT ?=
export PORT

SWIFT_SOURCES := Sources Tests Package.swift ops/bench/deltas ops/fuzz/Targets ops/fuzz/Package.swift

.PHONY: help deps build certs demo run test check-ops bench deltas fuzz format lint clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

deps: ## Install the system packages that the build needs (Debian, Ubuntu), if any is missing
	@ops/deps.sh build

build: deps ## Build the gateway and the simulator in release mode
	@ops/build.sh release

certs: deps ## Make a development CA and a certificate for localhost under certs/
	@certs/make-dev-certs.sh

demo: build certs ## Run the gateway before a simulated Qwen; PORT=8443 for another port, Ctrl-C ends it
	@ops/demo.sh

run: build certs ## Run the gateway before Qwen, with the settings of .env; PORT=8443 for another port
	@ops/run.sh

test: ## Run every test: lint, Swift tests, and real clients against the built programs
	@ops/test.sh

check-ops: ## Check the image, Compose, systemd, Kubernetes and Prometheus files with their tools; builds nothing
	@ops/check.sh

bench: build ## Compare CPU per request and per chunk with nginx, haproxy and nghttpx (about 6 minutes)
	@ops/deps.sh bench
	@python3 ops/bench/bench.py

deltas: deps ## Count what each delta of a stream asks of the heap, in each dialect: nothing, or it fails
	@ops/build.sh release --product delta-bench
	@.build/release/delta-bench

fuzz: deps ## Fuzz every parser and engine; TARGET=json for one, SECONDS_EACH=600 for longer than 10 s each
	@ops/fuzz/run.sh $(or $(TARGET),all) $(or $(SECONDS_EACH),10)

format: ## Format the Swift code
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

lint: ## Check the format of the Swift code
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

clean: ## Remove what was built; keeps .env, certificates and state
	rm -rf .build .venv
