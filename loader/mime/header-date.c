/* SPDX-License-Identifier: Apache-2.0 */
/* header-date.c - dates. See header-date.h.
 *
 * The value is cut into tokens (numbers, words, signs), and each token says by its own shape what
 * it can be: a month has a name, a time has colons, a year has four digits. The order matters only
 * where numbers alone do not tell. */
#include <config.h>
#include "header-date.h"

#include <stdbool.h>
#include <string.h>

#include "header-comment.h"
#include "text.h"

#define WORD_MAX 12
#define TOKENS_MAX 64
#define NONE INT32_MIN

struct date {
    int32_t year, month, day, hour, minute, second, offset_min;
};

struct token {
    char kind; /* 'n' number, 'w' word, else the sign itself */
    int32_t number;
    uint32_t digits;
    char word[WORD_MAX]; /* lower case, cut */
    bool spaced;         /* white space or the start stands before it */
};

struct tokens {
    struct token at[TOKENS_MAX + 1]; /* the last is kind 0 */
    size_t count;
};

/* A comment; one that is not closed is all the rest. */
static void date_skip_comment(struct cursor *c)
{
    size_t length = header_comment_length(c);
    c->pos = length > 0 ? c->pos + length : c->len;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

static void date_token(struct cursor *c, struct token *t)
{
    int byte = cursor_peek(c);
    if (is_digit(byte)) {
        t->kind = 'n';
        for (; is_digit(cursor_peek(c)); c->pos++, t->digits++)
            if (t->digits < 9)
                t->number = t->number * 10 + (c->bytes[c->pos] - '0');
    } else if (is_letter(byte)) {
        t->kind = 'w';
        size_t n = 0;
        for (; is_letter(cursor_peek(c)); c->pos++)
            if (n < WORD_MAX - 1)
                t->word[n++] = text_lower((char)c->bytes[c->pos]);
    } else {
        t->kind = (char)byte;
        c->pos++;
    }
}

static void date_tokens(struct cursor c, struct tokens *out)
{
    *out = (struct tokens){.count = 0};
    bool spaced = true;
    while (c.pos < c.len && out->count < TOKENS_MAX) {
        int byte = cursor_peek(&c);
        if (byte <= ' ' || byte == 0x7F) {
            c.pos++;
            spaced = true;
        } else if (byte == '(') {
            date_skip_comment(&c);
            spaced = true;
        } else {
            out->at[out->count].spaced = spaced;
            date_token(&c, &out->at[out->count++]);
            spaced = false;
        }
    }
}

/* Months of mailers that asked their user's language: German, French, Spanish, Italian, Portuguese,
 * Dutch. By their first letters, in UTF-8 and in Latin-1. */
static int32_t date_foreign_month(const char *word)
{
    static const struct {
        char start[8];
        int32_t month;
    } starts[] = {
        {"sept", 9},         {"j\xC3\xA4n", 1},  {"j\xE4n", 1},       {"m\xC3\xA4r", 3},
        {"m\xE4r", 3},       {"mrz", 3},         {"mai", 5},          {"okt", 10},
        {"dez", 12},         {"janv", 1},        {"f\xC3\xA9v", 2},   {"f\xE9v", 2},
        {"fev", 2},          {"avr", 4},         {"juin", 6},         {"juil", 7},
        {"ao\xC3\xBBt", 8}, {"ao\xFBt", 8},     {"aout", 8},         {"d\xC3\xA9" "c", 12},
        {"d\xE9" "c", 12},   {"ene", 1},         {"abr", 4},          {"ago", 8},
        {"dic", 12},         {"gen", 1},         {"mag", 5},          {"giu", 6},
        {"lug", 7},          {"set", 9},         {"ott", 10},         {"out", 10},
        {"mrt", 3},          {"maa", 3},         {"mei", 5},
    };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(word, starts[i].start, strlen(starts[i].start)) == 0)
            return starts[i].month;
    return 0;
}

static int32_t date_month(const char *word)
{
    static const char months[12][10] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    size_t length = strlen(word);
    for (int32_t i = 0; i < 12 && length >= 3; i++)
        if (strncmp(months[i], word, length) == 0)
            return i + 1;
    return date_foreign_month(word);
}

