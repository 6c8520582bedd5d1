/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the one table of the REST interface. See route.h. */
#include <config.h>
#include "route.h"

#include <stdio.h>
#include <string.h>

#include "access.h"
#include "api.h"

static const struct route routes[] = {
    {HTTP_GET, "auth/setup", ACCESS_NOBODY, HTTP_QUICK, false, false, NULL, api_setup_needed},
    {HTTP_POST, "auth/setup", ACCESS_NOBODY, HTTP_HASH, true, false, "user.setup", api_setup},
    {HTTP_POST, "auth/login", ACCESS_NOBODY, HTTP_HASH, true, false, "user.login", api_login},
    {HTTP_POST, "auth/logout", ACCESS_VIEWER, HTTP_QUICK, false, false, "user.logout", api_logout},
    {HTTP_POST, "auth/password", ACCESS_VIEWER, HTTP_HASH, true, false, "user.password",
     api_password},
    {HTTP_GET, "auth/me", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_me},
    {HTTP_GET, "users", ACCESS_ADMIN, HTTP_QUICK, false, false, NULL, api_user_list},
    {HTTP_POST, "users", ACCESS_ADMIN, HTTP_HASH, true, false, "user.create", api_user_create},
    {HTTP_DELETE, "users/{id}", ACCESS_ADMIN, HTTP_QUICK, false, false, "user.delete",
     api_user_delete},
    {HTTP_GET, "api-keys", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_key_list},
    {HTTP_POST, "api-keys", ACCESS_VIEWER, HTTP_QUICK, true, false, "key.create", api_key_create},
    {HTTP_DELETE, "api-keys/{id}", ACCESS_VIEWER, HTTP_QUICK, false, false, "key.delete",
     api_key_delete},
    {HTTP_GET, "audit", ACCESS_ADMIN, HTTP_QUICK, false, false, NULL, api_audit},
    {HTTP_GET, "ingestion-sources", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_source_list},
    {HTTP_POST, "ingestion-sources", ACCESS_ADMIN, HTTP_REMOTE, true, false, "source.create",
     api_source_create},
    {HTTP_GET, "ingestion-sources/{id}", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL,
     api_source_get},
    {HTTP_PUT, "ingestion-sources/{id}", ACCESS_ADMIN, HTTP_REMOTE, true, false, "source.update",
     api_source_update},
    {HTTP_DELETE, "ingestion-sources/{id}", ACCESS_ADMIN, HTTP_QUICK, false, false, "source.delete",
     api_source_delete},
    {HTTP_POST, "ingestion-sources/{id}/import", ACCESS_OPERATOR, HTTP_QUICK, true, false,
     "source.import", api_source_import},
    {HTTP_POST, "ingestion-sources/{id}/pause", ACCESS_OPERATOR, HTTP_QUICK, true, false,
     "source.pause", api_source_pause},
    {HTTP_POST, "ingestion-sources/{id}/resume", ACCESS_OPERATOR, HTTP_QUICK, true, false,
     "source.resume", api_source_resume},
    {HTTP_POST, "ingestion-sources/{id}/sync", ACCESS_OPERATOR, HTTP_QUICK, true, false,
     "source.sync", api_source_sync},
    {HTTP_GET, "ingestion-sources/{id}/stats", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL,
     api_source_stats},
    {HTTP_POST, "test", ACCESS_ADMIN, HTTP_REMOTE, true, false, "source.test", api_test},
    {HTTP_GET, "test/{id}", ACCESS_ADMIN, HTTP_QUICK, false, false, NULL, api_test_steps},
    {HTTP_GET, "loaders", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_loaders},
    {HTTP_GET, "queues", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_queue_list},
    {HTTP_GET, "entries", ACCESS_VIEWER, HTTP_QUICK, false, false, NULL, api_entry_list},
    {HTTP_POST, "entries/take", ACCESS_OPERATOR, HTTP_QUICK, true, false, "entry.take",
     api_entry_take},
    {HTTP_GET, "entries/{id}", ACCESS_VIEWER, HTTP_QUICK, false, false,
     "entry.read", api_entry_get},
    {HTTP_GET, "entries/{id}/raw", ACCESS_VIEWER, HTTP_QUICK, false, false,
     "entry.raw", api_entry_raw},
    {HTTP_GET, "entries/{id}/html", ACCESS_VIEWER, HTTP_QUICK, false, false,
     "entry.html", api_entry_html},
    {HTTP_GET, "entries/{id}/attachments/{ordinal}", ACCESS_VIEWER, HTTP_FILE, false, false,
     "entry.attachment", api_entry_attachment},
    {HTTP_POST, "entries/{id}/done", ACCESS_OPERATOR, HTTP_QUICK, true, false, "entry.done",
     api_entry_done},
    {HTTP_POST, "entries/{id}/fail", ACCESS_OPERATOR, HTTP_QUICK, true, false, "entry.fail",
     api_entry_fail},
    {HTTP_POST, "entries/{id}/retry", ACCESS_OPERATOR, HTTP_QUICK, true, false, "entry.retry",
     api_entry_retry},
    {HTTP_GET, "events", ACCESS_VIEWER, HTTP_QUICK, false, true, NULL, api_events},
    {.path = NULL},
};

const struct route *route_table(void)
{
    return routes;
}

/* One part of a path, up to '/' or the end. */
static size_t route_part(const char *path)
{
    return strcspn(path, "/");
}

static bool route_fits(const char *pattern, const char *path,
                       char parts[ROUTE_PARTS][ROUTE_PART_SIZE])
{
    unsigned part = 0;
    for (;;) {
        size_t want = route_part(pattern), have = route_part(path);
        if (pattern[0] == '{') {
            if (have == 0 || have >= ROUTE_PART_SIZE || part == ROUTE_PARTS)
                return false;
            memcpy(parts[part], path, have);
            parts[part++][have] = '\0';
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
        if (*pattern != *path)
            return false;
        if (*pattern == '\0')
            return true;
        pattern++;
        path++;
    }
}

static void route_allow(struct route_match *match, enum http_method method)
{
    size_t len = strlen(match->allowed);
    (void)snprintf(match->allowed + len, sizeof match->allowed - len, "%s%s", len > 0 ? ", " : "",
                   http_method_name(method));
}

struct route_match route_find(enum http_method method, const char *path)
{
    struct route_match match = {.route = NULL};
    method = method == HTTP_HEAD ? HTTP_GET : method;
    path += strlen(ROUTE_START);
    for (const struct route *route = routes; route->path != NULL; route++) {
        char parts[ROUTE_PARTS][ROUTE_PART_SIZE] = {""};
        if (!route_fits(route->path, path, parts))
            continue;
        match.path_known = true;
        route_allow(&match, route->method);
        if (route->method != method || match.route != NULL)
            continue;
        match.route = route;
        memcpy(match.parts, parts, sizeof parts);
    }
    return match;
}
