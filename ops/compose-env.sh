#!/usr/bin/env bash
# Prepares `docker compose up -d`: compose-env.sh [NAME]...
#
# Writes what docker-compose.yml needs and is not there yet: .env (mode 0600), secrets in ops/secrets (only their owner
# can look into the folder), and state/ with a development certificate for the NAMEs. The first NAME is what clients
# call the gateway. A certificate of a public CA goes to state/certs/server.pem, its key to state/certs/server.key.
# Whatever exists is kept, and so are keys that .env holds.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
esac
command -v openssl > /dev/null || die "openssl is missing (Debian: apt-get install openssl)"
umask 077

# Whoever runs this owns state/, and the gateway runs as them; root is nobody to run a gateway as.
user=$(id -u):$(id -g)
[ "$(id -u)" -ne 0 ] || user=10001:10001

# secret NAME VALUE: a file that holds it, unless there is one. The folder shuts others out; the files can be read by
# whatever user a container has, for containers see them with the owner and the mode that they have here.
mkdir -p ops/secrets state/certs state/gateway
secret() {
    local file=ops/secrets/$1
    [ -s "$file" ] && return
    printf '%s\n' "$2" > "$file"
    chmod 644 "$file"
    say "new: $file"
}
client_keys=$(setting GATEWAY_API_KEYS)
admin_key=$(setting GATEWAY_ADMIN_KEYS)
sealing=$(setting QWEN_CREDENTIALS_SECRET)
secret gateway_api_keys "${client_keys:-sk-$(openssl rand -hex 32)}"
# Prometheus presents one key: the first.
admin_key=${admin_key:-admin-$(openssl rand -hex 32)}
secret gateway_admin_key "${admin_key%%,*}"
secret qwen_credentials_secret "${sealing:-$(openssl rand -hex 32)}"
secret grafana_password "$(openssl rand -hex 16)"

certs/make-dev-certs.sh "$@" gateway
# The container gets a copy, without the key of the CA. One that was not made here is the operator's.
is_ours() { openssl x509 -in "$1" -noout -issuer 2> /dev/null | grep -qF 'qwen-gateway development CA'; }
if [ ! -s state/certs/server.pem ] || is_ours state/certs/server.pem; then
    install -m 644 certs/server.pem state/certs/server.pem
    install -m 600 certs/server.key state/certs/server.key
fi
# With a certificate of a public CA there is none to trust besides; n8n's container wants a file all the same.
[ -e certs/ca.pem ] || : > certs/ca.pem

# default NAME VALUE: a line of .env, unless it has one.
default() { [ -n "$(setting "$1")" ] || remember "$1" "$2"; }
default GATEWAY_USER "$user"
default GATEWAY_HOST "${1:-gateway}"

[ "$(id -u)" -ne 0 ] || chown -R "$(setting GATEWAY_USER)" state
docker_compose='docker compose'
command -v docker > /dev/null || docker_compose='docker compose (Docker is not installed here)'
say "Ready: $docker_compose up -d --build
Clients present the key in ops/secrets/gateway_api_keys, at https://$(setting GATEWAY_HOST).
ops/secrets/qwen_credentials_secret seals what state/gateway keeps: do not lose it."
