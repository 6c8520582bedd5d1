# SPDX-License-Identifier: Apache-2.0
# Crash tests. They need the command and imap.so with the points of common/fault.h compiled in: those
# files that have some are compiled anew here, and stand before the libraries that have them without.
TORTURE_HOST = ../common/fault.c ../host/main.c ../host/command-pickup.c ../host/pump.c \
	../host/deliver.c ../queue/queue-append.c ../queue/queue.c ../queue/queue-sqlite.c ../queue/queue-sqlite-folder.c \
	../queue/queue-sqlite-raw.c ../queue/queue-sqlite-schema.c
TORTURE_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(UUID_CFLAGS) $(JANSSON_CFLAGS)
check_PROGRAMS_TORTURE = mailchute-faulty mailchute-swapped
EXTRA_PROGRAMS = $(check_PROGRAMS_TORTURE)
mailchute_faulty_SOURCES = $(TORTURE_HOST)
mailchute_faulty_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_INJECTION=1
mailchute_faulty_CFLAGS = $(TORTURE_CFLAGS)
mailchute_faulty_LDADD = $(top_builddir)/host/libhost.la

# One that settles before it commits: the tests' own test.
mailchute_swapped_SOURCES = $(TORTURE_HOST)
mailchute_swapped_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_INJECTION=1 -DFAULT_SWAPPED=1
mailchute_swapped_CFLAGS = $(TORTURE_CFLAGS)
mailchute_swapped_LDADD = $(top_builddir)/host/libhost.la

EXTRA_LTLIBRARIES = faulty-imap.la swapped-imap.la fail-shim.la oom-shim.la power-shim.la
TORTURE_IMAP = ../common/fault.c ../loader/imap-loader.c ../loader/imap/imap-deliver.c \
	../loader/imap/imap-session.c ../loader/imap/imap-window.c
faulty_imap_la_SOURCES = $(TORTURE_IMAP)
faulty_imap_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/loader -DFAULT_INJECTION=1
TORTURE_IMAP_LIBS = $(top_builddir)/loader/libitem.la $(top_builddir)/loader/imap/libimap.la \
	$(top_builddir)/loader/lib/libnet.la $(top_builddir)/loader/mime/libmime.la
# In a module libraries are taken whole: of two definitions the first, which is ours, counts.
TORTURE_IMAP_LDFLAGS = -module -avoid-version -shared -rpath /nowhere -Wl,-z,muldefs \
	-Wl,--version-script=$(top_srcdir)/plugin-api/loader-plugin.map
faulty_imap_la_LIBADD = $(TORTURE_IMAP_LIBS)
faulty_imap_la_LDFLAGS = $(TORTURE_IMAP_LDFLAGS)
swapped_imap_la_SOURCES = $(TORTURE_IMAP)
swapped_imap_la_CPPFLAGS = $(faulty_imap_la_CPPFLAGS) -DFAULT_SWAPPED=1
swapped_imap_la_LIBADD = $(TORTURE_IMAP_LIBS)
swapped_imap_la_LDFLAGS = $(TORTURE_IMAP_LDFLAGS)

# Preloaded: the n-th call that changes a file fails. Without sanitizers, theirs stand behind it.
fail_shim_la_SOURCES = fail-shim.c
fail_shim_la_CFLAGS = $(WARN_CFLAGS)
fail_shim_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

# Preloaded: the n-th allocation fails.
oom_shim_la_SOURCES = oom-shim.c oom-shim.h
oom_shim_la_CFLAGS = $(fail_shim_la_CFLAGS)
oom_shim_la_LDFLAGS = $(fail_shim_la_LDFLAGS)

# Preloaded: all that changes files is written down.
power_shim_la_SOURCES = power-shim.c
power_shim_la_CFLAGS = $(fail_shim_la_CFLAGS)
power_shim_la_LDFLAGS = $(fail_shim_la_LDFLAGS)
TORTURE_BUILT = $(check_PROGRAMS_TORTURE) $(EXTRA_LTLIBRARIES)
CLEANFILES = $(TORTURE_BUILT) sweep-io.passed sweep-calls.passed
check_DATA = $(TORTURE_BUILT)

TORTURE_TESTS = torture-deliver.py torture-clock.py torture-cut.py torture-detector.py torture-io.py torture-kill.py \
	torture-oom.py torture-power.py torture-steps.py
TESTS += $(TORTURE_TESTS)
EXTRA_DIST += $(TORTURE_TESTS) torture.py torture_clock.py torture_power.py torture_scenarios.py \
	torture_steps.py fault_proxy.py

# The long runs. make torture-kill N=10000
TORTURE = $(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/torture.py
TORTURE_KINDS = --kind full --kind uidplus --kind move --kind bare
N = 2500
POWER_CUTS = 20000
.PHONY: sweep sweep-oom torture-clock torture-cut torture-kill torture-power torture-steps
KINDS =
sweep: $(TORTURE_BUILT)
	$(TORTURE) io --all $(KINDS) --passed sweep-io.passed
	$(TORTURE) calls --all $(KINDS) --passed sweep-calls.passed
sweep-oom: $(TORTURE_BUILT) pickup-memory-test
	$(AM_TESTS_ENVIRONMENT) PICKUP_MEMORY=all ./pickup-memory-test
	$(TORTURE) oom --all --paths $(KINDS)
	$(TORTURE) oom --scenario 'one mail' --kind full
torture-clock: $(TORTURE_BUILT)
	$(TORTURE) clock --times 200 $(TORTURE_KINDS)
torture-steps: $(TORTURE_BUILT)
	$(TORTURE) steps --all
torture-kill: $(TORTURE_BUILT)
	$(TORTURE) kill --times $(N) $(TORTURE_KINDS)
	$(TORTURE) kill --times $(N) --workers 2 $(TORTURE_KINDS)
torture-cut: $(TORTURE_BUILT)
	for fault in cut reset drip; do \
	  $(TORTURE) cut --every 1 --fault $$fault $(TORTURE_KINDS) || exit 1; done
	$(TORTURE) cut --every 1 --tls --kind full
	$(TORTURE) cut --every 1 --large --most 1000 $(TORTURE_KINDS)
	seq 0 15 | xargs -P 16 -I BYTE $(TORTURE) cut --every 16 --offset BYTE --fault stall $(TORTURE_KINDS)
torture-power: $(TORTURE_BUILT)
	$(TORTURE) power --all --times $(POWER_CUTS) --every 20
