#include "ccid/processes.h"

#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void name_process(const char *folder, const char *pid, char *out, size_t size)
{
    char path[PATH_MAX], comm[64] = "", name[64];
    size_t len = 0;
    FILE *file = NULL;
    int path_len = snprintf(path, sizeof path, "%s/comm", folder);

    if (path_len > 0 && (size_t)path_len < sizeof path)
        file = fopen(path, "re");
    if (file) {
        len = fread(comm, 1, sizeof comm, file);
        fclose(file);
    }
    if (len && comm[len - 1] == '\n')
        len--;
    snprintf(out, size, "%s (process %.20s)",
             len ? text_escape(view_of(comm, len), name, sizeof name) : "a program", pid);
}

/* Appends to the list, or leaves it as it was where there is no room. */
static void append_name(const char *name, char *out, size_t size)
{
    size_t len = strlen(out);
    const char *between = len ? ", " : "";

    if (len + strlen(between) + strlen(name) < size)
        snprintf(out + len, size - len, "%s%s", between, name);
}

size_t processes_find(const char *root, process_matches *matches, const void *what, char *out,
                      size_t size)
{
    char path[PATH_MAX], name[128], self[16];
    struct dirent *entry;
    size_t count = 0;
    DIR *folder;

    out[0] = '\0';
    snprintf(self, sizeof self, "%d", getpid());
    snprintf(path, sizeof path, "%s/proc", root);
    folder = opendir(path);
    if (!folder)
        return 0;
    while ((entry = readdir(folder))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, self) == 0)
            continue;
        snprintf(path, sizeof path, "%s/proc/%s", root, entry->d_name);
        if (!matches(path, what))
            continue;
        name_process(path, entry->d_name, name, sizeof name);
        append_name(name, out, size);
        count++;
    }
    closedir(folder);
    return count;
}
