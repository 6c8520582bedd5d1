# SPDX-License-Identifier: Apache-2.0
# Benchmarks: bench/bench.py says what they do. For an optimised build without sanitizers:
#   make bench [PROFILES=small,office] [ROUNDS=3] [PEERS=fdm,mbsync|all|none] [LINKS=plain,tls]
#   make bench-memory [SHAPES=text,worst] [LINKS=plain,tls]
#   make bench-push, bench-scale, bench-sources, bench-web, bench-mailchain, bench-micro, bench-profile,
#   bench-callgrind,
#   bench-disk [FOLDER=...]
BENCH_TOOLS = bench-mailbox bench-drain bench-run bench-imapd bench-parts bench-flush
EXTRA_PROGRAMS += $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS)
bench_mailbox_SOURCES = bench/bench-mailbox.c
bench_mailbox_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS) $(CRYPTO_CFLAGS)
bench_mailbox_LDADD = $(CRYPTO_LIBS) -lm
bench_drain_SOURCES = bench/bench-drain.c
bench_drain_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS) $(CRYPTO_CFLAGS)
bench_drain_LDADD = -lssl $(CRYPTO_LIBS)
bench_imapd_SOURCES = bench/bench-imapd.c
bench_imapd_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS)
bench_imapd_LDADD =
bench_parts_SOURCES = bench/bench-parts.c
bench_parts_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS) $(CRYPTO_CFLAGS)
bench_parts_LDADD = $(top_builddir)/loader/imap/libimap.la $(top_builddir)/loader/lib/libnet.la \
	$(top_builddir)/loader/mime/libmime.la $(CRYPTO_LIBS)
bench_flush_SOURCES = bench/bench-flush.c
bench_flush_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS)
bench_flush_LDADD =
bench_run_SOURCES = bench/bench-run.c
bench_run_CFLAGS = $(WARN_CFLAGS) $(SAN_FLAGS)
bench_run_LDADD =
BENCH_FILES = bench.py bench_callgrind.py bench_contestants.py bench_durable.py bench_mailchain.py bench_memory.py \
	bench_peers.py bench_profile.py bench_push.py bench_scale.py bench_server.py bench_sources.py bench_web.py \
	bench_web_live.py imapflow-pickup.mjs \
	mark-trashed.py python-pickup.py
EXTRA_DIST += $(BENCH_FILES:%=bench/%)

PROFILES = small,office,large,huge,text
LINKS = plain,tls
ROUNDS = 3
PEERS = all
BENCH = $(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/bench
DELIVERIES = 200
MESSAGES = 1000000
SOURCES = 200,1000,10000
.PHONY: bench bench-build bench-callgrind bench-disk bench-memory bench-micro bench-push bench-scale
.PHONY: bench-sources
bench: bench-build
	$(BENCH)/bench.py --profiles $(PROFILES) --links $(LINKS) --rounds $(ROUNDS) \
	  --peers $(PEERS) --json bench.json

bench-memory: bench-build
	$(BENCH)/bench_memory.py --links $(LINKS) $${SHAPES:+--shapes "$$SHAPES"} --json bench-memory.json

bench-push: bench-build
	$(BENCH)/bench_push.py --deliveries $(DELIVERIES) --json bench-push.json

bench-scale: bench-build
	$(BENCH)/bench_scale.py --messages $(MESSAGES) --json bench-scale.json

bench-sources: bench-build
	$(BENCH)/bench_sources.py --sources $(SOURCES) --json bench-sources.json

ENTRIES = 1000000
ROWS = 10000
.PHONY: bench-mailchain bench-web
bench-web: bench-build
	$(BENCH)/bench_web.py --entries $(ENTRIES) --sources $(ROWS) \
	  $${FOLDER:+--folder "$$FOLDER"} --json bench-web.json

bench-mailchain: bench-build
	$(BENCH)/bench_mailchain.py --json bench-mailchain.json

bench-micro: bench-build
	./bench-parts

.PHONY: bench-profile
bench-profile: bench-build
	$(BENCH)/bench_profile.py --profiles $(PROFILES)

# Of the disk that holds FOLDER, which must be there.
FOLDER = .
bench-disk: bench-build
	./bench-flush '$(FOLDER)'

BASE =
bench-callgrind: bench-build
	$(BENCH)/bench_callgrind.py --json bench-callgrind.json `test -z '$(BASE)' || echo --base $(BASE)`

# A figure of a build for debugging says nothing.
bench-build: $(BENCH_TOOLS)
	@case ' $(SAN_FLAGS) $(CFLAGS) ' in \
	  *-fsanitize*|*' -O0 '*) \
	    echo 'bench: configure without --enable-sanitizers, with -O2, in a folder of its own' >&2; \
	    exit 1;; \
	  *' -O'*) ;; \
	  *) echo 'bench: CFLAGS has no -O2; configure in a folder of its own' >&2; exit 1;; \
	esac

# That they work is tested as everything else is.
TESTS += bench-machinery.py
EXTRA_DIST += bench-machinery.py
check_DATA += $(BENCH_TOOLS)
