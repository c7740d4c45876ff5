#!/usr/bin/env bash
# Installs the built gateway as a service: sudo ops/systemd/install.sh [ROOT]
#
# Keeps settings, secrets and certificates that are there. With ROOT, a folder that stands for /, it installs into that
# and leaves users and services alone.
set -euo pipefail
root=${1:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$here/../..
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || { echo "install.sh: this needs root: sudo $0" >&2; exit 1; }
built=$project/.build/release/qwen-gateway
[ -x "$built" ] || { echo "install.sh: $built is not built yet: run \`make build\`" >&2; exit 1; }
umask 077

install -D -m 755 --strip "$built" "$root/usr/local/bin/qwen-gateway"
install -D -m 755 "$here/qwen-gateway-admin" "$root/usr/local/sbin/qwen-gateway-admin"
install -D -m 644 "$here/sysusers.conf" "$root/usr/lib/sysusers.d/qwen-gateway.conf"
for unit in qwen-gateway.service qwen-gateway-http.socket qwen-gateway-http.service; do
    install -D -m 644 "$here/$unit" "$root/etc/systemd/system/$unit"
done
group=root
if [ -z "$root" ]; then
    systemd-sysusers /usr/lib/sysusers.d/qwen-gateway.conf
    group=qwen-gateway
fi

etc=$root/etc/qwen-gateway
install -d -m 750 -g "$group" "$etc" "$etc/certs"
install -d -m 700 "$etc/secrets"
[ -e "$etc/environment" ] || install -m 640 -g "$group" "$here/environment" "$etc/environment"
# secret NAME VALUE: kept where there is one. Only root reads them; systemd hands them to the service.
secret() { [ -s "$etc/secrets/$1" ] || printf '%s\n' "$2" > "$etc/secrets/$1"; }
secret gateway_api_keys "sk-$(openssl rand -hex 32)"
secret qwen_credentials_secret "$(openssl rand -hex 32)"

echo "Installed. What is left:
  1. $etc/certs/server.pem and server.key, which the user qwen-gateway owns (mode 0600)
  2. systemctl enable --now qwen-gateway.service qwen-gateway-http.socket
  3. qwen-gateway-admin credentials add main
Clients present the key in $etc/secrets/gateway_api_keys."
