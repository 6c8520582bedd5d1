/* SPDX-License-Identifier: Apache-2.0 */
/* html-text.c - HTML as text. See html-text.h.
 *
 * White space is never written when it comes: line ends, spaces, bullets wait until a visible
 * character needs them, and are forgotten where none follows. A table says what each element does.
 */
#include <config.h>
#include "html-text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "html-token.h"
#include "text.h"

#define SPACES_MAX 64u     /* no-break spaces in a row */
#define RUN_MAX 65536u     /* bytes of a word that are written at once */
#define HTML_CELLS_MAX 16u /* cells in cells whose lines are counted */

struct html_list {
    bool ordered;
    uint32_t next; /* number of the next item */
};

struct html_render {
    struct text_walk *walk; /* of the HTML */
    struct buffer *out;
    size_t begin;                   /* length of out before us */
    uint32_t breaks;                /* line ends that wait */
    uint32_t spaces;                /* spaces that wait */
    bool cell;                      /* a tab waits */
    bool bullet;                    /* an item's mark waits */
    bool line;                      /* something stands on this line */
    bool first_cell;                /* of its row */
    uint64_t lines;                 /* begun so far */
    uint64_t cells[HTML_CELLS_MAX]; /* the line that each open cell begins on */
    uint32_t cell_depth;
    uint32_t quotes, pres, depth;
    uint32_t line_quotes; /* quotes of the line before */
    struct html_list lists[HTML_LISTS_MAX];
    bool linked;        /* inside <a href> */
    size_t link_from;   /* length of out when its text began */
    struct buffer link; /* its url */
};

/* --- writing --- */

static int put(struct html_render *r, const char *text)
{
    return text_append_fitting(r->out, text, strlen(text));
}

/* Line ends before what comes next; none between an item's mark, or a cell's tab, and its text. */
static void want_breaks(struct html_render *r, uint32_t count)
{
    r->spaces = 0;
    if (r->breaks < count && !r->bullet && !r->cell)
        r->breaks = count;
}

static struct html_list *list_top(struct html_render *r)
{
    uint32_t depth = r->depth < HTML_LISTS_MAX ? r->depth : HTML_LISTS_MAX;
    return depth > 0 ? &r->lists[depth - 1] : NULL;
}

/* The start of a line: quotes, the indent of lists, the mark of an item. */
static int put_margin(struct html_render *r)
{
    uint32_t depth = r->depth < HTML_LISTS_MAX ? r->depth : HTML_LISTS_MAX;
    for (uint32_t i = 0; i < r->quotes && i < HTML_QUOTES_MAX; i++)
        if (put(r, "> ") < 0)
            return -1;
    for (uint32_t i = 1; i < depth + (r->bullet ? 0 : 1); i++)
        if (put(r, "  ") < 0)
            return -1;
    if (!r->bullet)
        return 0;
    r->bullet = false;
    struct html_list *list = list_top(r);
    if (list == NULL || !list->ordered)
        return put(r, "* ");
    char number[16];
    struct buffer b = {.data = number, .cap = sizeof number, .limit = sizeof number - 1};
    (void)buffer_printf(&b, "%u. ", list->next);
    list->next++;
    return put(r, number);
}

static int put_breaks(struct html_render *r)
{
    bool started = r->out->len > r->begin;
    uint32_t quotes = r->quotes < r->line_quotes ? r->quotes : r->line_quotes;
    for (uint32_t i = 0; started && i < r->breaks; i++) {
        if (put(r, "\n") < 0)
            return -1;
        for (uint32_t k = 0; i + 1 < r->breaks && k < quotes && k < HTML_QUOTES_MAX; k++)
            if (put(r, ">") < 0)
                return -1;
    }
    r->breaks = 0;
    r->lines++;
    r->line_quotes = r->quotes;
    r->line = false;
    return 0;
}

