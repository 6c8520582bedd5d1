# SPDX-License-Identifier: Apache-2.0
CONTAINER_LIBS = $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += cms-test mail-container-test rtf-test tnef-test uuencode-test
cms_test_SOURCES = cms-test.c
cms_test_LDADD = $(CONTAINER_LIBS)
mail_container_test_SOURCES = mail-container-test.c tnef-writer.h
mail_container_test_LDADD = $(CONTAINER_LIBS)
rtf_test_SOURCES = rtf-test.c
rtf_test_LDADD = $(CONTAINER_LIBS)
tnef_test_SOURCES = tnef-test.c tnef-writer.h
tnef_test_LDADD = $(CONTAINER_LIBS)
uuencode_test_SOURCES = uuencode-test.c
uuencode_test_LDADD = $(CONTAINER_LIBS)
