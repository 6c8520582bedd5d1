# SPDX-License-Identifier: Apache-2.0
# External Source "Mailchain". libmime brings libloader and libcommon.
check_PROGRAMS += mailchain-test
mailchain_test_SOURCES = mailchain-test.c
mailchain_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/loader/mailchain
mailchain_test_LDADD = $(top_builddir)/loader/mailchain/libmailchain.la \
	$(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)

MAILCHAIN_PY_TESTS = system-mailchain.py system-deliver.py system-connector.py
TESTS += $(MAILCHAIN_PY_TESTS)
EXTRA_DIST += $(MAILCHAIN_PY_TESTS) mailchain_api.py

# system-deliver.py with many more deaths: make torture-deliver ROUNDS=200
.PHONY: torture-deliver
torture-deliver:
	ROUNDS=$(ROUNDS) $(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/system-deliver.py killed
