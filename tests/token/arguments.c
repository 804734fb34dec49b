#include "tests/token/arguments.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_WAIT_S        30
#define DEFAULT_TOUCH_TIMEOUT 15000
#define MS_MAX                (24L * 60 * 60 * 1000)

enum option_id {
    OPTION_HELP = 1,
    OPTION_VERSION,
    OPTION_CONNECT,
    OPTION_WAIT,
    OPTION_CONTROL,
    OPTION_TRACE,
    OPTION_LOG,
    OPTION_STATE,
    OPTION_IMPORT,
    OPTION_PIN,
    OPTION_ADMIN_PIN,
    OPTION_KDF,
    OPTION_UIF,
    OPTION_PROFILE,
    OPTION_SERIAL,
    OPTION_MANUFACTURER,
    OPTION_YUBICO_VERSION,
    OPTION_TOUCH,
    OPTION_TOUCH_TIMEOUT,
    OPTION_DELAY,
    OPTION_NO_EXTENDED,
    OPTION_NO_CHAINING,
    OPTION_NO_GET_RESPONSE,
    OPTION_NO_BUTTON,
    OPTION_NO_RSA_GENERATION,
    OPTION_OUTER_TAGS,
    OPTION_PIV
};

static const struct option options[] = {
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { "connect", required_argument, NULL, OPTION_CONNECT },
    { "wait", optional_argument, NULL, OPTION_WAIT },
    { "control", required_argument, NULL, OPTION_CONTROL },
    { "trace", required_argument, NULL, OPTION_TRACE },
    { "log-level", required_argument, NULL, OPTION_LOG },
    { "state", required_argument, NULL, OPTION_STATE },
    { "import", required_argument, NULL, OPTION_IMPORT },
    { "pin", required_argument, NULL, OPTION_PIN },
    { "admin-pin", required_argument, NULL, OPTION_ADMIN_PIN },
    { "kdf", no_argument, NULL, OPTION_KDF },
    { "uif", required_argument, NULL, OPTION_UIF },
    { "profile", required_argument, NULL, OPTION_PROFILE },
    { "serial", required_argument, NULL, OPTION_SERIAL },
    { "manufacturer", required_argument, NULL, OPTION_MANUFACTURER },
    { "yubico-version", required_argument, NULL, OPTION_YUBICO_VERSION },
    { "touch", required_argument, NULL, OPTION_TOUCH },
    { "touch-timeout-ms", required_argument, NULL, OPTION_TOUCH_TIMEOUT },
    { "delay-ms", required_argument, NULL, OPTION_DELAY },
    { "no-extended", no_argument, NULL, OPTION_NO_EXTENDED },
    { "no-chaining", no_argument, NULL, OPTION_NO_CHAINING },
    { "no-get-response", no_argument, NULL, OPTION_NO_GET_RESPONSE },
    { "no-button", no_argument, NULL, OPTION_NO_BUTTON },
    { "no-rsa-generation", no_argument, NULL, OPTION_NO_RSA_GENERATION },
    { "outer-tags", no_argument, NULL, OPTION_OUTER_TAGS },
    { "piv", no_argument, NULL, OPTION_PIV },
    { NULL, 0, NULL, 0 },
};

static bool read_hex(const char *text, unsigned long max, unsigned long *value)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 16);
    if (errno || *end || end == text || *text == '-' || number > max)
        return false;
    *value = number;
    return true;
}

static bool read_serial(const char *text, struct arguments *a)
{
    unsigned long value;

    if (!read_hex(text, UINT32_MAX, &value))
        return false;
    a->card.serial = (uint32_t)value;
    return true;
}

static bool read_manufacturer(const char *text, struct arguments *a)
{
    unsigned long value;

    if (!read_hex(text, UINT16_MAX, &value))
        return false;
    a->card.manufacturer = (uint16_t)value;
    return true;
}

