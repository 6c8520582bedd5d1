/* SPDX-License-Identifier: Apache-2.0 */
/* bench-imapd - an IMAP server with as many messages as one likes, none of which is stored.
 *
 *     bench-imapd MESSAGES STRIDE FOLDERS UIDVALIDITY
 *
 * Prints its port, then serves one connection after another until its input ends. INBOX has
 * MESSAGES small messages that differ in a number, of FILLER_BYTES different sizes, with every
 * STRIDEth UID: 1 is dense. There are
 * FOLDERS more folders. It takes any user and password. Moved messages are gone until it is started
 * again; it has UIDPLUS, MOVE, ESEARCH, and takes commands one line at a time, without literals.
 * What a client needs from a server in memory and time is then its own. */
#include <config.h>

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_BYTES 65536u
#define LINE_BYTES (70u * 1024) /* of a command: a set of UIDs may be long */
#define CAPABILITIES "IMAP4rev1 LITERAL+ UIDPLUS MOVE ESEARCH IDLE NAMESPACE ENABLE"

static const char message_format[] = "From: Ann Lee <ann@example.org>\r\nTo: desk@example.com\r\n"
                                     "Subject: message %010u\r\n"
                                     "Date: Mon, 02 Mar 2026 09:00:00 +0100\r\n"
                                     "Message-ID: <%010u@example.org>\r\n\r\n"
                                     "This is message %010u of a great many.\r\n%.*s\r\n";
#define MESSAGE_ID_BYTES 40u /* of its line in a header, and the empty one behind it */
#define FILLER_BYTES 1024u

static struct mailbox {
    uint32_t count, stride, folders, uidvalidity;
    uint32_t left, lowest; /* messages that are there; below this index none is */
    uint32_t archived;
    uint8_t *gone;
    char created[8][64];
    unsigned created_count;
} box;

static struct connection {
    int fd;
    bool open;
    size_t at, end, used;
    char in[OUT_BYTES], out[OUT_BYTES], line[LINE_BYTES];
} link_;

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void out_flush(void)
{
    for (size_t at = 0; at < link_.used && link_.open;) {
        ssize_t n = send(link_.fd, link_.out + at, link_.used - at, MSG_NOSIGNAL);
        link_.open = n > 0;
        at += n > 0 ? (size_t)n : 0;
    }
    link_.used = 0;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    if (OUT_BYTES - link_.used < 2048)
        out_flush();
    va_start(args, format);
    int n = vsnprintf(link_.out + link_.used, OUT_BYTES - link_.used, format, args);
    va_end(args);
    link_.used += (size_t)n < 2048 ? (size_t)n : 0;
}

/* The next command without its CR LF; false: the connection has ended. Answers go out only when
 * nothing more is there to be read. */
