/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.h - locals that clean up after themselves, so that early returns stay short.
 *
 *     AUTO(buffer) b = buffer_new(...);     calls buffer_free_at(&b) when b leaves its scope
 *     *out = TAKE(b);                       hands it over: the local forgets it
 *
 * A type offers it with AUTO_DEFINE(type, free_function) in its header; NULL is always fine. A
 * local is set (= NULL, = {0}, or by its _init right below) before anything can return: what is not
 * set would be freed. Builds with sanitizers fill locals with a pattern, so that tests notice.
 * Never mixed with goto in one function. */
#ifndef MAILCHUTE_COMMON_CLEANUP_H
#define MAILCHUTE_COMMON_CLEANUP_H

#include <stddef.h>

#define AUTO(type) __attribute__((cleanup(type##_free_at))) struct type *
#define AUTO_DEFINE(type, free_function)                                                           \
    static inline void type##_free_at(struct type **at)                                            \
    {                                                                                              \
        free_function(*at);                                                                        \
    }                                                                                              \
    struct type /* takes the semicolon */

/* The same for text from malloc, for a file descriptor (-1 is fine) and for a struct with _done. */
#define AUTO_TEXT __attribute__((cleanup(cleanup_text_at))) char *
#define AUTO_FD __attribute__((cleanup(cleanup_fd_at))) int
#define AUTO_DONE(type) __attribute__((cleanup(type##_done))) struct type

#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int taken_ = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        taken_;                                                                                    \
    })

void cleanup_text_at(char **at);
void cleanup_fd_at(int *at);

#endif
