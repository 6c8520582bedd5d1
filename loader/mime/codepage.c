/* SPDX-License-Identifier: Apache-2.0 */
/* codepage.c - see codepage.h. The numbers are Microsoft's ("Code Page Identifiers"). */
#include <config.h>
#include "codepage.h"

#include <stddef.h>
#include <stdio.h>

#include "text.h"

void codepage_label(uint32_t page, char out_label[CODEPAGE_LABEL_MAX])
{
    static const struct {
        uint32_t page;
        const char *label;
    } names[] = {
        {1200, "utf-16le"},     {1201, "utf-16be"},  {10000, "macintosh"},  {10007, "maccyrillic"},
        {12000, "utf-32le"},    {12001, "utf-32be"}, {20127, "us-ascii"},   {20866, "koi8-r"},
        {20932, "euc-jp"},      {20936, "gb2312"},   {20949, "euc-kr"},     {21866, "koi8-u"},
        {38598, "iso-8859-8"},  {50225, "iso-2022-kr"},
        {51932, "euc-jp"},      {51936, "gb2312"},   {51949, "euc-kr"},     {52936, "hz-gb-2312"},
        {54936, "gb18030"},     {65000, "utf-7"},    {65001, "utf-8"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].page == page) {
            text_copy(out_label, CODEPAGE_LABEL_MAX, names[i].label);
            return;
        }
    if (page >= 28591 && page <= 28606)
        (void)snprintf(out_label, CODEPAGE_LABEL_MAX, "iso-8859-%u", (unsigned)(page - 28590));
    else
        (void)snprintf(out_label, CODEPAGE_LABEL_MAX, "cp%u", (unsigned)page);
}
