# shellcheck shell=sh
# Sourced by tests/interop/token-*.sh: the virtual card in a pcscd of the script's own, driven by
# programs that know nothing of Cardea.

here=$(dirname "$(realpath "$0")")

# A skip is a failure where everything is meant to be there.
token_skip() {
    echo "skipped: $*" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 77
}

# Says what went wrong, with the logs of all who took part.
token_fail() {
    echo "FAILED: $*" >&2
    for log in "$work"/*.log; do
        [ -s "$log" ] && { echo "--- ${log##*/}" >&2; tail -n 40 "$log" >&2; }
    done
    exit 1
}

# token_need PROGRAM...
token_need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || token_skip "$program is missing"
    done
}

# token_enter "$@": first line of a script, whose one argument is the path of cardea-token. The script
# runs again beside a pcscd and has a folder $work, which goes away with all that it started.
token_enter() {
    if [ -z "${CARDEA_TOKEN:-}" ]; then
        [ -x "${1:-}" ] || { echo "usage: $0 PATH-OF-cardea-token" >&2; exit 2; }
        CARDEA_TOKEN=$(realpath "$1")
        export CARDEA_TOKEN
        exec "$here/with-pcscd" -- "$0" "$@"
    fi
    work=$(mktemp -d "${TMPDIR:-/tmp}/cardea-token.XXXXXX")
    card=
    trap token_leave EXIT
    trap 'exit 1' INT TERM HUP
}

token_leave() {
    [ -z "$card" ] || kill "$card" || true
    [ ! -d "$work/gnupg" ] || gpgconf --kill all || true
    # Daemons on their way out may still tidy up there.
    token_until 5 rm -rf "$work" 2>/dev/null || true
}

# token_until SECONDS COMMAND...: tries the command again and again.
token_until() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

token_powered() {
    grep -qx '# on' "$work/trace" 2>/dev/null
}

# token_start_card OPTION...: a card in the reader, powered once; $card is its process.
token_start_card() {
    rm -f "$work/trace"
    "$CARDEA_TOKEN" --connect "127.0.0.1:$VPCD_PORT" --wait --control "$work/control" \
        --trace "$work/trace" "$@" 2>>"$work/cardea-token.log" &
    card=$!
    token_until 20 token_powered || token_fail "pcscd does not see the card"
}

token_seen_leaving() {
    [ "$(grep -c 'Card inserted into' "$PCSCD_LOG")" -eq "$(grep -c 'Card Removed From' "$PCSCD_LOG")" ]
}

# pcscd looks every 400 ms only: it would take a card that comes sooner for the one that left.
token_stop_card() {
    kill "$card"
    wait "$card" || token_fail "cardea-token ended with $?"
    card=
    token_until 20 token_seen_leaving || token_fail "pcscd does not see that the card has left"
}

# A GnuPG home of the script's own that reaches cards through pcscd, and PINs by themselves.
token_start_gnupg() {
    GNUPGHOME=$work/gnupg
    export GNUPGHOME
    mkdir -m 700 "$GNUPGHOME"
    echo disable-ccid >"$GNUPGHOME/scdaemon.conf"
    echo "pinentry-program $here/token-pinentry.sh" >"$GNUPGHOME/gpg-agent.conf"
    printf '%s\n' user=123456 admin=12345678 code= >"$GNUPGHOME/pins"
}

# token_pin NAME PIN: what token-pinentry.sh answers from now on.
token_pin() {
    echo "$1=$2" >>"$GNUPGHOME/pins"
}

# Until gpg has a card: the first commands after a change may still meet what was before.
token_meet_card() {
    token_until 10 gpg --card-status >/dev/null 2>&1 || token_fail "gpg finds no card"
}

# A new scdaemon: the card loses power and with it every PIN.
token_new_session() {
    gpgconf --kill scdaemon
    token_meet_card
}

# token_gpg_dialogue COMMAND LINE...: gpg with that command, the lines as its input, each an answer.
token_gpg_dialogue() {
    command=$1
    shift
    # shellcheck disable=SC2086 # words are meant
    printf '%s\n' "$@" |
        gpg --no-tty --yes --command-fd 0 --status-fd 2 --expert $command >"$work/dialogue.log" 2>&1 ||
        token_fail "gpg $command, answered $*"
}

token_edit_card() {
    token_gpg_dialogue --card-edit "$@" quit
}

# token_card_says FIELD VALUE: gpg --card-status has a line "FIELD ...: VALUE".
token_card_says() {
    gpg --card-status >"$work/status.log" 2>&1 || token_fail "gpg --card-status"
    grep -Eq "^$1[ .]*: $2\$" "$work/status.log" || token_fail "the card does not say $1: $2"
}

# token_decrypts RECIPIENT: a message to them comes back through the card.
token_decrypts() {
    echo "for $1" >"$work/plain"
    rm -f "$work/message"
    gpg --batch --trust-model always -r "$1" -o "$work/message" -e "$work/plain" 2>"$work/gpg.log" ||
        token_fail "encryption for $1"
    before=$(grep -c '^> ..2A8086' "$work/trace" || true)
    gpg --batch -d "$work/message" >"$work/decrypted" 2>"$work/gpg.log" ||
        token_fail "decryption for $1"
    cmp "$work/plain" "$work/decrypted" || token_fail "another plaintext for $1"
    [ "$(grep -c '^> ..2A8086' "$work/trace")" -gt "$before" ] ||
        token_fail "decryption for $1 did not ask the card"
}

# token_signs USER: a signature made by the card is good.
token_signs() {
    rm -f "$work/plain.sig"
    before=$(grep -c '^> ..2A9E9A' "$work/trace" || true)
    gpg --batch -u "$1" -o "$work/plain.sig" -b "$work/plain" 2>"$work/gpg.log" ||
        token_fail "signature of $1"
    gpg --batch --trust-model always --verify "$work/plain.sig" "$work/plain" 2>"$work/gpg.log" ||
        token_fail "signature of $1 is bad"
    [ "$(grep -c '^> ..2A9E9A' "$work/trace")" -gt "$before" ] ||
        token_fail "signature of $1 did not ask the card"
}
