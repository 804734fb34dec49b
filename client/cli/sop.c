/* cardea-sop: as much of the Stateless OpenPGP interface (draft-dkg-openpgp-stateless-cli) as has
 * to do with keys on tokens. */
#include "client/cli/cli.h"
#include "client/cli/interrupt.h"
#include "client/cli/output.h"

#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The exit codes of the draft, as far as they come up here. */
enum sop_exit {
    SOP_OK = 0,
    SOP_UNSPECIFIC = 1,
    SOP_UNSUPPORTED_ASYMMETRIC_ALGO = 13,
    SOP_MISSING_ARG = 19,
    SOP_CANNOT_DECRYPT = 29,
    SOP_UNSUPPORTED_OPTION = 37,
    SOP_BAD_DATA = 41,
    SOP_OUTPUT_EXISTS = 59,
    SOP_MISSING_INPUT = 61,
    SOP_KEY_IS_PROTECTED = 67,
    SOP_UNSUPPORTED_SUBCOMMAND = 69,
    SOP_UNSUPPORTED_SPECIAL_PREFIX = 71,
    SOP_INCOMPATIBLE_OPTIONS = 83,
    SOP_NO_HARDWARE_KEY_FOUND = 97,
    SOP_HARDWARE_KEY_FAILURE = 101,
};

#define SESSION_KEYS_MAX 64

struct sop {
    struct cli cli;
    struct cardea *connection;
    const char *session_key_out;
    struct output key_file; /* where the session key goes */
    char session_key[SESSION_KEYS_MAX][CARDEA_SESSION_KEY_MAX];
    size_t session_keys;
    struct cardea_report report;
};

static const char help[] =
    "Usage: cardea-sop version [--backend | --extended]\n"
    "       cardea-sop decrypt [OPTION...] [--] [CERTS...] <CIPHERTEXT >DATA\n"
    "The Stateless OpenPGP interface to a key on a token.\n"
    "\n"
    "      --session-key-out=FILE  write the session key there, as ALGO:HEX\n"
    "      --with-session-key=FILE try the session key in FILE before any token\n"
    "      --help                  this text\n"
    "\n"
    "CERTS say what the token does not of its key. See cardea-sop(1).\n";

static int sop_status(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_NO_ERROR:
        return SOP_OK;
    case GPG_ERR_CARD_NOT_PRESENT:
    case GPG_ERR_NO_SECKEY:
        return SOP_NO_HARDWARE_KEY_FOUND;
    case GPG_ERR_UNSUPPORTED_ALGORITHM:
        return SOP_UNSUPPORTED_ASYMMETRIC_ALGO;
    case GPG_ERR_BAD_PIN:
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
        return SOP_KEY_IS_PROTECTED;
    case GPG_ERR_DECRYPT_FAILED:
    case GPG_ERR_CIPHER_ALGO:
    case GPG_ERR_NOT_ENABLED:
    case GPG_ERR_NOT_FOUND:
    case GPG_ERR_INV_KEYLEN:
        return SOP_CANNOT_DECRYPT;
    case GPG_ERR_NO_DATA:
    case GPG_ERR_NOT_ENCRYPTED:
    case GPG_ERR_TRUNCATED:
    case GPG_ERR_INV_PACKET:
    case GPG_ERR_UNKNOWN_PACKET:
    case GPG_ERR_UNKNOWN_VERSION:
    case GPG_ERR_INV_DATA:
    case GPG_ERR_COMPR_ALGO:
    case GPG_ERR_BAD_DATA:
        return SOP_BAD_DATA;
    case GPG_ERR_EEXIST:
        return SOP_OUTPUT_EXISTS;
    case GPG_ERR_ENOENT:
    case GPG_ERR_EACCES:
        return SOP_MISSING_INPUT;
    case GPG_ERR_UNKNOWN_NAME:
        return SOP_UNSUPPORTED_SPECIAL_PREFIX;
    default:
        return SOP_UNSPECIFIC;
    }
}

/* What went wrong with the token, where it is not the message that is wrong. */
static int token_status(gpg_error_t err)
{
    switch (gpg_err_code(err)) {
    case GPG_ERR_CARD:
    case GPG_ERR_CARD_REMOVED:
    case GPG_ERR_CARD_RESET:
    case GPG_ERR_PIN_BLOCKED:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_LOCKED:
    case GPG_ERR_ENODEV:
    case GPG_ERR_OBJ_TERM_STATE:
    case GPG_ERR_WRONG_CARD:
    case GPG_ERR_UNSUPPORTED_PROTOCOL:
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_PIN_ENTRY:
    case GPG_ERR_USE_CONDITIONS:
        return SOP_HARDWARE_KEY_FAILURE;
    default:
        return sop_status(err);
    }
}

static int say(int status, const char *what, const char *why)
{
    fprintf(stderr, "cardea-sop: %s: %s\n", what, why);
    return status;
}

