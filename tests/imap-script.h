/* SPDX-License-Identifier: Apache-2.0 */
/* imap-script.h - an IMAP server that says what a test wants, in a thread, on loopback.
 *
 * Each command is answered by the first rule whose match stands in it; rules of the test come
 * before those for the usual beginning (login, folders, SELECT, an empty SEARCH). A rule counts
 * once, one whose match begins with '*' always. In a reply
 *
 *     @        at the start of a line is the command's tag (for DONE that of its IDLE), also inside
 *              a literal
 *     $        is the last quoted string of the command, but at the beginning of our keyword
 *     {?}      is the size of the literal that follows, up to \1
 *     \2       closes the connection    \3  says nothing more for ever
 *     \4       says what follows again and again, until the other side closes
 *     \5       says what follows again and again, one byte at a time with a moment between two
 *
 * A literal of a command is asked for by "+ go" and stands behind its size in brackets; a rule
 * whose match begins with '#' answers the command instead of "+ go".
 *
 * What came in stands in script_trace(), one command a line, and whatever the test adds to it. */
#ifndef MAILCHUTE_TESTS_IMAP_SCRIPT_H
#define MAILCHUTE_TESTS_IMAP_SCRIPT_H

#include <stddef.h>

struct script_rule {
    const char *match, *reply;
};

struct script {
    const char *greeting;     /* NULL: "* OK hello" */
    const char *capabilities; /* behind IMAP4rev1; all of them where they begin with IMAP4 */
    const struct script_rule *rules;
    size_t rule_count;
    size_t cut; /* close the connection after so many bytes, 0: never */
};

struct script_server;

/* *out_port is where it listens. The script is borrowed. */
struct script_server *script_start(const struct script *script, unsigned int *out_port);

/* Add a line to the trace, from the test's own thread. */
void script_note(struct script_server *server, const char *line);

#define SCRIPT_GONE "(gone)" /* stands in the trace when a connection has ended */

/* The trace so far: yours, free(). */
char *script_trace(struct script_server *server);

void script_stop(struct script_server *server);

#endif
