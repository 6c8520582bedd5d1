# SPDX-License-Identifier: Apache-2.0
MIME_LIBS = $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += cms-test uuencode-test
cms_test_SOURCES = cms-test.c
cms_test_LDADD = $(MIME_LIBS)
uuencode_test_SOURCES = uuencode-test.c
uuencode_test_LDADD = $(MIME_LIBS)
