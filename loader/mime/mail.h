/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - one message (RFC 5322, RFC 2045..2049) read as a stream into what a person would see.
 *
 * Feed the bytes as they arrive, in pieces of any size: every split gives the same result. Memory
 * stays constant (texts of more than MAIL_TEXT_MEMORY_MAX lie in a file), time is linear in the
 * bytes, and no input is an error: what is broken is read as the big mail programs read it, what
 * had to be repaired or cut is told in problems. All text that comes out is valid UTF-8 without
 * NUL. Failures are ours alone: memory, and the spool folder (ERROR_STORE, ERROR_CREATE) for a mail
 * with a winmail.dat of more than 256 kB.
 *
 * One parser reads one message in one thread; parsers share nothing. */
#ifndef MAILCHUTE_LOADER_MIME_MAIL_H
#define MAILCHUTE_LOADER_MIME_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"

/* Limits. What goes beyond is told in problems; the raw message always keeps everything. */
#define MAIL_HEADER_BLOCK_MAX (256u * 1024) /* bytes of one header block that are read */
#define MAIL_HEADER_FIELDS_MAX 2000u        /* fields of one header block that are read */
#define MAIL_ADDRESSES_MAX 1000u            /* addresses kept of one message */
#define MAIL_DEPTH_MAX 50u                  /* nesting; deeper is one opaque attachment */
#define MAIL_PARTS_MAX 1000u                /* parts; later ones are not taken apart */
#define MAIL_PARAMETERS_MAX 128u            /* parameters of one field (RFC 2231 pieces counted) */
#define MAIL_FILENAME_MAX 255u              /* bytes of a file name in UTF-8 */
#define MAIL_TEXT_MAX (10u * 1024 * 1024)   /* bytes of message_body and html together */
#define MAIL_TEXT_MEMORY_MAX (128u * 1024)  /* bytes of each, NUL included, in memory */
#define MAIL_REFERENCES_MAX 1000u           /* message ids kept of References */
#define MAIL_PROBLEMS_MAX 32u               /* problems told; then "more problems: not listed" */
#define MAIL_DIGEST_SIZE 32u                /* SHA-256 */

struct mail_address {
    char *name;    /* display name, NULL when there is none */
    char *address; /* local@domain as written, domain not changed; NULL when there is none */
};

struct mail_addresses {
    struct mail_address *items;
    size_t count;
};

struct mail_texts {
    char **items;
    size_t count;
};

struct mail_attachment {
    char *filename; /* one path component, 1..MAIL_FILENAME_MAX bytes; "noname1.pdf" if unnamed */
    char *content_type; /* "application/pdf", lower case, no parameters */
    char *disposition;  /* "attachment", "inline" or NULL */
    char *content_id;   /* without angle brackets, or NULL */
    uint64_t size;      /* decoded bytes */
    uint8_t sha256[MAIL_DIGEST_SIZE]; /* of the decoded bytes */
};

/* From headers and structure, never from guesses. */
enum mail_flag {
    MAIL_AUTO = 1u << 0,      /* RFC 3834 Auto-Submitted and its kin */
    MAIL_BOUNCE = 1u << 1,    /* RFC 3464 delivery status, null return path with report,
                               * X-Failed-Recipients */
    MAIL_LIST = 1u << 2,      /* RFC 2369/2919 List-* */
    MAIL_SIGNED = 1u << 3,    /* multipart/signed, pkcs7 signed-data, PGP clear-signed */
    MAIL_ENCRYPTED = 1u << 4, /* multipart/encrypted, pkcs7 enveloped-data */
};

/* The content of an entry of class Mail. NULL text means: there is none. Ordinals of attachments
 * are their index + 1: as in the message, then those out of TNEF, then "original.html". */
struct mail {
    char *sender, *recipient, *cc, *bcc; /* as a person would read it, several joined with "; " */
    struct mail_addresses from_list, to_list, cc_list, bcc_list, reply_to_list;
    char *subject;
    char *date_sent; /* RFC 3339 with the sender's offset */
    char *message_id, *in_reply_to; /* without angle brackets */
    struct mail_texts references;   /* likewise */
    char *message_body;             /* text/plain; else the HTML as text */
    char *html;
    size_t message_body_size, html_size; /* bytes of these */
    struct file_memory *message_body_file,
        *html_file; /* not NULL: they lie in it (file-memory.h) */
    struct mail_attachment *attachments;
    size_t attachment_count;
    uint32_t flags; /* enum mail_flag */
    struct mail_texts problems;
    char *pack; /* not NULL: the texts of addresses, references and attachments lie in it */
};

/* Who wants the bytes of attachments while they are decoded. */
struct mail_sink {
    /* The next @count decoded bytes of attachment @ordinal (1..); pieces of one attachment come in
     * order and those of two may not mix, but a later ordinal can start before an earlier one is
     * complete where one part is nested in another. An empty attachment gives one call with count
     * 0. Return -1 to stop: the parser fails with ERROR_CANCELLED. */
    int (*attachment)(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count);
    void *context;
};

struct mail_options {
    bool attach_html;             /* the HTML version becomes the last attachment, original.html */
    bool sanitize;                /* characters XML 1.0 forbids are dropped from text fields */
    const struct mail_sink *sink; /* borrowed until the parser is freed; NULL: nobody */
    const char *spool_dir; /* where a large winmail.dat waits to be opened, and large texts lie;
                            * borrowed likewise; NULL: $TMPDIR or /tmp */
};

struct mail_parser;

/** mail_parser_new - a parser for one message. Yours: mail_parser_free(). @options is copied. NULL
 * only out of memory. */
struct mail_parser *mail_parser_new(const struct mail_options *options);
void mail_parser_free(struct mail_parser *parser);
AUTO_DEFINE(mail_parser, mail_parser_free);

/** mail_parser_feed - the next @count bytes of the message, CR LF or bare LF or bare CR line ends
 * as they came. -1: memory, or the sink said stop; the parser can then only be freed. */
int mail_parser_feed(struct mail_parser *parser, const uint8_t *bytes, size_t count,
                     struct error *err);

/** mail_parser_feed_spooled - the same bytes go to @spool first; the digests of the message and of
 * its attachments are taken side by side. It is borrowed until mail_parser_finish();
 * mail_parser_free() does not look at it. */
struct spool;
int mail_parser_feed_spooled(struct mail_parser *parser, struct spool *spool, const uint8_t *bytes,
                             size_t count, struct error *err);

/** mail_parser_finish - the message is complete: *out_mail is yours, mail_free(). Once only. */
int mail_parser_finish(struct mail_parser *parser, struct mail **out_mail, struct error *err);

void mail_free(struct mail *mail);
AUTO_DEFINE(mail, mail_free);

/** mail_memory - bytes of memory that it takes, about: texts, addresses, attachments and so on. */
size_t mail_memory(const struct mail *mail);

#endif
