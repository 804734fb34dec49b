# Says what went to a token, from the trace that cardea-token writes. PINs are not shown, and long
# data is shortened. Prints "NUMBER  COMMAND  ->  ANSWER", one line for each command.

function show(hex) {
    return length(hex) > 16 ? substr(hex, 1, 16) "... (" length(hex) / 2 " bytes)" : hex
}

# The data of a command: after Lc, which is one byte, or three that begin with 00.
function data(hex,    lc) {
    if (length(hex) <= 10)
        return ""
    lc = number(substr(hex, 9, 2))
    return lc ? substr(hex, 11, 2 * lc) : substr(hex, 15, 2 * number(substr(hex, 11, 4)))
}

function number(hex,    i, value) {
    value = 0
    for (i = 1; i <= length(hex); i++)
        value = 16 * value + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
    return value
}

function name(hex,    class, ins, p, part) {
    class = substr(hex, 1, 2)
    ins = substr(hex, 3, 2)
    p = substr(hex, 5, 4)
    part = class == "10" ? " (first part)" : ""
    if (ins == "A4")
        return "SELECT " (data(hex) ~ /^D27600012401/ ? "the OpenPGP application" : show(data(hex)))
    if (ins == "CA")
        return "GET DATA " (p ~ /^00/ ? substr(p, 3) : p)
    if (ins == "CC")
        return "GET NEXT DATA " p
    if (ins == "20")
        return "VERIFY " (data(hex) == "" ? "(how many tries?)" : "PIN")
    if (ins == "24" || ins == "2C")
        return "CHANGE PIN"
    if (ins == "2A")
        return (p == "8086" ? "DECIPHER " : "SIGN ") show(data(hex)) part
    if (ins == "47")
        return (p ~ /^81/ ? "READ PUBLIC KEY " : "GENERATE KEY ") substr(data(hex), 1, 2)
    if (ins == "C0")
        return "GET RESPONSE"
    if (ins == "22")
        return "CHOOSE KEY " show(data(hex))
    return "command " ins " " p
}

function answer(hex,    status, body, text) {
    status = substr(hex, length(hex) - 3)
    body = substr(hex, 1, length(hex) - 4)
    text = status == "9000" ? "ok" : status ~ /^61/ ? "ok, more to fetch" : "status " status
    return text (body == "" ? "" : ", " length(body) / 2 " bytes")
}

$1 == ">" { command = name($2) }
$1 == "<" && command != "" { printf "%2d  %-58s %s\n", ++count, command, answer($2); command = "" }
