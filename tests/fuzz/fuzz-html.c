/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-html.c - any text as HTML: readable text is UTF-8, grows no faster than the HTML, a buffer
 * that fills up holds a beginning, the charset it names is a label, work is in proportion. */
#include <config.h>
#include "oracle.h"

#include <string.h>

#include "charset.h"
#include "html-charset.h"
#include "html-text.h"

#define EXPANSION 24u /* bytes of text for a byte of HTML: quotes and lists indent */

static void check_charset(const uint8_t *data, size_t size)
{
    char label[HTML_CHARSET_MAX];
    size_t head = size < HTML_CHARSET_HEAD ? size : HTML_CHARSET_HEAD;
    if (html_charset((struct span){data, head}, label))
        MUST(memchr(label, '\0', sizeof label) != NULL && label[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer html, text, beginning;
    char problem[CHARSET_PROBLEM_MAX];
    check_charset(data, size);
    buffer_init(&html, ORACLE_LOG_MAX);
    MUST(charset_to_utf8(NULL, (struct span){data, size}, &html, problem) == 0);
    uint64_t before = oracle_work();
    buffer_init(&text, html.len * EXPANSION + 16);
    MUST(html_to_text(buffer_text(&html), html.len, NULL, &text) == 0);
    oracle_linear(before, html.len, 400);
    MUST(!buffer_is_full(&text));
    oracle_bytes(buffer_text(&text), text.len, text.len);
    buffer_init(&beginning, text.len / 2);
    MUST(html_to_text(buffer_text(&html), html.len, NULL, &beginning) == 0);
    oracle_bytes(buffer_text(&beginning), beginning.len, text.len / 2);
    MUST(memcmp(buffer_text(&text), buffer_text(&beginning), beginning.len) == 0);
    buffer_done(&html);
    buffer_done(&text);
    buffer_done(&beginning);
    return 0;
}
