/* SPDX-License-Identifier: Apache-2.0 */
/* gmime-oracle.c - what GMime 3 reads in each of the files named: one line of JSON a file.
 *
 * For differential.py, which builds it where GMime is installed and runs it as a child: there are
 * messages that end GMime, and with it only this. */
#include <fcntl.h>
#include <gmime/gmime.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *text_or_null(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

static void add_addresses(json_t *out, InternetAddressList *list)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *one = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(one)) {
            InternetAddressList *members =
                internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one));
            if (members != NULL)
                add_addresses(out, members);
            continue;
        }
        const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one));
        json_array_append_new(out, json_pack("[o, o]", text_or_null(internet_address_get_name(one)),
                                             text_or_null(address)));
    }
}

static json_t *addresses(GMimeMessage *message, GMimeAddressType type)
{
    json_t *out = json_array();
    InternetAddressList *list = g_mime_message_get_addresses(message, type);
    if (list != NULL)
        add_addresses(out, list);
    return out;
}

/* Digest and size of the decoded bytes. */
static void add_content(json_t *out, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *memory = g_mime_stream_mem_new();
    if (content != NULL)
        g_mime_data_wrapper_write_to_stream(content, memory);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
    json_object_set_new(out, "size", json_integer(bytes->len));
    json_object_set_new(out, "sha256", json_string(digest));
    g_free(digest);
    g_object_unref(memory);
}

static void add_leaf(json_t *leaves, GMimeObject *object)
{
    json_t *leaf = json_object();
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *mime = g_mime_content_type_get_mime_type(type);
    json_object_set_new(leaf, "type", text_or_null(mime));
    json_object_set_new(leaf, "disposition", text_or_null(g_mime_object_get_disposition(object)));
    json_object_set_new(leaf, "content_id", text_or_null(g_mime_object_get_content_id(object)));
    g_free(mime);
    const char *name = g_mime_object_get_content_disposition_parameter(object, "filename");
    if (name == NULL)
        name = g_mime_object_get_content_type_parameter(object, "name");
    json_object_set_new(leaf, "filename", text_or_null(name));
    if (GMIME_IS_PART(object))
        add_content(leaf, GMIME_PART(object));
    if (GMIME_IS_TEXT_PART(object)) {
        char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
        json_object_set_new(leaf, "text", text_or_null(text));
        g_free(text);
    }
    json_array_append_new(leaves, leaf);
}

static void add_leaves(json_t *leaves, GMimeObject *object)
{
    if (!GMIME_IS_MULTIPART(object)) {
        add_leaf(leaves, object);
        return;
    }
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
        add_leaves(leaves, g_mime_multipart_get_part(GMIME_MULTIPART(object), i));
}

static json_t *date(GMimeMessage *message)
{
    GDateTime *when = g_mime_message_get_date(message);
    char *text = when != NULL ? g_date_time_format(when, "%Y-%m-%dT%H:%M:%S%:z") : NULL;
    json_t *value = text_or_null(text);
    g_free(text);
    return value;
}

static json_t *read_message(const char *path)
{
    json_t *out = json_object(), *leaves = json_array();
    GMimeStream *stream = g_mime_stream_fs_open(path, O_RDONLY, 0, NULL);
    if (stream == NULL)
        return out;
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    if (message != NULL) {
        json_object_set_new(out, "subject", text_or_null(g_mime_message_get_subject(message)));
        json_object_set_new(out, "message_id",
                            text_or_null(g_mime_message_get_message_id(message)));
        json_object_set_new(out, "from", addresses(message, GMIME_ADDRESS_TYPE_FROM));
        json_object_set_new(out, "to", addresses(message, GMIME_ADDRESS_TYPE_TO));
        json_object_set_new(out, "cc", addresses(message, GMIME_ADDRESS_TYPE_CC));
        json_object_set_new(out, "date", date(message));
        if (g_mime_message_get_mime_part(message) != NULL)
            add_leaves(leaves, g_mime_message_get_mime_part(message));
        json_object_set_new(out, "leaves", leaves);
        g_object_unref(message);
    }
    g_object_unref(parser);
    g_object_unref(stream);
    return out;
}

int main(int argc, char **argv)
{
    g_mime_init();
    for (int i = 1; i < argc; i++) {
        json_t *line = read_message(argv[i]);
        json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
    }
    return EXIT_SUCCESS;
}
