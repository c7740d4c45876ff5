#!/usr/bin/env bash
# Runs the gateway before the simulated Qwen, both on TLS, until Ctrl-C.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
own_group "$root/ops/demo.sh"

port=${PORT:-8080}
logs=.build/demo
gateway=$(program qwen-gateway)
simulator=$(program qwen-simulator)
gateway_pid=
simulator_pid=

# Ends the gateway first, which lets running answers finish, then the simulator.
end_both() {
    trap '' INT TERM HUP
    local pid
    for pid in $gateway_pid $simulator_pid; do
        kill -TERM "$pid" 2> /dev/null || true
        wait "$pid" 2> /dev/null || true
    done
}
trap 'say; end_both; exit 0' INT TERM HUP
trap end_both EXIT

# died NAME LOG: one of the two is gone, which ends the demo.
died() {
    trap - EXIT
    end_both
    say "The $1 has ended; the demo ends with it. The end of $2:" >&2
    tail -n 5 "$2" >&2
    exit 1
}

# wait_for NAME PID LOG COMMAND...: until the command succeeds; fails when the process is gone or 20 seconds are over.
wait_for() {
    local name=$1 pid=$2 log=$3 deadline=$((SECONDS + 20))
    shift 3
    until "$@" > /dev/null 2>&1; do
        kill -0 "$pid" 2> /dev/null || died "$name" "$log"
        [ $SECONDS -lt $deadline ] || { tail -n 5 "$log" >&2; die "The $name is not ready after 20 seconds."; }
        sleep 0.05
    done
}

port_is_taken "$port" && die "Port $port is taken on this machine. Another one: make demo PORT=8443"
openssl verify -CAfile certs/ca.pem certs/server.pem > /dev/null 2>&1 \
    || die "certs/server.pem is not of the development CA in certs/ca.pem, which the demo needs: move it away."
ensure_client_key
key=$(setting GATEWAY_API_KEYS)
[ -n "$key" ] || key=$(< "$(setting GATEWAY_API_KEYS_FILE)")
key=${key%%,*}

mkdir -p "$logs"
rm -f "$logs"/*.log
# Both in sessions of their own: Ctrl-C reaches this script alone, which ends them in order.
setsid "$simulator" --host 127.0.0.1 --port "${SIMULATOR_PORT:-0}" --cert certs/server.pem --key certs/server.key \
    > "$logs/simulator.log" 2>&1 &
simulator_pid=$!
wait_for simulator $simulator_pid "$logs/simulator.log" grep -q 'listening on https://' "$logs/simulator.log"
simulator_port=$(sed -n 's|.*listening on https://[^ ]*:\([0-9]*\).*|\1|p' "$logs/simulator.log" | head -n 1)

# In a folder of its own, so that the settings of .env are not taken for the demo's.
(
    cd "$logs"
    exec setsid env SERVER_HOST=127.0.0.1 SERVER_PORT="$port" \
        TLS_CERT_FILE="$root/certs/server.pem" TLS_KEY_FILE="$root/certs/server.key" \
        API_BASE_URL="https://localhost:$simulator_port/v1" UPSTREAM_CA_FILE="$root/certs/ca.pem" \
        QWEN_API_KEY=sk-demo GATEWAY_API_KEYS="$key" ADMIN_ADDRESS=127.0.0.1:0 SHUTDOWN_TIMEOUT=5s "$gateway" serve
) > "$logs/gateway.log" 2>&1 &
gateway_pid=$!
wait_for gateway $gateway_pid "$logs/gateway.log" \
    curl --silent --fail --max-time 2 --cacert certs/ca.pem "https://localhost:$port/health"
admin_port=$(sed -n 's/.*"admin_port":"\{0,1\}\([0-9]*\).*/\1/p' "$logs/gateway.log" | head -n 1)

say
say "The gateway answers on https://localhost:$port, with a simulated Qwen behind it (port $simulator_port)."
say "The console: http://127.0.0.1:$admin_port/"
say "Logs: $logs/gateway.log, $logs/simulator.log. To paste into another terminal, in this folder:"
say
example "$port" "$key" 'Hello' false
say
example "$port" "$key" 'chunks=20 delay=100' true
say
say "Ctrl-C ends both."

# Returns when either process has ended.
wait -n $gateway_pid $simulator_pid || true
if kill -0 $gateway_pid 2> /dev/null; then died simulator "$logs/simulator.log"; fi
died gateway "$logs/gateway.log"
