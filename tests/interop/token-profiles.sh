#!/bin/sh
# Programs that are not ours take the virtual card for the device that it is like: scdaemon and gpg with
# every profile, ykman with YubiKeys 4 and 5, OpenSC with one of each kind.
set -eu
. "$(dirname "$0")/token-lib.sh"
token_enter "$@"
token_need gpg ykman opensc-tool openpgp-tool pkcs15-tool
token_start_gnupg
gpg --batch --quiet --passphrase '' --quick-generate-key alice@example.org rsa2048 sign,cert never \
    2>"$work/gpg.log"
fingerprint=$(gpg --batch --with-colons -k alice@example.org 2>/dev/null |
    sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)
gpg --batch --quiet --passphrase '' --quick-add-key "$fingerprint" rsa2048 encr never 2>"$work/gpg.log"
gpg --batch --export-secret-keys alice@example.org >"$work/alice.gpg"
gpg --batch --yes --delete-secret-keys "$fingerprint" 2>"$work/gpg.log"

# says PATTERN COMMAND...: the command succeeds and prints it.
says() {
    pattern=$1
    shift
    "$@" >"$work/says.log" 2>&1 || token_fail "$*"
    grep -Eq "$pattern" "$work/says.log" || token_fail "$* does not say $pattern"
}

by_scdaemon() {
    token_meet_card
    token_card_says Version "$1"
    token_card_says Manufacturer "$2"
    token_card_says "PIN retry counter" "3 [03] 3"
    token_card_says "Key attributes" "rsa2048 rsa2048 rsa2048"
    token_decrypts alice@example.org
    token_signs alice@example.org
    gpgconf --kill scdaemon
}

by_ykman() {
    says "^Application version: $1\$" ykman --reader "Virtual PCD 00 00" openpgp info
    grep -Eq '^PIN tries remaining: +3$' "$work/says.log" || token_fail "ykman does not say the tries"
}

# pkcs15-tool (0.23) insists on SELECT DATA, which Gnuk has not.
by_opensc() {
    says "OpenPGP( card)? v$1" opensc-tool --name
    says 'Dec Algorithm: +RSA2048' openpgp-tool --key-info
    [ "$1" = 2.0 ] || says 'Tries left +: 3' pkcs15-tool --dump
    says '' openpgp-tool --verify CHV2 --pin 123456
}

while read -r profile version firmware manufacturer; do
    token_start_card --profile "$profile" --import "$work/alice.gpg"
    by_scdaemon "$version" "$manufacturer"
    case $profile in
    yubikey-neo) ;; # ykman wants its OTP application first, which is not here
    yubikey-*) by_ykman "$firmware" ;;
    nitrokey-start | nitrokey-pro2 | nitrokey-3 | smartpgp | generic) by_opensc "$version" ;;
    esac
    token_stop_card
    echo "$profile: all as it should be"
done <<'PROFILES'
generic 3.4 - unmanaged S/N range
yubikey-neo 2.0 1.0.10 Yubico
yubikey-4.2 2.1 4.2.6 Yubico
yubikey-4 2.1 4.3.7 Yubico
yubikey-5.2 3.4 5.2.7 Yubico
yubikey-5.4 3.4 5.4.3 Yubico
yubikey-5.7 3.4 5.7.1 Yubico
nitrokey-pro 2.1 - ZeitControl
nitrokey-pro2 3.3 - ZeitControl
nitrokey-storage 3.4 - ZeitControl
nitrokey-start 2.0 - unmanaged S/N range
nitrokey-3 3.4 - (Nitrokey|unknown)
smartpgp 3.4 - .*
smartpgp-ext 3.4 - .*
canokey 3.4 - .*
ledger 3.3 - .*
PROFILES
