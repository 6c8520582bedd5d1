/* SPDX-License-Identifier: Apache-2.0 */
/* stream-tls.h - what libcurl leaves at TLS's defaults. For stream.c alone. The one door to libssl,
 * which is here only because libcurl brings it along. */
#ifndef MAILCHUTE_LOADER_LIB_STREAM_TLS_H
#define MAILCHUTE_LOADER_LIB_STREAM_TLS_H

/** stream_tls_read_ahead - take many records from the kernel at once. OpenSSL asks for each one in
 * two calls, its header and the rest, and a server that sends 4 kB a record (Dovecot) makes that
 * half a million calls for a GB. For a connection that libcurl has logged in: while it waits for
 * answers itself it would not see what OpenSSL holds. With another TLS library, or another OpenSSL
 * than we were built with, nothing happens. */
void stream_tls_read_ahead(void *easy);

#endif
