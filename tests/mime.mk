# SPDX-License-Identifier: Apache-2.0
# Structure of messages, and what they become.
MAIL_LIBS = $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += mime-decode-test mime-parser-test mail-test mail-kinds-test mail-memory-test
mime_decode_test_SOURCES = mime-decode-test.c
mime_decode_test_LDADD = $(MAIL_LIBS)
mime_parser_test_SOURCES = mime-parser-test.c
mime_parser_test_LDADD = $(MAIL_LIBS)
mail_test_SOURCES = mail-test.c
mail_test_LDADD = $(MAIL_LIBS)
check_PROGRAMS += large-text-test
large_text_test_SOURCES = large-text-test.c
large_text_test_LDADD = $(MAIL_LIBS)
large_text_test_LDFLAGS = -Wl,--wrap=madvise
mail_kinds_test_SOURCES = mail-kinds-test.c
mail_kinds_test_LDADD = $(MAIL_LIBS)
check_PROGRAMS += mail-odd-test
mail_odd_test_SOURCES = mail-odd-test.c
mail_odd_test_LDADD = $(MAIL_LIBS)
mail_memory_test_SOURCES = mail-memory-test.c
mail_memory_test_LDADD = $(MAIL_LIBS)
mail_memory_test_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray \
	-Wl,--wrap=strdup,--wrap=strndup
