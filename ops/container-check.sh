#!/usr/bin/env bash
# Builds the Dockerfile and runs the image without a Docker engine and without a registry, as root on Debian 12:
#
#   apt-get install debootstrap buildah podman runc
#   make build && ops/container-check.sh | tee ops/container-check.txt
#
# The base images are made here under the names that the Dockerfile uses: Debian slim with debootstrap, and Swift's with
# this machine's toolchain, which is mounted for the build, as are local copies of packages that git is told of
# (url.….insteadOf). The image then runs read-only, without capabilities and without a shell, before the simulated
# Qwen. Takes some minutes and a few gigabytes below TMPDIR, which are given back at the end.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for tool in debootstrap buildah podman runc swift openssl curl; do
    command -v $tool > /dev/null || die "$tool is missing"
done
[ "$(id -u)" -eq 0 ] || die "this needs root"
simulator=$(program qwen-simulator)

work=$(mktemp -d "${TMPDIR:-/tmp}/container-check.XXXXXX")
simulator_pid=
cleanup() {
    status=$?
    [ -z "$simulator_pid" ] || kill "$simulator_pid" 2> /dev/null || true
    if [ $status -ne 0 ]; then
        podman logs check 2>&1 | tail -n 20 >&2 || true
        tail -n 40 "$work"/*.log >&2 || true
    fi
    podman rm --force check > /dev/null 2>&1 || true
    # Containers may have left mounts below it.
    awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount || true
    rm -rf "$work"
}
trap cleanup EXIT

# A storage of its own, which goes with the folder.
export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/graph" "$work/run" \
    > "$CONTAINERS_STORAGE_CONF"
podman() { command podman --cgroup-manager=cgroupfs --runtime runc "$@"; }

say "== Base images"
debootstrap --variant=minbase bookworm "$work/root" > "$work/debootstrap.log" 2>&1
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
tar -C "$work/root" -c . | podman import --quiet --change 'CMD ["bash"]' - docker.io/library/debian:bookworm-slim > /dev/null
rm -rf "$work/root"
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
volumes=(--volume "$toolchain:$toolchain:ro")
mkdir "$work/swift"
git config --get-regexp '^url\..*\.insteadof$' > "$work/urls" || true
touch "$work/gitconfig"
while read -r name original; do
    copies=${name#url.}
    copies=${copies%.insteadof}
    [ -d "$copies" ] || continue
    git config --file "$work/gitconfig" --add "url.$copies.insteadOf" "$original"
    [[ " ${volumes[*]} " == *" ${copies%/}:"* ]] || volumes+=(--volume "${copies%/}:${copies%/}:ro")
done < "$work/urls"
volumes+=(--volume "$work/gitconfig:/etc/gitconfig:ro")
cat > "$work/swift/Dockerfile" << END
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update -q && apt-get install -q -y --no-install-recommends binutils ca-certificates git libc6-dev libcurl4 \
    libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2 libz3-4 tzdata zlib1g-dev
ENV PATH=$toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
buildah bud --quiet --pull-never --tag docker.io/library/swift:6.3-bookworm "$work/swift" > "$work/swift.log" 2>&1

say "== Build"
buildah bud --pull-never --format docker --build-arg REVISION="$(git rev-parse HEAD)" "${volumes[@]}" \
    --tag qwen-gateway . > "$work/build.log" 2>&1
say "built by $(swift --version 2> /dev/null | head -n 1)"
size() { podman image inspect --format '{{.Size}}' "$1"; }
added=$((($(size qwen-gateway) - $(size docker.io/library/debian:bookworm-slim)) / 1000000))
say "the image adds $added MB to its base"
[ $added -lt 80 ] || die "that is too much"
[ "$(podman image inspect --format '{{.Config.User}}' qwen-gateway)" = 10001:10001 ] || die "the user is not 10001"

say "== Run: read-only, no capabilities, no new privileges, no shell, user 10001"
# Secrets, state and certificates as docker-compose.yml has them, made by its script.
mkdir -p "$work/project/ops"
cp -r certs "$work/project"
rm -f "$work"/project/certs/*.pem "$work"/project/certs/*.key
cp ops/compose-env.sh ops/common.sh "$work/project/ops"
env -i PATH="$PATH" "$work/project/ops/compose-env.sh" localhost > /dev/null
cd "$work/project"
# The simulated Qwen's certificate is of the same CA, which a real one's would not be.
install -m 644 certs/ca.pem state/certs/ca.pem
"$simulator" --host 127.0.0.1 --port 0 --cert certs/server.pem --key certs/server.key \
    --api-key sk-container-check > "$work/simulator.log" 2>&1 &
simulator_pid=$!
for _ in $(seq 100); do
    grep -q 'listening on' "$work/simulator.log" && break
    sleep 0.1
done
upstream=$(sed -n 's|.*listening on https://[^ ]*:\([0-9]*\).*|\1|p' "$work/simulator.log" | head -n 1)
key=$(< ops/secrets/gateway_api_keys)
admin_key=$(< ops/secrets/gateway_admin_key)
port=${PORT:-18443}
podman run --detach --name check --network host --read-only --cap-drop all --security-opt no-new-privileges \
    --ulimit nofile=4096:4096 --ulimit nproc=1000:1000 --pids-limit 0 \
    --volume /dev/null:/usr/bin/dash:ro --volume /dev/null:/usr/bin/bash:ro \
    --user "$(setting GATEWAY_USER)" --tmpfs /tmp:size=16m,mode=1777,noexec,nosuid,nodev \
    --volume "$PWD/state/certs:/etc/qwen-gateway/certs:ro" --volume "$PWD/state/gateway:/var/lib/qwen-gateway" \
    --volume "$PWD/ops/secrets/gateway_api_keys:/run/secrets/gateway_api_keys:ro" \
    --volume "$PWD/ops/secrets/gateway_admin_key:/run/secrets/gateway_admin_key:ro" \
    --volume "$PWD/ops/secrets/qwen_credentials_secret:/run/secrets/qwen_credentials_secret:ro" \
    --env GATEWAY_API_KEYS_FILE=/run/secrets/gateway_api_keys \
    --env GATEWAY_ADMIN_KEYS_FILE=/run/secrets/gateway_admin_key \
    --env QWEN_CREDENTIALS_SECRET_FILE=/run/secrets/qwen_credentials_secret \
    --env SERVER_PORT="$port" --env ADMIN_ADDRESS=0.0.0.0:$((port + 1)) \
    --env API_BASE_URL="https://localhost:$upstream/v1" --env UPSTREAM_CA_FILE=certs/ca.pem \
    qwen-gateway > /dev/null 2> "$work/podman.log"
call() { curl --silent --show-error --max-time 20 --cacert "$work/project/certs/ca.pem" "$@"; }
for _ in $(seq 100); do
    call --output /dev/null "https://localhost:$port/health" 2> /dev/null && break
    sleep 0.1
done

expect() {
    local what=$1 wanted=$2 got=$3
    # shellcheck disable=SC2053 # what is wanted is a pattern
    [[ $got == $wanted ]] || die "$what: expected $wanted, got $got"
    say "$what: $got"
}
body='{"messages":[{"role":"user","content":"chunks=2 text=hi"}]}'
chat() {
    call --write-out '%{http_version} %{http_code}' --output "$work/answer" -H "Authorization: Bearer $1" \
        -H 'Content-Type: application/json' --data "$body" "${@:2}" "https://localhost:$port/v1/chat/completions"
}
expect 'GET /health' '{"status":"ok"}' "$(call "https://localhost:$port/health")"
expect 'the health check' 0 "$(podman healthcheck run check > /dev/null; echo $?)"
expect 'what the health check says' 'well: 127.0.0.1:* (ADMIN_ADDRESS)' "$(podman exec check /usr/local/bin/qwen-gateway health)"
expect 'a key added in the running container' 'The key is stored as "main", sealed.' \
    "$(printf sk-container-check | podman exec -i check /usr/local/bin/qwen-gateway credentials add main \
        --base-url "https://localhost:$upstream/v1" 2>&1)"
sleep 1.5
expect 'HTTP/2' '2 200' "$(chat "$key" --http2)"
expect 'its answer' '*"content":"hihi"*' "$(cut -c 1-400 "$work/answer")"
expect 'HTTP/1.1' '1.1 200' "$(chat "$key" --http1.1)"
expect 'a wrong key' '2 401' "$(chat wrong --http2)"
expect 'plain HTTP' "308 https://localhost:$port/health" \
    "$(curl --silent --output /dev/null --write-out '%{http_code} %{redirect_url}' "http://localhost:$port/health")"
admin() { curl --silent --output /dev/null --write-out '%{http_code}' "${@:2}" "http://127.0.0.1:$((port + 1))$1"; }
expect 'metrics without a key' 401 "$(admin /metrics)"
expect 'metrics with the admin key' 200 "$(admin /metrics -H "Authorization: Bearer $admin_key")"
expect 'the sealed key' '600 state/gateway/credentials/main.sealed' \
    "$(stat --format '%a %n' state/gateway/credentials/*.sealed)"
pid=$(podman inspect --format '{{.State.Pid}}' check)
expect 'user, privileges, capabilities' '10001 1 0000000000000000' \
    "$(awk '/^Uid:/ { u = $2 } /^NoNewPrivs:/ { n = $2 } /^CapEff:/ { c = $2 } END { print u, n, c }' "/proc/$pid/status")"
started=$SECONDS
podman stop --time 40 check > /dev/null 2>> "$work/podman.log"
expect 'exit code after SIGTERM' 0 "$(podman inspect --format '{{.State.ExitCode}}' check)"
say "stopped in $((SECONDS - started)) s"
say "passed, $(date -u +%Y-%m-%dT%H:%MZ)"
