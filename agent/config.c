#include "agent/config.h"

#include "agent/config_settings.h"
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS_MAX 32
#define SECONDS_MAX (30L * 24 * 60 * 60)

/* Returns what was expected, or NULL when the value is taken; *err for what is not its fault. */
typedef const char *config_setter(struct config_source *source,
                                  const struct config_setting *setting, const char *value,
                                  gpg_error_t *err);

struct config_setting {
    const char *section;
    const char *key;
    config_setter *set;
    size_t offset; /* in struct agent_config */
    long min;
    long max;
    const char *expected;
};

static void *field(const struct config_source *source, const struct config_setting *setting)
{
    return (char *)source->config + setting->offset;
}

static void replace(char **to, const char *value, gpg_error_t *err)
{
    char *copy = strdup(value);

    if (!copy) {
        *err = gpg_error_from_syserror();
        return;
    }
    free(*to);
    *to = copy;
}

static const char *set_number(struct config_source *source, const struct config_setting *setting,
                              const char *value, gpg_error_t *err)
{
    long number;

    (void)err;
    if (!text_to_number(value, setting->min, setting->max, &number))
        return setting->expected;
    *(int *)field(source, setting) = (int)number;
    return NULL;
}

static const char *set_switch(struct config_source *source, const struct config_setting *setting,
                              const char *value, gpg_error_t *err)
{
    (void)err;
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return setting->expected;
    *(bool *)field(source, setting) = *value == 'y';
    return NULL;
}

static const char *set_log_level(struct config_source *source, const struct config_setting *setting,
                                 const char *value, gpg_error_t *err)
{
    int level = log_level_from_name(value);

    (void)err;
    if (level < 0)
        return setting->expected;
    source->config->log_level = (enum log_level)level;
    return NULL;
}

static const char *set_home(struct config_source *source, const struct config_setting *setting,
                            const char *value, gpg_error_t *err)
{
    if (!*value)
        return setting->expected;
    replace(field(source, setting), value, err);
    return NULL;
}

/* A relative path would mean another program in every working directory. */
static const char *set_program(struct config_source *source, const struct config_setting *setting,
                               const char *value, gpg_error_t *err)
{
    if (!*value || (*value != '/' && strchr(value, '/')))
        return setting->expected;
    replace(field(source, setting), value, err);
    return NULL;
}

/* "usb", "usb:spare", or two numbers of four hex digits. */
static bool is_usb(const char *value)
{
    static const char pattern[] = "usb:xxxx:xxxx";
    size_t len = strlen(value);

    if (strcmp(value, "usb") == 0 || strcmp(value, "usb:spare") == 0)
        return true;
    for (size_t i = 0; i < len && len == strlen(pattern); i++) {
        if (pattern[i] == 'x' ? !isxdigit((unsigned char)value[i]) : value[i] != pattern[i])
            return false;
    }
    return len == strlen(pattern);
}

static const char *set_state_directory(struct config_source *source,
                                       const struct config_setting *setting, const char *value,
                                       gpg_error_t *err)
{
    bool none = strcmp(value, "none") == 0;

    if (*value != '/' && !none)
        return setting->expected;
    replace(field(source, setting), none ? "" : value, err);
    return NULL;
}

static bool is_reader(const char *value)
{
    return strcmp(value, "pcsc") == 0 || (strncmp(value, "pcsc:", 5) == 0 && value[5]) ||
           is_usb(value) || (strncmp(value, "socket:", 7) == 0 && value[7]);
}

static void free_readers(struct agent_config *config)
{
    for (size_t i = 0; i < config->reader_count; i++)
        free(config->readers[i]);
    free(config->readers);
    config->readers = NULL;
    config->reader_count = 0;
}

static const char *add_reader(struct config_source *source, const struct config_setting *setting,
                              const char *value, gpg_error_t *err)
{
    struct agent_config *config = source->config;
    char *copy;
    char **grown;

    if (!is_reader(value))
        return setting->expected;
    if (!source->has_readers)
        free_readers(config);
    source->has_readers = true;
    if (config->reader_count == READERS_MAX)
        return "no more than 32 readers";
    copy = strdup(value);
    grown = reallocarray(config->readers, config->reader_count + 1, sizeof *grown);
    if (grown)
        config->readers = grown;
    if (!copy || !grown) {
        free(copy);
        *err = gpg_error(GPG_ERR_ENOMEM);
        return NULL;
    }
    config->readers[config->reader_count++] = copy;
    return NULL;
}

