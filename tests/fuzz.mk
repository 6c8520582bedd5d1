# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. To add one: fuzz/fuzz-NAME.c, seeds in fuzz/seeds/NAME/, NAME in FUZZ_TARGETS, and the
# four lines below. make check replays the seeds; make fuzz looks for new findings (clang, libFuzzer).
FUZZ_TARGETS = connection-string
FUZZ_SECONDS = 30
FUZZ_MAIN = fuzz/replay-main.c

check_PROGRAMS += fuzz-connection-string
fuzz_connection_string_SOURCES = fuzz/fuzz-connection-string.c $(FUZZ_MAIN)
fuzz_connection_string_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/connection-string"'
fuzz_connection_string_LDADD = $(top_builddir)/loader/imap/libimap.la \
	$(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/lib/libloader.la

EXTRA_DIST += fuzz/seeds

# The modules are compiled anew, so that libFuzzer sees their branches. Findings and new inputs stay in
# the build folder; a seed that proves something is copied to fuzz/seeds by hand.
FUZZ_MODULES = $(top_srcdir)/common/*.c $(top_srcdir)/loader/lib/*.c $(top_srcdir)/loader/mime/*.c \
	$(top_srcdir)/loader/imap/*.c
FUZZ_FLAGS = -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
.PHONY: fuzz
fuzz:
	@for target in $(FUZZ_TARGETS); do \
	  $(MKDIR_P) fuzz-work/$$target && \
	  clang -std=gnu11 $(FUZZ_FLAGS) $(DEFS) -I$(top_builddir) $(AM_CPPFLAGS) \
	    -o fuzz-work/fuzz-$$target $(srcdir)/fuzz/fuzz-$$target.c $(FUZZ_MODULES) \
	    $(CRYPTO_LIBS) $(CURL_LIBS) $(PCRE2_LIBS) && \
	  fuzz-work/fuzz-$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	    -artifact_prefix=fuzz-work/$$target- fuzz-work/$$target $(srcdir)/fuzz/seeds/$$target \
	    || exit 1; \
	done
