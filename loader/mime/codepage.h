/* SPDX-License-Identifier: Apache-2.0 */
/* codepage.h - code pages of Windows, which RTF and TNEF number, as labels that charset.h knows. */
#ifndef MAILCHUTE_MIME_CODEPAGE_H
#define MAILCHUTE_MIME_CODEPAGE_H

#include <stdint.h>

#define CODEPAGE_LABEL_MAX 16 /* bytes of a label, its NUL included */
#define CODEPAGE_DEFAULT 1252u

/** codepage_label - a charset label for this code page, such as "cp1251" or "utf-16le"; for a
 * number nobody knows a label that charset.h reads by looking at the bytes. */
void codepage_label(uint32_t page, char out_label[CODEPAGE_LABEL_MAX]);

#endif
