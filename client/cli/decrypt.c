/* cardea decrypt */
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/progress.h"

#include <getopt.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
    struct cli *cli;
    const char *in_file, *out_file;
    bool overwrite;
    struct cardea_decrypt_options options;
    struct cardea_report report;
    struct progress progress;
    struct cardea *connection;
};

enum {
    OPTION_UNWRAP = 1,
    OPTION_ACCEPT,
    OPTION_MAX,
    OPTION_MEMORY,
    OPTION_KEY,
    OPTION_OVERWRITE,
    OPTION_JSON,
    OPTION_HELP
};

static const struct option long_options[] = {
    { "output", required_argument, NULL, 'o' },
    { "overwrite", no_argument, NULL, OPTION_OVERWRITE },
    { "unwrap", no_argument, NULL, OPTION_UNWRAP },
    { "accept-unprotected", no_argument, NULL, OPTION_ACCEPT },
    { "session-key", required_argument, NULL, OPTION_KEY },
    { "max-output", required_argument, NULL, OPTION_MAX },
    { "memory-limit", required_argument, NULL, OPTION_MEMORY },
    { "json", no_argument, NULL, OPTION_JSON },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cardea decrypt [OPTION...] [FILE]\n"
    "Decrypts an OpenPGP message, armored or not, with a key on a token.\n"
    "\n"
    "  -o, --output FILE     write to FILE, which appears only when all is well\n"
    "      --overwrite       replace FILE if it is there\n"
    "      --unwrap          give out the packets inside, for a verifier of signatures\n"
    "      --session-key KEY use this session key (ALGO:HEX) and no token\n"
    "      --accept-unprotected\n"
    "                        read a message that nothing protects from changes\n"
    "      --max-output SIZE stop at more plaintext than this (default: 16G)\n"
    "      --memory-limit SIZE\n"
    "                        keep at most so much waiting in memory (default: 1G)\n"
    "      --json            tell about the message in JSON, on standard error\n"
    "      --help            this text\n"
    "\n"
    "Examples:\n"
    "  cardea decrypt mail.eml\n"
    "  cardea decrypt -o report.pdf report.pdf.gpg\n"
    "  cardea decrypt --unwrap mail.asc | sqv --keyring certs.pgp ...\n";

static bool go_on(void *context, uint64_t read, uint64_t written)
{
    struct job *job = context;

    progress_show(&job->progress, read, written);
    return !cli_interrupted();
}

/* -1: go on; else the exit status. */
static int take_option(struct job *job, int option)
{
    switch (option) {
    case 'o':
        job->out_file = optarg;
        return -1;
    case OPTION_OVERWRITE:
        job->overwrite = true;
        return -1;
    case OPTION_UNWRAP:
        job->options.unwrap = true;
        return -1;
    case OPTION_ACCEPT:
        job->options.accept_unprotected = true;
        return -1;
    case OPTION_KEY:
        job->options.session_key = optarg;
        return -1;
    case OPTION_MAX:
        return cli_parse_size(optarg, &job->options.max_output) ? -1 : EXIT_USAGE;
    case OPTION_MEMORY:
        return cli_parse_size(optarg, &job->options.memory_limit) ? -1 : EXIT_USAGE;
    case OPTION_JSON:
        job->cli->json = true;
        return -1;
    case OPTION_HELP:
        fputs(help, stdout);
        return EXIT_SUCCESS;
    default:
        return EXIT_USAGE;
    }
}

static int read_arguments(struct job *job, int argc, char **argv)
{
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) >= 0) {
        int status = take_option(job, option);

        if (status == EXIT_USAGE)
            fputs("cardea decrypt: see \"cardea decrypt --help\"\n", stderr);
        if (status >= 0)
            return status;
    }
    if (argc - optind > 1) {
        fputs("cardea decrypt: one message at a time\n", stderr);
        return EXIT_USAGE;
    }
    job->in_file = argv[optind];
    return -1;
}

