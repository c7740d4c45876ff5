#!/usr/bin/env bash
# Runs every test, on a machine where nothing was run before: lint, the Swift tests, and then real clients (curl, the
# OpenAI SDK, Node) against the gateway and the simulator. Goes on after a failure and fails at the end.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ops/deps.sh test
failed=()
step() {
    local name=$1
    shift
    say "== $name"
    "$@" || failed+=("$name")
}

lint() { make lint; }

clients() {
    virtual_environment || return 1
    GATEWAY_BIN=${GATEWAY_BIN:-$root/.build/debug/qwen-gateway} \
        SIMULATOR_BIN=${SIMULATOR_BIN:-$root/.build/debug/qwen-simulator} \
        .venv/bin/python -m pytest Tests/clients "$@"
}

ops/build.sh debug --build-tests
step lint lint
# One at a time: many of them run whole gateways, and what they say of time holds for a machine of their own.
step 'Swift tests' swift test --skip-build --no-parallel
step 'client tests' clients

if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
