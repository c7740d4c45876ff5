# Functions that the scripts of this folder share; sourced, never run. All of them work from the project's root.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# setting NAME: its value in the environment, or else in .env; empty where it is in neither.
setting() {
    if [ -n "${!1:-}" ]; then
        printf '%s' "${!1}"
    elif [ -f .env ]; then
        sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" .env | tail -n 1 \
            | sed -e 's/[[:space:]]*$//' -e 's/^"\(.*\)"$/\1/' -e "s/^'\(.*\)'\$/\1/"
    fi
}

# has_secret NAME: it is set, or a file that holds it is named by NAME_FILE.
has_secret() { [ -n "$(setting "$1")" ] || [ -n "$(setting "$1_FILE")" ]; }

# remember NAME VALUE: adds it to .env, which only its owner may read.
remember() {
    (umask 077 && touch .env)
    chmod 600 .env
    # A template may hold the name without a value, and a name may stand there once only.
    sed -i "/^[[:space:]]*$1[[:space:]]*=[[:space:]]*$/d" .env
    # A last line without its end would swallow what is added.
    [ ! -s .env ] || [ -z "$(tail -c 1 .env)" ] || echo >> .env
    printf '%s=%s\n' "$1" "$2" >> .env
}

# Generates the key that clients present, once, and shows it.
ensure_client_key() {
    has_secret GATEWAY_API_KEYS && return
    local key
    key="sk-$(openssl rand -hex 32)"
    remember GATEWAY_API_KEYS "$key"
    say "GATEWAY_API_KEYS was not set: a new key was added to .env (only you can read it). Clients present it:"
    say "    $key"
}

# Generates the secret that seals the credentials for Qwen, once, and names it.
ensure_sealing_secret() {
    has_secret QWEN_CREDENTIALS_SECRET && return
    remember QWEN_CREDENTIALS_SECRET "$(openssl rand -hex 32)"
    say "QWEN_CREDENTIALS_SECRET was not set: a new one was added to .env. It seals what QWEN_DIR keeps: do not lose it."
}

# port_is_taken PORT: something on this machine accepts connections there.
port_is_taken() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# program NAME: the path of a built program.
program() {
    local path=.build/release/$1
    [ -x "$path" ] || die "$path is not built yet: run \`make build\`."
    printf '%s' "$root/$path"
}

# Ctrl-C reaches every process of the terminal's foreground group. make would die of it and report an error after a
# proper end, so a script that make started takes a foreground group of its own: call as `own_group "$0" "$@"`.
own_group() {
    local pgrp tpgid
    [ -n "${MAKELEVEL:-}" ] && [ -z "${OWN_GROUP:-}" ] && [ -t 0 ] || return 0
    read -r _ _ _ _ pgrp _ _ tpgid _ < "/proc/$$/stat"
    [ "$pgrp" = "$tpgid" ] || return 0
    set -m
    OWN_GROUP=1 "$@"
    exit $?
}

# example PORT KEY CONTENT STREAM: a command to paste.
example() {
    local body="{\"messages\":[{\"role\":\"user\",\"content\":\"$3\"}]" flags=
    if [ "$4" = true ]; then
        body+=',"stream":true'
        flags=' -N'
    fi
    printf '    curl --http2%s --cacert certs/ca.pem https://localhost:%s/v1/chat/completions \\\n' "$flags" "$1"
    printf '        -H "Authorization: Bearer %s" -H "Content-Type: application/json" \\\n' "$2"
    printf "        -d '%s}'\n" "$body"
}

# The packages of Tests/clients in .venv, installed once for each content of requirements.txt.
virtual_environment() {
    local wanted
    wanted=$(sha256sum Tests/clients/requirements.txt)
    [ "$(cat .venv/installed 2> /dev/null)" != "$wanted" ] || return 0
    python3 -m venv --clear .venv \
        && .venv/bin/python -m pip install --quiet --disable-pip-version-check -U pip \
        && .venv/bin/python -m pip install --quiet --only-binary=:all: -r Tests/clients/requirements.txt \
        && printf '%s' "$wanted" > .venv/installed
}