static const struct zone {
    char name[6];
    int32_t offset_min;
} zones[] = {
    {"ut", 0},      {"utc", 0},    {"gmt", 0},    {"z", 0},       {"wet", 0},     {"west", 60},
    {"bst", 60},    {"ist", 330},  {"cet", 60},   {"met", 60},    {"mez", 60},    {"cest", 120},
    {"mest", 120},  {"mesz", 120}, {"eet", 120},  {"eest", 180},  {"msk", 180},   {"msd", 240},
    {"sast", 120},  {"est", -300}, {"edt", -240}, {"cst", -360},  {"cdt", -300},  {"mst", -420},
    {"mdt", -360},  {"pst", -480}, {"pdt", -420}, {"akst", -540}, {"akdt", -480}, {"hst", -600},
    {"hdt", -540},  {"ast", -240}, {"adt", -180}, {"nst", -210},  {"ndt", -150},  {"brt", -180},
    {"brst", -120}, {"art", -180}, {"clt", -240}, {"jst", 540},   {"kst", 540},   {"hkt", 480},
    {"sgt", 480},   {"awst", 480}, {"aest", 600}, {"aedt", 660},  {"acst", 570},  {"acdt", 630},
    {"nzst", 720},  {"nzdt", 780}, {"nzt", 720},  {"wib", 420},   {"ict", 420},   {"pkt", 300},
    {"trt", 180},   {"idt", 180},  {"wat", 60},   {"eat", 180},   {"cat", 120},   {"pht", 480},
    {"myt", 480},   {"swt", 60},   {"fst", 120},  {"fwt", 60},    {"dnt", 60},    {"dst", 120},
    {"bt", 180},    {"zp", 240},   {"samt", 240}, {"yekt", 300},  {"omst", 360},  {"krat", 420},
    {"irkt", 480},  {"yakt", 540}, {"vlat", 600}, {"gst", 240},   {"npt", 345},   {"sst", -660},
};

/* A named zone; single letters but Z are +00:00, the RFC had their signs wrong (s.4.3). */
static bool date_zone_name(const char *word, int32_t *out_offset)
{
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (strcmp(zones[i].name, word) == 0) {
            *out_offset = zones[i].offset_min;
            return true;
        }
    }
    return false;
}

/* hour ":" minute [":" second ["." digits]] ["am" | "pm"]; also with dots. Returns tokens used. */
static size_t date_time(const struct token *t, struct date *d)
{
    if (d->hour != NONE || t[0].kind != 'n' || t[0].digits > 2 ||
        (t[1].kind != ':' && t[1].kind != '.') || t[2].kind != 'n' || t[2].digits > 2)
        return 0;
    char colon = t[1].kind;
    bool seconds = t[3].kind == colon && t[4].kind == 'n' && t[4].digits <= 2;
    if (colon == '.' && (!seconds || t[0].number > 24 || d->day == NONE))
        return 0; /* 1.2.2026 is a date */
    d->hour = t[0].number;
    d->minute = t[2].number;
    d->second = seconds ? t[4].number : 0;
    size_t used = seconds ? 5 : 3;
    if (seconds && (t[used].kind == '.' || t[used].kind == ',') && t[used + 1].kind == 'n' &&
        !t[used + 1].spaced)
        used += 2; /* a fraction */
    if (t[used].kind == 'w' &&
        (strcmp(t[used].word, "am") == 0 || strcmp(t[used].word, "pm") == 0)) {
        if (d->hour <= 12)
            d->hour = d->hour % 12 + (t[used].word[0] == 'p' ? 12 : 0);
        used++;
    }
    return used;
}

/* [UT | GMT | UTC] ("+" | "-") (4DIGIT | 1*2DIGIT [":" 2DIGIT]), behind the time. Tokens used. */
static size_t date_offset(const struct token *t, struct date *d)
{
    if (d->hour == NONE || (t[0].kind != '+' && t[0].kind != '-') || t[1].kind != 'n')
        return 0;
    int32_t hours = t[1].number, minutes = 0;
    size_t used = 2;
    if (t[1].digits > 2) {
        minutes = t[1].number % 100;
        hours = t[1].number / 100;
    } else if (t[2].kind == ':' && t[3].kind == 'n' && t[3].digits == 2) {
        minutes = t[3].number;
        used = 4;
    }
    if (t[1].digits > 4 || hours > 24 || minutes > 59)
        hours = minutes = 0; /* nonsense: the time itself is still good */
    d->offset_min = (hours * 60 + minutes) * (t[0].kind == '-' ? -1 : 1);
    return used;
}

