/* /proc/PID/stat and /proc/PID/cgroup: names stay printable and within their bounds. */
#include "agent/peer.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    FUZZ_CHECK(len < size);
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(text[i] >= 0x20 && text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer peer = { .pid = 1, .is_tool = size % 2 };
    char words[PEER_WORDS_MAX];
    struct proc_stat stat;

    proc_cgroup_parse(view_of(data, size), &peer.cgroup);
    check_text(peer.cgroup.application, sizeof peer.cgroup.application);
    fuzz_mark(&stat, sizeof stat);
    if (proc_stat_parse(view_of(data, size), &stat)) {
        check_text(stat.name, sizeof stat.name);
        FUZZ_CHECK(stat.parent >= 0 && stat.group >= 0);
        memcpy(peer.name, stat.name, sizeof peer.name);
    } else {
        FUZZ_CHECK(fuzz_marked(&stat, sizeof stat));
        memcpy(peer.name, "gpg", 4);
    }
    peer_words(&peer, words, sizeof words);
    check_text(words, sizeof words);
    FUZZ_CHECK(strstr(words, "(process 1)") || strcmp(words, "process 1") == 0);
    return 0;
}
