/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-cms.c - any bytes as an opaque signature: the same content and kind however they are cut,
 * never more content than bytes, work in proportion.
 *
 * The first byte of the input tells where the rest is cut. */
#include <config.h>
#include "oracle.h"

#include "cms.h"

struct unwrapping {
    struct cms_unwrap *cms;
    struct buffer content;
};

static int take(void *context, const uint8_t *bytes, size_t count)
{
    struct unwrapping *u = context;
    oracle_log_bytes(&u->content, bytes, count);
    return 0;
}

static int feed(void *context, const uint8_t *bytes, size_t count)
{
    struct unwrapping *u = context;
    return cms_unwrap_feed(u->cms, bytes, count);
}

static void unwrap(struct unwrapping *u, const uint8_t *data, size_t size, uint8_t cut)
{
    buffer_init(&u->content, ORACLE_LOG_MAX);
    u->cms = cms_unwrap_new(take, u);
    MUST(u->cms != NULL);
    MUST(oracle_feed(data, size, cut, feed, u) == 0);
    MUST(u->content.len <= size);
    MUST(u->content.len == 0 || cms_unwrap_has_content(u->cms));
    MUST(!cms_unwrap_is_whole(u->cms) || cms_unwrap_has_content(u->cms));
}

static void unwrapping_done(struct unwrapping *u)
{
    cms_unwrap_free(u->cms);
    buffer_done(&u->content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unwrapping whole, pieces;
    if (size == 0)
        return 0;
    uint64_t before = oracle_work();
    unwrap(&whole, data + 1, size - 1, 0);
    oracle_linear(before, size, 200);
    unwrap(&pieces, data + 1, size - 1, data[0] != 0 ? data[0] : 1);
    oracle_same(&whole.content, &pieces.content);
    MUST(cms_unwrap_kind(whole.cms) == cms_unwrap_kind(pieces.cms));
    MUST(cms_unwrap_has_content(whole.cms) == cms_unwrap_has_content(pieces.cms));
    MUST(cms_unwrap_is_whole(whole.cms) == cms_unwrap_is_whole(pieces.cms));
    unwrapping_done(&whole);
    unwrapping_done(&pieces);
    return 0;
}
