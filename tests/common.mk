# SPDX-License-Identifier: Apache-2.0
COMMON_LIBS = $(top_builddir)/common/libcommon.la $(CHECK_LIBS)
check_PROGRAMS += common-test
common_test_SOURCES = common-test.c
common_test_LDADD = $(COMMON_LIBS)
