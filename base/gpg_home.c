#include "base/gpg_home.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_HOME "~/.gnupg"

/* The part of SHA1(home) that names its directory: 15 octets in zbase32. */
#define HASH_DIGITS 24

static gpg_error_t format_path(char **out, const char *a, const char *b, const char *c)
{
    if (asprintf(out, "%s%s%s", a, b, c) < 0) {
        *out = NULL;
        return gpg_error(GPG_ERR_ENOMEM);
    }
    return 0;
}

/* The home of `user` (NULL: of the user who runs us), from the password database. */
static gpg_error_t look_up_home(const char *user, char **home)
{
    char buffer[8192];
    struct passwd entry;
    struct passwd *found = NULL;

    if (user)
        getpwnam_r(user, &entry, buffer, sizeof buffer, &found);
    else
        getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found);
    if (!found || !found->pw_dir)
        return gpg_error(GPG_ERR_NOT_FOUND);
    return format_path(home, found->pw_dir, "", "");
}

/* "~", "~/…" by $HOME, which counts even if it is empty or relative; "~user/…". */
static gpg_error_t expand_tilde(const char *path, char **out)
{
    size_t len = strcspn(path, "/");
    const char *home = getenv("HOME");
    char *found = NULL;
    char *user;
    gpg_error_t err;

    if (*path != '~')
        return format_path(out, path, "", "");
    if (len == 1 && home)
        return format_path(out, home, path + 1, "");
    user = strndup(path + 1, len - 1);
    if (!user)
        return gpg_error_from_syserror();
    err = look_up_home(len == 1 ? NULL : user, &found);
    free(user);
    if (!err)
        err = format_path(out, found, path + len, "");
    free(found);
    return err;
}

static gpg_error_t make_absolute(const char *path, char **out)
{
    char *expanded = NULL;
    char *here = NULL;
    gpg_error_t err = expand_tilde(path, &expanded);

    if (err)
        return err;
    if (*expanded == '/') {
        *out = expanded;
        return 0;
    }
    here = getcwd(NULL, 0);
    if (!here)
        err = gpg_error_from_syserror();
    else
        err = format_path(out, here, here[1] ? "/" : "", expanded);
    free(here);
    free(expanded);
    return err;
}

gpg_error_t home_directory(const char *option, char **home)
{
    const char *chosen = option && *option ? option : getenv("GNUPGHOME");
    gpg_error_t err;
    size_t len;
    char *copy;

    if (!chosen || !*chosen)
        return make_absolute(DEFAULT_HOME, home);
    copy = strdup(chosen);
    if (!copy)
        return gpg_error_from_syserror();
    for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
        copy[len - 1] = '\0';
    err = make_absolute(copy, home);
    free(copy);
    return err;
}

/* gpg compares the names, not what they name. */
static bool is_default(const char *home)
{
    char *default_home = NULL;
    bool same = !make_absolute(DEFAULT_HOME, &default_home) && strcmp(home, default_home) == 0;

    free(default_home);
    return same;
}

/* 15 octets are 24 digits of 5 bits; the alphabet is zbase32's. */
static void hash_name(const char *home, char name[HASH_DIGITS + 1])
{
    static const char alphabet[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    unsigned char hash[20];

    gcry_md_hash_buffer(GCRY_MD_SHA1, hash, home, strlen(home));
    for (unsigned i = 0; i < HASH_DIGITS; i++) {
        unsigned bit = i * 5;
        unsigned pair = (unsigned)hash[bit / 8] << 8 | hash[bit / 8 + 1];

        name[i] = alphabet[pair >> (11 - bit % 8) & 31];
    }
    name[HASH_DIGITS] = '\0';
}

/* Ours, and closed to others; created when missing. */
static bool is_private_directory(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0 && (errno != ENOENT || mkdir(path, S_IRWXU) < 0 || stat(path, &st) < 0))
        return false;
    return S_ISDIR(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & (S_IRWXG | S_IRWXO));
}

/* The first of the places that exists decides, whatever becomes of it. Below /run/gnupg looks only
 * a gpg that was built with --enable-run-gnupg-user-socket; no distribution's is. */
static bool find_runtime_directory(char *path, size_t size)
{
    static const char *const bases[] = { "/run", "/var/run" };

    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        struct stat st;

        snprintf(path, size, "%s/user/%u", bases[i], (unsigned)getuid());
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return st.st_uid == getuid();
    }
    return false;
}

/* The directory of the sockets for that home: below /run/user/UID when the system has one, with a
 * directory of its own for every home but ~/.gnupg; else the home itself. Directories below /run
 * are passed over when they are not ours or are open to others. */
static gpg_error_t socket_directory(const char *home, char **directory)
{
    char runtime[64];
    char base[sizeof runtime + 8];
    char own[sizeof base + HASH_DIGITS + 4];
    char name[HASH_DIGITS + 1];

    if (!find_runtime_directory(runtime, sizeof runtime))
        return format_path(directory, home, "", "");
    snprintf(base, sizeof base, "%s/gnupg", runtime);
    if (!is_private_directory(base))
        return format_path(directory, home, "", "");
    if (is_default(home))
        return format_path(directory, base, "", "");
    hash_name(home, name);
    snprintf(own, sizeof own, "%s/d.%s", base, name);
    return format_path(directory, is_private_directory(own) ? own : home, "", "");
}

/* Reads the file at path if it is a regular one; *len is 0 for anything else. */
static gpg_error_t read_small_file(const char *path, char *out, size_t size, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    ssize_t n = 0;

    *len = 0;
    /* A socket cannot be opened, nor can what is not there. */
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = read(fd, out, size);
    close(fd);
    if (n < 0)
        return gpg_error_from_syserror();
    *len = (size_t)n;
    return 0;
}

gpg_error_t home_socket_path(const char *home, const char *name, char **path)
{
    char file[HOME_REDIRECT_MAX + 1];
    char *directory = NULL;
    char *plain = NULL;
    size_t len;
    gpg_error_t err = socket_directory(home, &directory);

    if (!err)
        err = format_path(&plain, directory, strcmp(directory, "/") ? "/" : "", name);
    if (!err)
        err = read_small_file(plain, file, sizeof file, &len);
    if (!err)
        err = home_parse_redirect(view_of(file, len), path);
    if (gpg_err_code(err) == GPG_ERR_NOT_FOUND && plain) {
        *path = plain;
        plain = NULL;
        err = 0;
    } else if (err && plain) {
        log_debug("%s is meant to redirect to another socket, but cannot be followed: %s", plain,
                  gpg_strerror(err));
    }
    free(plain);
    free(directory);
    return err;
}
