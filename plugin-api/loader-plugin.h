/* SPDX-License-Identifier: Apache-2.0 */
/* loader-plugin.h - the contract between a loader and its host; mailchute-loader(3) shows a whole
 * loader.
 *
 * A loader is a shared object that picks up items (today: mail) from outside. It exports one
 * symbol, mailchute_loader_plugin(), and needs no symbol of its host. A host, in any language,
 * dlopens it, calls that function and drives what it returns:
 *
 *     open ─> next ─> ITEM ──── host stores it durably, in batches ────> settle ─> next ...
 *               │
 *               └──> DRAINED ─> wait (poll the descriptor it hands out) ─> next ...       close
 *
 * The rule that everything here serves: an item is settled only after its entry is durable.
 * Settling is what lets the loader move, flag or delete the item at its source.
 *
 * Ownership. Text is UTF-8 that ends in NUL; NULL means absent. What the host passes is borrowed
 * until the call returns, but *host, which lives until close(). What a loader hands out is the
 * loader's: an item until it is settled or the handle is closed, other things as said there. Nobody
 * frees the other's memory. File descriptors stay their maker's.
 *
 * Threads. One handle is used by one thread at a time; several handles may live in several threads.
 * The host's functions are called only from inside a call of the loader, in that call's thread,
 * except cancelled(), which any thread of the loader may call.
 *
 * Growth. Every struct that crosses the border begins with its size, set by whoever allocates it.
 * Fields are only ever appended. The reader copies what is there and takes the rest as zero, so old
 * and new meet either way. Structs that stand in arrays (marked so) never grow. Enumerators are
 * only added; an unknown one is to be treated as said at its enum. Integers have fixed widths.
 *
 * Time limits are the loader's duty: every call but wait's poll ends by its own deadlines, and soon
 * (within a second) after cancelled() says so. */
#ifndef MAILCHUTE_LOADER_PLUGIN_H
#define MAILCHUTE_LOADER_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOADER_API_VERSION 1u

/* ---- Errors --------------------------------------------------------------------------------- */

/* What kind of failure it is; it decides what the host does. Unknown: like LOADER_ERROR_BUG. */
enum loader_error_class {
    LOADER_ERROR_NONE = 0,
    LOADER_ERROR_MAIL = 1,        /* this item only: set it aside, go on with the next */
    LOADER_ERROR_UNREACHABLE = 2, /* no connection came about: try again later */
    LOADER_ERROR_LINK = 3,        /* the connection broke: close, open again, pauses growing */
    LOADER_ERROR_PAUSE = 4,       /* the server asks us to slow down: wait pause_s seconds */
    LOADER_ERROR_PROTOCOL = 5,    /* the server breaks its protocol: close, open again, later */
    LOADER_ERROR_CERTIFICATE = 6, /* the server's certificate is not trusted: a person must act */
    LOADER_ERROR_CREDENTIALS = 7, /* user name or password refused: a person must act */
    LOADER_ERROR_CONFIG = 8,      /* mailbox, folder, file or right missing: a person must act */
    LOADER_ERROR_USAGE = 9,       /* the connection string is wrong: a person must act */
    LOADER_ERROR_CREATE = 10,     /* a local file or folder cannot be made */
    LOADER_ERROR_STORE = 11,      /* local disk, or a host function, failed: try again later */
    LOADER_ERROR_CANCELLED = 12,  /* cancelled() said so */
    LOADER_ERROR_BUG = 13,        /* the loader's own fault, or out of memory */
    LOADER_ERROR_HELD =
        14 /* the mailbox is held (struct loader_mailbox): a person must look at it */
};

struct loader_error {
    uint32_t struct_size;
    uint32_t error_class; /* enum loader_error_class */
    uint32_t pause_s;     /* LOADER_ERROR_PAUSE: seconds the server asked for, 0 = no time named */
    char text[512];       /* what, where, what to do next; never a secret; ends in NUL */
};

/* ---- Names of messages, and what became of them --------------------------------------------- */

