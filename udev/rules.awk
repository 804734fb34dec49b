# Makes the udev rules from devices.table.
BEGIN {
    FS = "\t"
    print "# Made from udev/devices.table of Cardea."
    print "# The user at the seat may use tokens and readers that speak CCID. Not for ACTION \"add\" alone: the"
    print "# later \"bind\" forgets what was set then. No GROUP: pcscd's own rules come later and set theirs."
    print "ACTION==\"remove\", GOTO=\"cardea_end\""
    print "SUBSYSTEM!=\"usb\", GOTO=\"cardea_end\""
    print "ENV{DEVTYPE}!=\"usb_device\", GOTO=\"cardea_end\""
    print ""
    print "ENV{ID_USB_INTERFACES}==\"*:0b????:*\", GOTO=\"cardea_reader\""
}

/^#/ { next }

{
    print "# " $4
    printf "ATTR{idVendor}==\"%s\", ATTR{idProduct}==\"%s\", GOTO=\"cardea_reader\"\n", $1, $2
}

END {
    print "GOTO=\"cardea_end\""
    print ""
    print "LABEL=\"cardea_reader\""
    print "ENV{ID_SMARTCARD_READER}=\"1\", TAG+=\"uaccess\""
    print "# After the computer's sleep a token has forgotten all: then let it come as a new one."
    print "TEST==\"power/persist\", ATTR{power/persist}=\"0\""
    print ""
    print "LABEL=\"cardea_end\""
}
