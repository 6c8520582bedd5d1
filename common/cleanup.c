/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.c - see cleanup.h. */
#include <config.h>
#include "cleanup.h"

#include <stdlib.h>
#include <unistd.h>

void cleanup_text_at(char **at)
{
    free(*at);
}

void cleanup_fd_at(int *at)
{
    if (*at >= 0)
        (void)close(*at);
}
