#include "tests/unit/scripted_reader.h"

#include "tests/unit/hex.h"

static gpg_error_t play(struct reader *reader, struct view command, struct buffer *answer,
                        struct deadline deadline)
{
    struct scripted_reader *s = (struct scripted_reader *)reader;
    const struct exchange *now = &s->script[s->at];

    (void)deadline;
    s->commands++;
    if (s->at == s->count)
        fail_msg("one command too many, %zu octets", command.len);
    assert_octets(command, now->command);
    if (++s->repeated >= now->times) {
        s->repeated = 0;
        s->at++;
    }
    return now->err ? now->err : buffer_append_view(answer, hex(now->answer));
}

static const struct backend scripted_backend = { .scheme = "scripted", .transmit = play };

struct reader *scripted_reader(struct scripted_reader *s, const struct exchange *script,
                               size_t count)
{
    *s = (struct scripted_reader){ .reader = { .backend = &scripted_backend },
                                   .script = script,
                                   .count = count };
    return &s->reader;
}

void scripted_reader_done(const struct scripted_reader *s)
{
    assert_int_equal(s->at, s->count);
}