static int run_version(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";

    if (argc > 2)
        return say(SOP_INCOMPATIBLE_OPTIONS, argv[2], "one option at a time");
    if (!*option || strcmp(option, "--backend") == 0)
        printf("cardea %s\n", cardea_version());
    else if (strcmp(option, "--extended") == 0)
        printf("cardea %s\nlibgpg-error %s\n", cardea_version(), gpg_error_check_version(NULL));
    else if (strcmp(option, "--sop-spec") == 0)
        return say(SOP_UNSUPPORTED_OPTION, option, "it was held against no draft as a whole");
    else /* --sopv, too: nothing is verified here */
        return say(SOP_UNSUPPORTED_OPTION, option, "there is no such option");
    return SOP_OK;
}

/* A session key that cannot be parsed is bad data. */
static int take_session_key(struct sop *sop, const char *name)
{
    struct buffer content = BUFFER(CLI_SESSION_KEY_FILE_MAX);
    gpg_error_t err = cli_read_indirect(name, &content);
    size_t len = 0;

    while (!err && len < content.len && content.data[len] > ' ')
        len++;
    if (!err && (!len || len >= CARDEA_SESSION_KEY_MAX || sop->session_keys == SESSION_KEYS_MAX))
        err = gpg_error(GPG_ERR_BAD_DATA);
    if (!err)
        memcpy(sop->session_key[sop->session_keys++], content.data, len);
    buffer_free(&content);
    return err ? say(sop_status(err), name, gpg_strerror(err)) : SOP_OK;
}

enum {
    OPTION_KEY_OUT = 1,
    OPTION_WITH_KEY,
    OPTION_PASSWORD,
    OPTION_VERIFICATIONS_OUT,
    OPTION_VERIFY,
    OPTION_HELP
};

static const struct option long_options[] = {
    { "session-key-out", required_argument, NULL, OPTION_KEY_OUT },
    { "with-session-key", required_argument, NULL, OPTION_WITH_KEY },
    { "with-password", required_argument, NULL, OPTION_PASSWORD },
    { "with-key-password", required_argument, NULL, OPTION_PASSWORD },
    { "verifications-out", required_argument, NULL, OPTION_VERIFICATIONS_OUT },
    { "verify-out", required_argument, NULL, OPTION_VERIFICATIONS_OUT },
    { "verify-with", required_argument, NULL, OPTION_VERIFY },
    { "verify-not-before", required_argument, NULL, OPTION_VERIFY },
    { "verify-not-after", required_argument, NULL, OPTION_VERIFY },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

static int take_option(struct sop *sop, int option, const char *word)
{
    switch (option) {
    case OPTION_KEY_OUT:
        if (sop->session_key_out)
            return say(SOP_INCOMPATIBLE_OPTIONS, word, "only once");
        sop->session_key_out = optarg;
        return *optarg == '@' && strncmp(optarg, "@FD:", 4) != 0
                   ? say(SOP_UNSUPPORTED_SPECIAL_PREFIX, optarg, "only @FD: can be written to")
                   : SOP_OK;
    case OPTION_WITH_KEY:
        return take_session_key(sop, optarg);
    case OPTION_PASSWORD:
        return say(SOP_UNSUPPORTED_OPTION, word, "PINs are asked for by the agent alone");
    case OPTION_VERIFICATIONS_OUT:
    case OPTION_VERIFY:
        return say(SOP_UNSUPPORTED_OPTION, word, "signatures are not verified here");
    case ':':
        return say(SOP_MISSING_ARG, word, "an argument is missing");
    default:
        return say(SOP_UNSUPPORTED_OPTION, word, "there is no such option");
    }
}

/* -1: go on; else the exit status. */
static int read_options(struct sop *sop, int argc, char **argv)
{
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) >= 0) {
        int status;

        if (option == OPTION_HELP) {
            fputs(help, stdout);
            return SOP_OK;
        }
        status = take_option(sop, option, argv[optind - 1]);
        if (status)
            return status;
    }
    return -1;
}

static bool go_on(void *context, uint64_t read, uint64_t written)
{
    (void)context;
    (void)read;
    (void)written;
    return !interrupted();
}

static gpg_error_t decrypt(struct sop *sop, const char *session_key, int in)
{
    const struct cardea_decrypt_options options = { .session_key = session_key,
                                                    .folder = cli_temporary_folder(),
                                                    .progress = go_on };

    return cardea_decrypt(sop->connection, in, STDOUT_FILENO, &options, &sop->report);
}

