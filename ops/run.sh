#!/usr/bin/env bash
# Runs the gateway before Qwen with the settings of the environment and .env, until Ctrl-C.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
own_group "$root/ops/run.sh"

gateway=$(program qwen-gateway)

[ "$(setting ALLOW_ANONYMOUS)" = true ] || ensure_client_key
ensure_sealing_secret
state=$(setting QWEN_DIR)
if ! has_secret QWEN_API_KEY && ! ls "${state:-.qwen}"/credentials/*.sealed > /dev/null 2>&1; then
    say "There is no credential for Qwen yet. A key of Alibaba Cloud Model Studio is the usual way in:
  1. Make one: https://modelstudio.console.alibabacloud.com/ → API keys (mainland China: https://bailian.console.aliyun.com/).
  2. Keep it sealed:  .build/release/qwen-gateway credentials add main   (another region than Singapore: --region cn, us, hk)
     or put a line into .env:  QWEN_API_KEY=sk-…
The gateway starts without one, and tries the login with a Qwen account, whose free tier was closed on 2026-04-15.
To try the gateway without Qwen: make demo"
    say
fi
[ -z "${PORT:-}" ] || export SERVER_PORT=$PORT
port=$(setting SERVER_PORT)
port=${port#:}
port=${port:-8080}
port_is_taken "$port" && die "Port $port is taken on this machine. Another one: make run PORT=8443"

say "Starting on port $port. Once it listens, with KEY set to a key of GATEWAY_API_KEYS (\`cat .env\`):"
# shellcheck disable=SC2016 # the shell of the one who pastes this expands it
example "$port" '$KEY' 'Hello' true
exec "$gateway" serve
