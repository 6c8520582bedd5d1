#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh - files as a C table, static_files of static-file.h: embed.sh openapi.json FILE...
#
# The first file is the document of the REST interface; the others are the page, found at / (its
# index.html) and /page/NAME, where NAME is what follows "page/" in their path.
set -eu

type_of() {
    case $1 in
        *.html) echo 'text/html; charset=utf-8' ;;
        *.css) echo 'text/css; charset=utf-8' ;;
        *.js) echo 'text/javascript; charset=utf-8' ;;
        *.json) echo 'application/json' ;;
        *.svg) echo 'image/svg+xml' ;;
        *) echo "embed.sh: what is '$1'?" >&2; exit 1 ;;
    esac
}

path_of() {
    case $1 in
        */openapi.json) echo /api/v1/openapi.json ;;
        */page/index.html) echo / ;;
        *) echo "/page/${1##*/page/}" ;;
    esac
}

echo '#include <config.h>'
echo '#include "static-file.h"'
number=0
for file; do
    echo "static const char bytes_${number}[] = {"
    od -An -v -tu1 "$file" | sed 's/ *\([0-9][0-9]*\)/(char)\1,/g'
    echo '0};'
    number=$((number + 1))
done
echo 'const struct static_file static_files[] = {'
number=0
for file; do
    type=$(type_of "$file")
    echo "{\"$(path_of "$file")\", \"$type\", bytes_$number, sizeof bytes_$number - 1},"
    number=$((number + 1))
done
echo '{0}};'
