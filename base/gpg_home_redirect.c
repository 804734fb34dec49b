#include "base/gpg_home.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define SOCKET_PATH_MAX (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)

static const char magic[] = "%Assuan%\nsocket=";

static gpg_error_t append(struct buffer *out, struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return gpg_error(GPG_ERR_INV_VALUE);
    }
    return buffer_append_view(out, text);
}

/* *v begins after "${". An unknown variable is empty. */
static gpg_error_t append_variable(struct buffer *out, struct view *v)
{
    const uint8_t *end = v->len ? memchr(v->data, '}', v->len) : NULL;
    char name[HOME_REDIRECT_MAX + 1];
    const char *value;
    size_t len;

    if (!end)
        return gpg_error(GPG_ERR_INV_VALUE);
    len = (size_t)(end - v->data);
    memcpy(name, v->data, len);
    name[len] = '\0';
    *v = view_of(end + 1, v->len - len - 1);
    value = *name ? getenv(name) : NULL;
    return value ? append(out, view_of(value, strlen(value))) : 0;
}

/* The first line of v. */
static gpg_error_t expand(struct buffer *out, struct view v)
{
    gpg_error_t err = 0;

    while (!err && v.len && *v.data != '\n') {
        if (v.len >= 2 && v.data[0] == '$' && v.data[1] == '{') {
            v = view_of(v.data + 2, v.len - 2);
            err = append_variable(out, &v);
        } else {
            err = append(out, view_of(v.data, 1));
            v = view_of(v.data + 1, v.len - 1);
        }
    }
    return err;
}

gpg_error_t home_parse_redirect(struct view file, char **path)
{
    struct buffer out = BUFFER(SOCKET_PATH_MAX);
    struct view head;
    gpg_error_t err;
    char *copy;

    if (!view_take(&file, sizeof magic - 1, &head) ||
        !view_equal(head, view_of(magic, sizeof magic - 1)))
        return gpg_error(GPG_ERR_NOT_FOUND);
    if (file.len + head.len > HOME_REDIRECT_MAX)
        return gpg_error(GPG_ERR_TOO_LARGE);
    if (!file.len || file.data[file.len - 1] != '\n')
        return gpg_error(GPG_ERR_INV_VALUE);
    err = expand(&out, view_of(file.data, file.len - 1));
    if (!err && !out.len)
        err = gpg_error(GPG_ERR_INV_VALUE);
    if (!err) {
        copy = strndup((const char *)out.data, out.len);
        if (copy)
            *path = copy;
        else
            err = gpg_error_from_syserror();
    }
    buffer_free(&out);
    return err;
}
