#!/usr/bin/env bash
# Runs the gateway before Qwen with the settings of the environment and .env, until Ctrl-C.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
own_group "$root/ops/run.sh"

gateway=$(program qwen-gateway)

[ "$(setting ALLOW_ANONYMOUS)" = true ] || ensure_client_key
if ! has_secret QWEN_API_KEY; then
    die "QWEN_API_KEY is not set: the gateway needs a key of Alibaba Cloud Model Studio to call Qwen.
  1. Make one: https://modelstudio.console.alibabacloud.com/ → API keys (mainland China: https://bailian.console.aliyun.com/).
  2. Put it into .env in this folder, as a line of its own:
         QWEN_API_KEY=sk-…
     A key of another region than Singapore also needs QWEN_REGION or API_BASE_URL.
  3. make run
To try the gateway without Qwen: make demo"
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
