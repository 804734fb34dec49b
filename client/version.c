#include "client/cardea.h"

const char *cardea_version(void)
{
    return CARDEA_VERSION;
}
