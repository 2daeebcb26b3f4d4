# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Everything that checks. The parts stand alone; `make test` runs them all and counts.

PYTHON ?= /usr/bin/python3
SUDO ?= $(if $(filter 0,$(shell id -u)),,sudo)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

C_FILES := $(sort $(wildcard user/*.[ch] user/*/*.[ch] user/*/*/*.[ch] bpf/*.[ch] bpf/abi/*.[ch] \
	tests/*/*.[ch] tests/unit/*/*.[ch]))

.PHONY: test check
test check: fdtrace ## everything: strict builds, lint, unit and e2e tests (root for e2e)
	@$(PYTHON) tests/run.py

.PHONY: objects
objects: $(USER_OBJ) $(UNIT_BIN)

# Other compilers and flags build aside, so that they never mix with ./fdtrace.
.PHONY: strict-gcc strict-clang
strict-gcc strict-clang: strict-%: ## build all with gcc, with clang; warnings are errors
	@$(MAKE) --no-print-directory -s CC=$* BUILD=$(BUILD)/strict-$* EXTRA_CFLAGS=-Werror objects

# It needs nothing of another architecture but the name.
strict-clang: bpf-arches
.PHONY: bpf-arches
bpf-arches: ## compile the kernel side for every architecture
	@for arch in x86 arm64; do \
		$(MAKE) --no-print-directory -s BUILD=$(BUILD)/bpf-$$arch BPF_ARCH=$$arch \
			$(BUILD)/bpf-$$arch/fdtrace.bpf.o || exit; \
	done

.PHONY: unit-sanitized
unit-sanitized: ## the unit tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/sanitized EXTRA_CFLAGS='$(SANITIZE)' unit

.PHONY: golden golden-check golden-expect
golden-check: fdtrace ## recordings of old sessions replay to the byte (no root needed)
	@$(PYTHON) -B tests/golden/golden.py check

golden-expect: fdtrace ## after a change of verdicts or words: what is expected of them, anew
	@$(PYTHON) -B tests/golden/golden.py expect

golden: fdtrace ## make the recordings anew (needs root)
	@$(SUDO) $(PYTHON) -B tests/golden/golden.py record

.PHONY: fuzz fuzz-check fuzz-keep fuzz-build fuzz-runtime
FUZZ_SECONDS ?= 60
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(FUZZ_BUILD)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_RUN = $(PYTHON) -B tests/fuzz/run.py $(FUZZ_BUILD)
fuzz: fuzz-build ## input that tries to break every parser (clang's libFuzzer); FUZZ_SECONDS=60 each, FUZZ='elf proc'
	@$(FUZZ_RUN) fuzz $(FUZZ) --seconds $(FUZZ_SECONDS)

fuzz-check: fuzz-build ## the same, for seconds, after the inputs that are kept in tests/fuzz/corpus
	@$(FUZZ_RUN) check $(FUZZ)

fuzz-keep: fuzz-build ## after make fuzz: what it found new goes into tests/fuzz/corpus, minimised
	@$(FUZZ_RUN) keep $(FUZZ)

# What a fuzz target is linked with comes in a package of its own, which clang does not bring along.
fuzz-runtime:
	@mkdir -p $(FUZZ_BUILD)
	@echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		clang $(SANITIZE) -fsanitize=fuzzer -x c -o $(FUZZ_BUILD)/empty - || { \
		echo "fuzz: clang links no fuzz target here: install its sanitizer and fuzzer" \
			"runtime (Debian: libclang-rt-dev, by packaging/run deps)" >&2; exit 1; }

fuzz-build: fuzz-runtime
	@$(MAKE) --no-print-directory -s CC=clang BUILD=$(FUZZ_BUILD) \
		EXTRA_CFLAGS='$(SANITIZE) -fsanitize=fuzzer-no-link' $(FUZZ_BIN)

$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(LIB_OBJ)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB_OBJ) $(LDFLAGS) $(ALL_LDLIBS)

# What hangs after all is ended, with a word on where, long before a CI system would end it.
.PHONY: e2e e2e-beside e2e-alone
E2E_SECONDS ?= 2700
e2e: fdtrace ## real processes under fdtrace (needs root); E2E= passes arguments to pytest
e2e-beside: fdtrace ## of it, the tests that run several at once
e2e-alone: fdtrace ## of it, the others, which measure, or must be the only ones to trace
e2e-beside: E2E_MARK = -m "not alone"
e2e-alone: E2E_MARK = -m alone
e2e e2e-beside e2e-alone:
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 \
		timeout --signal=ABRT --kill-after=10 $(E2E_SECONDS) \
		$(PYTHON) -m pytest -p no:cacheprovider tests/e2e $(E2E_MARK) $(E2E)

.PHONY: adversary
adversary: fdtrace ## an unprivileged user against root's fdtrace (needs root); E2E= as above
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 \
		timeout --signal=ABRT --kill-after=10 $(E2E_SECONDS) \
		$(PYTHON) -m pytest -c tests/pytest.ini -p no:cacheprovider tests/adversary $(E2E)

.PHONY: pythons pythons-built
pythons: ## fetch Debian's CPythons of other suites into the cache, for the e2e tests
	@$(PYTHON) -B tests/pythons.py

pythons-built: ## build those that Debian has only sources of (free-threaded, with musl); BUILT='python3.13t'
	@$(PYTHON) -B tests/build_pythons.py $(BUILT)

.PHONY: packages
packages: ## install what the e2e tests use of PyPI into the cache, for every Python here
	@$(PYTHON) -B tests/packages.py

.PHONY: stress
STRESS_SECONDS ?= 60
stress: fdtrace ## races for recycled numbers, walks over owners and over what nobody sees, against the programs' own logs; STRESS_SECONDS=60
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 FDTRACE_TEST_LONG=$(STRESS_SECONDS) $(PYTHON) -m pytest \
		-p no:cacheprovider tests/e2e/test_race.py tests/e2e/test_walk_owners.py
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 FDTRACE_TEST_LONG=$(STRESS_SECONDS) $(PYTHON) -m pytest \
		-c tests/pytest.ini -p no:cacheprovider tests/adversary/test_walk.py

.PHONY: lint bpf-lint man-lint layouts-lint check-vmlinux format format-check
lint: fdtrace man-lint format-check bpf-lint layouts-lint ## the house rules
	@$(PYTHON) tests/lint/lint.py

bpf-lint: $(BUILD)/fdtrace.bpf.o ## what an old kernel would refuse of the kernel side
	@$(PYTHON) -B tests/lint/bpf_object.py $(LLVM_OBJDUMP) $<

layouts-lint: # the tables of CPython's layouts are those of the data
	@$(PYTHON) -B tests/tools/layouts.py check

.PHONY: layouts check-layouts
layouts: ## user/python/layouts.inc, anew of tests/unit/data/layouts.txt
	@$(PYTHON) -B tests/tools/layouts.py write

check-layouts: ## compare that data with the headers of every CPython here
	@$(PYTHON) -B tests/tools/layouts.py compare

man-lint: ## the man page's markup
	@mandoc -T lint -W warning docs/*.8

check-vmlinux: ## compare vmlinux.h with the running kernel's BTF
	@$(PYTHON) tests/lint/check_vmlinux.py

# Each major version has a form of its own for macros and comments; here it is that of Debian 12's.
FORMAT_VERSION := 14
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-$(FORMAT_VERSION) clang-format) clang-format)
format-check:
	@here=$$($(CLANG_FORMAT) --version) || exit; \
	case "$$here" in \
	*"version $(FORMAT_VERSION)."*) $(CLANG_FORMAT) --dry-run -Werror $(C_FILES) ;; \
	*) echo "format-check: skipped: it needs clang-format $(FORMAT_VERSION), here is $$here" ;; \
	esac

format: ## put every C file into its form (of clang-format 14)
	$(CLANG_FORMAT) -i $(C_FILES)

# A probe with nothing in it, one with bpf_get_stack, and processes to try them on.
BENCH_BUILD := $(BUILD)/bench
BENCH_BIN := $(BENCH_BUILD)/probes $(BENCH_BUILD)/frames $(BENCH_BUILD)/mapper
$(BENCH_BUILD)/probes.bpf.o: tests/bench/probes.bpf.c vmlinux.h
	@mkdir -p $(@D)
	$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -I. \
		$(shell $(PKG_CONFIG) --cflags libbpf) -c -o $@ $<
	$(LLVM_STRIP) -g $@

$(BENCH_BUILD)/bench_probes.skel.h: $(BENCH_BUILD)/probes.bpf.o
	$(BPFTOOL) gen skeleton $< name bench_probes_bpf > $@

$(BENCH_BUILD)/probes: tests/bench/probes.c $(BENCH_BUILD)/bench_probes.skel.h
	$(CC) $(ALL_CFLAGS) -I$(BENCH_BUILD) -o $@ $< $(LDFLAGS) $(ALL_LDLIBS)

$(BENCH_BUILD)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o $@ $<

# PYTHON is the interpreter that is traced, too.
BENCH_COSTS = $(SUDO) $(PYTHON) -B tests/bench/costs.py $(BENCH_BUILD) --python $(PYTHON)
BENCH_LOOPS = $(SUDO) $(PYTHON) -B tests/bench/bench.py --python $(PYTHON)
.PHONY: bench bench-check bench-costs bench-loops
bench: fdtrace $(BENCH_BIN) ## the overhead, beside strace and bpftrace (needs root); PYTHON= is traced
	@$(BENCH_COSTS) $(COSTS)
	@$(BENCH_LOOPS) $(BENCH)

bench-check: fdtrace $(BENCH_BIN) ## the same, and fails if the aims are missed
	@$(BENCH_COSTS) --check $(COSTS)
	@$(BENCH_LOOPS) --check $(BENCH)

bench-loops: fdtrace ## of it, the loops; BENCH='--loops open,raw --arms unowned --rounds 3'
	@$(BENCH_LOOPS) $(BENCH)

bench-costs: fdtrace $(BENCH_BIN) ## of it, one stack by depth, beside bpf_get_stack; an attach; COSTS=
	@$(BENCH_COSTS) $(COSTS)

# What reads a process as fdtrace does is linked with it.
$(BENCH_BUILD)/scan: tests/bench/scan.c tests/unit/find_python.h $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit -o $@ $< $(LIB_OBJ) $(LDFLAGS) $(ALL_LDLIBS)

.PHONY: bench-scan
bench-scan: $(BENCH_BUILD)/scan ## of the search for owners that a Python made before; SCAN='50 500 --kind bytes'
	@$(PYTHON) -B tests/bench/scan.py $< $(SCAN)

.PHONY: accuracy validation healthy
accuracy: fdtrace ## precision and recall by kind, over the simulators (needs root)
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/accuracy.py

validation: fdtrace ## CPython's own tests: each finding explained, or it fails; the table of docs/validation.md (needs root)
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/validation.py

healthy: fdtrace ## popular packages from PyPI at their usual jobs: none may give more than info (needs root and a network)
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/healthy/run.py

# VERSIONS='3.8 3.13' takes others than the system's own Python; ONLY=word some of the programs.
.PHONY: corpus
corpus: fdtrace ## programs whose truth is known: precision and recall of who is named; VERSIONS='3.8 3.13' ONLY=word (root)
	@$(SUDO) env PYTHONDONTWRITEBYTECODE=1 nice $(PYTHON) tests/corpus/run.py --verbose --packages \
		--only '$(ONLY)' --python $(VERSIONS)