/* A message that is needed more than once goes to a file without a name: it is no secret. */
static int spool(int in)
{
    int fd = open(cli_temporary_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char piece[4096];
    ssize_t len;

    if (fd < 0)
        return -1;
    while ((len = read(in, piece, sizeof piece)) > 0 && write(fd, piece, (size_t)len) == len)
        continue;
    if (len == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Another key can help as long as nothing came out. */
static bool try_next(const struct sop *sop, gpg_error_t err)
{
    return (gpg_err_code(err) == GPG_ERR_DECRYPT_FAILED ||
            gpg_err_code(err) == GPG_ERR_INV_KEYLEN) &&
           !sop->report.octets;
}

/* With session keys a token is asked only when certificates are given as well. */
static int decrypt_message(struct sop *sop, int in, bool with_token)
{
    gpg_error_t err = gpg_error(GPG_ERR_DECRYPT_FAILED);
    bool asked = false;

    for (size_t i = 0; i < sop->session_keys && try_next(sop, err); i++) {
        if (i && lseek(in, 0, SEEK_SET) < 0)
            return say(SOP_UNSPECIFIC, "message", "it cannot be read twice");
        err = decrypt(sop, sop->session_key[i], in);
    }
    if (with_token && try_next(sop, err)) {
        if (sop->session_keys && lseek(in, 0, SEEK_SET) < 0)
            return say(SOP_UNSPECIFIC, "message", "it cannot be read twice");
        err = decrypt(sop, NULL, in);
        asked = true;
    }
    if (!err && interrupted())
        err = gpg_error(GPG_ERR_CANCELED);
    if (!err)
        return SOP_OK;
    if (sop->report.problem)
        return say(asked ? token_status(err) : sop_status(err), gpg_strerror(err),
                   sop->report.problem);
    cli_fail(&sop->cli, "message", err);
    return asked ? token_status(err) : sop_status(err);
}

static gpg_error_t write_line(int fd, const char *key)
{
    char line[CARDEA_SESSION_KEY_MAX + 1];
    int len = snprintf(line, sizeof line, "%s\n", key);
    gpg_error_t err = write(fd, line, (size_t)len) == len ? 0 : gpg_error_from_syserror();

    explicit_bzero(line, sizeof line);
    return err;
}

static bool is_writable(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* Before any plaintext comes out: what cannot be written to is known by then. */
static int open_key_file(struct sop *sop)
{
    gpg_error_t err = 0;
    long fd;

    if (!sop->session_key_out)
        return SOP_OK;
    if (*sop->session_key_out != '@')
        err = output_open(sop->session_key_out, false, &sop->key_file);
    else if (text_to_number(sop->session_key_out + 4, 0, INT_MAX, &fd) && is_writable((int)fd))
        sop->key_file = (struct output){ .fd = (int)fd };
    else
        return say(SOP_MISSING_INPUT, sop->session_key_out, "that is no descriptor to write to");
    if (!err)
        return SOP_OK;
    return say(gpg_err_code(err) == GPG_ERR_EEXIST ? SOP_OUTPUT_EXISTS : SOP_UNSPECIFIC,
               sop->session_key_out, gpg_strerror(err));
}

static gpg_error_t write_session_key(struct sop *sop)
{
    gpg_error_t err = write_line(sop->key_file.fd, sop->report.session_key);

    return err ? err : output_commit(&sop->key_file, false);
}

static int connect_with(struct sop *sop, char **certificates)
{
    gpg_error_t err = cli_connect(&sop->cli, &sop->connection);

    if (err)
        return SOP_HARDWARE_KEY_FAILURE;
    for (; *certificates; certificates++) {
        err = cli_add_certificates(sop->connection, *certificates);
        if (err)
            return say(sop_status(err), *certificates, gpg_strerror(err));
    }
    return SOP_OK;
}

static int decrypt_and_tell(struct sop *sop, int in, bool with_token)
{
    gpg_error_t err;
    int status;

    interrupt_catch(sop->connection, in, STDOUT_FILENO);
    status = open_key_file(sop);
    if (!status)
        status = decrypt_message(sop, in, with_token);
    if (!status && sop->session_key_out) {
        err = write_session_key(sop);
        if (err)
            status = say(sop_status(err), sop->session_key_out, gpg_strerror(err));
    }
    output_close(&sop->key_file);
    interrupt_release();
    return status;
}

static int run_decrypt(struct sop *sop, int argc, char **argv)
{
    int status = read_options(sop, argc, argv);
    bool with_token = !sop->session_keys || optind < argc;
    int in = STDIN_FILENO;

    if (status >= 0)
        return status;
    status = with_token ? connect_with(sop, argv + optind) : SOP_OK;
    if (status)
        return status;
    if (sop->session_keys + with_token > 1 && lseek(in, 0, SEEK_CUR) < 0)
        in = spool(in);
    if (in < 0)
        return say(SOP_UNSPECIFIC, cli_temporary_folder(), "the message cannot be kept there");
    status = decrypt_and_tell(sop, in, with_token);
    if (in != STDIN_FILENO)
        close(in);
    return status;
}

int main(int argc, char **argv)
{
    static struct sop sop = { .cli.program = "cardea-sop", .key_file.fd = -1 };
    int status;

    cli_occupy_standard_descriptors();
    if (argc < 2) {
        fputs(help, stderr);
        return SOP_MISSING_ARG;
    }
    if (strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return cli_end(&sop.cli, SOP_OK);
    }
    if (strcmp(argv[1], "version") == 0)
        return cli_end(&sop.cli, run_version(argc - 1, argv + 1));
    if (strcmp(argv[1], "decrypt") != 0)
        return say(SOP_UNSUPPORTED_SUBCOMMAND, argv[1], "only version and decrypt are here");
    status = run_decrypt(&sop, argc - 1, argv + 1);
    cardea_disconnect(&sop.connection);
    explicit_bzero(&sop, sizeof sop);
    sop.cli.program = "cardea-sop";
    return cli_end(&sop.cli, status);
}
