# hostpci: build, test, install. `make help` lists the targets.

# Use all processors. A -j on the command line wins over this one; a sub-make shares the jobs of the make above it.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# From the first heading of CHANGELOG.md, which is the only place that has it.
VERSION := $(shell sed -n 's/^\#\# *\([0-9][0-9.]*\).*/\1/p;' CHANGELOG.md | head -n 1)
ifeq ($(origin CC),default)
CC      := gcc
endif
BUILD   ?= build/release
PREFIX  ?= /usr/local
DESTDIR ?=
# `make install` adds links by these names, for people used to Proxmox VE's qm and pvesh.
LINKS   ?=

# Lowest first; tests/rooms says which includes which.
ROOMS := base schema storage hardware vm store broker access task passthrough cluster api server client
LIBS  := libmicrohttpd jansson libpci sqlite3 gnutls libpcre2-8 yaml-0.1 libcurl libseccomp pam zlib libcrypt libmnl

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings \
            -Wformat=2 -Wundef -Wpointer-arith -Wold-style-definition -Wredundant-decls
OPTIMISE ?= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
SANITIZE ?=
ifeq ($(origin REPOID),undefined)
REPOID   := $(shell git rev-parse --short=16 HEAD 2>/dev/null || echo 0000000000000000)
endif
DEFINES   = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -I. -include base/banned.h
# Empty until the packages are installed; the targets below install them and then run make again.
LIBS_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
# libcurl is not linked: the client loads it when it needs it (base/libcurl.h).
LIBS_LINK   := $(shell pkg-config --libs $(filter-out libcurl,$(LIBS)) 2>/dev/null) -lpthread -lm
# A sanitizer needs line numbers only. Its programs are started thousands of times, so they are linked at a fixed
# address and with the sanitizer's library inside: each start then takes a third less.
DEBUG    := $(if $(SANITIZE),-g1,-g)
RUNTIMES := $(if $(findstring gcc,$(CC)),$(if $(findstring address,$(SANITIZE)),-static-libasan -static-libubsan) \
              $(if $(findstring thread,$(SANITIZE)),-static-libtsan))
PIE      := $(if $(SANITIZE),-no-pie $(RUNTIMES),-pie)
COMPILE   = $(CC) -std=c17 $(DEFINES) $(WARNINGS) $(LIBS_CFLAGS) $(OPTIMISE) $(SANITIZE) $(DEBUG) -fPIE -MMD -MP $(CFLAGS)
# -rdynamic exports the function by which the daemon replaces libmicrohttpd's reason phrases (server/http/response.h).
LINK      = $(CC) $(SANITIZE) $(PIE) -rdynamic -Wl,-z,relro,-z,now $(LDFLAGS)