static void tell_signatures(const struct cardea_report *report)
{
    for (size_t i = 0; i < report->signature_count && i < CARDEA_SIGNATURES; i++)
        fprintf(stderr, "cardea: signed with %s key %s, not verified by Cardea\n",
                report->signature[i].algorithm, report->signature[i].key_id);
}

static void tell_json(const struct cardea_report *report)
{
    struct json_object *object = json_object_new_object();
    struct json_object *signatures = json_object_new_array();

    json_object_object_add(object, "octets", json_object_new_int64((int64_t)report->octets));
    if (*report->opener.fingerprint) {
        json_object_object_add(object, "key", json_object_new_string(report->opener.fingerprint));
        json_object_object_add(object, "token", json_object_new_string(report->opener.serial));
        json_object_object_add(object, "touch", json_object_new_boolean(report->opener.touch));
    }
    if (*report->file_name)
        json_object_object_add(object, "file-name", json_object_new_string(report->file_name));
    if (report->date)
        json_object_object_add(object, "date", json_object_new_int64(report->date));
    for (size_t i = 0; i < report->signature_count && i < CARDEA_SIGNATURES; i++) {
        struct json_object *signature = json_object_new_object();

        json_object_object_add(signature, "key-id",
                               json_object_new_string(report->signature[i].key_id));
        json_object_object_add(signature, "algorithm",
                               json_object_new_string(report->signature[i].algorithm));
        json_object_object_add(signature, "verified", json_object_new_boolean(false));
        json_object_array_add(signatures, signature);
    }
    json_object_object_add(object, "signatures", signatures);
    fprintf(stderr, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED));
    json_object_put(object);
}

static int tell(struct job *job, gpg_error_t err)
{
    const struct cardea_report *report = &job->report;

    if (err && gpg_err_code(err) == GPG_ERR_CANCELED && cli_interrupted())
        fputs("cardea: interrupted\n", stderr);
    else if (err && report->problem)
        fprintf(stderr, "cardea: %s: %s: %s\n", job->in_file ? job->in_file : "message",
                gpg_strerror(err), report->problem);
    else if (err)
        cli_fail(job->in_file ? job->in_file : "message", err);
    else if (job->cli->json)
        tell_json(report);
    else if (!job->cli->quiet)
        tell_signatures(report);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static gpg_error_t decrypt(struct job *job, int in, struct output *output)
{
    gpg_error_t err = 0;

    if (!job->options.session_key)
        err = cli_connect(job->cli, &job->connection);
    if (err)
        return err;
    job->options.folder = output->folder;
    progress_start(&job->progress, in, job->cli->quiet);
    err = cardea_decrypt(job->connection, in, output->fd, &job->options, &job->report);
    progress_end(&job->progress);
    if (!err)
        err = output_commit(output, job->overwrite);
    return err;
}

int cli_decrypt(struct cli *cli, int argc, char **argv)
{
    struct job job = { .cli = cli, .options = { .progress = go_on, .context = &job } };
    struct output output;
    int status = read_arguments(&job, argc, argv);
    gpg_error_t err;
    int in;

    if (status >= 0)
        return status;
    in = cli_open_input(job.in_file);
    if (in < 0)
        return EXIT_FAILURE;
    cli_catch_signals();
    err = output_open(job.out_file, job.overwrite, &output);
    if (err) {
        fprintf(stderr, "cardea: %s: %s%s\n", job.out_file, gpg_strerror(err),
                gpg_err_code(err) == GPG_ERR_EEXIST ? ": --overwrite replaces it" : "");
        return EXIT_FAILURE;
    }
    err = decrypt(&job, in, &output);
    if (!err || job.connection || job.options.session_key)
        status = tell(&job, err);
    else
        status = EXIT_FAILURE; /* cli_connect has told */
    output_close(&output);
    cardea_disconnect(&job.connection);
    explicit_bzero(&job.report, sizeof job.report);
    if (in != STDIN_FILENO)
        close(in);
    return status;
}
