# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Installing: make install PREFIX=/usr DESTDIR=/tmp/package
# And the packages that the build and the tests need, and the demonstration.

INSTALL ?= install

BINDIR = $(DESTDIR)$(PREFIX)/bin
MANDIR = $(DESTDIR)$(PREFIX)/share/man/man8
RULESDIR = $(DESTDIR)$(PREFIX)/share/fdtrace/prometheus
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/fdtrace

DOC_FILES := README.md NEWS LICENSE $(wildcard docs/*.md docs/*.json)
LICENSE_FILES := $(wildcard LICENSES/*.txt)

.PHONY: install uninstall deps demo
install: fdtrace ## install below PREFIX (/usr/local), inside DESTDIR
	$(INSTALL) -d '$(BINDIR)' '$(MANDIR)' '$(UNITDIR)' '$(RULESDIR)' \
		'$(DOCDIR)/LICENSES'
	$(INSTALL) -m 755 fdtrace '$(BINDIR)/fdtrace'
	$(INSTALL) -m 644 docs/fdtrace.8 docs/fdtrace-agent.8 '$(MANDIR)'
	sed 's|/usr/local|$(PREFIX)|' packaging/fdtrace-agent.service > '$(UNITDIR)/fdtrace-agent.service'
	$(INSTALL) -m 644 $(DOC_FILES) packaging/agent.conf '$(DOCDIR)'
	$(INSTALL) -m 644 packaging/prometheus/*.yml '$(RULESDIR)'
	$(INSTALL) -m 644 $(LICENSE_FILES) '$(DOCDIR)/LICENSES'

uninstall: ## remove what install put there
	rm -f '$(BINDIR)/fdtrace' '$(MANDIR)/fdtrace.8' '$(MANDIR)/fdtrace-agent.8' \
		'$(UNITDIR)/fdtrace-agent.service'
	rm -rf '$(DOCDIR)' '$(RULESDIR)'

deps: ## install with apt what the build and the tests need
	packaging/run deps

demo: fdtrace ## trace a small Python service that closes descriptors twice
	packaging/demo
