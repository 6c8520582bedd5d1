/* SPDX-License-Identifier: Apache-2.0 */
/* loader-error.c - errors between the contract's form and ours. See loader-error.h. */
#include <config.h>
#include "loader-error.h"

#include <stddef.h>
#include <string.h>

#include "text.h"

_Static_assert((int)LOADER_ERROR_MAIL == (int)ERROR_MAIL &&
                   (int)LOADER_ERROR_CANCELLED == (int)ERROR_CANCELLED &&
                   (int)LOADER_ERROR_BUG == (int)ERROR_BUG &&
                   (int)LOADER_ERROR_HELD == (int)ERROR_HELD,
               "the numbers of the contract are those of error.h");

void loader_error_clear(struct loader_error *theirs)
{
    *theirs = (struct loader_error){.struct_size = sizeof *theirs};
}

int loader_error_read(const struct loader_error *theirs, const char *name, struct error *err)
{
    uint32_t number = theirs->error_class;
    bool known = number > LOADER_ERROR_NONE && number <= LOADER_ERROR_HELD;
    char text[sizeof theirs->text + 1] = "";
    memcpy(text, theirs->text, sizeof theirs->text);
    error_set(err, known ? (enum error_class)number : ERROR_BUG, "%s", text);
    if (text[0] == '\0')
        error_set(err, known ? (enum error_class)number : ERROR_BUG,
                  "loader '%s' failed and does not say why; run again with -vv, or ask its maker",
                  name);
    err->pause_s = theirs->pause_s;
    return -1;
}

int loader_error_write(const struct error *err, struct loader_error *theirs)
{
    if (theirs == NULL || theirs->struct_size <= offsetof(struct loader_error, text) + 1)
        return -1;
    size_t room = theirs->struct_size - offsetof(struct loader_error, text);
    theirs->error_class = err->class;
    theirs->pause_s = err->pause_s;
    text_copy(theirs->text, room < sizeof theirs->text ? room : sizeof theirs->text, err->text);
    return -1;
}
