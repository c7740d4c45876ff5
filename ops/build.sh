#!/usr/bin/env bash
# Builds the programs: build.sh [release|debug] [argument of swift build]...
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly wanted=6.2
configuration=${1:-release}
shift || true

command -v swift > /dev/null \
    || die "Swift is not installed, or not in PATH. Swift $wanted or newer: https://www.swift.org/install/linux/"
version=$(swift --version 2> /dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')
[ -n "$version" ] || die "\`swift --version\` does not work: $(swift --version 2>&1 | tail -n 1)"
[ "$(printf '%s\n' "$wanted" "$version" | sort -V | head -n 1)" = "$wanted" ] \
    || die "Swift $version is too old: $wanted or newer is needed. https://www.swift.org/install/linux/"

# Exclusive access is checked by the compiler; the tests, in debug builds, check it at run time too (Package.swift).
# A release binary holds Swift's own libraries: it starts faster, calls them faster, and runs where no Swift is.
options=()
[ "$configuration" = debug ] || options=(--static-swift-stdlib -Xswiftc -use-ld=lld -Xswiftc -enforce-exclusivity=unchecked)
exec swift build --configuration "$configuration" "${options[@]}" "$@"
