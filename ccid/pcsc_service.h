/* Waiting for a PC/SC service that is not there, without asking again and again: the folder of its
 * socket is watched, or while that is missing the nearest folder above it. */
#pragma once

#include <stdbool.h>

#define PCSC_SOCKET_PATH_MAX 4096

struct pcsc_service {
    char path[PCSC_SOCKET_PATH_MAX]; /* of its socket */
    char awaited[256];               /* name in the watched folder: the socket's or a folder's */
    int inotify;                     /* -1: not watched */
};

/* Takes the path from the environment, as libpcsclite does. Nothing is watched yet. */
void pcsc_service_init(struct pcsc_service *service);

/* Begins to watch. What happened before is for the caller to find out, by trying once more. */
void pcsc_service_watch(struct pcsc_service *service);

/* Sleeps until the socket may have appeared, or `kick` is readable. */
void pcsc_service_wait(const struct pcsc_service *service, int kick);

void pcsc_service_unwatch(struct pcsc_service *service);

/* True if there is such a file, alive or not. */
bool pcsc_service_has_socket(const struct pcsc_service *service);
