# SPDX-License-Identifier: Apache-2.0
# Fuzz targets of the message side (loader/mime); fuzz.mk tells how they are run. All are linked with
# the modules whose basic blocks are counted (text.mk), so that an input that costs too much is found.
MIME_FUZZ_TARGETS = mime structure decode charset header address html tnef rtf uuencode cms
FUZZ_TARGETS += $(MIME_FUZZ_TARGETS)
FUZZ_ORACLE = fuzz/oracle.c fuzz/oracle.h $(FUZZ_MAIN)
FUZZ_ORACLE_LIBS = libcounted.la $(top_builddir)/loader/lib/libloader.la
FUZZ_WRAP = -Wl,--wrap=__sanitizer_cov_trace_pc

check_PROGRAMS += fuzz-mime
fuzz_mime_SOURCES = fuzz/fuzz-mime.c $(FUZZ_ORACLE)
fuzz_mime_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/mime"'
fuzz_mime_LDFLAGS = $(FUZZ_WRAP)
fuzz_mime_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-structure
fuzz_structure_SOURCES = fuzz/fuzz-structure.c $(FUZZ_ORACLE)
fuzz_structure_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/structure"'
fuzz_structure_LDFLAGS = $(FUZZ_WRAP)
fuzz_structure_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-decode
fuzz_decode_SOURCES = fuzz/fuzz-decode.c $(FUZZ_ORACLE)
fuzz_decode_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/decode"'
fuzz_decode_LDFLAGS = $(FUZZ_WRAP)
fuzz_decode_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-charset
fuzz_charset_SOURCES = fuzz/fuzz-charset.c $(FUZZ_ORACLE)
fuzz_charset_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/charset"'
fuzz_charset_LDFLAGS = $(FUZZ_WRAP)
fuzz_charset_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-header
fuzz_header_SOURCES = fuzz/fuzz-header.c $(FUZZ_ORACLE)
fuzz_header_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/header"'
fuzz_header_LDFLAGS = $(FUZZ_WRAP)
fuzz_header_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-address
fuzz_address_SOURCES = fuzz/fuzz-address.c $(FUZZ_ORACLE)
fuzz_address_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/address"'
fuzz_address_LDFLAGS = $(FUZZ_WRAP)
fuzz_address_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-html
fuzz_html_SOURCES = fuzz/fuzz-html.c $(FUZZ_ORACLE)
fuzz_html_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/html"'
fuzz_html_LDFLAGS = $(FUZZ_WRAP)
fuzz_html_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-tnef
fuzz_tnef_SOURCES = fuzz/fuzz-tnef.c $(FUZZ_ORACLE)
fuzz_tnef_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/tnef"'
fuzz_tnef_LDFLAGS = $(FUZZ_WRAP)
fuzz_tnef_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-rtf
fuzz_rtf_SOURCES = fuzz/fuzz-rtf.c $(FUZZ_ORACLE)
fuzz_rtf_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/rtf"'
fuzz_rtf_LDFLAGS = $(FUZZ_WRAP)
fuzz_rtf_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-uuencode
fuzz_uuencode_SOURCES = fuzz/fuzz-uuencode.c $(FUZZ_ORACLE)
fuzz_uuencode_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/uuencode"'
fuzz_uuencode_LDFLAGS = $(FUZZ_WRAP)
fuzz_uuencode_LDADD = $(FUZZ_ORACLE_LIBS)

check_PROGRAMS += fuzz-cms
fuzz_cms_SOURCES = fuzz/fuzz-cms.c $(FUZZ_ORACLE)
fuzz_cms_CPPFLAGS = $(AM_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/fuzz/seeds/cms"'
fuzz_cms_LDFLAGS = $(FUZZ_WRAP)
fuzz_cms_LDADD = $(FUZZ_ORACLE_LIBS)
