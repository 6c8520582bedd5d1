# SPDX-License-Identifier: Apache-2.0
# The IMAP dialogue. libmime brings libloader and libcommon.
IMAP_LIBS = $(top_builddir)/loader/imap/libimap.la $(top_builddir)/loader/lib/libnet.la \
	$(top_builddir)/loader/mime/libmime.la $(CHECK_LIBS)
check_PROGRAMS += imap-response-test imap-text-test imap-pickup-test imap-move-test \
	imap-epoch-test imap-survey-test imap-reader-test imap-cancel-test \
	imap-hostile-test address-test
address_test_SOURCES = address-test.c
address_test_LDADD = $(IMAP_LIBS)
imap_response_test_SOURCES = imap-response-test.c
imap_response_test_LDADD = $(IMAP_LIBS)
check_PROGRAMS += imap-window-test
imap_window_test_SOURCES = imap-window-test.c
imap_window_test_LDADD = $(IMAP_LIBS)
imap_reader_test_SOURCES = imap-reader-test.c
imap_reader_test_LDADD = $(IMAP_LIBS)
imap_text_test_SOURCES = imap-text-test.c
imap_text_test_LDADD = $(IMAP_LIBS)
IMAP_PICKUP_FIXTURE = imap-pickup-fixture.c imap-pickup-fixture.h imap-script.c imap-script.h
imap_pickup_test_SOURCES = imap-pickup-test.c $(IMAP_PICKUP_FIXTURE)
imap_pickup_test_LDADD = $(IMAP_LIBS)
check_PROGRAMS += imap-ahead-test
imap_ahead_test_SOURCES = imap-ahead-test.c $(IMAP_PICKUP_FIXTURE)
imap_ahead_test_LDADD = $(IMAP_LIBS)

check_PROGRAMS += imap-reconcile-test
imap_reconcile_test_SOURCES = imap-reconcile-test.c $(IMAP_PICKUP_FIXTURE)
imap_reconcile_test_LDADD = $(IMAP_LIBS)

check_PROGRAMS += imap-search-test
imap_search_test_SOURCES = imap-search-test.c $(IMAP_PICKUP_FIXTURE)
imap_search_test_LDADD = $(IMAP_LIBS)
imap_search_test_LDFLAGS = -Wl,--wrap=realloc
check_PROGRAMS += imap-suspect-test
imap_suspect_test_SOURCES = imap-suspect-test.c $(IMAP_PICKUP_FIXTURE)
imap_suspect_test_LDADD = $(IMAP_LIBS)
check_PROGRAMS += imap-deliver-test imap-deliver-look-test
IMAP_DELIVER_FIXTURE = imap-deliver-fixture.c imap-deliver-fixture.h $(IMAP_PICKUP_FIXTURE)
imap_deliver_test_SOURCES = imap-deliver-test.c $(IMAP_DELIVER_FIXTURE)
imap_deliver_test_LDADD = $(IMAP_LIBS)
imap_deliver_look_test_SOURCES = imap-deliver-look-test.c $(IMAP_DELIVER_FIXTURE)
imap_deliver_look_test_LDADD = $(IMAP_LIBS)
imap_move_test_SOURCES = imap-move-test.c $(IMAP_PICKUP_FIXTURE)
imap_move_test_LDADD = $(IMAP_LIBS)
imap_hostile_test_SOURCES = imap-hostile-test.c $(IMAP_PICKUP_FIXTURE)
imap_hostile_test_LDADD = $(IMAP_LIBS)
imap_cancel_test_SOURCES = imap-cancel-test.c $(IMAP_PICKUP_FIXTURE)
imap_cancel_test_LDADD = $(IMAP_LIBS)
imap_epoch_test_SOURCES = imap-epoch-test.c imap-epoch-fixture.c imap-epoch-fixture.h \
	imap-script.c imap-script.h
imap_epoch_test_LDADD = $(top_builddir)/queue/libqueue.la $(IMAP_LIBS)
check_PROGRAMS += imap-stayed-test
imap_stayed_test_SOURCES = imap-stayed-test.c imap-epoch-fixture.c imap-epoch-fixture.h \
	imap-script.c imap-script.h
imap_stayed_test_LDADD = $(top_builddir)/queue/libqueue.la $(IMAP_LIBS)
check_PROGRAMS += imap-epoch-bounds-test
imap_epoch_bounds_test_SOURCES = imap-epoch-bounds-test.c imap-epoch-fixture.c \
	imap-epoch-fixture.h imap-script.c imap-script.h
imap_epoch_bounds_test_LDADD = $(top_builddir)/queue/libqueue.la $(IMAP_LIBS)
imap_survey_test_SOURCES = imap-survey-test.c imap-script.c imap-script.h
imap_survey_test_LDADD = $(IMAP_LIBS)
imap_survey_test_LDFLAGS = -Wl,--wrap=realloc
check_PROGRAMS += imap-folders-test imap-tour-test
imap_folders_test_SOURCES = imap-folders-test.c $(IMAP_PICKUP_FIXTURE)
imap_folders_test_LDADD = $(IMAP_LIBS)
imap_tour_test_SOURCES = imap-tour-test.c imap-script.c imap-script.h
imap_tour_test_LDADD = $(IMAP_LIBS)
