# SPDX-License-Identifier: Apache-2.0
# What loaders share: connection strings, settings, spool, filter, items, plug-ins.
EXTRA_DIST += tap.py

LOADER_LIBS = $(top_builddir)/loader/lib/libloader.la $(top_builddir)/common/libcommon.la \
	$(CHECK_LIBS)

check_PROGRAMS += connection-string-test filter-test imap-settings-test spool-test
connection_string_test_SOURCES = connection-string-test.c
connection_string_test_LDADD = $(LOADER_LIBS)
filter_test_SOURCES = filter-test.c
filter_test_LDADD = $(LOADER_LIBS)
imap_settings_test_SOURCES = imap-settings-test.c
imap_settings_test_LDADD = $(top_builddir)/loader/imap/libimap.la $(LOADER_LIBS)
spool_test_SOURCES = spool-test.c
spool_test_LDADD = $(LOADER_LIBS)
spool_test_LDFLAGS = -Wl,--wrap=open
