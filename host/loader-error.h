/* SPDX-License-Identifier: Apache-2.0 */
/* loader-error.h - errors on their way between the contract's form and ours. Pure. */
#ifndef MAILCHUTE_HOST_LOADER_ERROR_H
#define MAILCHUTE_HOST_LOADER_ERROR_H

#include "error.h"
#include "loader-plugin.h"

/** loader_error_clear - an empty one, of our size, to hand to a loader. */
void loader_error_clear(struct loader_error *theirs);

/** loader_error_read - what a call of loader @name that failed told. A class we do not know is
 * ERROR_BUG, a text that is missing is replaced. Returns -1. */
int loader_error_read(const struct loader_error *theirs, const char *name, struct error *err);

/** loader_error_write - tell a loader what failed in a host function. @theirs may be NULL, and
 * shorter than ours. Returns -1. */
int loader_error_write(const struct error *err, struct loader_error *theirs);

#endif
