/* cardea-agent: starts, waits for signals, ends. */
#include "agent/config.h"
#include "agent/expiry.h"
#include "agent/harden.h"
#include "agent/known_tokens.h"
#include "agent/listener.h"
#include "agent/logind.h"
#include "agent/notification.h"
#include "agent/patience.h"
#include "agent/socket_file.h"
#include "agent/token_files.h"
#include "base/gpg_home.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long sessions get to end when the agent stops: by themselves, and once their cards do not
 * answer any more. Locking a card that hangs takes a second more. */
#define STOP_MS         500
#define STOP_AT_ONCE_MS 2000

struct process {
    struct agent_config config;
    struct agent agent;
    struct socket_file socket;
    struct listener *listener;
    struct logind *logind;
    struct notification *notification;
    char *home;
    char *socket_path;
    int signal_fd;
    pid_t command; /* 0: none */
};

static gpg_error_t open_signals(struct process *process)
{
    sigset_t signals;

    signal(SIGPIPE, SIG_IGN);
    /* Ignored, as we may have inherited it, our children would vanish before we have seen them. */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    /* Blocked in every thread; only signal_fd tells of them. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    process->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    process->agent.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return process->signal_fd < 0 || process->agent.stop_fd < 0 ? gpg_error_from_syserror() : 0;
}

static gpg_error_t find_socket_path(struct process *process)
{
    gpg_error_t err = home_directory(process->config.gnupghome, &process->home);

    if (!err)
        err = home_socket_path(process->home, HOME_SOCKET, &process->socket_path);
    if (err) {
        log_error("no place for the socket: %s%s", gpg_strerror(err),
                  gpg_err_code(err) == GPG_ERR_INV_VALUE
                      ? ": a redirect file is where the socket belongs, and cannot be followed"
                      : "");
    }
    return err;
}

static gpg_error_t open_known_tokens(struct process *process)
{
    const char *configured = process->config.state_directory;
    char *path = NULL;
    gpg_error_t err = 0;

    if (!configured)
        err = token_files_default_directory(&path);
    else if (*configured && !(path = strdup(configured)))
        err = gpg_error(GPG_ERR_ENOMEM);
    if (!err)
        err = known_tokens_open(path, &process->agent.known);
    free(path);
    return err;
}

static gpg_error_t open_cards(struct process *process)
{
    const struct agent_config *config = &process->config;
    const struct cards_surroundings surroundings = {
        .pin_policy = { .idle_ms = (int64_t)config->pin_cache_ttl * 1000,
                        .max_ms = (int64_t)config->pin_cache_max_ttl * 1000 },
        .events = process->agent.events,
        .known = process->agent.known,
        .session_keys = process->agent.session_keys
    };

    return cards_open(config->readers, config->reader_count, &surroundings, &process->agent.cards);
}

static gpg_error_t start(struct process *process)
{
    gpg_error_t err = find_socket_path(process);

    if (err)
        return err;
    /* For the command; set before there are threads that read the environment. */
    if (process->config.command)
        setenv("GNUPGHOME", process->home, 1);
    err = open_signals(process);
    if (!err)
        err = socket_file_listen(process->socket_path, &process->socket, NULL);
    if (err)
        return err;
    process->agent.config = &process->config;
    process->agent.socket_path = process->socket_path;
    patience_begin();
    err = events_new(&process->agent.events);
    if (!err)
        err = open_known_tokens(process);
    if (!err)
        err = session_key_cache_new((int64_t)process->config.session_key_cache * 1000,
                                    &process->agent.session_keys);
    if (!err)
        err = open_cards(process);
    if (!err)
        err =
            expiry_start(process->agent.cards, process->agent.session_keys, &process->agent.expiry);
    if (!err)
        err = logind_start(process->agent.cards, process->agent.events, &process->logind);
    if (!err && process->config.notifications)
        err = notification_start(process->agent.events, &process->notification);
    if (!err)
        err = listener_start(&process->agent, process->socket.fd, &process->listener);
    if (!err)
        log_info("listening on %s", process->socket_path);
    return err;
}

/* The command must not inherit that we block signals. */
static void run_command(char **command)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(command[0], command);
    log_error("cannot run %s: %s", command[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static gpg_error_t start_command(struct process *process)
{
    if (!process->config.command)
        return 0;
    process->command = fork();
    if (process->command < 0) {
        log_error("cannot start a process: %s", strerror(errno));
        return gpg_error_from_syserror();
    }
    if (process->command == 0)
        run_command(process->config.command);
    return 0;
}

/* True when the command has ended; *status is then what a shell would say. */
static bool command_has_ended(struct process *process, int *status)
{
    int raw;

    /* Only this child: pinentries are reaped by the threads that started them. */
    if (!process->command || waitpid(process->command, &raw, WNOHANG) != process->command)
        return false;
    process->command = 0;
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return true;
}

/* Waits until it is time to stop; returns the exit status. */
static int wait_for_signals(struct process *process)
{
    struct signalfd_siginfo info;
    int status = EXIT_SUCCESS;

    while (read(process->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGHUP:
            log_info("hangup: PINs are asked for anew");
            cards_lock_all(process->agent.cards);
            break;
        case SIGCHLD:
            if (command_has_ended(process, &status))
                return status;
            break;
        default:
            /* Ctrl-C at the terminal is the command's to obey; we end with it. */
            if (process->command && info.ssi_signo == SIGINT)
                break;
            if (process->command)
                kill(process->command, SIGTERM);
            return process->command ? 128 + (int)info.ssi_signo : EXIT_SUCCESS;
        }
    }
    return status;
}

/* False when sessions are stuck in a card. */
static bool stop_sessions(struct process *process)
{
    if (listener_stop(&process->listener, STOP_MS))
        return true;
    cards_interrupt(process->agent.cards);
    return listener_stop(&process->listener, STOP_AT_ONCE_MS);
}

static void stop(struct process *process, int status)
{
    const uint64_t one = 1;

    if (process->agent.stop_fd >= 0)
        (void)!write(process->agent.stop_fd, &one, sizeof one);
    socket_file_close(&process->socket);
    if (!stop_sessions(process)) {
        log_warning("a request did not end in time; leaving it behind");
        _exit(status);
    }
    notification_stop(&process->notification);
    logind_stop(&process->logind);
    expiry_stop(&process->agent.expiry);
    /* Who comes after us must ask for the PIN. */
    if (process->agent.cards)
        cards_lock_all(process->agent.cards);
    cards_close(&process->agent.cards);
    known_tokens_close(&process->agent.known);
    session_key_cache_free(&process->agent.session_keys);
    events_free(&process->agent.events);
    free(process->socket_path);
    free(process->home);
    config_free(&process->config);
    if (process->signal_fd >= 0)
        close(process->signal_fd);
    if (process->agent.stop_fd >= 0)
        close(process->agent.stop_fd);
}

int main(int argc, char **argv)
{
    struct process process = { .socket = SOCKET_FILE, .signal_fd = -1, .agent.stop_fd = -1 };
    int status;

    harden_descriptors();
    log_init("cardea-agent", LOG_LEVEL_WARNING);
    status = config_load(&process.config, argc, argv);
    if (status != CONFIG_RUN) {
        config_free(&process.config);
        return status;
    }
    log_set_level(process.config.log_level);
    harden_process(process.config.command != NULL);
    if (secret_init_library()) {
        log_error("libgcrypt is older than the one that Cardea was built for");
        return EXIT_FAILURE;
    }
    status = EXIT_FAILURE;
    if (!start(&process) && !start_command(&process))
        status = wait_for_signals(&process);
    stop(&process, status);
    return status;
}
