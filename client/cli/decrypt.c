/* cardea decrypt */
#include "client/cli/cli.h"
#include "client/cli/interrupt.h"
#include "client/cli/output.h"
#include "client/cli/progress.h"

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
    const char *certificate;                  /* a file; NULL: none */
    char session_key[CARDEA_SESSION_KEY_MAX]; /* as given */
};

static const struct option long_options[] = {
    CLI_OPTIONS,
    { "output", required_argument, NULL, 'o' },
    { "overwrite", no_argument, NULL, 'w' },
    { "unwrap", no_argument, NULL, 'u' },
    { "accept-unprotected", no_argument, NULL, 'a' },
    { "session-key", required_argument, NULL, 'k' },
    { "session-key-file", required_argument, NULL, 'f' },
    { "certificate", required_argument, NULL, 'c' },
    { "max-output", required_argument, NULL, 'm' },
    { "memory-limit", required_argument, NULL, 'l' },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cardea decrypt [OPTION...] [FILE]\n"
    "Decrypts an OpenPGP message, armored or not, with a key on a token.\n"
    "\n"
    "  -o, --output FILE     write to FILE, which appears only when all is well\n"
    "      --overwrite       replace FILE if it is there\n"
    "      --unwrap          give out the packets inside, for a verifier of signatures\n"
    "      --session-key-file FILE\n"
    "                        use the session key (ALGO:HEX) in FILE, or in @FD:N or\n"
    "                        @ENV:NAME, and no token\n"
    "      --session-key KEY the same, for all to see in the list of processes\n"
    "      --certificate FILE\n"
    "                        take what the token does not say of its key from there\n"
    "      --accept-unprotected\n"
    "                        read a message that nothing protects from changes\n"
    "      --max-output SIZE stop at more plaintext than this (default: 16G)\n"
    "      --memory-limit SIZE\n"
    "                        keep at most so much waiting in memory (default: 1G)\n"
    "      --json            tell about the message in JSON, on standard output with -o,\n"
    "                        else on standard error\n"
    "      --help            this text\n"
    "\n"
    "Examples:\n"
    "  cardea decrypt mail.eml\n"
    "  cardea decrypt -o report.pdf report.pdf.gpg\n"
    "  cardea decrypt --unwrap mail.asc | sq verify --signer-cert bob.pgp\n";

static bool go_on(void *context, uint64_t read, uint64_t written)
{
    struct job *job = context;

    progress_show(&job->progress, read, written);
    return !interrupted();
}

static int usage(const char *what)
{
    fprintf(stderr, "cardea decrypt: %s; see \"cardea decrypt --help\"\n", what);
    return EXIT_USAGE;
}

/* What stands in the arguments is seen by everybody, as long as it stands there. */
static int take_session_key(struct job *job, char *argument)
{
    bool fits = strlen(argument) < sizeof job->session_key;

    if (fits)
        memcpy(job->session_key, argument, strlen(argument) + 1);
    explicit_bzero(argument, strlen(argument));
    job->options.session_key = job->session_key;
    return fits ? -1 : usage("a session key is ALGO:HEX");
}

static int read_session_key(struct job *job, const char *name)
{
    struct buffer content = BUFFER(CLI_SESSION_KEY_FILE_MAX);
    gpg_error_t err = cli_read_indirect(name, &content);
    size_t len = 0;

    if (!err) {
        while (len < content.len && content.data[len] > ' ')
            len++;
        if (len >= sizeof job->session_key)
            err = gpg_error(GPG_ERR_TOO_LARGE);
        else if (len)
            memcpy(job->session_key, content.data, len);
    }
    job->options.session_key = job->session_key;
    buffer_free(&content);
    if (!err)
        return -1;
    fprintf(stderr, "cardea: %s: %s\n", name, gpg_strerror(err));
    return EXIT_FAILURE;
}

static int take_size(const char *text, uint64_t *octets)
{
    return cli_parse_size(text, octets) ? -1 : usage("a size is a number with K, M or G behind it");
}

/* -1: go on; else the exit status. */
static int take_option(struct job *job, int option)
{
    switch (option) {
    case 'o':
        job->out_file = output_is_standard(optarg) ? NULL : optarg;
        return -1;
    case 'w':
        job->overwrite = true;
        return -1;
    case 'u':
        job->options.unwrap = true;
        return -1;
    case 'a':
        job->options.accept_unprotected = true;
        return -1;
    case 'k':
        return take_session_key(job, optarg);
    case 'f':
        return read_session_key(job, optarg);
    case 'c':
        job->certificate = optarg;
        return -1;
    case 'm':
        return take_size(optarg, &job->options.max_output);
    case 'l':
        return take_size(optarg, &job->options.memory_limit);
    case CLI_HELP:
        fputs(help, stdout);
        return EXIT_SUCCESS;
    default:
        if (cli_take_option(job->cli, option))
            return -1;
        fputs("cardea decrypt: see \"cardea decrypt --help\"\n", stderr);
        return EXIT_USAGE;
    }
}

static int read_arguments(struct job *job, int argc, char **argv)
{
    int option;

    optind = 0; /* see cli_read_options */
    while ((option = getopt_long(argc, argv, "o:q", long_options, NULL)) >= 0) {
        int status = take_option(job, option);

        if (status >= 0)
            return status;
    }
    if (argc - optind > 1)
        return usage("one message at a time");
    job->in_file = argv[optind];
    return -1;
}

static void tell_signatures(const struct cardea_report *report)
{
    for (size_t i = 0; i < report->signature_count && i < CARDEA_SIGNATURES; i++)
        fprintf(stderr, "cardea: signed with %s key %s, not verified by Cardea\n",
                report->signature[i].algorithm, report->signature[i].key_id);
}

static void tell_json(const struct cardea_report *report, FILE *where)
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
    fprintf(where, "%s\n", json_object_to_json_string_ext(object, CLI_JSON_ONE_LINE));
    json_object_put(object);
}

