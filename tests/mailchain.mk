# SPDX-License-Identifier: Apache-2.0
# External Source "Mailchain". libmime brings libloader and libcommon.
check_PROGRAMS += mailchain-test
mailchain_test_SOURCES = mailchain-test.c
mailchain_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/loader/mailchain
mailchain_test_LDADD = $(top_builddir)/loader/mailchain/libmailchain.la \
	$(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)

# When the connector tries again.
check_PROGRAMS += connector-test
connector_test_SOURCES = connector-test.c
connector_test_LDADD = $(HOST_LIBS)

# What clients answer, and the mail made of it (fuzz.mk, mime-fuzz.mk tell how targets are run).
FUZZ_TARGETS += mailchain
check_PROGRAMS += fuzz-mailchain
fuzz_mailchain_SOURCES = fuzz/fuzz-mailchain.c $(FUZZ_ORACLE)
fuzz_mailchain_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/loader/mailchain \
	-DSEEDS='"$(abs_srcdir)/fuzz/seeds/mailchain"'
fuzz_mailchain_LDFLAGS = $(FUZZ_WRAP)
fuzz_mailchain_LDADD = $(top_builddir)/loader/mailchain/libmailchain.la $(FUZZ_ORACLE_LIBS)

MAILCHAIN_PY_TESTS = system-mailchain.py system-deliver.py system-outbox.py system-connector.py
TESTS += $(MAILCHAIN_PY_TESTS)
EXTRA_DIST += $(MAILCHAIN_PY_TESTS) mailchain_api.py

# Deaths between the client and the mailbox: at every point, once and twice, with each kind of server;
# and kill -9 at random moments, of commands and of a daemon: make torture-deliver ROUNDS=200
DELIVER_KINDS = full uidplus move bare
.PHONY: torture-deliver
torture-deliver: $(TORTURE_BUILT)
	for kind in $(DELIVER_KINDS); do for twice in "" 1; do \
	  STRIDE=1 KIND=$$kind TWICE=$$twice $(AM_TESTS_ENVIRONMENT) \
	    $(PYTHON) $(srcdir)/torture-deliver.py || exit 1; done; done
	ROUNDS=$(ROUNDS) $(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/system-deliver.py killed
	ROUNDS=$(ROUNDS) $(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/system-outbox.py killed
