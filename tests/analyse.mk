# SPDX-License-Identifier: Apache-2.0
# Static analysis: make analyse (in tests or at the top). See analyse.py and .clang-tidy.
EXTRA_DIST += analyse.py .clang-tidy
.PHONY: analyse
analyse:
	@top_srcdir='$(abs_top_srcdir)' CPPFLAGS='$(DEFS) -I$(abs_top_builddir) $(AM_CPPFLAGS) \
	  -I$(abs_top_srcdir)/loader -I$(abs_top_srcdir)/loader/mailchain \
	  $(CHECK_CFLAGS) $(JANSSON_CFLAGS) $(UUID_CFLAGS) \
	  $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) $(PCRE2_CFLAGS)' \
	  $(PYTHON) $(srcdir)/analyse.py $(FILES)