/* Each part is an octet of BCD. */
static bool read_yubico_version(const char *text, struct arguments *a)
{
    unsigned int part[3];
    char rest;

    if (sscanf(text, "%2u.%2u.%2u%c", &part[0], &part[1], &part[2], &rest) != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        a->card.yubico_version[i] = (uint8_t)(part[i] / 10 << 4 | part[i] % 10);
    return part[0] > 0;
}

static bool read_touch(const char *text, struct arguments *a)
{
    static const char *const names[] = { "auto", "manual", "never" };

    for (unsigned int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            a->card.touch = (enum token_touch)i;
            return true;
        }
    return false;
}

static bool read_uif(const char *text, struct arguments *a)
{
    static const char *const keys[SLOTS] = { "sig=", "dec=", "aut=" };
    static const char *const values[] = { "off", "on", "fixed" };

    for (int i = 0; i < SLOTS; i++)
        for (int j = 0; j < 3; j++)
            if (strncmp(text, keys[i], 4) == 0 && strcmp(text + 4, values[j]) == 0) {
                a->uif[i] = j;
                return true;
            }
    return false;
}

static bool read_wait(const char *text, struct arguments *a)
{
    long seconds = DEFAULT_WAIT_S;

    if (text && !text_to_number(text, 1, MS_MAX / 1000, &seconds))
        return false;
    a->wait_ms = seconds * 1000;
    return true;
}

static bool add_import(const char *text, struct arguments *a)
{
    if (a->import_count == IMPORTS_MAX)
        return false;
    a->imports[a->import_count++] = text;
    return true;
}

/* Options that say what the card lacks or has. */
static bool read_switch(int option, struct arguments *a)
{
    switch (option) {
    case OPTION_NO_EXTENDED:
        a->card.extended_length = false;
        return true;
    case OPTION_NO_CHAINING:
        a->card.command_chaining = false;
        return true;
    case OPTION_NO_GET_RESPONSE:
        a->card.get_response = false;
        return true;
    case OPTION_NO_BUTTON:
        a->card.button = false;
        return true;
    case OPTION_NO_RSA_GENERATION:
        a->card.generate_rsa = false;
        return true;
    case OPTION_OUTER_TAGS:
        a->card.outer_tags = true;
        return true;
    case OPTION_PIV:
        a->card.other_application = true;
        return true;
    case OPTION_KDF:
        a->kdf = true;
        return true;
    default:
        return false;
    }
}

/* Options whose value is taken as it is. */
static const char **find_text(int option, struct arguments *a)
{
    switch (option) {
    case OPTION_CONNECT:
        return &a->connect;
    case OPTION_CONTROL:
        return &a->control;
    case OPTION_TRACE:
        return &a->trace;
    case OPTION_STATE:
        return &a->state;
    case OPTION_PIN:
        return &a->pin;
    case OPTION_ADMIN_PIN:
        return &a->admin_pin;
    default:
        return NULL;
    }
}

static bool read_option(int option, const char *value, struct arguments *a)
{
    const char **text = find_text(option, a);

    if (text) {
        *text = value;
        return *value != '\0';
    }
    switch (option) {
    case OPTION_WAIT:
        return read_wait(value, a);
    case OPTION_LOG:
        a->log_level = log_level_from_name(value);
        return a->log_level >= 0;
    case OPTION_IMPORT:
        return add_import(value, a);
    case OPTION_UIF:
        return read_uif(value, a);
    case OPTION_PROFILE: /* read before all others: read_profile */
        return true;
    case OPTION_SERIAL:
        return read_serial(value, a);
    case OPTION_MANUFACTURER:
        return read_manufacturer(value, a);
    case OPTION_YUBICO_VERSION:
        return read_yubico_version(value, a);
    case OPTION_TOUCH:
        return read_touch(value, a);
    case OPTION_TOUCH_TIMEOUT:
        return text_to_number(value, 0, MS_MAX, &a->touch_timeout_ms);
    case OPTION_DELAY:
        return text_to_number(value, 0, MS_MAX, &a->delay_ms);
    default:
        return read_switch(option, a);
    }
}

static void set_defaults(struct arguments *a)
{
    *a = (struct arguments){ .touch_timeout_ms = DEFAULT_TOUCH_TIMEOUT,
                             .log_level = LOG_LEVEL_WARNING };
    token_default_options(&a->card);
    for (size_t i = 0; i < SLOTS; i++)
        a->uif[i] = -1;
}

static enum arguments_result wrong(const char *what, const char *which)
{
    fprintf(stderr, "cardea-token: %s%s; see cardea-token --help\n", what, which);
    return ARGUMENTS_WRONG;
}

static void list_profiles(void)
{
    for (const struct token_profile *const *p = token_profiles; *p; p++)
        printf("%-18s%s\n", (*p)->name, (*p)->device);
}

/* Other options change what the profile says, wherever they stand. */
static enum arguments_result read_profile(int argc, char **argv, struct arguments *a)
{
    const struct token_profile *profile;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != OPTION_PROFILE)
            continue;
        if (strcmp(optarg, "list") == 0) {
            list_profiles();
            return ARGUMENTS_DONE;
        }
        profile = token_profile_find(optarg);
        if (!profile)
            return wrong("no such profile: ", optarg);
        token_profile_options(&a->card, profile);
    }
    optind = 0; /* from the start again (getopt(3)) */
    opterr = 1;
    return ARGUMENTS_RUN;
}

enum arguments_result arguments_read(int argc, char **argv, struct arguments *arguments)
{
    enum arguments_result result;
    int option, index = 0;

    set_defaults(arguments);
    result = read_profile(argc, argv, arguments);
    if (result != ARGUMENTS_RUN)
        return result;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == OPTION_HELP) {
            fputs(arguments_help, stdout);
            return ARGUMENTS_DONE;
        }
        if (option == OPTION_VERSION) {
            puts("cardea-token " CARDEA_VERSION);
            return ARGUMENTS_DONE;
        }
        if (option == '?')
            return wrong("unknown option, or one without its value", "");
        if (!read_option(option, optarg, arguments))
            return wrong("bad value of --", options[index].name);
    }
    if (optind < argc)
        return wrong("unexpected argument ", argv[optind]);
    if (!arguments->connect)
        return wrong("--connect is missing", "");
    return ARGUMENTS_RUN;
}