# Every .c below the folders of a room or of its tests.
sources = $(shell find $(1) -name '*.c' | LC_ALL=C sort)
SOURCES := $(call sources,$(ROOMS))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(filter-out $(BUILD)/client/main.o,$(OBJECTS))
UNIT    := $(patsubst %.c,$(BUILD)/%.o,$(call sources,tests/unit))
API     := $(patsubst %.c,$(BUILD)/%.o,$(call sources,tests/api))
KERNEL  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/hosts/kernel*.c))
HOSTS   := $(filter-out $(wildcard tests/hosts/kernel*),$(wildcard tests/hosts/*.c tests/hosts/*.h))
SHARED  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
SHELLS  := dist/install-packages dist/manual dist/sbom dist/demo dist/hostpci.bash $(wildcard tests/run tests/rooms tests/lab/run tests/lab/package tests/bench/run)

ASAN := BUILD=build/asan OPTIMISE=-O1 SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"
TSAN := BUILD=build/tsan OPTIMISE=-O1 SANITIZE=-fsanitize=thread
FUZZ_BUILD := BUILD=build/fuzz CC=clang OPTIMISE=-O1 \
              SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"

# Another make, when the packages are there. What one compiler says stays together.
AGAIN = +@$(MAKE) --no-print-directory --output-sync=target

.PHONY: all run deb dist test unit quick check lab bench soak lint format install clean help packages-% binaries tests fuzz \
        built-release built-asan built-tsan built-fuzz
all: packages-build
	$(AGAIN) binaries

help:
	@echo 'make                builds build/release/hostpci'
	@echo 'make run            builds, starts the daemon on https://127.0.0.1:8006 and shows what it found'
	@echo 'make test           everything: check, lint, fuzzers for a moment, the lab'
	@echo 'make unit           unit tests'
	@echo 'make quick          unit and API tests'
	@echo 'make check          unit and API tests under sanitizers'
	@echo 'make lab            the API tests on a real kernel with an IOMMU, under QEMU'
	@echo 'make bench          the table of measurements'
	@echo 'make soak           long fuzzing, every fault, kill -9 at every step'
	@echo 'make lint           clang-format, clang-tidy, cppcheck'
	@echo 'make format         formats the sources'
	@echo 'make openapi.yaml   the description of the API, from the declarations'
	@echo 'make docs/checks.md the table of checks, from the checks'
	@echo 'make deb            a package for this release of Debian, in build/deb'
	@echo 'make dist           the source as an archive, with an SBOM and checksums, in build/dist'
	@echo 'make install        to DESTDIR$(DESTDIR) PREFIX=$(PREFIX); LINKS="qm pvesh": by these names, too'

# Installs the packages of these lists in dist/packages that are missing, or prints the apt line to type.
packages-%:
	@dist/install-packages $(subst -, ,$*)

run: packages-build-run
	$(AGAIN) binaries
	@exec dist/demo $(BUILD)/hostpci

# Without sanitizers.
unit quick: packages-build-test
	$(AGAIN) built-release
	@tests/run $@

check: packages-build-test
	$(AGAIN) $(BUILD)/tests/make-host built-asan
	@tests/run check

TEST := threads,check clients web debian fuzz lint,lab
test: packages-build-test-lint-fuzz-lab
	@tests/run --plan $(TEST)
	$(AGAIN) built-release built-asan built-tsan built-fuzz
	@tests/run $(TEST)

lab: packages-build-test-lab
	$(AGAIN) built-release
	@tests/run lab

bench: packages-build-test-bench-lab
	$(AGAIN) binaries $(BUILD)/tests/make-host $(BUILD)/tests/bench-scan $(BUILD)/tests/api-tests
	@tests/bench/run

soak: packages-build-test-fuzz-lab
	@tests/run --plan soak
	$(AGAIN) built-release built-asan built-fuzz
	@tests/run soak

lint: packages-build-test-lint
	@tests/run lint

# What tests/run runs, each in a build folder of its own.
built-release:
	+@$(MAKE) BUILD=build/release binaries tests
built-asan:
	+@$(MAKE) $(ASAN) binaries tests
built-tsan:
	+@$(MAKE) $(TSAN) binaries
built-fuzz:
	+@$(MAKE) $(FUZZ_BUILD) fuzz

binaries: $(BUILD)/hostpci
tests: $(BUILD)/tests/unit-tests $(BUILD)/tests/api-tests $(BUILD)/tests/make-host $(BUILD)/tests/hostpci
fuzz: $(FUZZ)

$(BUILD)/hostpci: $(OBJECTS)
	@echo '  link $@'
	@$(LINK) -o $@ $^ $(LIBS_LINK)

$(BUILD)/%.o: %.c $(BUILD)/command
	@mkdir -p $(@D)
	@echo '  compile $<'
	@$(COMPILE) -c -o $@ $<

# The page is part of the binary.
$(BUILD)/server/request/asset_web.o: server/request/asset_web.def $(wildcard web/* web/*/*)

# The revision changes with every commit, but only one file contains it.
$(BUILD)/api/node/version.o: private DEFINES += -DREPOID='"$(REPOID)"'
$(BUILD)/api/node/version.o: $(BUILD)/revision

# Files whose content is compared: what depends on them is made again when the text changes, not with every change of
# this file. ccache or not makes no difference to what is compiled.
$(BUILD)/revision: TEXT = $(REPOID)
$(BUILD)/command: TEXT = $(subst $(CC),$(lastword $(CC)),$(COMPILE) $(LINK))
$(BUILD)/revision $(BUILD)/command: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(TEXT))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(TEXT))' > $@
FORCE:

$(BUILD)/tests/unit-tests: $(UNIT) $(SHARED) $(KERNEL) $(LIBRARY)
	@echo '  link $@'
	@$(LINK) -o $@ $^ $(LIBS_LINK) -lcriterion

$(BUILD)/tests/api-tests: $(API) $(SHARED) $(KERNEL) $(LIBRARY)
	@echo '  link $@'
	@$(LINK) -o $@ $^ $(LIBS_LINK) -lcriterion $(shell pkg-config --libs libcurl 2>/dev/null)

# The program as it is, but that its broker can be told to stop at a step, and to work on a simulated kernel.
$(BUILD)/tests/hostpci: $(OBJECTS) $(KERNEL) $(BUILD)/tests/stop_at.o $(BUILD)/tests/web/kernel.o
	@echo '  link $@'
	@$(LINK) -o $@ $^ $(LIBS_LINK)

$(BUILD)/tests/make-host: $(HOSTS)
	@mkdir -p $(@D)
	@echo '  link $@'
	@$(CC) -std=c17 -D_GNU_SOURCE $(WARNINGS) -O2 -I. -o $@ $(filter %.c,$^)

$(BUILD)/tests/bench-scan: $(BUILD)/tests/bench/scan.o $(filter $(BUILD)/base/% $(BUILD)/hardware/%,$(OBJECTS))
	@echo '  link $@'
	@$(LINK) -Wl,--as-needed -o $@ $^ $(LIBS_LINK)

