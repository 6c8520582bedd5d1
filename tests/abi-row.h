/* SPDX-License-Identifier: Apache-2.0 */
/* abi-row.h - where a field lies; see abi-fields.h. */
#ifndef MAILCHUTE_TESTS_ABI_ROW_H
#define MAILCHUTE_TESTS_ABI_ROW_H

#include <stddef.h>

/* A struct has size and grows, a field offset and size. */
struct abi_row {
    const char *name;
    size_t offset, size;
    int grows;
};

extern const struct abi_row abi_old[];
extern const size_t abi_old_count;

#define STRUCT(type, grows) {#type, 0, sizeof(struct type), grows},
#define FIELD(type, field)                                                                         \
    {#type "." #field, offsetof(struct type, field), sizeof(((struct type *)0)->field), 0},

#endif
