#include "apdu/application_data.h"

/* Registered with FSFE e.V. (OpenPGP card specification §4.2.1); the last few are in use
 * unregistered. */
static const struct {
    uint16_t id;
    const char *name;
} manufacturers[] = {
    { 0x0001, "PPC Card Systems" },
    { 0x0002, "Prism" },
    { 0x0003, "OpenFortress" },
    { 0x0004, "Wewid" },
    { 0x0005, "ZeitControl" },
    { 0x0006, "Yubico" },
    { 0x0007, "OpenKMS" },
    { 0x0008, "LogoEmail" },
    { 0x0009, "Fidesmo" },
    { 0x000a, "VivoKey" },
    { 0x000b, "Feitian Technologies" },
    { 0x000d, "Dangerous Things" },
    { 0x000e, "Excelsecu" },
    { 0x000f, "Nitrokey" },
    { 0x0010, "NeoPGP" },
    { 0x0011, "Token2" },
    { 0x002a, "Magrathea" },
    { 0x0042, "GnuPG e.V." },
    { 0x1337, "Warsaw Hackerspace" },
    { 0x2342, "warpzone" },
    { 0x2c97, "Ledger" },
    { 0x4354, "Confidential Technologies" },
    { 0x5343, "SSE Carte a puce" },
    { 0x5443, "TIF-IT" },
    { 0x63af, "Trustica" },
    { 0xafaf, "ANSSI" },
    { 0xba53, "c-base" },
    { 0xbd0e, "Paranoidlabs" },
    { 0xca05, "Atos CardOS" },
    { 0xf1d0, "CanoKeys" },
    { 0xf517, "FSIJ" },
    { 0xf5ec, "F-Secure" },
};

const char *manufacturer_name(uint16_t id)
{
    if (id == 0x0000 || id == 0xffff)
        return "test card";
    if (id >= 0xff00)
        return "unmanaged S/N range";
    for (size_t i = 0; i < sizeof manufacturers / sizeof *manufacturers; i++) {
        if (manufacturers[i].id == id)
            return manufacturers[i].name;
    }
    return NULL;
}
