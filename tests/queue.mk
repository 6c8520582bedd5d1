# SPDX-License-Identifier: Apache-2.0
QUEUE_LIBS = $(top_builddir)/queue/libqueue.la $(top_builddir)/common/libcommon.la $(CHECK_LIBS)
check_PROGRAMS += queue-access-test queue-test queue-work-test queue-mailbox-test queue-source-test queue-policy-test \
	queue-hook-test queue-content-test \
	queue-sqlite-test queue-fault-test queue-append-test queue-count-test \
	queue-cost-test queue-same-test
QUEUE_SQL = queue-fixture.c queue-fixture.h queue-sql.c queue-sql.h
queue_access_test_SOURCES = queue-access-test.c queue-fixture.c queue-fixture.h
queue_access_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_test_SOURCES = queue-test.c queue-fixture.c queue-fixture.h
queue_test_LDADD = $(QUEUE_LIBS)
queue_work_test_SOURCES = queue-work-test.c queue-fixture.c queue-fixture.h
queue_work_test_LDADD = $(QUEUE_LIBS)
queue_source_test_SOURCES = queue-source-test.c queue-fixture.c queue-fixture.h
queue_source_test_LDADD = $(QUEUE_LIBS)
queue_policy_test_SOURCES = queue-policy-test.c queue-fixture.c queue-fixture.h
queue_policy_test_LDADD = $(QUEUE_LIBS)
queue_hook_test_SOURCES = queue-hook-test.c queue-fixture.c queue-fixture.h
queue_hook_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_hook_test_LDFLAGS = -Wl,--wrap=sqlite3_column_text
queue_content_test_SOURCES = queue-content-test.c $(QUEUE_SQL)
queue_content_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_mailbox_test_SOURCES = queue-mailbox-test.c queue-fixture.c queue-fixture.h
queue_mailbox_test_LDADD = $(QUEUE_LIBS)
queue_sqlite_test_SOURCES = queue-sqlite-test.c $(QUEUE_SQL)
queue_sqlite_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_fault_test_SOURCES = queue-fault-test.c queue-fixture.c queue-fixture.h
queue_fault_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_append_test_SOURCES = queue-append-test.c queue-fixture.c queue-fixture.h
queue_append_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_count_test_SOURCES = queue-count-test.c $(QUEUE_SQL)
queue_count_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_cost_test_SOURCES = queue-cost-test.c $(QUEUE_SQL)
queue_cost_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
queue_same_test_SOURCES = queue-same-test.c queue-fixture.c queue-fixture.h
queue_same_test_LDADD = $(QUEUE_LIBS) $(SQLITE_LIBS)
EXTRA_DIST += data/queue-v1.sql data/queue-v3.sql data/queue-v4.sql data/queue-v5.sql data/queue-v6.sql data/queue-v7.sql data/queue-v8.sql data/queue-v9.sql data/queue-v10.sql
