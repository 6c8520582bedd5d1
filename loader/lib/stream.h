/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - an authenticated, encrypted stream of bytes to a mail server. The one door to libcurl
 * for transport.
 *
 * libcurl does the name look-up, proxy, TCP, TLS or STARTTLS, and the login (CURLOPT_CONNECT_ONLY);
 * from there on the dialogue is the caller's. What libcurl leaves to us is done here:
 *
 *  - Plain text goes to loopback and private addresses only, judged by the address that is about to
 *    be connected, before a byte is sent; through a proxy to a host alone that is written as such
 *    an address, since its name may mean any. STARTTLS is demanded (never "try"): only where the
 *    server offers none is a second, plain connection made, and only to such an address.
 *  - With public_only an address of this machine or a private network is refused, however it was
 *    spelled or resolved: it is judged when it is about to be connected.
 *  - A greeting of PREAUTH is refused: it would skip STARTTLS and the login.
 *  - Control bytes in host, user name and secret are refused: they would become commands.
 *  - Proxies are those of the settings; the environment's are not looked at.
 *  - Each phase has a deadline of its own (STREAM_*_MS, or timeout_ms where that is shorter), and
 *    cancelled() is heeded within 200 ms.
 *
 * What arrives in one piece with the login's answer is lost inside libcurl: ask for the
 * capabilities again, and expect the rest of a line first. TLS may hold bytes that poll() does not
 * see: receive until STREAM_AGAIN before waiting. Nothing is said on close: LOGOUT is the caller's.
 *
 * One stream, one thread. Streams share the multi handles of libcurl once there are many
 * (stream-shard.h), and nothing else. */
#ifndef MAILCHUTE_LOADER_LIB_STREAM_H
#define MAILCHUTE_LOADER_LIB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "clock.h"
#include "error.h"

#define STREAM_CONNECT_MS 10000u   /* name look-up and TCP */
#define STREAM_TLS_MS 10000u       /* handshake on a TLS port */
#define STREAM_GREETING_MS 30000u  /* until the server's first line */
#define STREAM_LOGIN_MS 30000u     /* from there, STARTTLS included */
#define STREAM_RECEIVE_MAX 262144u /* bytes; more is never received at once */

enum stream_security {
    STREAM_TLS,      /* TLS from the first byte */
    STREAM_STARTTLS, /* STARTTLS, else no connection */
    STREAM_AUTO,     /* STARTTLS; where it is not offered, plain text to a local address */
    STREAM_PLAIN     /* plain text, to a local address */
};

/* Everything is borrowed during stream_open() only. NULL text: not set. */
struct stream_settings {
    const char *host; /* name or address, IPv6 without brackets */
    uint32_t port;
    enum stream_security security;
    bool allow_insecure_cert;
    bool public_only; /* connect to addresses that anybody reaches (address.h), by no proxy */
    const char *ca_file, *pinned_key, *min_tls, *proxy;
    const char *auth; /* "Auto", or a SASL mechanism */
    const char *user, *secret;
    uint64_t timeout_ms; /* no phase of connecting takes longer; 0: STREAM_*_MS alone */
    const struct clock *clock;
    bool (*cancelled)(void *context); /* may be NULL */
    void *context;
};

/* What is known of an open stream. Text lives as long as the stream. */
struct stream_facts {
    const char *address;  /* connected to: the server's, or the proxy's */
    const char *security; /* "TLSv1.3 / TLS_AES_256_GCM_SHA384", or "plain text" */
    bool encrypted;
    bool verified; /* the certificate was checked and is good */
};

enum stream_result {
    STREAM_OK,
    STREAM_AGAIN, /* not now: poll stream_fd() */
    STREAM_END,   /* the peer closed */
    STREAM_FAILED /* err tells: ERROR_LINK */
};

struct stream;

/** stream_open - connect and log in. *out_stream is yours: stream_close(). Errors name host and
 * port and say what to do: ERROR_UNREACHABLE, ERROR_CERTIFICATE, ERROR_CREDENTIALS, ERROR_CONFIG
 * (plain text refused, CA file), ERROR_PAUSE and ERROR_LINK (busy, BYE), ERROR_PROTOCOL,
 * ERROR_USAGE, ERROR_CANCELLED. */
int stream_open(const struct stream_settings *settings, struct stream **out_stream,
                struct error *err);
void stream_close(struct stream *stream); /* NULL is fine */
AUTO_DEFINE(stream, stream_close);

/** stream_facts - how we are connected. */
void stream_facts(const struct stream *stream, struct stream_facts *out_facts);

/** stream_fd - for poll(); -1 when there is none any more. */
int stream_fd(const struct stream *stream);

/** stream_send - send some of these bytes; *out_sent of them (> 0) are gone with STREAM_OK. After
 * STREAM_AGAIN call again with the same pointer and at least as many bytes. Does not block. */
enum stream_result stream_send(struct stream *stream, const void *bytes, size_t count,
                               size_t *out_sent, struct error *err);

/** stream_expect_much - megabytes are about to be received: spend 64 kB on doing that with fewer
 * calls. Optional; once something was sent. */
void stream_expect_much(struct stream *stream);

/** stream_receive - up to @capacity bytes, *out_count of them (> 0) with STREAM_OK. Does not
 * block. */
enum stream_result stream_receive(struct stream *stream, void *bytes, size_t capacity,
                                  size_t *out_count, struct error *err);

/** stream_address_is_local - loopback, private or link-local: @address is a struct sockaddr. */
struct sockaddr;
bool stream_address_is_local(const struct sockaddr *address);

#endif
