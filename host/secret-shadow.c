/* SPDX-License-Identifier: Apache-2.0 */
/* secret-shadow.c - see secret-shadow.h. */
#include <config.h>
#include "secret-shadow.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash is a number");

/* Of sodium_malloc, made with the first shadow and there to the end. Written once, under the lock;
 * whoever has a shadow came behind that. */
static uint8_t *shadow_key;

static int shadow_make_key(void)
{
    uint8_t *key = sodium_init() < 0 ? NULL : sodium_malloc(crypto_shorthash_KEYBYTES);
    if (key == NULL)
        return -1;
    crypto_shorthash_keygen(key);
    (void)sodium_mprotect_readonly(key);
    shadow_key = key;
    return 0;
}

static int shadow_need_key(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    int bad = shadow_key == NULL ? shadow_make_key() : 0;
    pthread_mutex_unlock(&lock);
    return bad;
}

static uint64_t shadow_hash(const char *bytes, size_t count)
{
    uint8_t sum[crypto_shorthash_BYTES];
    uint64_t hash;
    (void)crypto_shorthash(sum, (const uint8_t *)bytes, count, shadow_key); /* always 0 */
    memcpy(&hash, sum, sizeof hash);
    return hash;
}

int secret_shadow_cast(const struct secret *secret, struct secret_shadow *out_shadow,
                       struct error *err)
{
    size_t size = secret == NULL ? 0 : strlen(secret_text(secret));
    struct secret_shadow shadow = {0};
    if (size >= SECRET_HIDE_MIN) {
        if (shadow_need_key() < 0)
            return error_oom(err, "preparing to hide a password");
        shadow.size = (uint32_t)size;
        shadow.hash = shadow_hash(secret_text(secret), size);
    }
    *out_shadow = shadow;
    return 0;
}

void secret_shadow_hide(const struct secret_shadow *shadow, char *text)
{
    static const char mark[] = "***";
    size_t left = strlen(text);
    if (shadow->size == 0)
        return;
    for (char *at = text; left >= shadow->size;) {
        if (shadow_hash(at, shadow->size) != shadow->hash) {
            at++;
            left--;
            continue;
        }
        left -= shadow->size;
        memcpy(at, mark, sizeof mark - 1);
        at += sizeof mark - 1;
        memmove(at, at - (sizeof mark - 1) + shadow->size, left + 1);
    }
}