/* Names one message for ever, together with the loader's name. Stands in arrays: never grows. */
struct loader_origin {
    const char *account; /* whose mailbox: stable, never a password; "ann@mail.example.org" */
    const char
        *mailbox; /* folder, Unicode, '/' between levels; "INBOX". A source may have several */
    uint32_t uidvalidity; /* RFC 9051 s.2.3.1.1; 0 where the source has none */
    uint32_t uid;         /* never 0 for IMAP. 0: the source has no UIDs, key names the message */
    const char *key; /* 1..512 bytes, one value per message, never used again; ignored where uid
                        is not 0 */
};

/* How far one message has come. Written down by the host, in its queue's own transactions. */
enum loader_step {
    LOADER_STEP_UNKNOWN = 0,  /* the host knows nothing of it */
    LOADER_STEP_ATTEMPTED = 1, /* about to be fetched or parsed; attempts was raised by one */
    LOADER_STEP_STORED = 2,   /* its entry is durable; not to be handed out again */
    LOADER_STEP_MOVING = 3,   /* a move (or flag, or delete) has been or is about to be ordered */
    LOADER_STEP_COPIED = 4,   /* its copy in target is confirmed; the original is still there */
    LOADER_STEP_DELETING = 5, /* the original is about to be flagged \Deleted and expunged */
    LOADER_STEP_MOVED = 6     /* nothing is left to do */
};

/* Where a settled item goes. */
enum loader_fate {
    LOADER_FATE_QUEUED = 0, /* its entry is durable: archive it (dropbox), as the settings say */
    LOADER_FATE_BAD = 1,    /* its entry, in state bad with the reason, is durable: badmail */
    LOADER_FATE_RELEASE = 2 /* not stored (dry run, stopping): leave it as it is; this handle does
                               not hand it out again, unless they are too many to be remembered */
};

/* Stands in arrays: never grows. */
struct loader_record {
    struct loader_origin origin;
    uint32_t step;        /* enum loader_step */
    uint32_t attempts;    /* how often LOADER_STEP_ATTEMPTED was noted */
    uint32_t fate;        /* enum loader_fate the host decided on, from LOADER_STEP_STORED on */
    uint32_t target_uidvalidity; /* of target, 0 = not known */
    uint32_t target_uid;  /* MOVING: target's UIDNEXT before the move, the copy's UID is not below
                             it; COPIED and later: the copy's UID. 0 = not known */
    const char *target;   /* folder it moves to, NULL before LOADER_STEP_MOVING */
};

/* What the host kept of a message when it stored its entry, to know it again under another name.
 * Stands in arrays: never grows. */
struct loader_evidence {
    struct loader_origin origin;
    uint32_t step;       /* enum loader_step; UNKNOWN: it has no entry, nothing below counts */
    uint32_t has_sha256; /* 0: it had no raw bytes, size is what the loader told */
    uint64_t size;       /* of the raw bytes */
    uint64_t message_id; /* FNV-1a (64 bits) of loader_mail.message_id, 1 for 0; 0: none is known */
    uint8_t sha256[32];  /* of the raw bytes */
};

/* How much of a message has to be that of one that was settled. */
enum loader_likeness {
    LOADER_LIKENESS_SIZE = 1,       /* its size */
    LOADER_LIKENESS_MESSAGE_ID = 2, /* and its message_id, unless none is known of that one */
    LOADER_LIKENESS_SHA256 = 3      /* and its digest */
};

/* A message that may have been settled before; sizes and so on as in struct loader_evidence. Stands
 * in arrays: never grows. */
struct loader_lookalike {
    uint64_t size, message_id;
    uint32_t likeness; /* enum loader_likeness: what is asked */
    uint32_t found;    /* the host's answer: 1, or 0 where there is none */
    uint8_t sha256[32];
};

/* Why a mailbox is held: nothing is picked up from it until a person says so
 * (LOADER_ACCEPT_NEW_UIDS). Unknown ones are holds like the others. */
