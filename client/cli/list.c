/* cardea list */
#include "client/cli/cli.h"

#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct option long_options[] = { CLI_OPTIONS, { NULL, 0, NULL, 0 } };

static const char help[] =
    "Usage: cardea list [OPTION...]\n"
    "Lists the inserted tokens, their keys, PIN tries and touch policy, and those\n"
    "that were inserted once.\n"
    "\n"
    "      --json            as JSON\n"
    "      --help            this text\n"
    "\n"
    "Examples:\n"
    "  cardea list\n"
    "  cardea list --json | jq -r '.[].keys[].fingerprint'\n";

static const char *const uses[CARDEA_SLOTS] = { "sign", "decrypt", "authenticate" };

static const char *date(uint32_t seconds, char out[16])
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (!seconds || !gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        snprintf(out, 16, "-");
    return out;
}

static void print_table(const struct cardea_token *tokens, size_t count)
{
    char created[16];

    if (count == 0)
        puts("No token is inserted.");
    for (size_t i = 0; i < count; i++) {
        const struct cardea_token *token = &tokens[i];

        printf("%s%s\n", i ? "\n" : "", token->name);
        printf("  Reader     %s\n", token->inserted ? token->reader : "not inserted");
        if (*token->holder)
            printf("  Holder     %s\n", token->holder);
        if (token->inserted)
            printf("  PIN tries  %u (reset code %u, admin PIN %u)\n", token->pin_tries,
                   token->reset_code_tries, token->admin_pin_tries);
        for (int k = 0; k < CARDEA_SLOTS; k++) {
            const struct cardea_key *key = &token->key[k];

            if (key->present)
                printf("  %-12s  %-16s  %s  %s%s\n", uses[k], key->algorithm, key->fingerprint,
                       date(key->created, created), key->touch ? "  touch" : "");
            else
                printf("  %-12s  -\n", uses[k]);
        }
    }
}

static void print_remembered(unsigned count, unsigned seconds)
{
    if (seconds)
        printf("\nSession keys remembered: %u, for %u s each\n", count, seconds);
}

static struct json_object *key_json(const struct cardea_key *key, const char *use)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "use", json_object_new_string(use));
    json_object_object_add(object, "algorithm", json_object_new_string(key->algorithm));
    json_object_object_add(object, "fingerprint", json_object_new_string(key->fingerprint));
    json_object_object_add(object, "keygrip", json_object_new_string(key->keygrip));
    json_object_object_add(object, "created", json_object_new_int64(key->created));
    json_object_object_add(object, "touch", json_object_new_boolean(key->touch));
    return object;
}

static void add_what_passes(struct json_object *object, const struct cardea_token *token)
{
    json_object_object_add(object, "reader", json_object_new_string(token->reader));
    json_object_object_add(object, "pin-tries", json_object_new_int64(token->pin_tries));
    json_object_object_add(object, "reset-code-tries",
                           json_object_new_int64(token->reset_code_tries));
    json_object_object_add(object, "admin-pin-tries",
                           json_object_new_int64(token->admin_pin_tries));
}

static struct json_object *token_json(const struct cardea_token *token)
{
    struct json_object *object = json_object_new_object();
    struct json_object *keys = json_object_new_array();

    json_object_object_add(object, "inserted", json_object_new_boolean(token->inserted));
    json_object_object_add(object, "serial", json_object_new_string(token->serial));
    json_object_object_add(object, "name", json_object_new_string(token->name));
    json_object_object_add(object, "version", json_object_new_string(token->version));
    json_object_object_add(object, "holder", json_object_new_string(token->holder));
    if (token->inserted)
        add_what_passes(object, token);
    for (int k = 0; k < CARDEA_SLOTS; k++) {
        if (token->key[k].present)
            json_object_array_add(keys, key_json(&token->key[k], uses[k]));
    }
    json_object_object_add(object, "keys", keys);
    return object;
}

static void print_json(const struct cardea_token *tokens, size_t count)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < count; i++)
        json_object_array_add(array, token_json(&tokens[i]));
    puts(json_object_to_json_string_ext(array,
                                        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(array);
}

int cli_list(struct cli *cli, int argc, char **argv)
{
    struct cardea_token *tokens = NULL;
    struct cardea *connection = NULL;
    unsigned remembered, seconds;
    size_t count = 0;
    struct cli_arguments arguments = { .help = help, .options = long_options };
    int status = cli_read_only_options(cli, &arguments, argc, argv);
    gpg_error_t err;

    if (status >= 0)
        return status;
    if (cli_connect(cli, &connection))
        return EXIT_FAILURE;
    err = cardea_list_tokens(connection, &tokens, &count);
    if (!err)
        err = cardea_remembered(connection, &remembered, &seconds);
    if (err) {
        cli_fail_asking(cli, connection, "the tokens cannot be listed", err);
    } else if (cli->json) {
        print_json(tokens, count);
    } else {
        print_table(tokens, count);
        print_remembered(remembered, seconds);
    }
    cardea_free_tokens(&tokens);
    cardea_disconnect(&connection);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
