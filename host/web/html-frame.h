/* SPDX-License-Identifier: Apache-2.0 */
/* html-frame.h - the HTML of a message, made fit for a frame of the page. Pure.
 *
 * The policy that is sent with it forbids what a policy can: scripts, pictures and styles from
 * elsewhere, forms, frames. What it does not reach is a browser that connects to a stranger's
 * server before it asks the policy: Chromium does so for <iframe src>, others may for <link
 * rel=preconnect>, and a connection alone tells that the mail was read. The names of such elements
 * are therefore made names that mean nothing, byte by byte: an element needs its name right behind
 * '<'. The rest stays as it came. */
#ifndef MAILCHUTE_HOST_WEB_HTML_FRAME_H
#define MAILCHUTE_HOST_WEB_HTML_FRAME_H

#include "buffer.h"

/** html_frame_append - -1: full, or out of memory. */
int html_frame_append(struct buffer *out, const char *html);

#endif
