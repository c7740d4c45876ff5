#!/usr/bin/env bash
# Fuzzes with libFuzzer and AddressSanitizer: run.sh [TARGET|all|short [SECONDS]], by default all for 10 seconds each, as
# many at once as there are cores. `short` (3 seconds each) is for a machine that checks every change: it learns nothing
# from earlier runs, begins with the corpus, and goes on from a fixed seed. Ends with 1 if anything was found; what was
# is in ops/fuzz/findings.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

cd ops/fuzz
target=${1:-all}
short=
if [ "$target" = short ]; then
    target=all
    short=1
fi
seconds=${2:-$((short ? 3 : 10))}

# libFuzzer belongs to the compiler. Its variant without a main is linked by hand: the driver is the program's own.
resources=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")/lib/clang
library=$(find "$resources" -name "libclang_rt.fuzzer_no_main-$(uname -m).a" | head -n 1)
[ -n "$library" ] || die "This Swift has no libFuzzer for $(uname -m) under $resources."
swift build --configuration release --sanitize address --product fuzz -Xswiftc -use-ld=lld \
    -Xlinker "$library" -Xlinker -lstdc++
program=$PWD/.build/release/fuzz

# One target: what it learns goes to a corpus of its own, and it starts from that and from the seeds.
fuzz() {
    local name=$1 learned=.build/corpus/$1 log=.build/logs/$1.log
    [ -z "$short" ] || learned=$(mktemp -d .build/learned.XXXXXX)
    local options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="findings/$1-")
    [ -z "$short" ] || options+=(-seed=1)
    mkdir -p "$learned" findings .build/logs
    # A trap of Swift's is libFuzzer's to report.
    local status=0
    SWIFT_BACKTRACE=enable=no "$program" "$name" "${options[@]}" "$learned" "corpus/$name" > "$log" 2>&1 || status=$?
    [ -z "$short" ] || rm -r "$learned"
    if [ "$status" = 0 ]; then
        sed -n "s/^Done \([0-9]*\) runs in \([0-9]*\).*/$name: \1 runs in \2 s/p" "$log"
    else
        say "$name: FOUND something, see ops/fuzz/$log"
        grep -m 3 -E 'Fatal error|ERROR: |SUMMARY' "$log" || tail -n 5 "$log"
        return 1
    fi
}

if [ "$target" = all ]; then
    export -f fuzz say
    export program seconds short
    "$program" | xargs -P "$(nproc)" -I {} bash -c 'fuzz {}'
else
    "$program" | grep -qx -- "$target" || die "No such target: $target. There are: $("$program" | paste -sd ' ')"
    fuzz "$target"
fi