/* Write what waits, then @count bytes of one line. */
static int put_visible(struct html_render *r, const uint8_t *bytes, size_t count)
{
    if (r->out->len == r->begin || r->breaks > 0)
        if (put_breaks(r) < 0 || put_margin(r) < 0)
            return -1;
    if (r->bullet && put_margin(r) < 0)
        return -1;
    if (r->cell && r->line && put(r, "\t") < 0)
        return -1;
    if (r->cell && r->line)
        r->spaces = 0;
    for (uint32_t i = 0; i < r->spaces; i++)
        if (put(r, " ") < 0)
            return -1;
    r->spaces = 0;
    r->cell = false;
    r->line = true;
    return text_append_fitting(r->out, bytes, count);
}

static bool line_is_new(const struct html_render *r)
{
    return r->breaks > 0 || !r->line;
}

/* White space of the source: one space between words, itself in <pre>. */
static void put_space(struct html_render *r, uint8_t byte)
{
    if (r->pres > 0 && byte == '\n') {
        r->spaces = 0;
        r->breaks++;
    } else if (r->pres > 0) {
        uint32_t width = byte == '\t' ? 8 - r->spaces % 8 : byte == ' ' ? 1 : 0;
        r->spaces = r->spaces + width < SPACES_MAX ? r->spaces + width : SPACES_MAX;
    } else if (r->spaces == 0 && !line_is_new(r)) {
        r->spaces = 1;
    }
}

/* Length of a character nobody sees: soft hyphen, U+200B, U+FEFF, U+034F; 0 for others. */
static size_t invisible_length(const uint8_t *at, size_t left)
{
    if (left >= 2 && ((at[0] == 0xC2 && at[1] == 0xAD) || (at[0] == 0xCD && at[1] == 0x8F)))
        return 2;
    if (left >= 3 && (memcmp(at, "\xE2\x80\x8B", 3) == 0 || memcmp(at, "\xEF\xBB\xBF", 3) == 0))
        return 3;
    return at[0] < ' ' || at[0] == 0x7F ? 1 : 0;
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

/* Text without references. @walk: of what it is of. */
static int put_text(struct html_render *r, struct span text, struct text_walk *walk)
{
    size_t at = 0;
    while (at < text.len) {
        const uint8_t *here = text.bytes + at;
        size_t left = text.len - at, run = 0, skip;
        text_walk_at(walk, here);
        if (is_white(here[0])) {
            put_space(r, here[0]);
            at++;
        } else if (left >= 2 && here[0] == 0xC2 && here[1] == 0xA0) {
            r->spaces = r->spaces < SPACES_MAX ? r->spaces + 1 : SPACES_MAX;
            at += 2;
        } else if ((skip = invisible_length(here, left)) > 0) {
            at += skip;
        } else {
            do
                run++;
            while (run < left && run < RUN_MAX && !is_white(here[run]) && here[run] != 0xC2 &&
                   here[run] != 0xCD && here[run] != 0xE2 && here[run] != 0xEF &&
                   here[run] >= ' ' && here[run] != 0x7F);
            for (size_t most = 3; most > 0 && run > 1 && run < left && (here[run] & 0xC0) == 0x80;
                 most--)
                run--; /* not within a character */
            if (put_visible(r, here, run) < 0)
                return -1;
            at += run;
        }
    }
    return 0;
}

/* Text of the source. */
static int render_text(struct html_render *r, struct span text)
{
    struct cursor c = cursor_over(text.bytes, text.len);
    while (c.pos < c.len) {
        char reference[HTML_NAME_MAX];
        size_t from = c.pos;
        text_walk_at(r->walk, c.bytes + from);
        if (c.bytes[from] == '&' && html_reference(&c, reference)) {
            if (put_text(r, (struct span){(const uint8_t *)reference, strlen(reference)}, NULL) < 0)
                return -1;
            continue;
        }
        const uint8_t *next = text_walk_find(r->walk, c.bytes + from + 1, c.bytes + c.len, '&');
        c.pos = next != NULL ? (size_t)(next - c.bytes) : c.len;
        if (put_text(r, (struct span){c.bytes + from, c.pos - from}, r->walk) < 0)
            return -1;
    }
    return 0;
}

/* --- links and images --- */

/* Is the url worth showing beside its text? */
static bool link_differs(const char *text, size_t length, const char *url)
{
    static const char *const prefixes[] = {"mailto:", "tel:", "http://", "https://", "www."};
    struct span shown = {(const uint8_t *)text, length};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct cursor c = cursor_over(shown.bytes, shown.len);
        if (cursor_text_nocase(&c, prefixes[i]) == PARSE_OK)
            shown = (struct span){c.bytes + c.pos, cursor_left(&c)};
        if (text_starts_nocase(url, prefixes[i]))
            url += strlen(prefixes[i]);
    }
    size_t known = strlen(url);
    if (known > 0 && url[known - 1] == '/')
        known--;
    if (shown.len > 0 && shown.bytes[shown.len - 1] == '/')
        shown.len--;
    if (shown.len != known)
        return true;
    for (size_t i = 0; i < known; i++)
        if (text_lower((char)shown.bytes[i]) != text_lower(url[i]))
            return true;
    return false;
}

