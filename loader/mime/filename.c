/* SPDX-License-Identifier: Apache-2.0 */
/* filename.c - names of attachments. See filename.h. */
#include <config.h>
#include "filename.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "cleanup.h"
#include "mail.h"
#include "text.h"

#define EXTENSION_MAX 32 /* bytes; a longer one is part of the name */

static char *filename_base(char *name)
{
    char *base = name;
    for (char *at = name; *at != '\0'; at++)
        if ((*at == '/' || *at == '\\') && at[1] != '\0')
            base = at + 1;
    return base;
}

/* One character of the name that a path must not have: 0 = fine, else what comes instead; ' ' means
 * nothing at all. */
static char filename_instead(const uint8_t *at, size_t length)
{
    if (length == 0)
        return '_';
    if (length == 1 && (at[0] < 0x20 || at[0] == 0x7F))
        return at[0] == '\t' ? '_' : ' ';
    if (length == 1 && (at[0] == '/' || at[0] == '\\'))
        return '_';
    if (length == 2 && ((at[0] == 0xC2 && at[1] < 0xA0) || /* C1 */
                        (at[0] == 0xD8 && at[1] == 0x9C))) /* U+061C */
        return ' ';
    if (length == 3 && at[0] == 0xE2 && at[1] == 0x80 &&
        ((at[2] >= 0x8B && at[2] <= 0x8F) || (at[2] >= 0xA8 && at[2] <= 0xAE)))
        return ' '; /* U+200B..U+200F, U+2028..U+202E */
    if (length == 3 && at[0] == 0xE2 && at[1] == 0x81 && at[2] >= 0xA0 && at[2] <= 0xAF)
        return ' '; /* U+2060..U+206F */
    return length == 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0 ? ' ' : 0;
}

static int filename_characters(const char *name, struct buffer *out)
{
    const uint8_t *at = (const uint8_t *)name;
    size_t left = strlen(name);
    while (left > 0) {
        size_t length = text_utf8_length(at, left);
        char instead = filename_instead(at, length);
        if (instead == 0 && buffer_append(out, at, length) < 0)
            return -1;
        if (instead == '_' && buffer_append_byte(out, '_') < 0)
            return -1;
        length = length == 0 ? 1 : length;
        at += length;
        left -= length;
    }
    return 0;
}

/* Spaces at both ends and dots at the end: Windows drops them, people do not see them. */
static void filename_trim(struct buffer *b)
{
    size_t from = 0;
    while (from < b->len && b->data[from] == ' ')
        from++;
    buffer_drop(b, from);
    while (b->len > 0 && (b->data[b->len - 1] == ' ' || b->data[b->len - 1] == '.'))
        buffer_truncate(b, b->len - 1);
}

/* CON, PRN, AUX, NUL, COM0..9, LPT0..9, with or without an extension. */
static bool filename_is_reserved(const char *name)
{
    size_t stem = strcspn(name, ".");
    while (stem > 0 && name[stem - 1] == ' ')
        stem--;
    if (stem == 3)
        return text_starts_nocase(name, "con") || text_starts_nocase(name, "prn") ||
               text_starts_nocase(name, "aux") || text_starts_nocase(name, "nul");
    return stem == 4 && name[3] >= '0' && name[3] <= '9' &&
           (text_starts_nocase(name, "com") || text_starts_nocase(name, "lpt"));
}

/* Cut what is too long before its extension. */
static int filename_shorten(struct buffer *b)
{
    if (b->len <= MAIL_FILENAME_MAX)
        return 0;
    const char *dot = strrchr(b->data, '.');
    size_t extension = dot != NULL ? b->len - (size_t)(dot - b->data) : 0;
    if (extension > EXTENSION_MAX)
        extension = 0;
    AUTO_DONE(buffer) whole;
    buffer_init(&whole, MAIL_FILENAME_MAX);
    size_t stem = MAIL_FILENAME_MAX - extension;
    while (((uint8_t)b->data[stem] & 0xC0) == 0x80)
        stem--;
    if (buffer_append(&whole, b->data, stem) < 0 ||
        buffer_append(&whole, b->data + b->len - extension, extension) < 0)
        return -1;
    buffer_clear(b);
    return buffer_append(b, whole.data, whole.len);
}

char *filename_clean(const char *name)
{
    AUTO_TEXT copy = strdup(name);
    AUTO_DONE(buffer) b;
    buffer_init(&b, SIZE_MAX);
    if (copy == NULL || filename_characters(filename_base(copy), &b) < 0)
        return NULL;
    filename_trim(&b);
    if (filename_is_reserved(buffer_text(&b))) {
        AUTO_TEXT plain = buffer_take(&b);
        if (plain == NULL || buffer_append_byte(&b, '_') < 0 || buffer_append_text(&b, plain) < 0)
            return NULL;
    }
    if (filename_shorten(&b) < 0)
        return NULL;
    filename_trim(&b);
    return buffer_take(&b);
}

