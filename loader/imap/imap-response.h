/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response.h - read what an IMAP server says (RFC 9051 s.7, s.9; RFC 3501) as events.
 *
 * Bytes go in, in pieces of any size; events come out through one function, in the server's order,
 * the same for every way of cutting the bytes. Only lines are ever held (IMAP_LINE_MAX); the
 * literal of a message's body is announced and handed through as it comes, nothing in it is looked
 * at. SEARCH and ESEARCH, whose one line may name a million messages, are handed through number by
 * number.
 *
 * Taken as they come: data nobody asked for, FETCH items in any order, BODY[] as literal, literal8,
 * quoted string or NIL, unknown responses, codes and items, bare LF. Everything else is
 * ERROR_PROTOCOL, with the limit's name where one was hit, and ends the dialogue: there is no way
 * to find the next line behind a lie about a length. Pure but for memory; a parser is one
 * thread's. */
#ifndef MAILCHUTE_LOADER_IMAP_RESPONSE_H
#define MAILCHUTE_LOADER_IMAP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cursor.h"
#include "error.h"

#define IMAP_LINE_MAX 65536u /* bytes of a line, literals within it included */
#define IMAP_LITERAL_MAX                                                                           \
    (1025ull * 1024 * 1024) /* bytes of a body: the ceiling of maxSize and 1 MB */
#define IMAP_UNTAGGED_MAX (8ull * 1024 * 1024) /* bytes of lines between two tagged responses */
#define IMAP_NUMBERS_MAX (64ull * 1024 * 1024) /* bytes of SEARCH answers between two of them */
#define IMAP_SKIPPED_MAX IMAP_LITERAL_MAX      /* bytes of literals of no use between two of them */
#define IMAP_NESTING_MAX 100u                  /* parentheses in an item of no use */

enum imap_event_kind {
    IMAP_EVENT_TAGGED,     /* tag, status, code, args, text */
    IMAP_EVENT_STATUS,     /* untagged OK, NO, BAD, BYE, PREAUTH: status, code, args, text */
    IMAP_EVENT_CONTINUE,   /* "+": text */
    IMAP_EVENT_CAPABILITY, /* text: the list; from a code it is told as STATUS or TAGGED */
    IMAP_EVENT_LIST,       /* text: name as sent, delimiter, list_flags */
    IMAP_EVENT_NAMESPACE,  /* text: prefix of the first personal one, delimiter */
    IMAP_EVENT_MAILBOX, /* STATUS: text: name as sent; status_has, number (of messages), uidnext,
                           uidvalidity, modseq */
    IMAP_EVENT_EXISTS,  /* number */
    IMAP_EVENT_EXPUNGE,    /* number */
    IMAP_EVENT_VANISHED,   /* text: set of UIDs as sent */
    IMAP_EVENT_SEARCH,     /* range: one number, or one range of an ESEARCH */
    IMAP_EVENT_BODY,       /* a body begins: section, size; fetch as far as read */
    IMAP_EVENT_BODY_BYTES, /* text: its next bytes */
    IMAP_EVENT_BODY_END,   /* it is complete */
    IMAP_EVENT_FETCH,      /* a FETCH response is complete: number, fetch */
    IMAP_EVENT_OTHER       /* understood enough to be skipped */
};

enum imap_status { IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH };

enum imap_code {
    IMAP_CODE_NONE,
    IMAP_CODE_ALERT,
    IMAP_CODE_ALREADYEXISTS,
    IMAP_CODE_APPENDUID,
    IMAP_CODE_CAPABILITY,
    IMAP_CODE_COPYUID,
    IMAP_CODE_EXPUNGEISSUED,
    IMAP_CODE_INUSE,
    IMAP_CODE_LIMIT,
    IMAP_CODE_NONEXISTENT,
    IMAP_CODE_NOPERM,
    IMAP_CODE_OVERQUOTA,
    IMAP_CODE_PERMANENTFLAGS,
    IMAP_CODE_READ_ONLY,
    IMAP_CODE_READ_WRITE,
    IMAP_CODE_SERVERBUG,
    IMAP_CODE_THROTTLED,
    IMAP_CODE_TRYCREATE,
    IMAP_CODE_UIDNEXT,
    IMAP_CODE_UIDNOTSTICKY,
    IMAP_CODE_UIDVALIDITY,
    IMAP_CODE_UNAVAILABLE,
    IMAP_CODE_OTHER
};

#define IMAP_LIST_NOSELECT 1u /* \Noselect or \NonExistent */
#define IMAP_LIST_NOINFERIORS 2u
#define IMAP_LIST_ALL 4u /* from here on what a folder is for (RFC 6154, RFC 8457) */
#define IMAP_LIST_ARCHIVE 8u
#define IMAP_LIST_DRAFTS 16u
#define IMAP_LIST_FLAGGED 32u
#define IMAP_LIST_JUNK 64u
#define IMAP_LIST_SENT 128u
#define IMAP_LIST_TRASH 256u
#define IMAP_LIST_IMPORTANT 512u
#define IMAP_LIST_USES (IMAP_LIST_ALL | IMAP_LIST_ARCHIVE | IMAP_LIST_DRAFTS | IMAP_LIST_FLAGGED | \
                        IMAP_LIST_JUNK | IMAP_LIST_SENT | IMAP_LIST_TRASH | IMAP_LIST_IMPORTANT)

