# SPDX-License-Identifier: Apache-2.0
# The HTTP server and what it serves.
WEB_LIBS = $(top_builddir)/host/libhost.la $(CHECK_LIBS)
check_PROGRAMS += http-check-test http-server-test web-access-test web-test
http_check_test_SOURCES = http-check-test.c
http_check_test_LDADD = $(WEB_LIBS)
http_server_test_SOURCES = http-server-test.c
http_server_test_LDADD = $(WEB_LIBS) -lpthread
web_test_SOURCES = web-test.c
web_test_LDADD = $(WEB_LIBS) $(JANSSON_LIBS)
web_access_test_SOURCES = web-access-test.c
web_access_test_LDADD = $(WEB_LIBS)
web_access_test_LDFLAGS = -Wl,--wrap=crypto_pwhash -Wl,--wrap=crypto_pwhash_str_verify
TESTS += system-ingestion.py system-rest.py system-tls.py system-access.py
EXTRA_DIST += system-ingestion.py system-rest.py system-tls.py system-access.py rest_client.py

# The page, in a browser: make browser fetches what drives it, in the versions that are pinned.
TESTS += system-page.py
EXTRA_DIST += system-page.py page_support.py browser.py browser/bridge.mjs browser/package.json \
	browser/package-lock.json xss_vectors.py
.PHONY: browser
browser:
	$(MKDIR_P) $(top_builddir)/browser
	cp $(srcdir)/browser/package.json $(srcdir)/browser/package-lock.json $(top_builddir)/browser
	cd $(top_builddir)/browser && npm ci --ignore-scripts --no-audit --no-fund

# Pictures of each view for docs/web.md.
EXTRA_DIST += page-screenshots.py
.PHONY: screenshots
screenshots:
	$(AM_TESTS_ENVIRONMENT) MAILCHUTE_SCREENSHOTS='$(abs_top_srcdir)/docs/screenshots' \
	  $(PYTHON) $(srcdir)/page-screenshots.py
