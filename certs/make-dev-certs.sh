#!/usr/bin/env bash
# Makes a development CA and a server certificate for this machine, or keeps the ones that are there.
#
#   certs/make-dev-certs.sh [--dir DIR] [NAME|ADDRESS]...
#
# The certificate is for localhost, 127.0.0.1 and ::1, and the names and addresses given. It is kept while it is
# valid for more than a week, carries every name asked for and fits its key and CA; otherwise it is made anew.
# A server.pem that this script did not make is never touched.
set -euo pipefail
umask 077

readonly ca_name='qwen-gateway development CA'
readonly ca_days=3650
readonly leaf_days=365      # the longest that Apple's clients accept
readonly margin=$((7 * 24 * 3600))

dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
names=(localhost 127.0.0.1 ::1)
while [ $# -gt 0 ]; do
    case $1 in
        --dir)
            [ $# -ge 2 ] || { echo "make-dev-certs: --dir needs a directory" >&2; exit 2; }
            mkdir -p "$2"
            dir=$(cd "$2" && pwd)
            shift 2
            ;;
        -h | --help)
            sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        -*)
            echo "make-dev-certs: unknown option $1" >&2
            exit 2
            ;;
        *)
            # What goes into a certificate is a host name or an address, and nothing that openssl would read as syntax.
            [[ $1 =~ ^[A-Za-z0-9*._:-]+$ ]] || { echo "make-dev-certs: not a host name or address: $1" >&2; exit 2; }
            names+=("$1")
            shift
            ;;
    esac
done
command -v openssl > /dev/null || { echo "make-dev-certs: openssl is missing (Debian: apt-get install openssl)" >&2; exit 1; }
cd "$dir"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

is_address() { [[ $1 == *:* || $1 =~ ^[0-9]+(\.[0-9]+){3}$ ]]; }

# fits CERT KEY: the key is the certificate's.
fits() {
    [ "$(openssl x509 -in "$1" -noout -pubkey 2> /dev/null)" = "$(openssl pkey -in "$2" -pubout 2> /dev/null)" ]
}

# current CERT KEY: both are there, belong together and stay valid for the margin.
current() {
    [ -s "$1" ] && [ -s "$2" ] && openssl x509 -in "$1" -noout -checkend "$margin" > /dev/null 2>&1 && fits "$1" "$2"
}

has_all_names() {
    local name
    for name in "${names[@]}"; do
        # `-checkhost` and `-checkip` print their verdict, and exit with 0 either way.
        if is_address "$name"; then
            openssl x509 -in server.pem -noout -checkip "$name"
        else
            openssl x509 -in server.pem -noout -checkhost "${name/\*/any}"
        fi | grep -q 'does match' || return 1
    done
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [ -s server.pem ] && ! openssl x509 -in server.pem -noout -issuer 2> /dev/null | grep -qF "$ca_name"; then
    echo "certificate: $dir/server.pem was not made here, left as it is"
    exit 0
fi

if ! current ca.pem ca.key; then
    new_key "$work/ca.key"
    openssl req -x509 -new -key "$work/ca.key" -sha256 -days "$ca_days" -out "$work/ca.pem" -config <(
        printf '%s\n' '[req]' 'prompt = no' 'distinguished_name = dn' 'x509_extensions = ca' \
            '[dn]' "CN = $ca_name" \
            '[ca]' 'basicConstraints = critical, CA:TRUE, pathlen:0' 'keyUsage = critical, keyCertSign, cRLSign' \
            'subjectKeyIdentifier = hash'
    )
    mv "$work/ca.key" "$work/ca.pem" .
    echo "certificate: new development CA in $dir/ca.pem"
fi

if current server.pem server.key && has_all_names \
    && openssl verify -x509_strict -purpose sslserver -CAfile ca.pem server.pem > /dev/null 2>&1; then
    chmod 600 ca.key server.key
    chmod 644 ca.pem server.pem
    exit 0
fi

san=
for name in "${names[@]}"; do
    if is_address "$name"; then san+=",IP:$name"; else san+=",DNS:$name"; fi
done
new_key "$work/server.key"
openssl req -new -key "$work/server.key" -subj "/CN=localhost" -out "$work/server.csr"
openssl x509 -req -in "$work/server.csr" -CA ca.pem -CAkey ca.key -sha256 -days "$leaf_days" \
    -set_serial "0x$(openssl rand -hex 16 | sed 's/^./4/')" -out "$work/server.pem" -extfile <(
    printf '%s\n' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
        'extendedKeyUsage = serverAuth' 'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid:always' \
        "subjectAltName = ${san#,}"
) 2> /dev/null
openssl verify -x509_strict -purpose sslserver -CAfile ca.pem "$work/server.pem" > /dev/null
mv "$work/server.key" "$work/server.pem" .
chmod 600 ca.key server.key
chmod 644 ca.pem server.pem
echo "certificate: new $dir/server.pem for ${names[*]}"
