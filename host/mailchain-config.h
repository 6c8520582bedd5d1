/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-config.h - config.json of the Mailchain connector for IMAP, as the old one kept it:
 *
 *     {"imap": {"server": "mail.example.org", "username": "ann", "port": "993", "ssl": true},
 *      "mailchain": {"hostname": "127.0.0.1", "port": "8080", "ssl": false,
 *                    "folders": "by_network", "mainnet_to_inbox": true, "interval": "300"}}
 *
 * Numbers may stand there as numbers or as texts, and so may true and false; texts are what is
 * written, as before. A number may have spaces around it, and an interval below a minute is one.
 * Members that are not known stay when it is written. A password is never written, and one that
 * stands there is taken out. */
#ifndef MAILCHUTE_HOST_MAILCHAIN_CONFIG_H
#define MAILCHUTE_HOST_MAILCHAIN_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define MAILCHAIN_CONFIG_FOLDER ".mailchain_connector/imap" /* below $HOME */
#define MAILCHAIN_INTERVAL_MIN_S 60u
#define MAILCHAIN_INTERVAL_MAX_S 86400u
#define MAILCHAIN_TEXT_MAX 256u /* bytes of a name, NUL included */

/* Texts are "" and numbers 0 where nothing was set. */
struct mailchain_config {
    char server[MAILCHAIN_TEXT_MAX], username[MAILCHAIN_TEXT_MAX];
    uint32_t imap_port;
    bool imap_ssl;
    char hostname[MAILCHAIN_TEXT_MAX];
    uint32_t port;
    bool ssl, by_address, mainnet_to_inbox;
    uint32_t interval_s; /* MAILCHAIN_INTERVAL_MIN_S and more */
    bool has_imap, has_mailchain; /* all of that half was there */
    const char *lacks; /* "port' of 'imap": the first that is missing or no use; NULL: none */
    json_t *root; /* all that stood in the file; NULL: nothing */
};
void mailchain_config_done(struct mailchain_config *config);

/** mailchain_config_folder - @given, or the folder in the user's home; yours: free(). */
int mailchain_config_folder(const char *given, char **out_folder, struct error *err);

/** mailchain_config_read - @folder/config.json. A file that is not there is one with nothing in it;
 * ERROR_CONFIG for one that cannot be read. *out is overwritten; yours: mailchain_config_done(). */
int mailchain_config_read(const char *folder, struct mailchain_config *out, struct error *err);

/** mailchain_config_set_aside - @folder/config.json becomes config.json.bad, in place of an older
 * one. */
int mailchain_config_set_aside(const char *folder, struct error *err);

/** mailchain_config_write - both halves that are there; the folder is made (mode 0700), the file
 * (0600) changes as a whole or not at all. */
int mailchain_config_write(const char *folder, struct mailchain_config *config, struct error *err);

/** mailchain_config_hide - take out each member that is called a password, in any case, of @value
 * and of all that is in it. */
void mailchain_config_hide(json_t *value);

/** mailchain_config_imap, _mailchain - connection strings for the loaders; yours: free(). @more
 * (NULL: none): keys that stand behind those of the config, of that half. */
int mailchain_config_imap(const struct mailchain_config *config, const char *more,
                          char **out_connection, struct error *err);
int mailchain_config_mailchain(const struct mailchain_config *config, bool footer,
                               const char *more, char **out_connection, struct error *err);

#endif
