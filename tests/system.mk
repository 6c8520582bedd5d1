# SPDX-License-Identifier: Apache-2.0
# The whole program against a real server; each script says what it proves.
SYSTEM_TESTS = system-audit.py system-parse.py system-pickup.py system-settle.py \
	system-errors.py system-folders.py \
	system-hosts.py system-install.py system-tree.py
TESTS += $(SYSTEM_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS) system_support.py loader_api.py dovecot.py mailgen.py demo.py unpacked.c README
