/* client-provisional KEY FOLDER MESSAGE: decrypts the message to a provisional file without a name
 * and to one that says so but has a name. Prints of each the error code, how much was written to it
 * on the way, and its size in the end. */
#include "client/cardea.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t most_written;

static bool note(void *context, uint64_t octets_read, uint64_t octets_written)
{
    (void)context;
    (void)octets_read;
    most_written = octets_written > most_written ? octets_written : most_written;
    return true;
}

static void decrypt_to(const char *key, const char *message, int out)
{
    const struct cardea_decrypt_options options = { .session_key = key,
                                                    .provisional = true,
                                                    .progress = note };
    int in = open(message, O_RDONLY | O_CLOEXEC);
    struct stat st = { .st_size = -1 };
    gpg_error_t err;

    most_written = 0;
    err = cardea_decrypt(NULL, in, out, &options, NULL);
    fstat(out, &st);
    printf("%d %ld %ld\n", (int)gpg_err_code(err), (long)most_written, (long)st.st_size);
    close(in);
    close(out);
}

int main(int argc, char **argv)
{
    char name[4096];

    if (argc != 4)
        return 2;
    snprintf(name, sizeof name, "%s/named", argv[2]);
    decrypt_to(argv[1], argv[3], open(argv[2], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    decrypt_to(argv[1], argv[3], open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    unlink(name);
    return 0;
}
