/* SPDX-License-Identifier: Apache-2.0 */
/* rtf.c - RTF to HTML or text. See rtf.h; RTF 1.9.1, MS-OXRTFEX s.3.1.
 *
 * A tokeniser, one byte a step, and a stack of groups. What text does depends on the destination it
 * is in: BODY and HTMLTAG go out, FONTS tells code pages, SKIP is nothing. In HTML mode text
 * between \htmlrtf and \htmlrtf0 is RTF's own and stays in; htmltag groups hold what RTF could not
 * say. */
#include <config.h>
#include "rtf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codepage.h"
#include "rtf-output.h"

#define RTF_NUMBER_MAX 1000000000 /* a longer parameter stays there */

enum rtf_token { RTF_TEXT, RTF_BACKSLASH, RTF_WORD, RTF_NUMBER, RTF_HEX_1, RTF_HEX_2, RTF_BINARY };
enum rtf_dest { RTF_BODY, RTF_HTMLTAG, RTF_FONTS, RTF_SKIP };

struct rtf_group {
    uint8_t dest;  /* enum rtf_dest */
    bool rtf_only; /* \htmlrtf */
    bool hidden;   /* \v */
    uint8_t uc;    /* substitutes behind \uN */
    uint16_t font;
};

struct rtf_reader {
    struct rtf_output output;
    enum rtf_token token;
    bool html, ended;
    bool ignorable; /* \* was there: an unknown destination is skipped */
    bool negative, has_number;
    uint8_t hex;
    uint8_t word_len; /* RTF_WORD_MAX + 1: too long to be one */
    char word[RTF_WORD_MAX + 1];
    int32_t number;
    uint32_t binary;    /* bytes of \binN still to come */
    uint32_t skip;      /* substitutes behind \uN still to come */
    uint32_t page;      /* of fonts that name none */
    uint16_t def_font;
    uint16_t new_font;  /* FONTS: the one that is described */
    size_t depth;       /* groups open */
    struct rtf_group group; /* the innermost */
    struct rtf_group outer[RTF_DEPTH_MAX];
    uint16_t font_pages[RTF_FONT_MAX + 1]; /* 0: says nothing */
};

struct rtf_reader *rtf_reader_new(struct buffer *out)
{
    struct rtf_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    rtf_output_init(&r->output, out);
    r->page = CODEPAGE_DEFAULT;
    r->group.uc = 1;
    return r;
}

void rtf_reader_free(struct rtf_reader *r)
{
    if (r == NULL)
        return;
    rtf_output_done(&r->output);
    free(r);
}

/* Text goes out here and now. */
static bool rtf_is_shown(const struct rtf_reader *r)
{
    const struct rtf_group *g = &r->group;
    if (r->depth == 0 || r->ended || (g->hidden && !r->html))
        return false;
    return g->dest == RTF_HTMLTAG ? r->html : g->dest == RTF_BODY && !(r->html && g->rtf_only);
}

static int rtf_show(struct rtf_reader *r, const char *ascii)
{
    return rtf_is_shown(r) ? rtf_output_text(&r->output, ascii) : 0;
}

/* One byte of text, literally or as \'xx. */
static int rtf_char(struct rtf_reader *r, uint8_t byte)
{
    if (r->skip > 0) {
        r->skip--;
        return 0;
    }
    if (!rtf_is_shown(r))
        return 0;
    uint16_t page = r->font_pages[r->group.font];
    return rtf_output_byte(&r->output, page != 0 ? page : r->page, byte);
}

static void rtf_open_group(struct rtf_reader *r)
{
    r->skip = 0;
    r->ignorable = false;
    if (r->depth < RTF_DEPTH_MAX)
        r->outer[r->depth] = r->group;
    r->depth++;
}

static void rtf_close_group(struct rtf_reader *r)
{
    r->skip = 0;
    r->ignorable = false;
    if (r->depth == 0)
        return;
    r->depth--;
    if (r->depth < RTF_DEPTH_MAX)
        r->group = r->outer[r->depth];
    r->ended = r->depth == 0;
}

/* -- control words -- */

enum rtf_action {
    RTF_SHOW,      /* text, another one in HTML */
    RTF_TO_DEST,   /* the group is this destination */
    RTF_CHARACTER, /* \uN */
    RTF_SUBSTITUTES,
    RTF_SET_FONT,
    RTF_SET_DEF_FONT,
    RTF_SET_PAGE,  /* of the whole text; the parameter, else value */
    RTF_SET_FONT_PAGE,
    RTF_SET_FONT_CHARSET,
    RTF_SET_HTML,
    RTF_SET_RTF_ONLY,
    RTF_SET_HIDDEN,
    RTF_SET_PLAIN,
    RTF_SKIP_BYTES
};