static bool read_line(void)
{
    for (size_t count = 0; count < LINE_BYTES;) {
        if (link_.at == link_.end) {
            out_flush();
            ssize_t n = read(link_.fd, link_.in, sizeof link_.in);
            if (n <= 0)
                return false;
            link_.at = 0;
            link_.end = (size_t)n;
        }
        char byte = link_.in[link_.at++];
        link_.line[count] = byte == '\n' ? '\0' : byte;
        if (byte == '\n') {
            link_.line[count - (count > 0 && link_.line[count - 1] == '\r')] = '\0';
            return true;
        }
        count++;
    }
    return false;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static uint32_t uid_of(uint32_t index)
{
    return (index + 1) * box.stride;
}

/* Hand the indexes of the messages with these UIDs to @function, in ascending order. */
static void each(const char *set, void (*function)(uint32_t index, const char *items),
                 const char *items)
{
    while (*set >= '0' && *set <= '9') {
        char *end;
        uint64_t last_uid = uid_of(box.count - 1), first = strtoull(set, &end, 10), last = first;
        if (*end == ':')
            last = end[1] == '*' ? last_uid : strtoull(end + 1, &end, 10);
        if (*end == ':')
            end += 2;
        last = last < last_uid ? last : last_uid;
        for (uint64_t uid = (first + box.stride - 1) / box.stride * box.stride; uid <= last;
             uid += box.stride) {
            uint32_t index = (uint32_t)(uid / box.stride) - 1;
            if (uid > 0 && !box.gone[index])
                function(index, items);
        }
        set = *end == ',' ? end + 1 : "";
    }
}

/* Right where messages leave from the front, and no client of ours looks at it. */
static uint32_t sequence_number(uint32_t index)
{
    return index < box.lowest ? 1 : index - box.lowest + 1;
}

/* Bytes of filler in a message: messages of one size lie far apart. */
static unsigned filler_of(uint32_t index)
{
    return (index + 1) * 2654435761u >> 22;
}

static void say_body(uint32_t index)
{
    static char filler[FILLER_BYTES];
    for (unsigned i = 0; filler[0] == '\0' && i < FILLER_BYTES; i++)
        filler[FILLER_BYTES - 1 - i] = i % 64 == 0 ? '\n' : i % 64 == 1 ? '\r' : 'x';
    say(message_format, index + 1, index + 1, index + 1, (int)filler_of(index), filler);
}

static void say_fetch(uint32_t index, const char *items)
{
    unsigned size = (unsigned)(sizeof message_format - 1 + 3 * (10 - 5) - 4) + filler_of(index);
    say("* %u FETCH (UID %u", sequence_number(index), uid_of(index));
    if (strstr(items, "FLAGS") != NULL)
        say(" FLAGS ()");
    if (strstr(items, "RFC822.SIZE") != NULL)
        say(" RFC822.SIZE %u", size);
    if (strstr(items, "INTERNALDATE") != NULL)
        say(" INTERNALDATE \"02-Mar-2026 09:00:00 +0100\"");
    if (strstr(items, "BODY.PEEK[]") != NULL) {
        say(" BODY[] {%u}\r\n", size);
        say_body(index);
    }
    if (strstr(items, "[HEADER.FIELDS (MESSAGE-ID)]") != NULL)
        say(" BODY[HEADER.FIELDS (MESSAGE-ID)] {%u}\r\nMessage-ID: <%010u@example.org>\r\n\r\n",
            MESSAGE_ID_BYTES, index + 1);
    say(")\r\n");
}

static void say_number(uint32_t index, const char *items)
{
    (void)items;
    say(" %u", uid_of(index));
}

static void say_moved(uint32_t index, const char *items)
{
    (void)items;
    say("* %u EXPUNGE\r\n", sequence_number(index));
    box.gone[index] = 1;
    box.left--;
    while (box.lowest < box.count && box.gone[box.lowest])
        box.lowest++;
}

/* As a set; a dense mailbox is one range. */
static void say_esearch(const char *tag)
{
    char mark = ' ';
    say("* ESEARCH (TAG \"%s\") UID", tag);
    if (box.left > 0)
        say(" ALL");
    for (uint32_t i = box.lowest; i < box.count; i++) {
        uint32_t first = i;
        if (box.gone[i])
            continue;
        while (box.stride == 1 && i + 1 < box.count && !box.gone[i + 1])
            i++;
        say(first == i ? "%c%u" : "%c%u:%u", mark, uid_of(first), uid_of(i));
        mark = ',';
    }
    say("\r\n");
}

static uint32_t moved;

static void count_one(uint32_t index, const char *items)
{
    (void)index;
    (void)items;
    moved++;
}

static void move(const char *tag, char *args)
{
    char *space = strchr(args, ' ');
    if (space != NULL)
        *space = '\0';
    moved = 0;
    each(args, count_one, "");
    if (moved > 0)
        say("* OK [COPYUID %u ", box.uidvalidity + 1);
    if (moved > 0) { /* the set is long, and say() has a limit */
        out_flush();
        link_.open = link_.open && send(link_.fd, args, strlen(args), MSG_NOSIGNAL) > 0;
        say(" %u:%u] moved\r\n", box.archived + 1, box.archived + moved);
    }
    box.archived += moved;
    each(args, say_moved, "");
    say("%s OK moved\r\n", tag);
}

/* ---- Folders --------------------------------------------------------------------------------- */

static bool folder_exists(const char *name)
{
    uint32_t number;
    if (strcasecmp(name, "INBOX") == 0)
        return true;
    for (unsigned i = 0; i < box.created_count; i++)
        if (strcmp(name, box.created[i]) == 0)
            return true;
    if (strncmp(name, "folder", 6) != 0)
        return false;
    number = (uint32_t)strtoul(name + 6, NULL, 10);
    return number > 0 && number <= box.folders;
}

/* The last argument, without its quotes. */
static const char *last_argument(char *args)
{
    size_t count = strlen(args);
    if (count > 0 && args[count - 1] == '"')
        args[--count] = '\0';
    char *quote = strrchr(args, '"'), *space = strrchr(args, ' ');
    char *at = quote != NULL ? quote : space;
    return at != NULL ? at + 1 : args;
}

static void list(const char *tag, char *args)
{
    const char *name = last_argument(args);
    if (*name == '\0')
        say("* LIST (\\Noselect) \"/\" \"\"\r\n");
    else if (strcmp(name, "*") != 0 && folder_exists(name))
        say("* LIST () \"/\" \"%s\"\r\n", name);
    for (uint32_t i = 1; strcmp(name, "*") == 0 && i <= box.folders; i++)
        say("* LIST () \"/\" folder%u\r\n", i);
    say("%s OK listed\r\n", tag);
}

static void create(const char *tag, char *args)
{
    const char *name = last_argument(args);
    if (!folder_exists(name) && box.created_count < 8)
        (void)snprintf(box.created[box.created_count++], sizeof box.created[0], "%s", name);
    say("%s OK it is there\r\n", tag);
}

static void select_folder(const char *tag, bool read_only)
{
    say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
        "* OK [PERMANENTFLAGS (\\Flagged \\Deleted \\Seen \\*)] fine\r\n"
        "* %u EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY %u] fine\r\n* OK [UIDNEXT %u] fine\r\n"
        "%s OK [%s] selected\r\n",
        box.left, box.uidvalidity, uid_of(box.count - 1) + 1, tag,
        read_only ? "READ-ONLY" : "READ-WRITE");
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void uid_command(const char *tag, char *args)
{
    char *rest = strchr(args, ' ');
    if (rest == NULL) {
        say("%s BAD what?\r\n", tag);
    } else if (strncasecmp(args, "SEARCH RETURN", 13) == 0) {
        say_esearch(tag);
        say("%s OK found\r\n", tag);
    } else if (strncasecmp(args, "SEARCH", 6) == 0) {
        say("* SEARCH");
        each("1:*", say_number, "");
        say("\r\n%s OK found\r\n", tag);
    } else if (strncasecmp(args, "FETCH", 5) == 0) {
        char *items = strchr(rest + 1, ' ');
        each(rest + 1, say_fetch, items == NULL ? "" : items);
        say("%s OK fetched\r\n", tag);
    } else if (strncasecmp(args, "MOVE", 4) == 0) {
        move(tag, rest + 1);
    } else {
        say("%s BAD that is not known here\r\n", tag);
    }
}

static void authenticate(const char *tag, const char *args)
{
    if (strchr(args, ' ') == NULL) { /* no initial response */
        say("+ \r\n");
        (void)read_line();
    }
    say("%s OK [CAPABILITY " CAPABILITIES "] welcome\r\n", tag);
}

static void idle(const char *tag)
{
    say("+ idling\r\n");
    (void)read_line();
    say("%s OK\r\n", tag);
}

static void command(const char *tag, const char *name, char *args)
{
    if (strcasecmp(name, "CAPABILITY") == 0)
        say("* CAPABILITY " CAPABILITIES " AUTH=PLAIN SASL-IR\r\n%s OK\r\n", tag);
    else if (strcasecmp(name, "AUTHENTICATE") == 0)
        authenticate(tag, args);
    else if (strcasecmp(name, "LIST") == 0)
        list(tag, args);
    else if (strcasecmp(name, "NAMESPACE") == 0)
        say("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n%s OK\r\n", tag);
    else if (strcasecmp(name, "CREATE") == 0)
        create(tag, args);
    else if (strcasecmp(name, "SELECT") == 0 || strcasecmp(name, "EXAMINE") == 0)
        select_folder(tag, name[0] == 'E' || name[0] == 'e');
    else if (strcasecmp(name, "STATUS") == 0)
        say("%s NO there is no such folder\r\n", tag);
    else if (strcasecmp(name, "UID") == 0)
        uid_command(tag, args);
    else if (strcasecmp(name, "IDLE") == 0)
        idle(tag);
    else if (strcasecmp(name, "LOGOUT") == 0)
        say("* BYE\r\n%s OK\r\n", tag);
    else /* LOGIN, NOOP, ENABLE, ID, SUBSCRIBE */
        say("%s OK\r\n", tag);
}

static void serve(int fd)
{
    static char copy[128];
    link_.fd = fd;
    link_.open = true;
    link_.at = link_.end = link_.used = 0;
    say("* OK [CAPABILITY " CAPABILITIES " AUTH=PLAIN SASL-IR] ready\r\n");
    while (link_.open && read_line()) {
        char *name = strchr(link_.line, ' ');
        if (name == NULL)
            break;
        *name++ = '\0';
        (void)snprintf(copy, sizeof copy, "%.100s", link_.line); /* the line may be read over */
        char *args = strchr(name, ' ');
        if (args != NULL)
            *args++ = '\0';
        command(copy, name, args == NULL ? name + strlen(name) : args);
    }
    out_flush();
    (void)close(fd);
}

static int listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        err(69, "no socket");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        errx(64, "usage: bench-imapd MESSAGES STRIDE FOLDERS UIDVALIDITY");
    box.count = box.left = (uint32_t)strtoul(argv[1], NULL, 10);
    box.stride = (uint32_t)strtoul(argv[2], NULL, 10);
    box.folders = (uint32_t)strtoul(argv[3], NULL, 10);
    box.uidvalidity = (uint32_t)strtoul(argv[4], NULL, 10);
    box.gone = calloc(box.count + 1u, 1);
    if (box.count == 0 || box.stride == 0 || box.gone == NULL)
        errx(64, "a mailbox needs messages");
    int fd = listen_somewhere();
    for (;;) {
        struct pollfd waits[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        if (poll(waits, 2, -1) < 0 || waits[1].revents != 0)
            break;
        int client = accept(fd, NULL, NULL), one = 1;
        if (client < 0)
            err(69, "accept");
        (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        serve(client);
    }
    free(box.gone);
    (void)close(fd);
    return 0;
}
