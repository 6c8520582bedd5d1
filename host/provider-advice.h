/* SPDX-License-Identifier: Apache-2.0 */
/* provider-advice.h - what people must do at well-known providers before a program may log in.
 * Pure, static. */
#ifndef MAILCHUTE_HOST_PROVIDER_ADVICE_H
#define MAILCHUTE_HOST_PROVIDER_ADVICE_H

#include "error.h"

/** provider_advice - what to do about a failure of this kind at the server that the key url of a
 * connection string names (NULL: none): a sentence, never NULL. */
const char *provider_advice(const char *url, enum error_class class);

#endif