enum loader_hold {
    LOADER_HOLD_NONE = 0,
    LOADER_HOLD_NUMBERS = 1,  /* numbered anew, and stored messages were not found again in it */
    LOADER_HOLD_RESTORED = 2, /* many messages that were picked up before came back */
    LOADER_HOLD_FLAPPING = 3, /* it is numbered anew again and again */
    LOADER_HOLD_REUSED = 4    /* one UIDVALIDITY gave a UID to two messages */
};

#define LOADER_MAILBOX_CHANGES 3u

/* What is known of a mailbox as a whole. */
struct loader_mailbox {
    uint32_t struct_size;
    uint32_t uidvalidity; /* under which it was last worked in, 0: never */
    uint32_t highest_uid; /* known under that, whatever became of it, 0: none; the host's to tell */
    uint32_t held;        /* enum loader_hold */
    int64_t held_s;       /* since when, seconds since 1970 UTC */
    int64_t
        changed_s[LOADER_MAILBOX_CHANGES]; /* when uidvalidity changed, newest first; 0: never */
    uint64_t adopted;     /* messages that adopt() gave another name; the host's to tell */
    char why[512];        /* of the hold: what was seen, and what to do; ends in NUL */
};

/* A stored message, by UIDVALIDITY and UID, and what it is called from now on. Stands in arrays:
 * never grows. */
struct loader_adoption {
    uint32_t from_uidvalidity, from_uid, to_uidvalidity, to_uid;
};

/* ---- What the host hands in ------------------------------------------------------------------ */

enum loader_log_level { LOADER_LOG_ERROR = 3, LOADER_LOG_WARNING = 4, LOADER_LOG_INFO = 6,
                        LOADER_LOG_DEBUG = 7 }; /* as syslog */

/* Every function may be NULL, with the stated fallback. context comes first in each. */
struct loader_host {
    uint32_t struct_size;
    uint32_t api_version;
    void *context;

    /* One event in a line of text: no line end, no secret. NULL: not wanted. */
    void (*log)(void *context, uint32_t level, const char *text);

    /* Milliseconds that never go back, and seconds since 1970 UTC. NULL: the system's clock. */
    uint64_t (*monotonic_ms)(void *context);
    int64_t (*unix_s)(void *context);

    /* Not 0: the user wants to stop; end the call with LOADER_ERROR_CANCELLED within a second. Any
     * thread, cheap. NULL: never. */
    int (*cancelled)(void *context);

    /* Folder for files without a name (O_TMPFILE) that hold large items until they are stored; on
     * the queue's file system, so that the queue can keep the file instead of copying it. NULL: the
     * loader takes $TMPDIR or /tmp. */
    const char *spool_dir;

    /* Fill in what is known of @count records: the caller has set origin, the host sets the rest
     * (LOADER_STEP_UNKNOWN for strangers). target is borrowed until the next call. Any number,
     * windows of some hundred are cheap. 0, or -1 with err. NULL: nothing is known. */
    int (*known)(void *context, struct loader_record *records, uint64_t count,
                 struct loader_error *err);

    /* Make @count records durable before the step they tell is taken: ATTEMPTED before a byte
     * of a message is looked at, MOVING before a move is ordered, and so on; UNKNOWN takes one
     * ATTEMPTED back: the attempt ended for a reason that was not the message's, such as a lost
     * connection. A message may stand among them several times: each counts. One flush to disk for
     * all of them. 0, or -1 with err: then the step must not be taken. NULL: not kept. */
    int (*note)(void *context, const struct loader_record *records, uint64_t count,
                struct loader_error *err);

    /* Up to @capacity records of this account and mailbox whose step is STORED, MOVING, COPIED or
     * DELETING, by uidvalidity, UID and key, behind @after (NULL: from the start), which is the
     * origin of any record of that mailbox, such as the last of the page before; *out_count tells
     * how many. What they point to is borrowed until the next call of any host function, in which
     * @after may still point there. NULL: there are none. */
    int (*unsettled)(void *context, const char *account, const char *mailbox,
                     const struct loader_origin *after, struct loader_record *out_records,
                     uint64_t capacity, uint64_t *out_count, struct loader_error *err);