struct rtf_word {
    const char *name;
    enum rtf_action action;
    uint32_t value;
    const char *text, *html;
};

#define BREAK "\n", "\r\n"

/* Sorted by name. */
static const struct rtf_word rtf_words[] = {
    {"ansi", RTF_SET_PAGE, 1252, NULL, NULL},
    {"ansicpg", RTF_SET_PAGE, 0, NULL, NULL},
    {"bin", RTF_SKIP_BYTES, 0, NULL, NULL},
    {"bullet", RTF_SHOW, 0, "*", "&bull;"},
    {"cell", RTF_SHOW, 0, "\t", ""},
    {"colortbl", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"cpg", RTF_SET_FONT_PAGE, 0, NULL, NULL},
    {"deff", RTF_SET_DEF_FONT, 0, NULL, NULL},
    {"emdash", RTF_SHOW, 0x2014, NULL, "&mdash;"},
    {"emspace", RTF_SHOW, 0x2003, NULL, "&emsp;"},
    {"endash", RTF_SHOW, 0x2013, NULL, "&ndash;"},
    {"enspace", RTF_SHOW, 0x2002, NULL, "&ensp;"},
    {"f", RTF_SET_FONT, 0, NULL, NULL},
    {"fcharset", RTF_SET_FONT_CHARSET, 0, NULL, NULL},
    {"filetbl", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"fldinst", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"fonttbl", RTF_TO_DEST, RTF_FONTS, NULL, NULL},
    {"footer", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"footerf", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"footerl", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"footerr", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"fromhtml", RTF_SET_HTML, 0, NULL, NULL},
    {"header", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"headerf", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"headerl", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"headerr", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"htmlrtf", RTF_SET_RTF_ONLY, 0, NULL, NULL},
    {"htmltag", RTF_TO_DEST, RTF_HTMLTAG, NULL, NULL},
    {"info", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"ldblquote", RTF_SHOW, 0x201C, NULL, "&ldquo;"},
    {"line", RTF_SHOW, 0, BREAK},
    {"lquote", RTF_SHOW, 0x2018, NULL, "&lsquo;"},
    {"mac", RTF_SET_PAGE, 10000, NULL, NULL},
    {"mhtmltag", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"nestcell", RTF_SHOW, 0, "\t", ""},
    {"nestrow", RTF_SHOW, 0, "\n", ""},
    {"nonshppict", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"objdata", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"page", RTF_SHOW, 0, "\n", ""},
    {"par", RTF_SHOW, 0, BREAK},
    {"pc", RTF_SET_PAGE, 437, NULL, NULL},
    {"pca", RTF_SET_PAGE, 850, NULL, NULL},
    {"pict", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"plain", RTF_SET_PLAIN, 0, NULL, NULL},
    {"rdblquote", RTF_SHOW, 0x201D, NULL, "&rdquo;"},
    {"row", RTF_SHOW, 0, "\n", ""},
    {"rquote", RTF_SHOW, 0x2019, NULL, "&rsquo;"},
    {"sect", RTF_SHOW, 0, "\n", ""},
    {"stylesheet", RTF_TO_DEST, RTF_SKIP, NULL, NULL},
    {"tab", RTF_SHOW, 0, "\t", "\t"},
    {"u", RTF_CHARACTER, 0, NULL, NULL},
    {"uc", RTF_SUBSTITUTES, 0, NULL, NULL},
    {"v", RTF_SET_HIDDEN, 0, NULL, NULL},
};

static int rtf_compare_word(const void *name, const void *row)
{
    return strcmp(name, ((const struct rtf_word *)row)->name);
}

/* \fcharsetN, the character sets of Windows, as code pages. */
static uint16_t rtf_charset_page(int32_t charset)
{
    static const struct {
        uint8_t charset;
        uint16_t page;
    } pages[] = {{0, 1252},   {2, 1252},   {77, 10000}, {128, 932},  {129, 949},  {130, 1361},
                 {134, 936},  {136, 950},  {161, 1253}, {162, 1254}, {163, 1258}, {177, 1255},
                 {178, 1256}, {186, 1257}, {204, 1251}, {222, 874},  {238, 1250}, {254, 437},
                 {255, 850}};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (pages[i].charset == charset)
            return pages[i].page;
    return 0;
}

static int rtf_show_word(struct rtf_reader *r, const struct rtf_word *word)
{
    bool is_break = word->text != NULL && word->text[0] == '\n';
    if (r->skip > 0 && !is_break) {
        r->skip--; /* it stands for a character that \uN has said */
        return 0;
    }
    r->skip = 0;
    if (r->html)
        return rtf_show(r, word->html);
    if (word->text != NULL)
        return rtf_show(r, word->text);
    return rtf_is_shown(r) ? rtf_output_utf16(&r->output, (uint16_t)word->value) : 0;
}

