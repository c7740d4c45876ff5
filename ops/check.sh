#!/usr/bin/env bash
# Checks the files that operators use with hadolint, Docker Compose, kubernetes-validate, systemd-analyze and promtool.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ops/deps.sh test
virtual_environment
exec .venv/bin/python -m pytest Tests/clients/test_operations.py "$@"
