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

# The clients' packages, installed once for each content of requirements.txt.
virtual_environment() {
    local wanted
    wanted=$(sha256sum Tests/clients/requirements.txt)
    [ "$(cat .venv/installed 2> /dev/null)" != "$wanted" ] || return 0
    python3 -m venv --clear .venv \
        && .venv/bin/python -m pip install --quiet --disable-pip-version-check -U pip \
        && .venv/bin/python -m pip install --quiet --only-binary=:all: -r Tests/clients/requirements.txt \
        && printf '%s' "$wanted" > .venv/installed
}

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
