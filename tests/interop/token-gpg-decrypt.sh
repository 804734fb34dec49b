#!/bin/sh
# gpg decrypts and signs with keys of every kind that it knows, moved to the card by keytocard or
# read by cardea-token --import, over extended length and over chaining.
set -eu
. "$(dirname "$0")/token-lib.sh"
token_enter "$@"
token_need gpg
token_start_gnupg

# make_key NAME SIGNING-ALGORITHM ENCRYPTION-ALGORITHM
make_key() {
    gpg --batch --quiet --passphrase '' --quick-generate-key "$1 <$1@example.org>" "$2" sign,cert \
        never 2>"$work/gpg.log" || token_fail "making $1"
    fingerprint=$(gpg --batch --with-colons -k "$1@example.org" 2>/dev/null |
        sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)
    gpg --batch --quiet --passphrase '' --quick-add-key "$fingerprint" "$3" encr never \
        2>"$work/gpg.log" || token_fail "making $3 for $1"
    gpg --batch --export-secret-keys --armor "$1@example.org" >"$work/$1.asc"
    gpg --batch --export "$1@example.org" >"$work/$1.pub"
}

# Key stubs instead of secret keys, as on a machine that never had them.
forget_secrets() {
    gpg --batch --yes --delete-secret-keys "$fingerprint" 2>"$work/gpg.log" ||
        token_fail "deleting the secret keys of $1"
}

# by_import NAME OPTION...: the card reads the key from a file.
by_import() {
    user=$1
    shift
    forget_secrets "$user"
    token_start_card --import "$work/$user.asc" "$@"
    token_meet_card
    token_decrypts "$user@example.org"
    token_signs "$user@example.org"
    token_stop_card
}

# by_keytocard NAME OPTION...: gpg sends it there.
by_keytocard() {
    user=$1
    shift
    token_start_card "$@"
    token_meet_card
    token_gpg_dialogue "--edit-key $user@example.org" keytocard y 1 'key 1' keytocard 2 save
    token_decrypts "$user@example.org"
    token_signs "$user@example.org"
    token_stop_card
}

while read -r name signing encryption; do
    make_key "$name" "$signing" "$encryption"
    by_keytocard "$name"
    by_import "$name"
    by_import "$name" --no-extended
    echo "$name: decrypts and signs"
done <<'KEYS'
rsa2048 rsa2048 rsa2048
rsa3072 rsa3072 rsa3072
rsa4096 rsa4096 rsa4096
curve25519 ed25519 cv25519
nistp256 nistp256 nistp256
nistp384 nistp384 nistp384
nistp521 nistp521 nistp521
brainpoolP256r1 brainpoolP256r1 brainpoolP256r1
brainpoolP384r1 brainpoolP384r1 brainpoolP384r1
brainpoolP512r1 brainpoolP512r1 brainpoolP512r1
secp256k1 secp256k1 secp256k1
KEYS
