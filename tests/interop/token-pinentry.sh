#!/bin/sh
# A pinentry that knows the PINs of the virtual card. It looks them up for every question in the
# file "pins" in $GNUPGHOME: lines of NAME=PIN, the last one of a name counts; the names are user,
# admin, code (the resetting code), and the same with "new-" before them.
pins=$GNUPGHOME/pins
asked=$GNUPGHOME/asked

name_for() {
    case $1 in
    *Repeat*) tail -n 1 "$asked" && return ;;
    *Reset*) name=code ;;
    *Admin*) name="admin" ;;
    *) name=user ;;
    esac
    case $1 in
    *New*) name=new-$name ;;
    esac
    echo "$name"
}

answer() {
    name=$(name_for "$1")
    echo "$name" >>"$asked"
    sed -n "s/^$name=/D /p" "$pins" | tail -n 1
}

prompt='' description=''
echo OK
while read -r command rest; do
    case $command in
    SETDESC) description=$rest ;;
    SETPROMPT) prompt=$rest ;;
    GETPIN) answer "$prompt $description" ;;
    esac
    echo OK
    [ "$command" != BYE ] || exit 0
done