static void tell_error(const struct job *job, gpg_error_t err)
{
    const char *what = job->in_file ? job->in_file : "message";

    if (interrupted())
        fputs("cardea: interrupted\n", stderr);
    else if (job->report.problem)
        fprintf(stderr, "cardea: %s: %s: %s\n", what, gpg_strerror(err), job->report.problem);
    else
        cli_fail_asking(job->cli, job->connection, what, err);
}

static void tell(const struct job *job)
{
    /* Where the plaintext goes there is no place for anything else. */
    if (job->cli->json)
        tell_json(&job->report, job->out_file ? stdout : stderr);
    else if (!job->cli->quiet)
        tell_signatures(&job->report);
}

static void tell_output_error(const struct job *job, gpg_error_t err)
{
    fprintf(stderr, "cardea: %s: %s%s\n", job->out_file, gpg_strerror(err),
            gpg_err_code(err) == GPG_ERR_EEXIST ? ": --overwrite replaces it" : "");
}

static int decrypt_to(struct job *job, int in, struct output *output)
{
    gpg_error_t err;

    job->options.folder = output->folder ? output->folder : cli_temporary_folder();
    job->options.provisional = output->path != NULL;
    progress_start(&job->progress, in, job->cli->quiet);
    err = cardea_decrypt(job->connection, in, output->fd, &job->options, &job->report);
    progress_end(&job->progress);
    if (!err && interrupted())
        err = gpg_error(GPG_ERR_CANCELED);
    if (err) {
        tell_error(job, err);
        return EXIT_FAILURE;
    }
    err = output_commit(output, job->overwrite);
    if (err)
        tell_output_error(job, err);
    else
        tell(job);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int decrypt(struct job *job, int in)
{
    struct output output;
    gpg_error_t err;
    int status;

    interrupt_catch(job->connection, in, job->out_file ? -1 : STDOUT_FILENO);
    err = output_open(job->out_file, job->overwrite, &output);
    if (err) {
        tell_output_error(job, err);
        status = EXIT_FAILURE;
    } else {
        status = decrypt_to(job, in, &output);
        output_close(&output);
    }
    interrupt_release();
    return status;
}

int cli_decrypt(struct cli *cli, int argc, char **argv)
{
    struct job job = { .cli = cli, .options = { .progress = go_on, .context = &job } };
    int status = read_arguments(&job, argc, argv);
    int in = -1;

    if (status >= 0)
        goto leave;
    status = EXIT_FAILURE;
    in = cli_open_input(cli, job.in_file);
    if (in < 0)
        goto leave;
    if (!job.options.session_key && cli_connect_with(cli, job.certificate, &job.connection))
        goto leave;
    status = decrypt(&job, in);
leave:
    cardea_disconnect(&job.connection);
    explicit_bzero(&job.report, sizeof job.report);
    explicit_bzero(job.session_key, sizeof job.session_key);
    if (in > STDIN_FILENO)
        close(in);
    return status;
}
