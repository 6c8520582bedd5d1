# SPDX-License-Identifier: Apache-2.0
# The whole program against a real server; each script says what it proves.
SYSTEM_TESTS = system-archive.py system-audit.py system-parse.py system-pickup.py system-settle.py system-epoch.py \
	system-errors.py system-folders.py \
	system-daemon.py system-hooks.py system-hosts.py system-install.py system-serve.py system-sources.py \
	system-settings.py system-tree.py
SYSTEM_TESTS += corpus.py system-troubles.py
TESTS += $(SYSTEM_TESTS)

# All figures of a corpus: make check-corpus CORPUS=DIR (here or at the top)
CORPUS = $(top_srcdir)/../shared/corpus
.PHONY: check-corpus
check-corpus:
	@if test -f '$(CORPUS)/run.py'; then \
	  $(PYTHON) '$(CORPUS)/run.py' $(top_builddir)/host/mailchute '$(CORPUS)'; else \
	  echo "check-corpus: skipped: no corpus in '$(CORPUS)'; CORPUS=DIR names one"; fi
EXTRA_DIST += $(SYSTEM_TESTS) system_support.py serve_support.py loader_api.py dovecot.py mailgen.py demo.py unpacked.c README

# The import of system-troubles.py at full size.
.PHONY: check-kills
check-kills:
	$(AM_TESTS_ENVIRONMENT) MAILCHUTE_KILLS=20000x10 $(PYTHON) $(srcdir)/system-troubles.py killed

.PHONY: check-folders
check-folders:
	$(AM_TESTS_ENVIRONMENT) MAILCHUTE_FOLDERS=$(FOLDERS) $(PYTHON) $(srcdir)/system-archive.py many_folders
FOLDERS = 10000

# The same mail through mailchute, Python's email package and GMime, where that is installed.
TESTS += differential.py
EXTRA_DIST += differential.py mailrandom.py gmime-oracle.c
.PHONY: differential
differential:
	$(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/differential.py run --mails $(N)

# Mail that is made to cost. make bombs, in a build without sanitizers: CPU and memory of each.
TESTS += system-bombs.py
EXTRA_DIST += system-bombs.py bombs.py
.PHONY: bombs
bombs:
	$(AM_TESTS_ENVIRONMENT) $(PYTHON) $(srcdir)/bombs.py
