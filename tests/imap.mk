# SPDX-License-Identifier: Apache-2.0
# The IMAP dialogue. libmime brings libloader and libcommon.
IMAP_LIBS = $(top_builddir)/loader/imap/libimap.la $(top_builddir)/loader/lib/libnet.la \
	$(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += imap-response-test imap-text-test imap-pickup-test imap-survey-test
imap_response_test_SOURCES = imap-response-test.c
imap_response_test_LDADD = $(IMAP_LIBS)
imap_text_test_SOURCES = imap-text-test.c
imap_text_test_LDADD = $(IMAP_LIBS)
imap_pickup_test_SOURCES = imap-pickup-test.c imap-script.c imap-script.h
imap_pickup_test_LDADD = $(IMAP_LIBS)
imap_survey_test_SOURCES = imap-survey-test.c imap-script.c imap-script.h
imap_survey_test_LDADD = $(IMAP_LIBS)
