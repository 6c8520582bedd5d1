# SPDX-License-Identifier: Apache-2.0
# Text of messages: charsets, header fields, names, HTML.
TEXT_LIBS = $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += charset-test header-test html-test
charset_test_SOURCES = charset-test.c
charset_test_LDADD = $(TEXT_LIBS)
header_test_SOURCES = header-test.c
header_test_LDADD = $(TEXT_LIBS)
html_test_SOURCES = html-test.c
html_test_LDADD = $(TEXT_LIBS)

# The same sources with every basic block counted (gcc and clang know the flag).
check_PROGRAMS += work-test
check_LTLIBRARIES += libcounted.la
libcounted_la_CFLAGS = $(AM_CFLAGS) -fsanitize-coverage=trace-pc
libcounted_la_SOURCES = \
	../loader/mime/charset-names.c \
	../loader/mime/charset-shift.c \
	../loader/mime/charset.c \
	../loader/mime/cms.c \
	../loader/mime/codepage.c \
	../loader/mime/encoded-word.c \
	../loader/mime/filename.c \
	../loader/mime/header-address.c \
	../loader/mime/header-charset.c \
	../loader/mime/header-comment.c \
	../loader/mime/header-date.c \
	../loader/mime/header-id.c \
	../loader/mime/header-text.c \
	../loader/mime/header-value.c \
	../loader/mime/html-charset.c \
	../loader/mime/html-entities.c \
	../loader/mime/html-text.c \
	../loader/mime/html-token.c \
	../loader/mime/mail-attachment.c \
	../loader/mime/mail-body.c \
	../loader/mime/mail-fields.c \
	../loader/mime/mail-files.c \
	../loader/mime/mail-flow.c \
	../loader/mime/mail-meeting.c \
	../loader/mime/mail-memory.c \
	../loader/mime/mail-report.c \
	../loader/mime/mail-smime.c \
	../loader/mime/mail-tnef.c \
	../loader/mime/mail.c \
	../loader/mime/mime-capture.c \
	../loader/mime/mime-decode.c \
	../loader/mime/mime-header.c \
	../loader/mime/mime-parser.c \
	../loader/mime/problem.c \
	../loader/mime/rtf-lzfu.c \
	../loader/mime/rtf-output.c \
	../loader/mime/rtf.c \
	../loader/mime/text-walk.c \
	../loader/mime/tnef-body.c \
	../loader/mime/tnef-props.c \
	../loader/mime/tnef.c \
	../loader/mime/uuencode.c
check_LTLIBRARIES += libcountedtext.la
libcountedtext_la_CFLAGS = $(AM_CFLAGS) -fsanitize-coverage=trace-pc
libcountedtext_la_SOURCES = ../common/text.c
work_test_SOURCES = work-test.c
work_test_LDADD = libcounted.la libcountedtext.la $(COMMON_LIBS)

# Allocations of ours go through the test.
check_PROGRAMS += memory-test
memory_test_SOURCES = memory-test.c
memory_test_LDADD = $(TEXT_LIBS)
memory_test_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray \
	-Wl,--wrap=strdup,--wrap=strndup
