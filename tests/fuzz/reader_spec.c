/* What follows "socket:" in a reader specification. */
#include "ccid/socket_address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_loopback(const struct socket_address *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address->storage.ss_family == AF_INET && address->len == sizeof in) {
        memcpy(&in, &address->storage, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127 && in.sin_port != 0;
    }
    memcpy(&in6, &address->storage, sizeof in6);
    return address->storage.ss_family == AF_INET6 && address->len == sizeof in6 &&
           IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) && in6.sin6_port != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct socket_address address;
    char text[256];
    const char *path;

    if (size >= sizeof text)
        size = sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (socket_address_parse(text, &address))
        return 0;
    path = socket_address_path(&address);
    if (path ? path[0] != '/' || strcmp(path, text) != 0 : !is_loopback(&address))
        abort();
    return 0;
}