static int link_end(struct html_render *r)
{
    if (!r->linked)
        return 0;
    r->linked = false;
    size_t from = r->link_from < r->out->len ? r->link_from : r->out->len;
    const char *text = buffer_text(r->out) + from;
    size_t length = r->out->len - from;
    struct text_walk walk = {.text = r->out, .last = text};
    while (length > 0 && (is_white((uint8_t)text[0]) || text[0] == '>' || text[0] == '*')) {
        text_walk_at(&walk, text);
        text++;
        length--;
    }
    const char *url = buffer_text(&r->link);
    if (length == 0 || r->link.len == 0 || r->link.refused || !link_differs(text, length, url))
        return 0;
    uint32_t spaces = r->spaces, breaks = r->breaks; /* they come behind the url */
    bool cell = r->cell;
    r->breaks = 0;
    r->cell = false;
    r->spaces = 1;
    if (put_visible(r, (const uint8_t *)"<", 1) < 0 ||
        put_visible(r, (const uint8_t *)url, r->link.len) < 0 ||
        put_visible(r, (const uint8_t *)">", 1) < 0)
        return -1;
    r->spaces = spaces;
    r->breaks = breaks;
    r->cell = cell;
    return 0;
}

/* Only what a person could go to: not a place in the same text, not a program, not a part. */
static bool link_is_shown(const char *url)
{
    static const char *const shown[] = {"http:", "https:", "mailto:", "ftp:", "tel:", "www."};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (text_starts_nocase(url, shown[i]))
            return true;
    return false;
}

static int link_begin(struct html_render *r, const struct html_token *tag)
{
    struct span href;
    AUTO_DONE(buffer) url;
    buffer_init(&url, HTML_URL_MAX);
    if (link_end(r) < 0)
        return -1;
    if (!html_attribute(tag, "href", &href))
        return 0;
    buffer_clear(&r->link);
    if (html_decode(href, &url) < 0)
        return buffer_is_full(&url) ? 0 : -1;
    for (size_t i = 0; i < url.len; i++)
        if ((uint8_t)url.data[i] > ' ' && url.data[i] != 0x7F &&
            buffer_append_byte(&r->link, (uint8_t)url.data[i]) < 0)
            return -1;
    r->linked = link_is_shown(buffer_text(&r->link));
    r->link_from = r->out->len;
    return 0;
}

static int image(struct html_render *r, const struct html_token *tag)
{
    struct span alt;
    if (tag->closes || !html_attribute(tag, "alt", &alt))
        return 0;
    return render_text(r, alt);
}

/* --- elements --- */

enum html_role {
    ROLE_BLOCK, /* begins and ends lines */
    ROLE_BREAK,
    ROLE_RULE,
    ROLE_LIST,
    ROLE_ITEM,
    ROLE_QUOTE,
    ROLE_PRE,
    ROLE_ROW,
    ROLE_CELL,
    ROLE_LINK,
    ROLE_IMAGE,
};

