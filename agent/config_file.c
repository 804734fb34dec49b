#include "agent/config.h"

#include "agent/config_settings.h"
#include "base/text.h"

#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  (64 * 1024)
#define SHOWN_MAX 64

/* inih knows line numbers only when it was built for them, cuts long lines in two and takes
 * indented ones for more values; so lines are counted and looked at as they are read. */
struct file {
    struct config_source source;
    const char *name;
    struct view rest;
    int line;
    gpg_error_t err;
    char *error;
};

static void fail(struct file *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct file *file, int line, const char *format, ...)
{
    char problem[CONFIG_ERROR_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
    snprintf(file->error, CONFIG_ERROR_SIZE, "%.200s:%d: %.280s", file->name, line, problem);
    file->err = gpg_error(GPG_ERR_SYNTAX);
}

static const char *shown(const char *text, char out[SHOWN_MAX])
{
    return text_escape(view_of(text, strlen(text)), out, SHOWN_MAX);
}

static void check_section(struct file *file, const char *line)
{
    char section[SHOWN_MAX];
    char list[256];

    snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 1, "]\r\n"), line + 1);
    if (!config_has_section(section))
        fail(file, file->line, "unknown section [%s]; there are %s", shown(section, section),
             config_list(NULL, list, sizeof list));
}

/* The next line with its end, without blanks at its start; len 0 at the end. */
static struct view take_line(struct file *file)
{
    const uint8_t *end = file->rest.len ? memchr(file->rest.data, '\n', file->rest.len) : NULL;
    struct view line = file->rest;

    if (end)
        line.len = (size_t)(end + 1 - file->rest.data);
    view_take(&file->rest, line.len, &line);
    file->line++;
    while (line.len > 1 && (*line.data == ' ' || *line.data == '\t'))
        line = view_of(line.data + 1, line.len - 1);
    return line;
}

static bool is_text(struct view line)
{
    for (size_t i = 0; i < line.len; i++) {
        if ((line.data[i] < 0x20 && !strchr("\t\r\n", line.data[i])) || !line.data[i])
            return false;
    }
    return true;
}

/* An ini_reader: as fgets. */
static char *read_line(char *out, int size, void *arg)
{
    struct file *file = arg;
    struct view line;

    if (file->err || !file->rest.len)
        return NULL;
    line = take_line(file);
    if (line.len + 1 > (size_t)size)
        fail(file, file->line, "the line is longer than %d bytes", size - 2);
    else if (!is_text(line))
        fail(file, file->line, "the line holds bytes that are no text");
    if (file->err)
        return NULL;
    memcpy(out, line.data, line.len);
    out[line.len] = '\0';
    if (*out == '[')
        check_section(file, out);
    return file->err ? NULL : out;
}

/* An ini_handler. */
static int take_setting(void *arg, const char *section, const char *key, const char *value)
{
    struct file *file = arg;
    const struct config_setting *setting = config_find(section, key);
    const char *expected;
    char list[256];
    char a[SHOWN_MAX];
    char b[SHOWN_MAX];
    gpg_error_t err;

    if (file->err)
        return 1;
    if (!setting) {
        if (*section)
            fail(file, file->line, "unknown setting \"%s\"; section [%s] has %s", shown(key, a),
                 section, config_list(section, list, sizeof list));
        else
            fail(file, file->line, "\"%s\" stands before the first section; there are %s",
                 shown(key, a), config_list(NULL, list, sizeof list));
        return 1;
    }
    err = config_apply(&file->source, setting, value, &expected);
    if (gpg_err_code(err) == GPG_ERR_INV_VALUE)
        fail(file, file->line, "%s = %s: expected %s", shown(key, a), shown(value, b), expected);
    else
        file->err = err;
    return 1;
}

gpg_error_t config_parse(struct agent_config *config, const char *name, struct view text,
                         char *error)
{
    struct file file = {
        .source = { .config = config }, .name = name, .rest = text, .error = error
    };
    int rc = ini_parse_stream(read_line, &file, take_setting, &file);

    if (rc < 0)
        return gpg_error(GPG_ERR_ENOMEM);
    if (rc > 0 && (!file.err || rc < file.line))
        fail(&file, rc, "expected NAME = VALUE, [SECTION], or a comment that begins with #");
    return file.err;
}

gpg_error_t config_default_path(char **path)
{
    const char *config_home = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int rc = 0;

    *path = NULL;
    /* A relative one is to be ignored (XDG Base Directory Specification 0.8). */
    if (config_home && *config_home == '/')
        rc = asprintf(path, "%s/cardea/agent.conf", config_home);
    else if (home && *home)
        rc = asprintf(path, "%s/.config/cardea/agent.conf", home);
    if (rc < 0) {
        *path = NULL;
        return gpg_error(GPG_ERR_ENOMEM);
    }
    return 0;
}

static gpg_error_t read_all(int fd, struct buffer *content)
{
    uint8_t block[4096];
    gpg_error_t err = 0;
    ssize_t n;

    while (!err && (n = read(fd, block, sizeof block)) != 0)
        err = n < 0 ? gpg_error_from_syserror() : buffer_append(content, block, (size_t)n);
    return err;
}

gpg_error_t config_read_file(struct agent_config *config, const char *path, char *error)
{
    struct buffer content = BUFFER(FILE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    gpg_error_t err;

    if (fd < 0) {
        err = gpg_error_from_syserror();
    } else {
        err = read_all(fd, &content);
        close(fd);
    }
    if (err)
        snprintf(error, CONFIG_ERROR_SIZE, "cannot read %.400s: %s", path, gpg_strerror(err));
    else
        err = config_parse(config, path, buffer_view(&content), error);
    buffer_free(&content);
    return err;
}
