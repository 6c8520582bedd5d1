# SPDX-License-Identifier: Apache-2.0
# make valgrind: every suite, and pick-ups by each loader, without an error or a definite leak. For a
# build without sanitizers. VALGRIND_TESTS chooses; what is left out tests running out of memory or
# speed, or is a fuzz target, and would only be slow.
VALGRIND = valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	--trace-children=no
VALGRIND_TESTS = `echo ' $(check_PROGRAMS)' | sed 's/ fuzz-mime//; s/ [a-z-]*memory-test//g'`
EXTRA_DIST += valgrind.py
.PHONY: valgrind
valgrind:
	@$(VALGRIND) true || { echo 'valgrind: it is not installed'; exit 1; }
	$(MAKE) check TESTS="$(VALGRIND_TESTS) valgrind.py" LOG_COMPILER='$(VALGRIND)' \
	  CK_FORK=no CK_DEFAULT_TIMEOUT=0 VALGRIND='$(VALGRIND)'
