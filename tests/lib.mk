# SPDX-License-Identifier: Apache-2.0
# What loaders share: connection strings, settings, spool, filter, items, plug-ins.
EXTRA_DIST += tap.py

LOADER_LIBS = $(top_builddir)/loader/lib/libloader.la $(top_builddir)/common/libcommon.la \
	$(CHECK_LIBS)

check_PROGRAMS += http-client-test name-server-test
name_server_test_SOURCES = name-server-test.c
name_server_test_LDADD = $(top_builddir)/loader/lib/libnet.la $(top_builddir)/lib/libpost.la \
	$(top_builddir)/loader/lib/libloader.la $(CHECK_LIBS)
http_client_test_SOURCES = http-client-test.c
http_client_test_LDADD = $(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/lib/libloader.la \
	$(CHECK_LIBS)
check_PROGRAMS += connection-string-test digest-test filter-test imap-settings-test spool-test
connection_string_test_SOURCES = connection-string-test.c
connection_string_test_LDADD = $(LOADER_LIBS)
digest_test_SOURCES = digest-test.c
digest_test_LDADD = $(LOADER_LIBS) $(CRYPTO_LIBS)
digest_test_LDFLAGS = -Wl,--wrap=sha256_lanes_can
filter_test_SOURCES = filter-test.c
filter_test_LDADD = $(LOADER_LIBS)
imap_settings_test_SOURCES = imap-settings-test.c
imap_settings_test_LDADD = $(top_builddir)/loader/imap/libimap.la $(LOADER_LIBS)
spool_test_SOURCES = spool-test.c
spool_test_LDADD = $(LOADER_LIBS)
spool_test_LDFLAGS = -Wl,--wrap=open,--wrap=pwrite

# The border between loaders and hosts.
check_PROGRAMS += abi-test folder-loader-test loader-item-test
abi_test_SOURCES = abi-test.c abi-old.c abi-fields.h abi-row.h data/loader-plugin-1.0.h
abi_test_LDADD = $(top_builddir)/host/libhost.la $(CHECK_LIBS)
EXTRA_abi_test_DEPENDENCIES = old-plugin-short.la old-plugin-long.la
folder_loader_test_SOURCES = folder-loader-test.c
folder_loader_test_LDADD = $(CHECK_LIBS)
loader_item_test_SOURCES = loader-item-test.c
loader_item_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/loader
loader_item_test_LDADD = $(top_builddir)/loader/libitem.la $(top_builddir)/loader/mime/libmime.la \
	$(CHECK_LIBS)

# Loaders of the past: built against the frozen header, loaded by today's host.
check_LTLIBRARIES = old-plugin-short.la old-plugin-long.la
OLD_PLUGIN_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
old_plugin_short_la_SOURCES = old-plugin.c
old_plugin_short_la_CPPFLAGS = -DOLD_PLUGIN_SHORT
old_plugin_short_la_LDFLAGS = $(OLD_PLUGIN_LDFLAGS)
old_plugin_long_la_SOURCES = old-plugin.c
old_plugin_long_la_LDFLAGS = $(OLD_PLUGIN_LDFLAGS)

# A loader whose texts lie in files, for host-cli.py.
check_LTLIBRARIES += filed-plugin.la
filed_plugin_la_SOURCES = filed-plugin.c
filed_plugin_la_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/plugin-api
filed_plugin_la_LDFLAGS = $(OLD_PLUGIN_LDFLAGS)

LIB_PY_TESTS = ctypes-host.py man-example-test.py plugin-symbols-test.py hardening-test.py
TESTS += $(LIB_PY_TESTS)
EXTRA_DIST += $(LIB_PY_TESTS)