static int rtf_show_unicode(struct rtf_reader *r)
{
    r->skip = r->group.uc;
    if (!r->has_number || r->number < INT16_MIN || r->number > UINT16_MAX || !rtf_is_shown(r))
        return 0;
    return rtf_output_utf16(&r->output, (uint16_t)r->number);
}

static void rtf_set_dest(struct rtf_reader *r, enum rtf_dest dest)
{
    if (r->group.dest == RTF_SKIP || (dest == RTF_HTMLTAG && !r->html))
        dest = RTF_SKIP;
    r->group.dest = (uint8_t)dest;
}

static void rtf_set_font(struct rtf_reader *r)
{
    if (r->number < 0 || r->number > (int32_t)RTF_FONT_MAX)
        return;
    if (r->group.dest == RTF_FONTS)
        r->new_font = (uint16_t)r->number;
    else
        r->group.font = (uint16_t)r->number;
}

static void rtf_set_font_page(struct rtf_reader *r, uint32_t page)
{
    if (r->group.dest == RTF_FONTS && page <= UINT16_MAX)
        r->font_pages[r->new_font] = (uint16_t)page;
}

/* Words that change what comes behind. */
static void rtf_set(struct rtf_reader *r, const struct rtf_word *word)
{
    uint32_t number = r->number > 0 ? (uint32_t)r->number : 0;
    switch (word->action) {
    case RTF_TO_DEST:
        rtf_set_dest(r, (enum rtf_dest)word->value);
        break;
    case RTF_SUBSTITUTES:
        r->group.uc = number < UINT8_MAX ? (uint8_t)number : UINT8_MAX;
        break;
    case RTF_SET_FONT:
        rtf_set_font(r);
        break;
    case RTF_SET_DEF_FONT:
        rtf_set_font(r);
        r->def_font = r->group.font;
        break;
    case RTF_SET_PAGE:
        if (word->value != 0 || number != 0)
            r->page = word->value != 0 ? word->value : number;
        break;
    case RTF_SET_FONT_PAGE:
        rtf_set_font_page(r, number);
        break;
    case RTF_SET_FONT_CHARSET:
        rtf_set_font_page(r, rtf_charset_page(r->number));
        break;
    case RTF_SET_HTML:
        r->html = !r->has_number || number != 0;
        break;
    case RTF_SET_RTF_ONLY:
        r->group.rtf_only = !r->has_number || number != 0;
        break;
    case RTF_SET_HIDDEN:
        r->group.hidden = !r->has_number || number != 0;
        break;
    case RTF_SET_PLAIN:
        r->group.hidden = false;
        r->group.font = r->def_font;
        break;
    case RTF_SKIP_BYTES:
        r->binary = number;
        break;
    case RTF_SHOW:
    case RTF_CHARACTER:
        break;
    }
}

/* A control word is complete, its delimiter is not looked at yet. */
static int rtf_end_word(struct rtf_reader *r)
{
    if (r->negative)
        r->number = -r->number;
    bool ignorable = r->ignorable;
    r->ignorable = false;
    r->token = RTF_TEXT;
    const struct rtf_word *word = NULL;
    if (r->word_len <= RTF_WORD_MAX) {
        r->word[r->word_len] = '\0';
        word = bsearch(r->word, rtf_words, sizeof rtf_words / sizeof *rtf_words, sizeof *rtf_words,
                       rtf_compare_word);
    }
    if (word == NULL) {
        if (ignorable)
            rtf_set_dest(r, RTF_SKIP);
        return 0;
    }
    if (word->action == RTF_SHOW)
        return rtf_show_word(r, word);
    if (word->action == RTF_CHARACTER)
        return rtf_show_unicode(r);
    rtf_set(r, word);
    if (r->binary > 0)
        r->token = RTF_BINARY;
    return 0;
}

/* -- tokens -- */

/* A backslash and one character that is no letter. */
static int rtf_symbol(struct rtf_reader *r, uint8_t byte)
{
    static const struct rtf_word nbsp = {"~", RTF_SHOW, 0xA0, NULL, "&nbsp;"};
    static const struct rtf_word hyphen = {"_", RTF_SHOW, 0, "-", "&shy;"};
    static const struct rtf_word par = {"\n", RTF_SHOW, 0, BREAK};
    r->token = RTF_TEXT;
    switch (byte) {
    case '\'':
        r->token = RTF_HEX_1;
        return 0;
    case '*':
        r->ignorable = true;
        return 0;
    case '{':
    case '}':
    case '\\':
        return rtf_char(r, byte);
    case '~':
        return rtf_show_word(r, &nbsp);
    case '_':
        return rtf_show_word(r, &hyphen);
    case '\r':
    case '\n':
        return rtf_show_word(r, &par);
    default:
        return 0;
    }
}