    /* How much there is: @messages are all of this pass, those handed out in it included, as far as
     * known now, the limit of the settings left aside; for a progress bar. NULL: not wanted. */
    void (*progress)(void *context, uint64_t messages);

    /* -- 1.0 ended here. -- */

    /* Fill in what was kept of these origins. NULL: nothing was. */
    int (*evidence)(void *context, struct loader_evidence *items, uint64_t count,
                    struct loader_error *err);

    /* Up to @capacity messages of this mailbox, under whatever uidvalidity, whose raw bytes have
     * this size and whose step is MOVED, newest first, as far back as the host remembers (ours: 90
     * days). What they point to is borrowed from the arguments. NULL: there are none. */
    int (*settled_like)(void *context, const char *account, const char *mailbox, uint64_t size,
                        struct loader_evidence *out_items, uint64_t capacity, uint64_t *out_count,
                        struct loader_error *err);

    /* What is known of the mailbox; the caller sets struct_size. Asked before the loader looks at
     * the mailbox, too: a host that lets one process at a time pick up from it (ours does, the
     * others get LOADER_ERROR_PAUSE) sees to that here, unless nothing is to be changed. NULL:
     * nothing. */
    int (*mailbox)(void *context, const char *account, const char *mailbox,
                   struct loader_mailbox *out_state, struct loader_error *err);

    /* These messages, which are stored, go on under other names, with the entries they have; and
     * the mailbox is from now on as @state tells (NULL: as it was). All durable when it returns, or
     * none: LOADER_ERROR_HELD where a new name is that of another message with an entry. NULL: not
     * kept. */
    int (*adopt)(void *context, const char *account, const char *mailbox,
                 const struct loader_adoption *items, uint64_t count,
                 const struct loader_mailbox *state, struct loader_error *err);

    /* As unsettled(), of records whose step is MOVED: where messages stay in the mailbox, those
     * that are looked for again when it was numbered anew. NULL: there are none. */
    int (*settled)(void *context, const char *account, const char *mailbox,
                   const struct loader_origin *after, struct loader_record *out_records,
                   uint64_t capacity, uint64_t *out_count, struct loader_error *err);

    /* Told at the end of each pass by a loader whose source has several parts: a part of it, such
     * as a folder that cannot be opened, was not picked up from, while the rest was; it is tried
     * again in the next pass. @error_class: enum loader_error_class; @text: what, where, what to do
     * next. NULL and NONE: all is well (again). NULL: not wanted. */
    void (*trouble)(void *context, uint32_t error_class, const char *text);

    /* Tell of each item whether a message that settled_like() would give is like it, in so many
     * respects; those that have this @uidvalidity and a UID above @above do not count. Where so
     * many are alike that not all are looked at, 1 for size and message_id: who asks looks more
     * closely. Any number, windows of some hundred are cheap. NULL: none is. */
    int (*lookalikes)(void *context, const char *account, const char *mailbox, uint32_t uidvalidity,
                      uint32_t above, struct loader_lookalike *items, uint64_t count,
                      struct loader_error *err);
};

/* What to open. */
struct loader_settings {
    uint32_t struct_size;
    uint32_t flags;         /* LOADER_READ_ONLY, ... below */
    const char *connection; /* connection string: key=value;key=value */
    const char *user;       /* NULL: none given */
    const char *secret;     /* password or token, NULL: none given; copied by the loader where it
                               must, and wiped as soon as it can be */
    const char *account;    /* for origin.account; NULL: the loader makes it from user and server */
    uint64_t limit;         /* hand out at most so many items, 0 = no limit */
};

#define LOADER_READ_ONLY 1u /* change nothing at the source, whatever settle() says (dry run) */
#define LOADER_ACCEPT_NEW_UIDS 2u /* a person looked at the held mailbox: release it */
#define LOADER_WATCH                                                                               \
    4u /* the host goes on for days: what the source refuses to settle is told by log()            \
          and, while it is so, by trouble(), and tried again in this handle, instead of failing
          next() */
