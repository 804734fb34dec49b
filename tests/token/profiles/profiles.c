#include "tests/token/profiles/profile.h"

#include <stddef.h>
#include <string.h>

const struct token_profile *const token_profiles[] = { &token_profile_generic,
                                                       &token_profile_yubikey_neo,
                                                       &token_profile_yubikey_4_2,
                                                       &token_profile_yubikey_4,
                                                       &token_profile_yubikey_5_2,
                                                       &token_profile_yubikey_5_4,
                                                       &token_profile_yubikey_5_7,
                                                       &token_profile_nitrokey_pro,
                                                       &token_profile_nitrokey_pro2,
                                                       &token_profile_nitrokey_storage,
                                                       &token_profile_nitrokey_start,
                                                       &token_profile_nitrokey_3,
                                                       &token_profile_smartpgp,
                                                       &token_profile_smartpgp_ext,
                                                       &token_profile_canokey,
                                                       &token_profile_ledger,
                                                       NULL };

const struct token_profile *token_profile_find(const char *name)
{
    for (const struct token_profile *const *p = token_profiles; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}
