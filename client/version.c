#include "client/cardea.h"

#include "base/advice.h"

const char *cardea_version(void)
{
    return CARDEA_VERSION;
}

const char *cardea_advice(gpg_error_t error)
{
    return advice(error);
}