/* Whoever wrote the connection string is not trusted with this machine and its networks: connect to
 * public addresses alone, judged when they are connected; open no file that it names. What cannot
 * keep to that refuses (LOADER_ERROR_USAGE). A loader that does not know this flag is not to be
 * opened with such strings: a host has a list of those that do. */
#define LOADER_GUARDED 8u
#define LOADER_DELIVER                                                                             \
    16u /* the handle is for deliver(): next(), settle(), wait() are not called */

/* ---- Items ----------------------------------------------------------------------------------- */

/* name or address may be NULL. Stands in arrays: never grows. */
struct loader_address {
    const char *name;    /* "Ann Lee" */
    const char *address; /* "ann@example.org" */
};

struct loader_addresses {
    const struct loader_address *items;
    uint64_t count;
};

struct loader_texts {
    const char *const *items;
    uint64_t count;
};

/* Attachment n of a mail has ordinal n + 1. Stands in arrays: never grows. */
struct loader_attachment {
    const char *filename;     /* one path component, 1..255 bytes */
    const char *content_type; /* "application/pdf" */
    const char *disposition;  /* "attachment", "inline" or NULL */
    const char *content_id;   /* without angle brackets, or NULL */
    uint64_t size;            /* bytes, decoded */
    uint8_t sha256[32];       /* of the decoded bytes */
};

#define LOADER_MAIL_AUTO 1u       /* RFC 3834 */
#define LOADER_MAIL_BOUNCE 2u     /* RFC 3464 */
#define LOADER_MAIL_LIST 4u       /* RFC 2369 */
#define LOADER_MAIL_SIGNED 8u
#define LOADER_MAIL_ENCRYPTED 16u

/* Where a large text lies in a file besides: its @size bytes stand at the file's offset 0. What is
 * read from there (pread()) need not be held, where memory that is looked at is. */
struct loader_text_file {
    uint64_t size; /* 0: it lies in memory alone, fd counts nothing */
    int32_t fd;    /* the loader's; nobody changes the file any more */
    uint32_t reserved;
};

/* The content of an item of class "Mail". Valid UTF-8 throughout. */
struct loader_mail {
    uint32_t struct_size;
    uint32_t flags; /* LOADER_MAIL_* */
    const char *sender, *recipient, *cc, *bcc; /* as a person would read it; joined with "; " */
    struct loader_addresses from_list, to_list, cc_list, bcc_list, reply_to_list;
    const char *subject;
    const char *date_sent;     /* RFC 3339 with the sender's offset */
    const char *date_received; /* RFC 3339, from the source (IMAP: INTERNALDATE) */
    const char *message_id, *in_reply_to;
    struct loader_texts references;
    const char *message_body;
    const char *html;
    const struct loader_attachment *attachments;
    uint64_t attachment_count;
    struct loader_texts problems; /* what had to be repaired or cut */

    /* -- 1.0 ended here. -- */

    struct loader_text_file message_body_file, html_file; /* of message_body and html */
};

struct loader_item {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t token;        /* for settle(); never 0, not used twice in one handle */
    const char *item_class; /* "Mail" */
    struct loader_origin origin;

    /* Why it could not be loaded, NULL when all is well. Such an item is to be stored in state bad
     * and settled with LOADER_FATE_BAD; mail may then be NULL or incomplete, raw may be missing. */
    const char *error;

    const struct loader_mail *mail;

    /* The message byte for byte: in memory where raw_bytes is not NULL, else in the file raw_fd
     * from offset 0 to its end, else (-1) not there. A file without a name that nobody changes any
     * more: the host may give it a name (linkat) instead of copying it. */
    const uint8_t *raw_bytes;
    uint64_t raw_size;
    int32_t raw_fd;
    uint8_t raw_sha256[32];
};

/* Who wants the bytes of attachments. */
struct loader_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    /* The next bytes of attachment @ordinal, pieces of one in order; an empty one gives one call
     * with count 0. Not 0 stops. */
    int (*attachment)(void *context, uint32_t ordinal, const uint8_t *bytes, uint64_t count);
};

