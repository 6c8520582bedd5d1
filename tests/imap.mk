# SPDX-License-Identifier: Apache-2.0
IMAP_LIBS = $(top_builddir)/loader/imap/libimap.la $(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/lib/libloader.la $(COMMON_LIBS)
check_PROGRAMS += imap-response-test imap-text-test
imap_response_test_SOURCES = imap-response-test.c
imap_response_test_LDADD = $(IMAP_LIBS)
imap_text_test_SOURCES = imap-text-test.c
imap_text_test_LDADD = $(IMAP_LIBS)
