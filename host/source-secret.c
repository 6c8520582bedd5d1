/* SPDX-License-Identifier: Apache-2.0 */
/* source-secret.c - where the password of a stored source comes from. See source-secret.h. */
#include <config.h>
#include "source-secret.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char *const secret_names[SOURCE_SECRET_KINDS] = {
    [SOURCE_SECRET_STORED] = "stored",           [SOURCE_SECRET_COMMAND] = "command",
    [SOURCE_SECRET_FILE] = "file",               [SOURCE_SECRET_ENVIRONMENT] = "environment",
    [SOURCE_SECRET_CREDENTIAL] = "credential",   [SOURCE_SECRET_ASK] = "ask",
    [SOURCE_SECRET_NONE] = "none"};

const char *source_secret_name(enum source_secret_kind kind)
{
    return secret_names[kind];
}

int source_secret_kind(const char *name, enum source_secret_kind *out_kind)
{
    for (unsigned i = 0; i < SOURCE_SECRET_KINDS; i++) {
        if (!text_equal(name, secret_names[i]))
            continue;
        *out_kind = (enum source_secret_kind)i;
        return 0;
    }
    return -1;
}

int source_secret_set(struct queue_source *source, enum source_secret_kind kind, const char *text,
                      const struct vault *vault, const struct secret *secret, struct error *err)
{
    char *name = strdup(secret_names[kind]);
    uint8_t *kept = NULL;
    size_t size = 0;
    int bad = name == NULL ? error_oom(err, "setting a password") : 0;
    if (bad == 0 && kind == SOURCE_SECRET_STORED) {
        bad = vault_seal(vault, source->id, secret, &kept, &size, err);
    } else if (bad == 0 && text != NULL) {
        size = strlen(text);
        kept = (uint8_t *)strdup(text);
        bad = kept == NULL ? error_oom(err, "setting a password") : 0;
    }
    if (bad < 0) {
        free(name);
        return -1;
    }
    free(source->secret_kind);
    free(source->secret);
    source->secret_kind = name;
    source->secret = kept;
    source->secret_size = size;
    return 0;
}

static int secret_of_environment(const char *name, struct secret **out_secret, struct error *err)
{
    const char *value = secure_getenv(name); /* analyse: source_secret_read saw to NULL */
    if (value == NULL)
        return error_set(err, ERROR_CONFIG, "the environment variable '%.80s' with the password is "
                         "not set; set it where mailchute is started", name);
    return secret_from_bytes(value, strlen(value), "the environment", out_secret, err);
}

static int secret_of_credential(const char *name, struct secret **out_secret, struct error *err)
{
    if (strchr(name, '/') != NULL) /* analyse: the same */
        return error_set(err, ERROR_CONFIG, "'%.80s' is no name of a systemd credential", name);
    if (secret_from_credentials(name, out_secret, err) < 0)
        return -1;
    return *out_secret != NULL
               ? 0
               : error_set(err, ERROR_CONFIG, "there is no systemd credential '%.80s'; add "
                           "LoadCredentialEncrypted=%.80s:FILE to the unit", name, name);
}

/* When to stop. */
struct secret_stop {
    int (*cancelled)(void *context);
    void *context;
};

static int secret_of_kind(const struct queue_source *source, enum source_secret_kind kind,
                          const char *text, const struct vault *vault,
                          const struct secret_stop *stop, struct secret **out_secret,
                          struct error *err)
{
    switch (kind) {
    case SOURCE_SECRET_STORED:
        return vault_unseal(vault, source->id, source->secret, source->secret_size, out_secret,
                            err);
    case SOURCE_SECRET_COMMAND:
        return secret_from_command(text, SOURCE_SECRET_COMMAND_MS, stop->cancelled,
                                   stop->context, out_secret, err);
    case SOURCE_SECRET_FILE:
        return secret_from_file(text, out_secret, NULL, err);
    case SOURCE_SECRET_ENVIRONMENT:
        return secret_of_environment(text, out_secret, err);
    case SOURCE_SECRET_CREDENTIAL:
        return secret_of_credential(text, out_secret, err);
    default:
        *out_secret = NULL;
        return 0;
    }
}

int source_secret_read(const struct queue_source *source, const struct vault *vault,
                       int (*cancelled)(void *context), void *cancel_context,
                       struct secret **out_secret, struct error *err)
{
    const struct secret_stop stop = {cancelled, cancel_context};
    enum source_secret_kind kind;
    if (source_secret_kind(source->secret_kind, &kind) < 0)
        return error_set(err, ERROR_CONFIG, "source '%s': this mailchute knows no kind of password "
                         "'%.40s'; set it again", source->name, source->secret_kind);
    AUTO_TEXT text = NULL;
    if (source->secret != NULL && kind != SOURCE_SECRET_STORED) {
        text = strndup((const char *)source->secret, source->secret_size);
        if (text == NULL)
            return error_oom(err, "reading a password");
    }
    if (kind < SOURCE_SECRET_ASK && source->secret == NULL)
        return error_set(err, ERROR_CONFIG, "source '%s' has lost its password; set it again",
                         source->name);
    if (secret_of_kind(source, kind, text, vault, &stop, out_secret, err) == 0)
        return 0;
    error_prefix(err, "source '%s'", source->name);
    return -1;
}