/* ---- The plug-in ----------------------------------------------------------------------------- */

/* A key of the connection string, for help texts and forms. Stands in arrays: never grows. */
struct loader_option {
    const char *key;           /* "dropbox" */
    const char *type; /* "text", "number", "boolean", "size", "duration", "choice", "file" */
    const char *default_value; /* as it would be written; NULL: none; */
    const char *choices;       /* "Auto|Required|Never" for "choice", else NULL */
    const char *help;          /* one sentence */
    uint32_t required;         /* 1: must be given */
    uint32_t reserved;
};

/* ---- Survey ---------------------------------------------------------------------------------- */

/* Where a message of the source is. Unknown ones are to be left out. */
enum loader_place {
    LOADER_PLACE_MAILBOX = 0, /* where new mail comes in */
    LOADER_PLACE_DROPBOX = 1, /* where picked-up mail goes */
    LOADER_PLACE_BADMAIL = 2  /* where mail goes that could not be loaded */
};

#define LOADER_FOLDER_MISSING 1u /* it is not there: no message of it will be told */
#define LOADER_FOLDER_KEEPS 2u   /* mailbox: picked-up mail stays, as settings or server want */
#define LOADER_FOLDER_DELETES 4u /* mailbox: picked-up mail is deleted, as the settings want */
#define LOADER_FOLDER_ARCHIVED                                                                     \
    8u /* mailbox: with KEEPS; its owner works in it, and may take out what was                    \
          picked up */
#define LOADER_FOLDER_KEEPS_UNNAMED                                                                \
    16u /* mailbox: picked-up mail stays whose copy the source did not name */

struct loader_folder {
    uint32_t struct_size;
    uint32_t place;       /* enum loader_place */
    uint32_t flags;       /* LOADER_FOLDER_* */
    uint32_t uidvalidity; /* 0 where the source has none */
    uint32_t uidnext;     /* messages with this UID or a higher one came later; 0 = not known */
    uint32_t reserved;
    const char *account;  /* as in origins */
    const char *path;     /* as in origins (mailbox) and as target of records */
};

#define LOADER_SEEN_DELETED 1u /* somebody flagged it for deletion */
#define LOADER_SEEN_MARKED 2u  /* bears the loader's own mark: it was picked up */
#define LOADER_SEEN_SHA256 4u  /* sha256 is filled */

/* A message that is at the source. */
struct loader_seen {
    uint32_t struct_size;
    uint32_t place;              /* enum loader_place */
    uint32_t flags;              /* LOADER_SEEN_* */
    uint32_t reserved;
    uint64_t number;             /* 1, 2, ...: the same when the message is told a second time */
    struct loader_origin origin; /* mailbox: the folder it is in */
    uint64_t size;               /* bytes, as the source tells it */
    const char *date_received;   /* RFC 3339, NULL: not known */
    uint8_t sha256[32];          /* of its raw bytes */
};

enum loader_answer {
    LOADER_ANSWER_GO_ON = 0,
    LOADER_ANSWER_SHA256 = 1, /* tell it again, with the digest of its raw bytes */
    LOADER_ANSWER_STOP = 2    /* end the survey, with LOADER_ERROR_CANCELLED */
};

/* Who wants to know. What the functions are handed is borrowed until they return. */
struct loader_surveyor {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    /* Each place of the source, all of them before the first message; a source that leaves mail in
     * several folders tells each of them as LOADER_PLACE_MAILBOX, and no other place. Returns enum
     * loader_answer. */
    uint32_t (*folder)(void *context, const struct loader_folder *folder);
    /* Each message, place after place in the order of enum loader_place, so that one which is
     * moved meanwhile may be told twice and never not at all. Returns enum loader_answer: where the
     * digest is asked for, the message is told again later, with LOADER_SEEN_SHA256, unless its
     * bytes cannot be had any more; the answer to that only tells whether to stop. */
    uint32_t (*message)(void *context, const struct loader_seen *seen);
};

/* ---- Delivery -------------------------------------------------------------------------------- */

