/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the one table of the REST interface: method, path, right, handler. docs/openapi.json is
 * held against it. Pure. */
#ifndef MAILCHUTE_HOST_WEB_ROUTE_H
#define MAILCHUTE_HOST_WEB_ROUTE_H

#include <stdbool.h>

#include "http-server.h"

#define ROUTE_START "/api/v1/"
#define ROUTE_PART_SIZE                                                                            \
    128u /* bytes of a {part} of a path, NUL included; longer ones match nothing */
#define ROUTE_PARTS 2u

struct api_call;

struct route {
    enum http_method method;
    const char *path;   /* "ingestion-sources/{id}", behind ROUTE_START */
    uint32_t role;      /* enum access_role: the least; ACCESS_NOBODY: without signing in */
    enum http_lane lane;
    bool body;          /* it may have one: a JSON object */
    bool quiet;         /* to ask for it is no sign of life: a page listens by itself */
    const char *audit;  /* as what it is written down; NULL: it changes nothing, shows no message */
    void (*handle)(struct api_call *call);
};

struct route_match {
    const struct route *route;              /* NULL: there is none */
    char parts[ROUTE_PARTS][ROUTE_PART_SIZE]; /* what stands for {...} */
    bool path_known;                        /* under another method */
    char allowed[64];                       /* "GET, POST": those of this path */
};

/** route_find - @path begins with ROUTE_START. HEAD is GET. */
struct route_match route_find(enum http_method method, const char *path);

/** route_table - all rows, the last has path NULL. */
const struct route *route_table(void);

#endif
