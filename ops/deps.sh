#!/usr/bin/env bash
# Installs the Debian packages that are missing for a purpose: build, test or bench. Silent where nothing is missing.
set -euo pipefail

purpose=${1:-build}
missing=()

# need PACKAGE PROBE...: the package is needed unless the command PROBE succeeds.
need() {
    local package=$1
    shift
    "$@" > /dev/null 2>&1 || missing+=("$package")
}
has() { command -v "$1"; }
library() { has pkg-config && pkg-config --exists "$1"; }

need pkg-config has pkg-config
need libssl-dev library 'openssl >= 3.0'
need libnghttp2-dev library 'libnghttp2 >= 1.52'
need openssl has openssl
need curl has curl
need ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
need make has make

# What the Swift toolchain itself needs from Debian: git to fetch packages, a linker, and the C and C++ libraries.
need git has git
need binutils has ld
need libc6-dev test -e /usr/include/stdio.h
need libstdc++-12-dev compgen -G '/usr/lib/gcc/*/*/libstdc++.so'
if swift=$(command -v swift); then
    swift=$(dirname "$(readlink -f "$swift")")
    while read -r object; do
        case $object in
            libcurl.so.4) missing+=(libcurl4) ;;
            libedit.so.2) missing+=(libedit2) ;;
            libncurses.so.6 | libtinfo.so.6) missing+=(libncurses6) ;;
            libsqlite3.so.0) missing+=(libsqlite3-0) ;;
            libxml2.so.2) missing+=(libxml2) ;;
            libz.so.1) missing+=(zlib1g) ;;
        esac
    done < <(ldd "$swift/swift-frontend" "$swift/swift-build" 2> /dev/null | awk '/not found/ && !seen[$1]++ { print $1 }')
fi

case $purpose in
    build) ;;
    test)
        need python3 has python3
        need python3-venv python3 -c 'import ensurepip, venv'
        need nodejs has node
        # For promtool.
        need prometheus has promtool
        ;;
    bench)
        need python3 has python3
        need nginx-light test -x /usr/sbin/nginx
        need haproxy test -x /usr/sbin/haproxy
        need nghttp2-client has h2load
        need nghttp2-proxy has nghttpx
        ;;
    *)
        echo "usage: deps.sh [build|test|bench]" >&2
        exit 2
        ;;
esac

[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get > /dev/null; then
    echo "Missing here (Debian's names): ${missing[*]}" >&2
    echo "This is not Debian or Ubuntu: install what corresponds to them, then try again." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
        echo "Missing: ${missing[*]}. As root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

echo "Installing with ${as_root[*]:+sudo }apt-get, for the $purpose: ${missing[*]}"
# Debian starts the services that it installs; the programs are wanted here, not servers on ports 80 and 443.
policy=/usr/sbin/policy-rc.d
if [ "$purpose" != build ] && [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy > /dev/null
    "${as_root[@]}" chmod 755 $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" < /dev/null; }
log=$(mktemp)
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