/* What became of a message. Unknown ones are to be treated like LOADER_DELIVERED_NOT. */
enum loader_delivered {
    LOADER_DELIVERED_NOT = 0,      /* it is not there, or nobody knows: the link broke; where the
                                      call went well, it cannot be now, and error tells why */
    LOADER_DELIVERED_APPENDED = 1, /* it is there now, and was not before */
    LOADER_DELIVERED_FOUND = 2,    /* it was there already: nothing was done */
    LOADER_DELIVERED_REFUSED = 3   /* the server does not take this message: error tells why */
};

#define LOADER_DELIVER_LOOK 1u /* look first: it may be there, with these very bytes, each once */
#define LOADER_DELIVER_BY_ID                                                                       \
    2u /* with LOOK: its ids are never used again; one of former_id, subject and recipient too */
/* How many bytes of folder a person wrote, 0: all. Levels behind them are data: what the server
 * takes for a separator in them, or refuses in a name, is replaced. */
#define LOADER_DELIVER_ROOT(bytes) ((uint32_t)(bytes) << 16)

#define LOADER_DELIVERY_ERROR_MAX 252 /* bytes of a text, its NUL included */

/* A message that is to be put into a folder. Stands in arrays: never grows. */
struct loader_delivery {
    const char *folder;     /* Unicode, '/' between levels; made where it is missing */
    const char *message_id; /* as it stands in the message, "<1@example.org>"; NULL: none */
    const char *former_id;  /* another form in which its id may stand there; NULL: none */
    const char *date;       /* RFC 3339, when it was received; NULL: now */
    const uint8_t *raw_bytes; /* the message, as in struct loader_item */
    uint64_t raw_size;
    int32_t raw_fd;
    uint32_t flags;  /* LOADER_DELIVER_* */
    uint32_t result; /* enum loader_delivered; the loader's to set, as the next one */
    char error[LOADER_DELIVERY_ERROR_MAX]; /* why it is REFUSED, or NOT; "": it does not say */
};

enum loader_next {
    LOADER_NEXT_ITEM = 0,    /* *out_item is filled */
    LOADER_NEXT_DRAINED = 1, /* nothing now, and every settled item is done with; see wait */
    LOADER_NEXT_FAILED = 2   /* err tells; after any class but LOADER_ERROR_PAUSE close the handle.
                                Unknown values are to be treated like this one. */
};

/* Result of wait(). */
struct loader_wait {
    uint32_t struct_size;
    int32_t fd;           /* poll it for events; -1: there is none, sleep */
    uint32_t events;      /* POLLIN, POLLOUT */
    uint32_t timeout_ms;  /* call next() after this time at the latest */
};

enum loader_check_state { LOADER_CHECK_OK = 0, LOADER_CHECK_WARNING = 1, LOADER_CHECK_FAILED = 2 };

struct loader_plugin {
    uint32_t struct_size, api_version; /* LOADER_PLUGIN_HEAD, at the plug-in's compile time */
    const char *name; /* External Source as users write it, "IMAP": [A-Za-z0-9-]{1,32} */
    const char *version;               /* of the plug-in, "0.1.0" */
    const char *summary;               /* one line */
    const struct loader_option *options;
    uint64_t option_count;

    /** open - read the settings and get ready. May connect, or leave that to the first next().
     * Changes nothing at the source. A host that must ask for the secret first opens with
     * LOADER_READ_ONLY and without one, to learn what else is wrong: the loader then reads all
     * other settings and does not connect; that only the secret is missing is no error, or
     * LOADER_ERROR_CREDENTIALS. *out_handle is yours: close(). 0, or -1 with err. */
    int (*open)(const struct loader_host *host, const struct loader_settings *settings,
                void **out_handle, struct loader_error *err);

    /** next - the next item, oldest first. Blocks until there is one or there is none. Items
     * already stored (known()) are not handed out again: what is left to do for them is done
     * quietly. */
    enum loader_next (*next)(void *handle, const struct loader_item **out_item,
                             struct loader_error *err);

