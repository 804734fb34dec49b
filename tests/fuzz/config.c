/* The configuration file. */
#include "agent/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct agent_config config = { 0 };
    char error[CONFIG_ERROR_SIZE] = "";
    gpg_error_t err;

    if (config_defaults(&config))
        abort();
    err = config_parse(&config, "agent.conf", view_of(data, size), error);
    if (err && gpg_err_code(err) != GPG_ERR_SYNTAX && gpg_err_code(err) != GPG_ERR_ENOMEM)
        abort();
    if (gpg_err_code(err) == GPG_ERR_SYNTAX && strncmp(error, "agent.conf:", 11) != 0)
        abort();
    if (!config.reader_count || config.max_connections < 1 || config.pinentry_timeout < 1)
        abort();
    config_free(&config);
    return 0;
}
