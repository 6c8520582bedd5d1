# SPDX-License-Identifier: Apache-2.0
# The HTTP server and what it serves.
WEB_LIBS = $(top_builddir)/host/libhost.la $(CHECK_LIBS)
check_PROGRAMS += http-check-test http-server-test
http_check_test_SOURCES = http-check-test.c
http_check_test_LDADD = $(WEB_LIBS)
http_server_test_SOURCES = http-server-test.c
http_server_test_LDADD = $(WEB_LIBS) -lpthread
