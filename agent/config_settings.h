/* The settings by name, for the configuration file and the command line alike. */
#pragma once

#include "agent/config.h"

struct config_setting;

/* One source of settings. The first reader of a source replaces those of the source before. */
struct config_source {
    struct agent_config *config;
    bool has_readers;
};

/* NULL for unknown names. */
const struct config_setting *config_find(const char *section, const char *key);
bool config_has_section(const char *section);

/* "a, b and c": the settings of a section, or with NULL all sections in brackets. Returns out. */
char *config_list(const char *section, char *out, size_t size);

/* GPG_ERR_INV_VALUE with *expected telling what the value may be; GPG_ERR_ENOMEM. */
gpg_error_t config_apply(struct config_source *source, const struct config_setting *setting,
                         const char *value, const char **expected);

/* Reads a file through config_parse. GPG_ERR_ENOENT if there is none; any other error with a
 * sentence in error (CONFIG_ERROR_SIZE bytes). */
gpg_error_t config_read_file(struct agent_config *config, const char *path, char *error);

/* $XDG_CONFIG_HOME/cardea/agent.conf; *path is NULL when there is no home to look in. The caller's
 * to free(). */
gpg_error_t config_default_path(char **path);
