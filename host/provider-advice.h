/* SPDX-License-Identifier: Apache-2.0 */
/* provider-advice.h - what people must do at well-known providers before a program may log in.
 * Pure,
 * static. */
#ifndef MAILCHUTE_HOST_PROVIDER_ADVICE_H
#define MAILCHUTE_HOST_PROVIDER_ADVICE_H

#include "error.h"

/** provider_advice - what to do about a failure of this kind at this host: a sentence, never
 * NULL. */
const char *provider_advice(const char *host, enum error_class class);

#endif
