# SPDX-License-Identifier: Apache-2.0
# The host: pump, entries as JSON, options, plug-ins, secrets.
HOST_LIBS = $(top_builddir)/host/libhost.la $(CHECK_LIBS)

check_PROGRAMS += child-test connection-text-test host-audit-test host-audit-mailbox-test \
	host-entry-test host-filed-test host-plugin-test \
	host-pump-test host-secret-test \
	host-text-test source-state-test vault-test condition-test serve-watch-test
child_test_SOURCES = child-test.c
child_test_LDADD = $(HOST_LIBS)
HOST_AUDIT_FIXTURE = host-audit-fixture.c host-audit-fixture.h
host_audit_test_SOURCES = host-audit-test.c $(HOST_AUDIT_FIXTURE)
host_audit_test_LDADD = $(HOST_LIBS)
host_audit_mailbox_test_SOURCES = host-audit-mailbox-test.c $(HOST_AUDIT_FIXTURE)
host_audit_mailbox_test_LDADD = $(HOST_LIBS)
host_entry_test_SOURCES = host-entry-test.c
host_entry_test_LDADD = $(HOST_LIBS)
host_filed_test_SOURCES = host-filed-test.c queue-fixture.c queue-fixture.h
host_filed_test_LDADD = $(HOST_LIBS)
host_pump_test_SOURCES = host-pump-test.c
host_pump_test_LDADD = $(HOST_LIBS)
host_pump_test_LDFLAGS = -Wl,--wrap=queue_put -Wl,--wrap=queue_takes -Wl,--wrap=queue_commit \
	-Wl,--wrap=queue_rollback
serve_watch_test_SOURCES = serve-watch-test.c
serve_watch_test_LDADD = $(HOST_LIBS)
condition_test_SOURCES = condition-test.c
condition_test_LDADD = $(HOST_LIBS)
host_text_test_SOURCES = host-text-test.c
host_text_test_LDADD = $(HOST_LIBS)
host_plugin_test_SOURCES = host-plugin-test.c queue-fixture.c queue-fixture.h
host_plugin_test_LDADD = $(HOST_LIBS)
host_secret_test_SOURCES = host-secret-test.c
host_secret_test_LDADD = $(HOST_LIBS)
connection_text_test_SOURCES = connection-text-test.c
connection_text_test_LDADD = $(HOST_LIBS)
source_state_test_SOURCES = source-state-test.c
source_state_test_LDADD = $(HOST_LIBS)
vault_test_SOURCES = vault-test.c
vault_test_LDADD = $(HOST_LIBS)
PICKUP_ROUNDS = pickup-rounds.c pickup-rounds.h queue-fixture.c queue-fixture.h \
	fuzz/usual-server.c fuzz/usual-server.h
check_PROGRAMS += pickup-calls-test pickup-memory-test
pickup_calls_test_SOURCES = pickup-calls-test.c $(PICKUP_ROUNDS)
pickup_calls_test_LDADD = $(HOST_LIBS)
pickup_memory_test_SOURCES = pickup-memory-test.c oom-shim.h $(PICKUP_ROUNDS)
pickup_memory_test_LDADD = $(HOST_LIBS)
TESTS += host-cli.py host-queues.py
EXTRA_DIST += host-cli.py host-queues.py
