/* SPDX-License-Identifier: Apache-2.0 */
/* stream-tls.c - see stream-tls.h. */
#include <config.h>
#include "stream-tls.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TLS_AHEAD (64u * 1024) /* bytes; OpenSSL gives them back when they are read */

/* BoringSSL and others say that they are OpenSSL; only their version tells. */
static bool tls_is_ours(void)
{
    char start[32];
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    (void)snprintf(start, sizeof start, "OpenSSL/%d.", OPENSSL_VERSION_MAJOR);
    return version->ssl_version != NULL &&
           strncmp(version->ssl_version, start, strlen(start)) == 0 &&
           OPENSSL_version_major() == OPENSSL_VERSION_MAJOR;
}

void stream_tls_read_ahead(void *easy)
{
    const struct curl_tlssessioninfo *info = NULL;
    if (!tls_is_ours() || curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
        info == NULL || info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
        return;
    SSL_set_default_read_buffer_len(info->internals, TLS_AHEAD);
    SSL_set_read_ahead(info->internals, 1);
}
