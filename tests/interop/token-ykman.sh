#!/bin/sh
# ykman reads and sets what it can on a card that is no YubiKey. It asks for Yubico's GET VERSION
# first; before version 5 it asks for nothing else that is not in the specification.
set -eu
. "$(dirname "$0")/token-lib.sh"
token_enter "$@"
token_need ykman openssl
token_start_card --yubico-version 4.3.7

# openpgp ARGUMENT...: ykman openpgp, with the reader named: by itself it looks for Yubico's.
openpgp() {
    ykman --reader "Virtual PCD 00 00" openpgp "$@" >"$work/ykman.log" 2>&1 ||
        token_fail "ykman openpgp $*"
}

says() {
    openpgp info
    for line in "$@"; do
        grep -Eq "^$line\$" "$work/ykman.log" || token_fail "ykman does not say $line"
    done
}

says "OpenPGP version: 3.4" "Application version: 4.3.7" "PIN tries remaining: +3" \
    "Encryption key +Off"
openpgp keys set-touch -f -a 12345678 ENC on
openpgp keys set-touch -f -a 12345678 AUT fixed
says "Signature key +Off" "Encryption key +On" "Authentication key +On \(fixed\)"

openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem"
openssl req -x509 -new -key "$work/key.pem" -subj /CN=test -days 100 -out "$work/certificate.pem"
openpgp certificates import -a 12345678 AUT "$work/certificate.pem"
openpgp certificates export AUT "$work/exported.pem"
cmp "$work/certificate.pem" "$work/exported.pem" || token_fail "another certificate"

openpgp reset -f
says "Encryption key +Off" "Authentication key +Off" "Admin PIN tries remaining: +3"
token_stop_card
echo "ykman: all as it should be"