#define IMAP_STATUS_MESSAGES 1u
#define IMAP_STATUS_UIDNEXT 2u
#define IMAP_STATUS_UIDVALIDITY 4u
#define IMAP_STATUS_MODSEQ 8u /* never 0 where it came (RFC 7162 s.3.1.2.2) */

enum imap_section { IMAP_SECTION_WHOLE, IMAP_SECTION_HEADER, IMAP_SECTION_OTHER };

#define IMAP_FETCH_UID 1u
#define IMAP_FETCH_SIZE 2u
#define IMAP_FETCH_FLAGS 4u
#define IMAP_FETCH_DATE 8u
#define IMAP_FETCH_WHOLE 16u     /* BODY[] came as a string */
#define IMAP_FETCH_WHOLE_NIL 32u /* BODY[] came as NIL */
#define IMAP_FETCH_HEADER 64u    /* BODY[HEADER] came, as a string or NIL */

#define IMAP_FLAG_DELETED 1u
#define IMAP_FLAG_SEEN 2u
#define IMAP_FLAG_FLAGGED 4u
#define IMAP_FLAG_MARKED 8u /* IMAP_KEYWORD */

#define IMAP_KEYWORD "$MailchutePickedUp" /* of mail that is picked up and stays where it is */

struct imap_fetch {
    uint32_t has;   /* IMAP_FETCH_*: which items came */
    uint32_t uid;   /* never 0 where it came */
    uint32_t flags; /* IMAP_FLAG_* */
    int32_t date_offset_min;
    uint64_t size;  /* RFC822.SIZE: a hint */
    int64_t date_s; /* INTERNALDATE, seconds since 1970 */
};

struct imap_body; /* imap-window.h */

/* Spans are borrowed until the function returns. */
struct imap_event {
    enum imap_event_kind kind;
    enum imap_status status;
    enum imap_code code;
    uint32_t number; /* of the code (UIDVALIDITY 7) or the response (7 EXISTS); a sequence number */
    uint32_t uidnext, uidvalidity;
    uint32_t list_flags; /* IMAP_LIST_* */
    uint32_t status_has; /* IMAP_STATUS_*: which items came */
    uint64_t modseq;     /* HIGHESTMODSEQ */
    char delimiter; /* '\0': NIL */
    enum imap_section section;
    uint64_t size;
    struct imap_range_of_search {
        uint32_t first, last;
    } range;
    struct span tag, args, text;
    struct imap_fetch fetch;
    struct imap_body *body; /* FETCH: a whole body that a reader took apart (imap-reader.h), to be
                               taken out; NULL: its events came before. Never the parser's. */
};

/* Who wants the events. -1 with err stops the parser for good. */
typedef int imap_event_function(void *context, const struct imap_event *event, struct error *err);

struct imap_parser;

/** imap_parser_new - a parser at the start of a line. @lenient_start: the first line may be the
 * tail of one whose head was lost (stream.h); it then becomes IMAP_EVENT_OTHER. NULL: out of
 * memory. */
struct imap_parser *imap_parser_new(imap_event_function *function, void *context,
                                    bool lenient_start);
void imap_parser_free(struct imap_parser *parser);
AUTO_DEFINE(imap_parser, imap_parser_free);

/** imap_parser_feed - the next bytes. -1: protocol, memory, or the function said so. */
int imap_parser_feed(struct imap_parser *parser, const void *bytes, size_t count,
                     struct error *err);

/** imap_parser_body_left - how many of the next bytes are of a body that is being handed through. */
uint64_t imap_parser_body_left(const struct imap_parser *parser);

/** imap_parser_allow - start counting the data between two tagged responses anew. */
void imap_parser_allow(struct imap_parser *parser);

/** imap_parser_spare - give back memory that nothing is held in. */
void imap_parser_spare(struct imap_parser *parser);

/** imap_parse_tag_number - the number at the end of a tag: digits up to the end of the bytes. */
enum parse imap_parse_tag_number(struct cursor *c, uint32_t *out_number);

/** imap_capability_has - is @name one of the words of this list? */
bool imap_capability_has(struct span list, const char *name);

/* What COPYUID tells (RFC 4315 s.3): runs of UIDs and what became of them, in the server's
 * order. */
struct imap_copyuid {
    uint32_t uidvalidity;
    struct cursor from, to;
    uint64_t from_first, from_left, to_first, to_left; /* the runs being handed out */
};

struct imap_copyuid_run {
    uint32_t from, to, count;
};

/** imap_copyuid_init - read the args of an IMAP_CODE_COPYUID; they are borrowed. -1: broken. */
int imap_copyuid_init(struct imap_copyuid *copyuid, struct span args);

/** imap_copyuid_next - the next run; false at the end, or where the sets are broken or differ in
 * length: what was told before stands. */
bool imap_copyuid_next(struct imap_copyuid *copyuid, struct imap_copyuid_run *out_run);

#endif
