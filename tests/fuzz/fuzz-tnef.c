/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-tnef.c - any bytes as winmail.dat: the same files, texts and problems however they are cut,
 * UTF-8, within the limits; files hold no more than came in; work is in proportion.
 *
 * The first byte of the input tells where the rest is cut. */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "problem.h"
#include "nameless.h"
#include "tnef.h"

struct opening {
    struct tnef *tnef;
    struct buffer log;
    size_t files, bytes;
};

static int file_bytes(void *context, const uint8_t *bytes, size_t count)
{
    struct opening *o = context;
    o->bytes += count;
    oracle_log_bytes(&o->log, bytes, count);
    return 0;
}

static int file_end(void *context, const struct tnef_file *file)
{
    struct opening *o = context;
    MUST(++o->files <= TNEF_FILES_MAX);
    oracle_text(file->name, TNEF_NAME_MAX * 6);
    oracle_text(file->content_type, TNEF_NAME_MAX * 6);
    oracle_text(file->content_id, TNEF_NAME_MAX * 6);
    oracle_log(&o->log, "file %s %s %s %d", file->name != NULL ? file->name : "-",
               file->content_type != NULL ? file->content_type : "-",
               file->content_id != NULL ? file->content_id : "-", file->in_body);
    return 0;
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct opening *o = context;
    struct error err;
    return tnef_feed(o->tnef, bytes, count, &err);
}

static void log_text(struct opening *o, const char *what, const char *text, size_t max)
{
    oracle_text(text, max);
    oracle_log(&o->log, "%s: %s", what, text != NULL ? text : "(none)");
}

static void open_up(struct opening *o, const uint8_t *data, size_t size, uint8_t cut)
{
    struct tnef_message message;
    struct mail_texts problems = {0};
    struct error err;
    bool is_tnef = false;
    *o = (struct opening){0};
    buffer_init(&o->log, ORACLE_LOG_MAX);
    o->tnef =
        tnef_new(&(struct tnef_sink){file_bytes, file_end, o}, nameless_folder(NULL), &problems);
    MUST(o->tnef != NULL);
    MUST(oracle_feed(data, size, cut, feed, o) == 0);
    MUST(tnef_finish(o->tnef, &message, &is_tnef, &err) == 0);
    log_text(o, "class", message.message_class, TNEF_NAME_MAX * 6);
    log_text(o, "subject", message.subject, TNEF_NAME_MAX * 6);
    log_text(o, "text", message.text, TNEF_TEXT_MAX);
    log_text(o, "html", message.html, TNEF_TEXT_MAX);
    MUST(is_tnef || (o->files == 0 && message.text == NULL && message.html == NULL));
    oracle_log(&o->log, "%d", is_tnef);
    oracle_log_texts(&o->log, &problems);
    oracle_problems(&problems);
    tnef_message_done(&message);
    tnef_free(o->tnef);
    mail_texts_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct opening whole, pieces;
    if (size == 0)
        return 0;
    uint64_t before = oracle_work();
    open_up(&whole, data + 1, size - 1, 0);
    oracle_linear(before, size, 2000);
    open_up(&pieces, data + 1, size - 1, data[0] != 0 ? data[0] : 1);
    oracle_same(&whole.log, &pieces.log);
    buffer_done(&whole.log);
    buffer_done(&pieces.log);
    return 0;
}
