/* cardea session-key */
#include "client/cli/cli.h"

#include "base/text.h"

#include <fcntl.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PKESK_MAX (64 * 1024)

static const struct option long_options[] = {
    CLI_OPTIONS,
    { "pkesk", required_argument, NULL, 'o' },
    { "certificate", required_argument, NULL, 'c' },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cardea session-key [OPTION...] [FILE]\n"
    "Prints the session key of an OpenPGP message, as ALGO:HEX.\n"
    "\n"
    "      --pkesk HEX         open these PKESK packets instead of a message's\n"
    "      --certificate FILE  take what the token does not say of its key from there\n"
    "      --json              as JSON, with the key and the token that opened it\n"
    "      --help              this text\n"
    "\n"
    "Examples:\n"
    "  cardea session-key mail.asc\n"
    "  cardea session-key mail.asc | gpg --override-session-key-fd 0 -d mail.asc\n";

static void print(const struct cli *cli, const char *key, const struct cardea_opener *opener)
{
    struct json_object *object;

    if (!cli->json) {
        puts(key);
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "session-key", json_object_new_string(key));
    json_object_object_add(object, "key", json_object_new_string(opener->fingerprint));
    json_object_object_add(object, "token", json_object_new_string(opener->serial));
    json_object_object_add(object, "touch", json_object_new_boolean(opener->touch));
    puts(json_object_to_json_string_ext(object, CLI_JSON_ONE_LINE));
    json_object_put(object);
}

static gpg_error_t from_packets(struct cardea *connection, const char *hex,
                                char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener)
{
    static uint8_t packets[PKESK_MAX];
    size_t len;

    if (!hex_decode(hex, strlen(hex), packets, sizeof packets, &len))
        return gpg_error(GPG_ERR_INV_VALUE);
    return cardea_session_key(connection, packets, len, key, opener);
}

static gpg_error_t get_key(struct cardea *connection, const char *packets, int in,
                           char key[CARDEA_SESSION_KEY_MAX], struct cardea_opener *opener)
{
    return packets ? from_packets(connection, packets, key, opener)
                   : cardea_message_session_key(connection, in, key, opener);
}

int cli_session_key(struct cli *cli, int argc, char **argv)
{
    struct cli_arguments arguments = { .help = help, .options = long_options };
    struct cardea_opener opener = { .fingerprint = "" };
    char key[CARDEA_SESSION_KEY_MAX] = "";
    struct cardea *connection = NULL;
    int status = cli_read_options(cli, &arguments, argc, argv);
    const char *file;
    gpg_error_t err;
    int in = -1;

    if (status >= 0)
        return status;
    file = argv[optind];
    if (argc - optind > (arguments.own ? 0 : 1)) {
        fputs("cardea session-key: one message at a time; see \"cardea session-key --help\"\n",
              stderr);
        return EXIT_USAGE;
    }
    if (!arguments.own && (in = cli_open_input(cli, file)) < 0)
        return EXIT_FAILURE;
    err = cli_connect_with(cli, arguments.certificate, &connection);
    if (err)
        goto leave;
    err = get_key(connection, arguments.own, in, key, &opener);
    if (!err)
        print(cli, key, &opener);
    else if (gpg_err_code(err) == GPG_ERR_INV_VALUE)
        fputs("cardea: --pkesk wants packets in hex, 64 KiB at most\n", stderr);
    else
        cli_fail_asking(cli, connection, file ? file : "message", err);
leave:
    explicit_bzero(key, sizeof key);
    cardea_disconnect(&connection);
    if (in > STDIN_FILENO)
        close(in);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
