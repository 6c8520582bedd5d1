# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. To add one: fuzz/fuzz-NAME.c, seeds in fuzz/seeds/NAME/, NAME in FUZZ_TARGETS, and the
# four lines below. make check replays the seeds, and looks for findings a while (fuzz-check.py); so does
# make fuzz, and make fuzz-long RUNS=10000000 until each target was executed so often. It may be stopped
# and called again. All but the replay need clang with libFuzzer.
FUZZ_TARGETS = connection-string imap-response imap-dialogue folder-name
FUZZ_SECONDS = 30
FUZZ_MAIN = fuzz/replay-main.c

check_PROGRAMS += fuzz-connection-string
fuzz_connection_string_SOURCES = fuzz/fuzz-connection-string.c $(FUZZ_MAIN)
fuzz_connection_string_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/connection-string"'
fuzz_connection_string_LDADD = $(top_builddir)/loader/imap/libimap.la \
	$(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/lib/libloader.la

FUZZ_IMAP_LIBS = $(top_builddir)/loader/imap/libimap.la $(top_builddir)/loader/lib/libnet.la \
	$(top_builddir)/loader/mime/libmime.la

check_PROGRAMS += fuzz-imap-response
fuzz_imap_response_SOURCES = fuzz/fuzz-imap-response.c $(FUZZ_MAIN)
fuzz_imap_response_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/imap-response"'
fuzz_imap_response_LDADD = $(FUZZ_IMAP_LIBS)

# memory-stream.c stands in for loader/lib/stream.c.
FUZZ_STREAM = fuzz/memory-stream.c fuzz/memory-stream.h

check_PROGRAMS += fuzz-imap-dialogue
fuzz_imap_dialogue_SOURCES = fuzz/fuzz-imap-dialogue.c fuzz/usual-server.c fuzz/usual-server.h \
	$(FUZZ_STREAM) $(FUZZ_MAIN)
fuzz_imap_dialogue_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/imap-dialogue"'
fuzz_imap_dialogue_LDADD = $(FUZZ_IMAP_LIBS)

check_PROGRAMS += fuzz-folder-name
fuzz_folder_name_SOURCES = fuzz/fuzz-folder-name.c $(FUZZ_STREAM) $(FUZZ_MAIN)
fuzz_folder_name_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/folder-name"'
fuzz_folder_name_LDADD = $(FUZZ_IMAP_LIBS)

EXTRA_DIST += fuzz/seeds fuzz/kept-thread.c

# The modules are compiled anew, so that libFuzzer sees their branches, and archived, so that a target
# can bring a stand-in for one of them (memory-stream.c); their basic blocks are counted as well
# (oracle.h). Not compiled in is what tells libFuzzer the operands of each comparison: that costs a third
# of the speed, and most of what is compared here is text, which it sees in memcmp() and its like.
# Findings and new inputs stay in the build folder; a seed that proves something is copied to fuzz/seeds
# by hand.
FUZZ_MODULES = $(top_srcdir)/common/*.c $(top_srcdir)/lib/*.c $(top_srcdir)/loader/lib/*.c $(top_srcdir)/loader/mime/*.c \
	$(top_srcdir)/loader/imap/*.c $(top_srcdir)/loader/mailchain/*.c
FUZZ_CC = clang -std=gnu11 -g -O2 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize-coverage=trace-cmp $(DEFS) -I$(top_builddir) $(AM_CPPFLAGS) \
	-I$(top_srcdir)/loader/mailchain
FUZZ_COVERAGE = -fsanitize=fuzzer-no-link -fsanitize-coverage=trace-pc
FUZZ_THREADS = -Dpthread_create=kept_thread_create -Dpthread_join=kept_thread_join
FUZZ_SORTED = `printf '%s\n' $(FUZZ_TARGETS) | sort -u`
.PHONY: fuzz-modules fuzz-programs fuzz fuzz-long
fuzz-modules:
	@$(MKDIR_P) fuzz-work/modules && printf '%s\n' $(FUZZ_MODULES) | \
	  xargs -P 2 -I SOURCE sh -c '$(FUZZ_CC) $(FUZZ_COVERAGE) $(FUZZ_THREADS) \
	    -c -o fuzz-work/modules/`basename SOURCE .c`.o SOURCE' && \
	rm -f fuzz-work/modules.a && $(AR) rc fuzz-work/modules.a fuzz-work/modules/*.o

fuzz-programs: fuzz-modules
	@for target in $(FUZZ_SORTED); do \
	  source=$(srcdir)/fuzz/fuzz-$$target.c && \
	  extra= && for helper in memory-stream usual-server; do \
	    if grep -q $$helper.h $$source; then extra="$$extra $(srcdir)/fuzz/$$helper.c"; fi; done && \
	  $(FUZZ_CC) -fsanitize=fuzzer -o fuzz-work/fuzz-$$target $$source $$extra \
	    $(srcdir)/fuzz/kept-thread.c \
	    $(srcdir)/fuzz/oracle.c -Wl,--wrap=__sanitizer_cov_trace_pc \
	    fuzz-work/modules.a $(CRYPTO_LIBS) $(CURL_LIBS) $(JANSSON_LIBS) $(PCRE2_LIBS) || exit 1; \
	done

FUZZ = $(PYTHON) $(srcdir)/fuzz.py
RUNS = 10000000
fuzz: fuzz-programs
	$(FUZZ) check --seconds $(FUZZ_SECONDS) $(FUZZ_SORTED)
fuzz-long: fuzz-programs
	$(FUZZ) long --runs $(RUNS) $(FUZZ_SORTED)

TESTS += fuzz-check.py
EXTRA_DIST += fuzz-check.py fuzz.py