/* Year-month-day in numbers: 2026-03-01, 2026/3/1, 20260301. Tokens used. */
static size_t date_iso(const struct token *t, struct date *d)
{
    if (d->year != NONE || t[0].kind != 'n')
        return 0;
    if (t[0].digits == 8 && d->day == NONE) {
        d->year = t[0].number / 10000;
        d->month = t[0].number / 100 % 100;
        d->day = t[0].number % 100;
        return 1;
    }
    if (t[0].digits != 4 || (t[1].kind != '-' && t[1].kind != '/' && t[1].kind != '.') ||
        t[2].kind != 'n' || t[3].kind != t[1].kind || t[4].kind != 'n')
        return 0;
    d->year = t[0].number;
    d->month = t[2].number;
    d->day = t[4].number;
    return 5;
}

/* Day and month in numbers before the year: 1.3.2026, 3/1/2026 (month first with a slash, unless it
 * cannot be). Tokens used. */
static size_t date_numbers(const struct token *t, struct date *d)
{
    if (d->year != NONE || d->day != NONE || d->month != NONE || t[0].kind != 'n' ||
        (t[1].kind != '/' && t[1].kind != '.' && t[1].kind != '-') || t[2].kind != 'n' ||
        t[3].kind != t[1].kind || t[4].kind != 'n' || t[0].digits > 2 || t[2].digits > 2)
        return 0;
    bool month_first = (t[1].kind == '/' && t[0].number <= 12) || t[2].number > 12;
    d->month = month_first ? t[0].number : t[2].number;
    d->day = month_first ? t[2].number : t[0].number;
    d->year = t[4].number + (t[4].digits > 2 ? 0 : t[4].number < 50 ? 2000 : 1900);
    return 5;
}

/* A lone number: the day, else the year; six digits behind a date are a time. */
static void date_number(const struct token *t, struct date *d)
{
    if (t->digits == 6 && d->year != NONE && d->hour == NONE) { /* ISO 8601: 120000 */
        d->hour = t->number / 10000;
        d->minute = t->number / 100 % 100;
        d->second = t->number % 100;
    } else if (d->day == NONE && t->digits <= 2)
        d->day = t->number;
    else if (d->year == NONE && t->digits >= 2 && t->digits <= 4)
        d->year = t->digits == 2   ? t->number + (t->number < 50 ? 2000 : 1900)
                  : t->digits == 3 ? t->number + 1900
                                   : t->number; /* RFC 5322 s.4.3 */
}

static void date_word(const struct token *t, struct date *d)
{
    int32_t month = date_month(t->word), offset;
    if (month != 0 && d->month == NONE)
        d->month = month;
    else if (d->offset_min == NONE && d->hour != NONE && date_zone_name(t->word, &offset))
        d->offset_min = offset;
}

static void date_read(const struct tokens *tokens, struct date *d)
{
    for (size_t i = 0; i < tokens->count;) {
        const struct token *t = &tokens->at[i];
        static const struct token end = {0};
        struct token window[8];
        for (size_t k = 0; k < 8; k++)
            window[k] = i + k < tokens->count ? t[k] : end;
        size_t used = date_iso(window, d);
        if (used == 0)
            used = date_numbers(window, d);
        if (used == 0)
            used = date_time(window, d);
        if (used == 0)
            used = date_offset(window, d);
        if (used == 0 && t->kind == 'n')
            date_number(t, d);
        if (used == 0 && t->kind == 'w' && !(i == 0 && window[1].kind == ','))
            date_word(t, d); /* else a weekday: "mar, 7 avr 2026" */
        i += used == 0 ? 1 : used;
    }
}

static bool date_is_valid(const struct date *d)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return d->year != NONE && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= days[d->month - 1] && d->year >= 0 && d->year <= 9999 && d->hour >= 0 &&
           d->hour <= 24 && d->minute >= 0 && d->minute <= 59 && d->second >= 0 && d->second <= 60;
}

int header_parse_date(struct span value, char out[CLOCK_RFC3339_MAX])
{
    struct tokens tokens;
    struct date d = {NONE, NONE, NONE, NONE, NONE, NONE, NONE};
    out[0] = '\0';
    date_tokens(cursor_over(value.bytes, value.len), &tokens);
    date_read(&tokens, &d);
    if (d.hour == NONE)
        d.hour = d.minute = d.second = 0;
    if (d.offset_min == NONE)
        d.offset_min = 0;
    if (!date_is_valid(&d))
        return -1;
    int64_t unix_s = clock_unix_from_date(d.year, (uint32_t)d.month, (uint32_t)d.day,
                                          (uint32_t)d.hour, (uint32_t)d.minute, (uint32_t)d.second);
    clock_rfc3339(unix_s - (int64_t)d.offset_min * 60, d.offset_min, out);
    return out[0] != '\0' ? 0 : -1;
}