#define FIELD(name) offsetof(struct agent_config, name)

static const struct config_setting settings[] = {
    { "agent", "gnupghome", set_home, FIELD(gnupghome), 0, 0, "a directory" },
    { "agent", "reader", add_reader, FIELD(readers), 0, 0,
      "pcsc, pcsc:NAME, usb, usb:VID:PID, usb:spare, socket:PATH or socket:HOST:PORT" },
    { "agent", "log-level", set_log_level, FIELD(log_level), 0, 0,
      "error, warning, info or debug" },
    { "agent", "max-connections", set_number, FIELD(max_connections), 1, 10000,
      "a number from 1 to 10000" },
    { "agent", "state-directory", set_state_directory, FIELD(state_directory), 0, 0,
      "an absolute path, or none" },
    { "agent", "session-key-cache", set_number, FIELD(session_key_cache), 0, SECONDS_MAX,
      "seconds, from 0 (none is remembered) to 2592000" },
    { "agent", "notifications", set_switch, FIELD(notifications), 0, 0, "yes or no" },
    { "pinentry", "program", set_program, FIELD(pinentry), 0, 0,
      "an absolute path, or the name of a program in /usr/bin" },
    { "pinentry", "timeout", set_number, FIELD(pinentry_timeout), 1, 3600,
      "seconds, from 1 to 3600" },
    { "pinentry", "loopback", set_switch, FIELD(allow_loopback_pinentry), 0, 0, "yes or no" },
    { "pinentry", "insertion", set_switch, FIELD(ask_insertion), 0, 0, "yes or no" },
    { "pinentry", "keypad", set_switch, FIELD(keypad), 0, 0, "yes or no" },
    { "pinentry", "keypad-pin-length", set_number, FIELD(keypad_pin_length), 6, 8,
      "digits, from 6 to 8" },
    { "pin-cache", "ttl", set_number, FIELD(pin_cache_ttl), 0, SECONDS_MAX,
      "seconds, from 0 (no cache) to 2592000" },
    { "pin-cache", "max-ttl", set_number, FIELD(pin_cache_max_ttl), 0, SECONDS_MAX,
      "seconds, from 0 (no cache) to 2592000" },
};

#define SETTINGS (sizeof settings / sizeof settings[0])

const struct config_setting *config_find(const char *section, const char *key)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
            return &settings[i];
    }
    return NULL;
}

bool config_has_section(const char *section)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].section, section) == 0)
            return true;
    }
    return false;
}

char *config_list(const char *section, char *out, size_t size)
{
    const char *last = "";
    size_t used = 0;

    *out = '\0';
    for (size_t i = 0; i < SETTINGS && used < size; i++) {
        const char *comma = used ? ", " : "";

        if (section ? strcmp(section, settings[i].section) != 0
                    : strcmp(last, settings[i].section) == 0)
            continue;
        last = settings[i].section;
        used += (size_t)snprintf(out + used, size - used, section ? "%s%s" : "%s[%s]", comma,
                                 section ? settings[i].key : settings[i].section);
    }
    return out;
}

gpg_error_t config_apply(struct config_source *source, const struct config_setting *setting,
                         const char *value, const char **expected)
{
    gpg_error_t err = 0;
    const char *problem = setting->set(source, setting, value, &err);

    if (!problem)
        return err;
    *expected = problem;
    return gpg_error(GPG_ERR_INV_VALUE);
}

gpg_error_t config_defaults(struct agent_config *config)
{
    struct config_source source = { .config = config };
    gpg_error_t err = 0;

    config->log_level = LOG_LEVEL_WARNING;
    config->notifications = true;
    config->pinentry_timeout = 60;
    config->allow_loopback_pinentry = true;
    config->ask_insertion = true;
    config->keypad = true;
    config->pin_cache_ttl = 600;
    config->pin_cache_max_ttl = 7200;
    config->max_connections = 256;
    add_reader(&source, config_find("agent", "reader"), "pcsc", &err);
    if (!err)
        add_reader(&source, config_find("agent", "reader"), "usb:spare", &err);
    return err;
}

void config_free(struct agent_config *config)
{
    if (!config)
        return;
    free(config->gnupghome);
    free(config->pinentry);
    free(config->state_directory);
    free_readers(config);
    *config = (struct agent_config){ 0 };
}
