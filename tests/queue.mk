# SPDX-License-Identifier: Apache-2.0
QUEUE_LIBS = $(top_builddir)/queue/libqueue.la $(top_builddir)/common/libcommon.la $(CHECK_LIBS)
check_PROGRAMS += queue-test
queue_test_SOURCES = queue-test.c queue-fixture.c queue-fixture.h
queue_test_LDADD = $(QUEUE_LIBS)
