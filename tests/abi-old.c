/* SPDX-License-Identifier: Apache-2.0 */
/* abi-old.c - version 1.0 of the contract, as it was laid out. */
#include "abi-row.h"

#include "data/loader-plugin-1.0.h"

const struct abi_row abi_old[] = {
#include "abi-fields.h"
};
const size_t abi_old_count = sizeof abi_old / sizeof abi_old[0];
