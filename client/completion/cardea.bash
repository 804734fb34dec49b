# Completion of cardea and cardea-sop for bash.

_cardea() {
    local word=${COMP_WORDS[COMP_CWORD]} before='' command='' i
    local common='--socket --gnupghome --no-start --json --quiet -q --help'
    local decrypt='-o --output --overwrite --unwrap --session-key --session-key-file --certificate
        --accept-unprotected --max-output --memory-limit'

    [ "$COMP_CWORD" -gt 0 ] && before=${COMP_WORDS[COMP_CWORD - 1]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        decrypt | session-key | list | forget | watch | lock) command=${COMP_WORDS[i]}; break ;;
        --socket | --gnupghome) ((i++)) ;;
        esac
    done
    COMPREPLY=()
    case $before in
    --gnupghome) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --session-key | --pkesk | --max-output | --memory-limit) return ;;
    --socket | -o | --output | --session-key-file | --certificate)
        mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    case $command:$word in
    decrypt:-*) mapfile -t COMPREPLY < <(compgen -W "$common $decrypt" -- "$word") ;;
    session-key:-*) mapfile -t COMPREPLY < <(compgen -W "$common --pkesk --certificate" -- "$word") ;;
    list:* | forget:* | watch:* | lock:*) mapfile -t COMPREPLY < <(compgen -W "$common" -- "$word") ;;
    :-*) mapfile -t COMPREPLY < <(compgen -W "$common --version" -- "$word") ;;
    :*) mapfile -t COMPREPLY < <(compgen -W 'decrypt session-key list forget watch lock' -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}

_cardea_sop() {
    local word=${COMP_WORDS[COMP_CWORD]#=} # which readline takes for a word of its own

    case $COMP_CWORD:${COMP_WORDS[1]}:$word in
    1:*) mapfile -t COMPREPLY < <(compgen -W 'version decrypt --help' -- "$word") ;;
    *:version:*) mapfile -t COMPREPLY < <(compgen -W '--backend --extended' -- "$word") ;;
    *:decrypt:-*) mapfile -t COMPREPLY < <(compgen -W \
        '--session-key-out= --with-session-key= --help' -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}

complete -o filenames -F _cardea cardea
complete -o filenames -o nospace -F _cardea_sop cardea-sop