static const struct html_element {
    char name[HTML_NAME_MAX];
    enum html_role role;
    uint32_t breaks; /* line ends around it: 2 leave an empty line */
} html_elements[] = {
    {"a", ROLE_LINK, 0},         {"address", ROLE_BLOCK, 1},    {"article", ROLE_BLOCK, 1},
    {"aside", ROLE_BLOCK, 1},    {"blockquote", ROLE_QUOTE, 2}, {"body", ROLE_BLOCK, 1},
    {"br", ROLE_BREAK, 1},       {"caption", ROLE_BLOCK, 1},    {"center", ROLE_BLOCK, 1},
    {"dd", ROLE_BLOCK, 1},       {"details", ROLE_BLOCK, 1},    {"dir", ROLE_LIST, 1},
    {"div", ROLE_BLOCK, 1},      {"dl", ROLE_BLOCK, 2},         {"dt", ROLE_BLOCK, 1},
    {"fieldset", ROLE_BLOCK, 1}, {"figcaption", ROLE_BLOCK, 1}, {"figure", ROLE_BLOCK, 2},
    {"footer", ROLE_BLOCK, 1},   {"form", ROLE_BLOCK, 1},       {"h1", ROLE_BLOCK, 2},
    {"h2", ROLE_BLOCK, 2},       {"h3", ROLE_BLOCK, 2},         {"h4", ROLE_BLOCK, 2},
    {"h5", ROLE_BLOCK, 2},       {"h6", ROLE_BLOCK, 2},         {"head", ROLE_BLOCK, 1},
    {"header", ROLE_BLOCK, 1},   {"hr", ROLE_RULE, 1},          {"html", ROLE_BLOCK, 1},
    {"img", ROLE_IMAGE, 0},      {"legend", ROLE_BLOCK, 1},     {"li", ROLE_ITEM, 1},
    {"listing", ROLE_PRE, 2},    {"main", ROLE_BLOCK, 1},       {"menu", ROLE_LIST, 1},
    {"nav", ROLE_BLOCK, 1},      {"ol", ROLE_LIST, 1},          {"option", ROLE_BLOCK, 1},
    {"p", ROLE_BLOCK, 2},        {"pre", ROLE_PRE, 2},          {"section", ROLE_BLOCK, 1},
    {"summary", ROLE_BLOCK, 1},  {"table", ROLE_BLOCK, 1},      {"tbody", ROLE_BLOCK, 1},
    {"td", ROLE_CELL, 0},        {"tfoot", ROLE_BLOCK, 1},      {"th", ROLE_CELL, 0},
    {"thead", ROLE_BLOCK, 1},    {"tr", ROLE_ROW, 1},           {"ul", ROLE_LIST, 1},
    {"xmp", ROLE_PRE, 2},
};

/* A number in an attribute: 1 unless it says another. */
static uint32_t attribute_number(const struct html_token *tag, const char *name, uint32_t without)
{
    struct span value;
    uint32_t number = 0;
    if (!html_attribute(tag, name, &value) || value.len == 0 || value.len > 6)
        return without;
    for (size_t i = 0; i < value.len; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return without;
        number = number * 10 + (uint32_t)(value.bytes[i] - '0');
    }
    return number;
}

static void list(struct html_render *r, const struct html_token *tag)
{
    if (tag->closes) {
        r->depth -= r->depth > 0 ? 1 : 0;
        want_breaks(r, r->depth == 0 ? 2 : 1);
        return;
    }
    want_breaks(r, r->depth == 0 ? 2 : 1);
    r->depth++;
    struct html_list *top = list_top(r);
    /* analyse: not NULL, the depth is at least 1 here */
    *top = (struct html_list){tag->name[0] == 'o', attribute_number(tag, "start", 1)};
}

static void item(struct html_render *r, const struct html_token *tag)
{
    struct html_list *top = list_top(r);
    r->bullet = false;
    want_breaks(r, 1);
    r->bullet = !tag->closes;
    if (r->bullet && top != NULL)
        top->next = attribute_number(tag, "value", top->next);
}

