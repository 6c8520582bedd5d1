/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-mail.h - a Mailchain message as a mail (RFC 5322).
 *
 *     Date: Tue, 01 Sep 2020 07:05:00 +0000
 *     From: <0x9a01@mainnet.ethereum>
 *     To: "Ann" <0x1f67@mainnet.ethereum>
 *     Message-ID: <0a1b2c@mailchain>              no two keys have the same
 *     Subject: Hello                              only where there is one
 *     X-Mailchain-Message-Id: 0a1b2c              every header of Mailchain's, as it came
 *     X-Mailchain-Block-Id: 0xc801
 *     X-Mailchain-Protocol: ethereum              where it was picked up
 *     MIME-Version: 1.0
 *     Content-Type: text/plain; charset=UTF-8     or text/html
 *     Content-Transfer-Encoding: 7bit
 *
 * What a mail must have and Mailchain does not give is told as what it is: the time of picking it
 * up, "(picked up)" behind it; "unknown sender" <unknown@mailchain.invalid>; the address that it
 * was picked up for. An address that RFC 5322 does not allow is a name of that same unknown one.
 *
 * The same message makes the same mail, byte for byte (but for such a time). Nothing in a message,
 * whoever wrote it, can make a field or a line of its own; no line is longer than 998 bytes. Pure.
 */
#ifndef MAILCHUTE_LOADER_MAILCHAIN_MAIL_H
#define MAILCHUTE_LOADER_MAILCHAIN_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "clock.h"
#include "mailchain-api.h"

#define MAILCHAIN_KEY_MAX 512u       /* bytes of a key, NUL included */
#define MAILCHAIN_ID_MAX 400u        /* bytes of a message-id that is used as it is */
#define MAILCHAIN_DOMAIN "mailchain" /* of a Message-ID, whose own are bare hex */

/* Where it was picked up, and how it is to look. */
struct mailchain_mail_options {
    const char *protocol, *network, *address;
    bool footer; /* "Delivered by Mailchain IMAP Connector" at the end of the body */
    int64_t now_s; /* seconds since 1970: when it is picked up */
};

/** mailchain_mail_key - one value per message and address: its message-id where that is made of
 * letters, digits, '.', '_', '-' and '@'; else "sha256:" and the digest of its id, or where it has
 * none of all of it. No two share one, as ':' is in no id that is used as it is. -1: out of memory.
 */
int mailchain_mail_key(const struct mailchain_message *message, char out_key[MAILCHAIN_KEY_MAX]);

/** mailchain_mail_sight - by what it is known again within a pass: its key, and for one that is not
 * ok "!", its key and its status, so that what is not ready never stands for what is. -1: out of
 * memory. */
int mailchain_mail_sight(const struct mailchain_message *message, char out_key[MAILCHAIN_KEY_MAX]);

/** mailchain_mail_date - when it was sent, RFC 3339; "" when it does not say, or says a year before
 * 1900, which is no date of a mail. */
void mailchain_mail_date(const struct mailchain_message *message, char out[CLOCK_RFC3339_MAX]);

/** mailchain_mail_build - append the mail. -1: out of memory, or larger than the buffer may be. */
int mailchain_mail_build(const struct mailchain_message *message, const char *key,
                         const struct mailchain_mail_options *options, struct buffer *out);

#endif
