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