$(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(filter-out $(BUILD)/client/%,$(LIBRARY))
	@echo '  link $@'
	@$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS_LINK)

openapi.yaml: binaries
	$(BUILD)/hostpci openapi > $@.new && mv $@.new $@

docs/checks.md: binaries
	$(BUILD)/hostpci checks > $@.new && mv $@.new $@

format:
	clang-format-19 -i $(shell git ls-files '*.c' '*.h')

UNITS    := $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSUSERS := $(DESTDIR)$(PREFIX)/lib/sysusers.d/hostpci.conf
TMPFILES := $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/hostpci.conf
install: binaries
	install -D -m 755 $(BUILD)/hostpci $(DESTDIR)$(PREFIX)/bin/hostpci
	@for name in $(LINKS); do \
	    other=$$(readlink -f "$$(command -v $$name)"); \
	    case $$other in '' | */hostpci) ln -sfnv hostpci $(DESTDIR)$(PREFIX)/bin/$$name ;; \
	    *) echo "$$other is there already: leave $$name out of LINKS" >&2; exit 1 ;; esac \
	done
	install -d $(UNITS)
	for unit in hostpci.socket hostpci.service hostpci-broker.socket hostpci-broker.service hostpci-guests.service; do \
	    sed 's,/usr/local,$(PREFIX),' dist/$$unit > $(UNITS)/$$unit; done
	install -D -m 644 dist/hostpci.sysusers $(SYSUSERS)
	install -D -m 644 dist/hostpci.tmpfiles $(TMPFILES)
	[ -e $(DESTDIR)/etc/pam.d/hostpci ] || install -D -m 644 dist/hostpci.pam $(DESTDIR)/etc/pam.d/hostpci
	install -D -m 644 dist/hostpci.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hostpci
	install -d $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	sed 's,/usr/local,$(PREFIX),' dist/hostpci.zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_hostpci
	sed 's,/usr/local,$(PREFIX),' dist/hostpci.fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/hostpci.fish
	install -D -m 644 openapi.yaml $(DESTDIR)$(PREFIX)/share/hostpci/openapi.yaml
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/hostpci/README.md
	for document in api checks comparison operate passthrough recipes security; do \
	    install -D -m 644 docs/$$document.md $(DESTDIR)$(PREFIX)/share/doc/hostpci/docs/$$document.md; done
ifeq ($(DESTDIR),)
# On this host, make the user and the run folder now rather than at the next boot.
	! command -v systemd-sysusers > /dev/null || systemd-sysusers $(SYSUSERS)
	! command -v systemd-tmpfiles > /dev/null || systemd-tmpfiles --create $(TMPFILES)
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
endif

# What git has, as it is committed, with Debian's files where Debian wants them. All times are that of the last commit.
EPOCH = $(shell git log -1 --format=%ct)
DEB   = build/deb/hostpci-$(VERSION)
deb: packages-build-deb
	rm -rf build/deb
	mkdir -p $(DEB)
	git archive HEAD | tar -x -C $(DEB)
	mv $(DEB)/dist/debian $(DEB)/debian
	sed -i "s/@BUILD@/$$(sed -n 's/^build \([^ ]*\).*/\1/p' dist/packages | paste -sd, | sed 's/,/, /g')/" \
	    $(DEB)/debian/control
	printf 'hostpci (%s) unstable; urgency=medium\n\n  * CHANGELOG.md says what is new.\n\n -- %s  %s\n' '$(VERSION)' \
	    "$$(sed -n 's/^Maintainer: //p' dist/debian/control)" "$$(LC_ALL=C date -u -R -d @$(EPOCH))" \
	    > $(DEB)/debian/changelog
	cd $(DEB) && env -u MAKEFLAGS -u MAKELEVEL REPOID=$(REPOID) SOURCE_DATE_EPOCH=$(EPOCH) \
	    DEB_BUILD_OPTIONS="parallel=$(shell nproc) $(DEB_BUILD_OPTIONS)" dpkg-buildpackage -us -uc -b

# What a release consists of: the source as git has it, what it is built with, and their sums.
dist:
	rm -rf build/dist
	mkdir -p build/dist
	git archive --prefix=hostpci-$(VERSION)/ HEAD | gzip -9n > build/dist/hostpci-$(VERSION).tar.gz
	dist/sbom $(VERSION) $(EPOCH) $(LIBS) > build/dist/hostpci-$(VERSION).spdx
	cd build/dist && sha256sum hostpci-* > SHA256SUMS

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(UNIT:.o=.d) $(API:.o=.d) $(SHARED:.o=.d) $(KERNEL:.o=.d)
-include $(BUILD)/tests/bench/scan.d $(patsubst %.c,$(BUILD)/%.d,$(wildcard tests/fuzz/*.c))
