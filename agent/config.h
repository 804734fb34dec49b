/* Settings of the agent: defaults, then the configuration file, then the command line. */
#pragma once

#include "base/bytes.h"
#include "base/log.h"

/* Zero-initialise, then config_defaults. Everything but `command` is owned. */
struct agent_config {
    char *gnupghome; /* as written; NULL: as gpg finds it (agent/home.h) */
    char **readers;  /* specs (ccid/reader.h); at least one */
    size_t reader_count;
    char *pinentry; /* NULL: the system's */
    enum log_level log_level;
    bool notifications;           /* yes */
    int pinentry_timeout;         /* seconds; 60 */
    bool allow_loopback_pinentry; /* yes */
    bool ask_insertion;           /* yes */
    bool keypad;                  /* yes */
    int keypad_pin_length;        /* digits; 0: not told */
    int pin_cache_ttl;            /* seconds unused; 600; 0: no cache */
    int pin_cache_max_ttl;        /* seconds since typed; 7200 */
    int max_connections;          /* 256 */
    char *state_directory; /* where tokens are remembered; NULL: agent/token_files.h; "": nowhere */
    int session_key_cache; /* seconds; 0: no session key is remembered */
    char **command;        /* what follows --, NULL-terminated and borrowed from argv; NULL: none */
};

#define CONFIG_RUN        (-1)
#define CONFIG_ERROR_SIZE 512

/* Reads --config FILE or, if it exists, $XDG_CONFIG_HOME/cardea/agent.conf (~/.config when unset),
 * and then argv. CONFIG_RUN when the agent is to run; else the exit status, everything having been
 * said: 0 after --help or --version, 2 after an error, which names file and line. *config must be
 * zero; free it in any case. */
int config_load(struct agent_config *config, int argc, char **argv);

/* GPG_ERR_ENOMEM. */
gpg_error_t config_defaults(struct agent_config *config);

/* Reads the text of a configuration file over *config. GPG_ERR_SYNTAX with "NAME:LINE: …" in error
 * (CONFIG_ERROR_SIZE bytes) for the first thing that is wrong, *config being changed by what came
 * before it; GPG_ERR_ENOMEM. */
gpg_error_t config_parse(struct agent_config *config, const char *name, struct view text,
                         char *error);

void config_free(struct agent_config *config);
