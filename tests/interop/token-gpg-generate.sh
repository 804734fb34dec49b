#!/bin/sh
# gpg --card-edit with the virtual card: key types, keys made on the card, data objects, PINs, the
# resetting code, a factory reset.
set -eu
. "$(dirname "$0")/token-lib.sh"
token_enter "$@"
token_need gpg
token_start_card --serial 0000ABCD
token_start_gnupg

token_card_says "Serial number" 0000ABCD
token_card_says "Key attributes" "rsa2048 rsa2048 rsa2048"

token_edit_card admin key-attr 2 1 2 1 2 1
token_card_says "Key attributes" "ed25519 cv25519 ed25519"

token_edit_card admin name Example Alice lang de url https://example.org/alice login alice
token_card_says "Name of cardholder" "Alice Example"
token_card_says "Language prefs" de
token_card_says "URL of public key" https://example.org/alice
token_card_says "Login data" alice

token_edit_card admin generate n 0 y "Alice Example" alice@example.org "" O
token_decrypts alice@example.org
token_signs alice@example.org

# Three wrong PINs block, the admin unblocks.
token_new_session
token_pin user 654321
for tries in 2 1 0; do
    gpg --batch -d "$work/message" >/dev/null 2>&1 && token_fail "decryption with a wrong PIN"
    token_card_says "PIN retry counter" "$tries 0 3"
done
token_pin new-user 111111
token_edit_card admin passwd 2 Q
token_card_says "PIN retry counter" "3 0 3"
token_pin user 111111
token_new_session
token_decrypts alice@example.org

# PIN, admin PIN, resetting code.
token_pin new-user 222222
token_edit_card passwd
token_pin user 222222
token_pin new-admin 87654321
token_edit_card admin passwd 3 Q
token_pin admin 87654321
token_pin new-code 99999999
token_edit_card admin passwd 4 Q
token_card_says "PIN retry counter" "3 3 3"
token_pin code 99999999
token_pin new-user 333333
token_edit_card unblock
token_pin user 333333
token_new_session
token_decrypts alice@example.org

token_edit_card admin factory-reset y yes
token_card_says "Key attributes" "rsa2048 rsa2048 rsa2048"
token_card_says "Login data" "\[not set\]"
token_card_says "PIN retry counter" "3 0 3"

# PINs hashed by the host.
token_pin user 123456
token_pin admin 12345678
token_edit_card admin kdf-setup
token_card_says "KDF setting" on
token_edit_card admin key-attr 2 3 2 3 2 3
token_card_says "Key attributes" "nistp256 nistp256 nistp256"
token_edit_card admin generate n 0 y "Bob Example" bob@example.org "" O
token_decrypts bob@example.org
token_signs bob@example.org
token_stop_card
echo "gpg --card-edit: all as it should be"
