/* Files, and what stands for them: the "indirect data types" of the Stateless OpenPGP interface. */
#include "client/cli/cli.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gpg_error_t read_all(int fd, struct buffer *content)
{
    for (;;) {
        uint8_t piece[4096];
        ssize_t len = read(fd, piece, sizeof piece);
        gpg_error_t err;

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len ? gpg_error_from_syserror() : 0;
        err = buffer_append(content, piece, (size_t)len);
        explicit_bzero(piece, sizeof piece);
        if (err)
            return err;
    }
}

static gpg_error_t read_file(const char *name, struct buffer *content)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    gpg_error_t err;

    if (fd < 0)
        return gpg_error_from_syserror();
    err = read_all(fd, content);
    close(fd);
    return err;
}

gpg_error_t cli_read_indirect(const char *name, struct buffer *content)
{
    const char *value;
    long fd;

    if (strncmp(name, "@FD:", 4) == 0)
        return text_to_number(name + 4, 0, INT_MAX, &fd) ? read_all((int)fd, content)
                                                         : gpg_error(GPG_ERR_ENOENT);
    if (strncmp(name, "@ENV:", 5) == 0) {
        value = getenv(name + 5);
        return value ? buffer_append(content, value, strlen(value)) : gpg_error(GPG_ERR_ENOENT);
    }
    if (*name == '@')
        return gpg_error(GPG_ERR_UNKNOWN_NAME);
    return read_file(name, content);
}

gpg_error_t cli_add_certificates(struct cardea *connection, const char *name)
{
    struct buffer content = BUFFER(CLI_CERTIFICATES_MAX);
    gpg_error_t err = cli_read_indirect(name, &content);

    if (!err)
        err = cardea_add_certificates(connection, content.data, content.len);
    buffer_free(&content);
    return err;
}

const char *cli_temporary_folder(void)
{
    const char *folder = secure_getenv("TMPDIR");

    return folder && *folder ? folder : "/var/tmp";
}