/* The depth changes between the line before and the line behind. */
static void quote(struct html_render *r, const struct html_token *tag)
{
    want_breaks(r, 2);
    if (!tag->closes)
        r->quotes++;
    else
        r->quotes -= r->quotes > 0 ? 1 : 0;
}

static void pre(struct html_render *r, const struct html_token *tag)
{
    want_breaks(r, 2);
    if (!tag->closes)
        r->pres++;
    else
        r->pres -= r->pres > 0 ? 1 : 0;
}

static int rule(struct html_render *r)
{
    static const char line[] = "----------------------------------------";
    want_breaks(r, 1);
    if (put_visible(r, (const uint8_t *)line, sizeof line - 1) < 0)
        return -1;
    want_breaks(r, 1);
    return 0;
}

/* A cell of one line, whatever paragraphs it is made of, goes on the line of its row. */
static void cell(struct html_render *r, bool closes)
{
    if (closes) {
        r->cell_depth -= r->cell_depth > 0 ? 1 : 0;
        if (r->cell_depth < HTML_CELLS_MAX && r->cells[r->cell_depth] == r->lines && r->line)
            r->breaks = 0;
        return;
    }
    r->cell = !r->first_cell && !line_is_new(r);
    r->first_cell = false;
    if (r->cell_depth < HTML_CELLS_MAX)
        r->cells[r->cell_depth] = r->lines + (line_is_new(r) ? 1 : 0);
    r->cell_depth++;
}

static void row(struct html_render *r)
{
    r->cell = false;
    want_breaks(r, 1);
    r->first_cell = true;
}

static void line_break(struct html_render *r)
{
    r->spaces = 0;
    r->cell = false;
    r->breaks += r->breaks < HTML_BREAKS_MAX ? 1 : 0;
}

static const struct html_element *element_find(const char *name)
{
    for (size_t i = 0; i < sizeof html_elements / sizeof html_elements[0]; i++)
        if (strcmp(html_elements[i].name, name) == 0)
            return &html_elements[i];
    return NULL;
}

static int render_tag(struct html_render *r, const struct html_token *tag)
{
    const struct html_element *element = element_find(tag->name);
    if (element == NULL)
        return 0;
    switch (element->role) {
    case ROLE_BLOCK:
        want_breaks(r, element->breaks);
        break;
    case ROLE_BREAK:
        line_break(r);
        break;
    case ROLE_RULE:
        return tag->closes ? 0 : rule(r);
    case ROLE_LIST:
        list(r, tag);
        break;
    case ROLE_ITEM:
        item(r, tag);
        break;
    case ROLE_QUOTE:
        quote(r, tag);
        break;
    case ROLE_PRE:
        pre(r, tag);
        break;
    case ROLE_ROW:
        row(r);
        break;
    case ROLE_CELL:
        cell(r, tag->closes);
        break;
    case ROLE_LINK:
        return tag->closes ? link_end(r) : link_begin(r, tag);
    case ROLE_IMAGE:
        return image(r, tag);
    }
    return 0;
}

static int html_render(struct html_render *r, const char *html, size_t len)
{
    struct html_tokens tokens = html_tokens_over(html, len, r->walk);
    struct html_token token;
    bool after_pre = false;
    while (html_next(&tokens, &token) && !r->out->refused) {
        bool tag = token.name[0] != '\0';
        if (!tag && after_pre && token.text.len > 0 && token.text.bytes[0] == '\n')
            token.text = (struct span){token.text.bytes + 1, token.text.len - 1};
        uint32_t pres = r->pres;
        if ((tag ? render_tag(r, &token) : render_text(r, token.text)) < 0)
            return -1;
        after_pre = r->pres > pres;
    }
    return link_end(r);
}

int html_to_text(const char *html, size_t len, struct text_walk *walk, struct buffer *out)
{
    struct html_render r = {.walk = walk, .out = out, .begin = out->len};
    buffer_init(&r.link, HTML_URL_MAX);
    int result = html_render(&r, html, len);
    buffer_done(&r.link);
    return result;
}
