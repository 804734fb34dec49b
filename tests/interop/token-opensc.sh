#!/bin/sh
# OpenSC reads the virtual card, deciphers and signs with it, and puts a certificate on it.
set -eu
. "$(dirname "$0")/token-lib.sh"
token_enter "$@"
token_need gpg opensc-tool openpgp-tool pkcs15-tool pkcs15-crypt openssl
token_start_gnupg
gpg --batch --quiet --passphrase '' --quick-generate-key "alice@example.org" rsa2048 sign,cert \
    never 2>"$work/gpg.log"
fingerprint=$(gpg --batch --with-colons -k alice@example.org 2>/dev/null |
    sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)
gpg --batch --quiet --passphrase '' --quick-add-key "$fingerprint" rsa2048 encr never
gpg --batch --export-secret-keys alice@example.org >"$work/alice.gpg"
gpgconf --kill all

# says PATTERN COMMAND...: the command succeeds and prints it.
says() {
    pattern=$1
    shift
    "$@" >"$work/says.log" 2>&1 || token_fail "$*"
    grep -Eq "$pattern" "$work/says.log" || token_fail "$* does not say $pattern"
}

for option in '' --outer-tags --no-extended; do
    token_start_card --serial 0000ABCD --import "$work/alice.gpg" $option
    says 'OpenPGP card v3.4 \(FF00 0000ABCD\)' opensc-tool --name
    says 'Serial number: +0000ABCD' openpgp-tool --card-info
    says 'Dec Algorithm: +RSA2048' openpgp-tool --key-info
    says 'Tries left +: 3' pkcs15-tool --dump
    says '' openpgp-tool --verify CHV2 --pin 123456

    says '' pkcs15-tool --read-public-key 2 -o "$work/dec.pem"
    echo "session key" >"$work/plain"
    openssl pkeyutl -encrypt -pubin -inkey "$work/dec.pem" -in "$work/plain" -out "$work/cipher"
    says '' pkcs15-crypt --decipher --key 2 --pkcs1 --pin 123456 -i "$work/cipher" -o "$work/again"
    cmp "$work/plain" "$work/again" || token_fail "deciphered something else"

    says '' pkcs15-tool --read-public-key 1 -o "$work/sig.pem"
    openssl dgst -sha256 -binary "$work/plain" >"$work/hash"
    says '' pkcs15-crypt --sign --key 1 --sha-256 --pkcs1 --pin 123456 -i "$work/hash" -o "$work/sig" -R
    says OK openssl dgst -sha256 -verify "$work/sig.pem" -signature "$work/sig" "$work/plain"
    token_stop_card
done
echo "OpenSC: all as it should be"
