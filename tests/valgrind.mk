# SPDX-License-Identifier: Apache-2.0
# make valgrind: every suite, and pick-ups by each loader, without an error or a definite leak. For a
# build without sanitizers. VALGRIND_TESTS chooses; what is left out lets thousands of allocations or
# calls fail, or is a fuzz target, and would only be slow.
VALGRIND = valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	--trace-children=no --suppressions=$(abs_srcdir)/valgrind.supp
VALGRIND_TESTS = `echo ' $(check_PROGRAMS)' | sed 's/ fuzz-mime//; s/ [a-z-]*memory-test//g; s/ pickup-calls-test//'`
EXTRA_DIST += valgrind.py valgrind.supp
.PHONY: valgrind
valgrind:
	@$(VALGRIND) true || { echo 'valgrind: it is not installed'; exit 1; }
	$(MAKE) check TESTS="$(VALGRIND_TESTS) valgrind.py" LOG_COMPILER='$(VALGRIND)' \
	  CK_FORK=no CK_DEFAULT_TIMEOUT=0 VALGRIND='$(VALGRIND)'

# make tsan, in a build with --enable-tsan: whatever has threads, held to be free of data races. What
# libcurl and SQLite do among themselves is not instrumented; tsan.supp says what is left out, and why.
# Reports go to files: what a daemon says on its way is its test's.
TSAN_TESTS = imap-reader-test imap-cancel-test imap-pickup-test imap-move-test imap-epoch-test \
	imap-ahead-test imap-search-test imap-suspect-test imap-survey-test imap-reconcile-test \
	host-pump-test queue-test queue-work-test queue-source-test http-server-test web-test system-pickup.py system-settle.py system-serve.py system-rest.py \
	system-tls.py system-outbox.py
EXTRA_DIST += tsan.supp
.PHONY: tsan
tsan:
	@case '$(SAN_FLAGS)' in *thread*) ;; *) echo 'tsan: configure with --enable-tsan'; exit 1;; esac
	rm -f tsan-report.*
	TSAN_OPTIONS='suppressions=$(abs_srcdir)/tsan.supp exitcode=66 log_path=$(abs_builddir)/tsan-report' \
	  $(MAKE) check TESTS="$(TSAN_TESTS)"; result=$$?; \
	  if cat tsan-report.* 2>/dev/null; then exit 1; fi; exit $$result
