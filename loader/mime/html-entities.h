/* SPDX-License-Identifier: Apache-2.0 */
/* html-entities.h - named character references of HTML (s.13.5 of the standard): "auml" is "ä". */
#ifndef MAILCHUTE_MIME_HTML_ENTITIES_H
#define MAILCHUTE_MIME_HTML_ENTITIES_H

#include <stdbool.h>
#include <stddef.h>

#define HTML_ENTITY_MAX 32 /* bytes of the longest name, its NUL included */

/** html_entity - what the name (without "&" and ";") stands for, NULL if it is none. Static UTF-8.
 */
const char *html_entity(const char *name);

/** html_entity_is_legacy - browsers take this one without its ";" too, such as "copy". */
bool html_entity_is_legacy(const char *name);

/** html_entity_at - the table itself, for the tests; NULL behind its end. */
const char *html_entity_at(size_t index);

#endif
