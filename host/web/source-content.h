/* SPDX-License-Identifier: Apache-2.0 */
/* source-content.h - what the content of a source's newest entries adds up to: attachments and
 * threads. Pure.
 *
 * Content is read to be counted: no more than SOURCE_CONTENT_MAX entries and SOURCE_CONTENT_BYTES
 * of it, which is what one request may take. */
#ifndef MAILCHUTE_HOST_WEB_SOURCE_CONTENT_H
#define MAILCHUTE_HOST_WEB_SOURCE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue.h"

#define SOURCE_CONTENT_MAX 1000u
#define SOURCE_CONTENT_BYTES (4u << 20)

struct source_content {
    uint64_t entries, bytes; /* that were read */
    uint64_t attachments, attachment_bytes, with_attachments;
    uint64_t threads[SOURCE_CONTENT_MAX]; /* fingerprints, one of each entry */
};

/** source_content_add - one entry with its content; false when that is enough, and this one was not
 * counted any more. All zero before the first. */
bool source_content_add(struct source_content *content, const struct queue_entry *entry);

/** source_content_threads - how many there are. A thread is named by the first message that is
 * referred to, else by the one that is answered, else by the message itself. */
uint64_t source_content_threads(struct source_content *content);

#endif
