/* print-home [DIRECTORY]: prints gpg's home and the agent's socket as agent/home.h finds them. */
#include "base/gpg_home.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char *home = NULL;
    char *socket = NULL;
    gpg_error_t err = secret_init_library();

    if (!err)
        err = home_directory(argc > 1 ? argv[1] : NULL, &home);
    if (!err)
        err = home_socket_path(home, HOME_SOCKET, &socket);
    if (err)
        fprintf(stderr, "print-home: %s\n", gpg_strerror(err));
    else
        printf("%s\n%s\n", home, socket);
    free(home);
    free(socket);
    return err ? 1 : 0;
}
