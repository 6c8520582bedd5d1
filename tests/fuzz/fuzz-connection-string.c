/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-connection-string.c - any text as an IMAP connection string: read whole, or refused with a
 * reason that is fit to print. */
#include <config.h>
#include "imap-settings.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    AUTO(imap_settings) settings = NULL;
    struct error err = {0};
    if (imap_settings_read(text, &settings, &err) == 0) {
        AUTO_TEXT account = imap_settings_account(settings, "ann");
        if (account == NULL || settings->host[0] == '\0' || settings->port == 0 ||
            strchr(settings->host, '@') != NULL)
            abort();
    } else if (err.class != ERROR_USAGE || err.text[0] == '\0' || text_has_control(err.text) ||
               !text_is_utf8(err.text, strlen(err.text))) {
        abort();
    }
    (void)connection_string_position(text, "url");
    free(text);
    return 0;
}
