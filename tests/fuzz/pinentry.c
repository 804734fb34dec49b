/* All that a pinentry may answer. The first byte chooses the question. */
#include "agent/pinentry_dialogue.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start_once(void)
{
    static int started;

    if (started++)
        return;
    signal(SIGPIPE, SIG_IGN);
    if (secret_init_library())
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pinentry_request request = PINENTRY_REQUEST;
    struct secret pin = { 0 };
    char problem[256] = "";
    int ends[2];
    gpg_error_t err;

    start_once();
    if (!size || pinentry_connection(ends))
        return 0;
    request.pin_min = 6;
    request.pin_max = 127;
    request.title = "Cardea";
    request.description = "Token\n100%";
    if (send(ends[1], data + 1, size - 1, MSG_DONTWAIT) < 0 && size > 1)
        abort();
    shutdown(ends[1], SHUT_WR);
    err = pinentry_dialogue(ends[0], &request, (enum pinentry_question)(data[0] % 3),
                            data[0] % 3 == PINENTRY_ASK_PIN ? &pin : NULL, problem, sizeof problem);
    if (!err && data[0] % 3 == PINENTRY_ASK_PIN && (pin.len < 6 || pin.len > 127))
        abort();
    if (err && pin.data)
        abort();
    if (gpg_err_code(err) == GPG_ERR_PIN_ENTRY && !*problem)
        abort();
    secret_free(&pin);
    close(ends[1]);
    return 0;
}