    /** settle - the entries of these items are durable (or released): do with them at the source
     * what the settings say. The items are gone when it returns. It may return before the source
     * has answered; what follows is told through note(), its failure by a later next(); after
     * LOADER_NEXT_DRAINED all is done. 0, or -1 with err. */
    int (*settle)(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                  struct loader_error *err);

    /** close - end politely, free everything. Items that were not settled stay as they are at the
     * source. NULL is fine. */
    void (*close)(void *handle);

    /* -- What follows may be NULL. ------------------------------------------------------------ */

    /** wait - after LOADER_NEXT_DRAINED: get ready to be told of new items and say what to poll
     * for. Does not block for long. NULL: the host sleeps as it likes, then calls next(). */
    int (*wait)(void *handle, struct loader_wait *out_wait, struct loader_error *err);

    /** parse - read one item from a file (offset 0 to its end) as if it had been picked up;
     * @settings supplies options such as attachHtml and may be NULL. @sink (may be NULL) gets the
     * bytes of the attachments. *out_item lives until close(*out_handle); its token is 1, its
     * origin's key is the digest. NULL: this loader cannot. */
    int (*parse)(const struct loader_host *host, const struct loader_settings *settings, int32_t fd,
                 const struct loader_sink *sink, void **out_handle,
                 const struct loader_item **out_item, struct loader_error *err);

    /** check - try everything that a pick-up would need and change nothing: connect, log in, look
     * for the folders. Tells each step by @report (@state: enum loader_check_state). 0 when a
     * pick-up would work, else -1 with err. NULL: this loader cannot. */
    int (*check)(const struct loader_host *host, const struct loader_settings *settings,
                 void (*report)(void *context, const char *step, uint32_t state, const char *text),
                 void *report_context, struct loader_error *err);

    /** survey - walk through mailbox, dropbox and badmail and tell @surveyor what is there: to hold
     * it against the queue. Changes nothing, downloads no message whose digest is not asked for,
     * and needs memory that does not grow with their number (names of messages aside). 0, or -1
     * with err. NULL: this loader cannot. */
    int (*survey)(const struct loader_host *host, const struct loader_settings *settings,
                  const struct loader_surveyor *surveyor, struct loader_error *err);

    /** account - who is logged in where, as origins of this handle have it; borrowed until close().
     * NULL: unknown. */
    const char *(*account)(void *handle);

    /** deliver - put these messages into folders of the account, unread, in their order within a
     * folder, with all levels of a path. The handle was opened with LOADER_DELIVER; the first call
     * connects. result tells what came of each, also when the call fails: then those that are
     * LOADER_DELIVERED_NOT may be there or not, and the host gives them LOADER_DELIVER_LOOK when it
     * hands them out again. So that it can, it writes down that they are about to be delivered
     * before it calls. What is wrong with one message (REFUSED) or one folder (NOT, with error)
     * keeps no other back. Some dozens in one call are cheap. 0, or -1 with err; then close the
     * handle. NULL: this loader cannot. */
    int (*deliver)(void *handle, struct loader_delivery *items, uint64_t count,
                   struct loader_error *err);

    /** look - which of these messages are in their folders already? Each has LOADER_DELIVER_BY_ID;
     * without raw bytes its ids alone tell. FOUND, or NOT: with error where the folder cannot be looked
     * into. Changes nothing and makes no folder; one that is not there has none. The handle as for
     * deliver(), which may be called after it. 0, or -1 with err; then close the handle. NULL: this
     * loader cannot; a host then looks nowhere but where it delivers. */
    int (*look)(void *handle, struct loader_delivery *items, uint64_t count,
                struct loader_error *err);
};

#define LOADER_PLUGIN_HEAD sizeof(struct loader_plugin), LOADER_API_VERSION /* goes first */

/** mailchute_loader_plugin - the one exported symbol: the plug-in's table, static, never changes.
 */
#define LOADER_PLUGIN_SYMBOL "mailchute_loader_plugin"
typedef const struct loader_plugin *loader_plugin_function(void);
__attribute__((visibility("default"))) const struct loader_plugin *mailchute_loader_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