static bool rtf_is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static int rtf_hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int rtf_text(struct rtf_reader *r, uint8_t byte)
{
    switch (byte) {
    case '{':
        rtf_open_group(r);
        return 0;
    case '}':
        rtf_close_group(r);
        return 0;
    case '\\':
        r->token = RTF_BACKSLASH;
        return 0;
    case '\r':
    case '\n':
    case '\0':
        return 0;
    default:
        return rtf_char(r, byte);
    }
}

static int rtf_backslash(struct rtf_reader *r, uint8_t byte)
{
    if (!rtf_is_letter(byte))
        return rtf_symbol(r, byte);
    r->token = RTF_WORD;
    r->word[0] = (char)byte;
    r->word_len = 1;
    r->number = 0;
    r->negative = r->has_number = false;
    return 0;
}

/* Letters, then perhaps a number; a space behind it belongs to the word. */
static int rtf_in_word(struct rtf_reader *r, uint8_t byte)
{
    if (r->token == RTF_WORD && rtf_is_letter(byte)) {
        if (r->word_len < RTF_WORD_MAX)
            r->word[r->word_len++] = (char)byte;
        else
            r->word_len = RTF_WORD_MAX + 1;
        return 0;
    }
    if (r->token == RTF_WORD && byte == '-') {
        r->negative = true;
        r->token = RTF_NUMBER;
        return 0;
    }
    if (byte >= '0' && byte <= '9') {
        r->token = RTF_NUMBER;
        r->has_number = true;
        r->number =
            r->number < RTF_NUMBER_MAX / 10 ? r->number * 10 + (byte - '0') : RTF_NUMBER_MAX;
        return 0;
    }
    if (rtf_end_word(r) < 0)
        return -1;
    if (byte == ' ')
        return 0;
    if (r->token == RTF_BINARY) {
        if (--r->binary == 0)
            r->token = RTF_TEXT;
        return 0;
    }
    return rtf_text(r, byte);
}

static int rtf_hex(struct rtf_reader *r, uint8_t byte)
{
    int value = rtf_hex_value(byte);
    if (value < 0) {
        r->token = RTF_TEXT; /* no hex: what stands there is text */
        return rtf_text(r, byte);
    }
    r->hex = (uint8_t)(r->hex << 4 | value);
    r->token = r->token == RTF_HEX_1 ? RTF_HEX_2 : RTF_TEXT;
    return r->token == RTF_TEXT ? rtf_char(r, r->hex) : 0;
}

static int rtf_byte(struct rtf_reader *r, uint8_t byte)
{
    switch (r->token) {
    case RTF_TEXT:
        return rtf_text(r, byte);
    case RTF_BACKSLASH:
        return rtf_backslash(r, byte);
    case RTF_WORD:
    case RTF_NUMBER:
        return rtf_in_word(r, byte);
    case RTF_HEX_1:
    case RTF_HEX_2:
        return rtf_hex(r, byte);
    case RTF_BINARY:
        break;
    }
    return 0;
}

/* How many bytes from here are plain text that needs no look at each. */
static size_t rtf_plain(const struct rtf_reader *r, const uint8_t *bytes, size_t count)
{
    size_t n = 0;
    if (r->token != RTF_TEXT || r->skip > 0 || r->depth == 0)
        return 0;
    while (n < count && bytes[n] >= 0x20 && bytes[n] < 0x7F && bytes[n] != '\\' &&
           bytes[n] != '{' && bytes[n] != '}')
        n++;
    return n;
}

int rtf_reader_feed(struct rtf_reader *r, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count && !r->ended; i++) {
        size_t plain = rtf_plain(r, bytes + i, count - i);
        if (plain > 0) {
            if (rtf_is_shown(r) && rtf_output_ascii(&r->output, bytes + i, plain) < 0)
                return -1;
            i += plain - 1;
        } else if (r->token == RTF_BINARY) {
            size_t skip = count - i < r->binary ? count - i : r->binary;
            r->binary -= (uint32_t)skip;
            i += skip - 1;
            if (r->binary == 0)
                r->token = RTF_TEXT;
        } else if (rtf_byte(r, bytes[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int rtf_reader_finish(struct rtf_reader *r, enum rtf_kind *out_kind)
{
    if (r->token == RTF_WORD || r->token == RTF_NUMBER)
        if (rtf_end_word(r) < 0)
            return -1;
    *out_kind = r->html ? RTF_IS_HTML : RTF_IS_TEXT;
    return rtf_output_flush(&r->output);
}