static const struct filename_type {
    const char *type, *extension;
} filename_types[] = {
    {"application/epub+zip", ".epub"},
    {"application/gzip", ".gz"},
    {"application/javascript", ".js"},
    {"application/json", ".json"},
    {"application/ld+json", ".jsonld"},
    {"application/mac-binhex40", ".hqx"},
    {"application/ms-tnef", ".dat"},
    {"application/msword", ".doc"},
    {"application/octet-stream", ".bin"},
    {"application/ogg", ".ogx"},
    {"application/pdf", ".pdf"},
    {"application/pgp-encrypted", ".asc"},
    {"application/pgp-keys", ".asc"},
    {"application/pgp-signature", ".asc"},
    {"application/pkcs7-mime", ".p7m"},
    {"application/pkcs7-signature", ".p7s"},
    {"application/pkix-cert", ".cer"},
    {"application/postscript", ".ps"},
    {"application/rtf", ".rtf"},
    {"application/vnd.ms-excel", ".xls"},
    {"application/vnd.ms-outlook", ".msg"},
    {"application/vnd.ms-powerpoint", ".ppt"},
    {"application/vnd.ms-tnef", ".dat"},
    {"application/vnd.oasis.opendocument.presentation", ".odp"},
    {"application/vnd.oasis.opendocument.spreadsheet", ".ods"},
    {"application/vnd.oasis.opendocument.text", ".odt"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"},
    {"application/vnd.rar", ".rar"},
    {"application/x-7z-compressed", ".7z"},
    {"application/x-bzip2", ".bz2"},
    {"application/x-compressed-tar", ".tgz"},
    {"application/x-gzip", ".gz"},
    {"application/x-javascript", ".js"},
    {"application/x-ms-tnef", ".dat"},
    {"application/x-msdownload", ".exe"},
    {"application/x-pkcs12", ".p12"},
    {"application/x-pkcs7-mime", ".p7m"},
    {"application/x-pkcs7-signature", ".p7s"},
    {"application/x-rar-compressed", ".rar"},
    {"application/x-sh", ".sh"},
    {"application/x-shockwave-flash", ".swf"},
    {"application/x-tar", ".tar"},
    {"application/x-x509-ca-cert", ".crt"},
    {"application/x-zip-compressed", ".zip"},
    {"application/xhtml+xml", ".xhtml"},
    {"application/xml", ".xml"},
    {"application/zip", ".zip"},
    {"audio/aac", ".aac"},
    {"audio/amr", ".amr"},
    {"audio/basic", ".au"},
    {"audio/flac", ".flac"},
    {"audio/midi", ".mid"},
    {"audio/mp3", ".mp3"},
    {"audio/mp4", ".m4a"},
    {"audio/mpeg", ".mp3"},
    {"audio/ogg", ".ogg"},
    {"audio/opus", ".opus"},
    {"audio/wav", ".wav"},
    {"audio/x-wav", ".wav"},
    {"font/otf", ".otf"},
    {"font/ttf", ".ttf"},
    {"font/woff", ".woff"},
    {"font/woff2", ".woff2"},
    {"image/avif", ".avif"},
    {"image/bmp", ".bmp"},
    {"image/gif", ".gif"},
    {"image/heic", ".heic"},
    {"image/jpeg", ".jpg"},
    {"image/jpg", ".jpg"},
    {"image/pjpeg", ".jpg"},
    {"image/png", ".png"},
    {"image/svg+xml", ".svg"},
    {"image/tiff", ".tif"},
    {"image/vnd.microsoft.icon", ".ico"},
    {"image/webp", ".webp"},
    {"image/x-icon", ".ico"},
    {"image/x-png", ".png"},
    {"image/x-xbitmap", ".xbm"},
    {"message/delivery-status", ".txt"},
    {"message/disposition-notification", ".txt"},
    {"message/feedback-report", ".txt"},
    {"message/global", ".eml"},
    {"message/global-delivery-status", ".txt"},
    {"message/global-headers", ".txt"},
    {"message/rfc822", ".eml"},
    {"model/gltf-binary", ".glb"},
    {"text/calendar", ".ics"},
    {"text/css", ".css"},
    {"text/csv", ".csv"},
    {"text/directory", ".vcf"},
    {"text/enriched", ".txt"},
    {"text/html", ".html"},
    {"text/javascript", ".js"},
    {"text/markdown", ".md"},
    {"text/plain", ".txt"},
    {"text/richtext", ".rtx"},
    {"text/rfc822-headers", ".txt"},
    {"text/rtf", ".rtf"},
    {"text/tab-separated-values", ".tsv"},
    {"text/vcard", ".vcf"},
    {"text/x-amp-html", ".html"},
    {"text/x-diff", ".diff"},
    {"text/x-patch", ".patch"},
    {"text/x-vcalendar", ".vcs"},
    {"text/x-vcard", ".vcf"},
    {"text/xml", ".xml"},
    {"video/mp4", ".mp4"},
    {"video/mpeg", ".mpg"},
    {"video/ogg", ".ogv"},
    {"video/quicktime", ".mov"},
    {"video/webm", ".webm"},
    {"video/x-ms-wmv", ".wmv"},
    {"video/x-msvideo", ".avi"},
};

const char *filename_extension(const char *content_type)
{
    for (size_t i = 0; i < sizeof filename_types / sizeof filename_types[0]; i++)
        if (text_equal_nocase(filename_types[i].type, content_type))
            return filename_types[i].extension;
    if (content_type != NULL && text_starts_nocase(content_type, "text/"))
        return ".txt";
    return ".bin";
}
