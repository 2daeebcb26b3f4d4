# fdtrace: build, test, install. `make help` lists the targets.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build

CLANG ?= clang
# Debian has LLVM's tools by their version, too: $(call llvm_tool,NAME).
llvm_tool = $(firstword $(shell command -v $(1) $(1)-14 $(1)-16 $(1)-19 2>/dev/null) $(1))
LLVM_STRIP ?= $(call llvm_tool,llvm-strip)
LLVM_OBJDUMP ?= $(call llvm_tool,llvm-objdump)
BPFTOOL ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PROTOC_C ?= protoc-c
HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
ARCH ?= $(HOST_ARCH)
BPF_ARCH ?= $(ARCH)
# What is built; that of another architecture lies in its own BUILD.
PROGRAM := fdtrace
ifneq ($(ARCH),$(HOST_ARCH))
include tests/vm/cross.mk
endif

LIBS := libbpf libdw libelf liblzma zlib jansson libseccomp inih libsystemd libmicrohttpd \
	libprotobuf-c sqlite3
# Its header alone: the agent loads the library where it sends findings (agent/curl_library.h).
HEADERS_OF := libcurl
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wno-unused-parameter -Werror=implicit-function-declaration
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -DFDTRACE_VERSION='"$(VERSION)"' \
	-Iuser -Ibpf -I$(BUILD) $(shell $(PKG_CONFIG) --cflags $(LIBS) $(HEADERS_OF)) $(CFLAGS) $(EXTRA_CFLAGS)
ALL_LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -ldl $(LDLIBS)

USER_SRC := $(sort $(wildcard user/*.c user/*/*.c user/*/*/*.c))
# OpenTelemetry's messages: protoc-c makes otlp.pb-c.h and otlp.pb-c.c of otlp.proto.
MESSAGES := $(BUILD)/otlp.pb-c
USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o) $(MESSAGES).o
# Everything but main(): what the unit tests link with.
LIB_OBJ := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))

BPF_HEADERS := $(wildcard bpf/*.h bpf/abi/*.h) vmlinux.h
SKELETON := $(BUILD)/fdtrace.skel.h
# The kernel side without functions that old kernels lack.
PLAIN := $(BUILD)/fdtrace_plain.skel.h

UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)

.DELETE_ON_ERROR:
.PHONY: all
all: $(PROGRAM)

$(PROGRAM): $(USER_OBJ)
	$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LDLIBS)

$(BUILD)/user/%.o: user/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(patsubst %.c,$(BUILD)/%.o,$(wildcard user/ebpf/*.c)): $(SKELETON)
$(BUILD)/user/ebpf/bpf_object.o: $(PLAIN)
$(BUILD)/user/base/syscalls.o: $(BUILD)/syscall_names.h

# One [__NR_name] = "name" for each system call of the architecture compiled for.
$(BUILD)/syscall_names.h: user/base/syscall_numbers.h
	@mkdir -p $(@D)
	$(CC) -dM -E -Iuser $< \
		| sed -nE '/__NR_(syscalls|arch_specific_syscall) /d; s/^#define __NR_([a-z0-9_]+) .*/[__NR_\1] = "\1",/p' \
		| LC_ALL=C sort > $@

$(MESSAGES).c $(MESSAGES).h &: user/report/otlp/otlp.proto
	@mkdir -p $(@D)
	$(PROTOC_C) --proto_path=$(<D) --c_out=$(BUILD) $(<F)

$(MESSAGES).o: $(MESSAGES).c
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(patsubst %.c,$(BUILD)/%.o,$(wildcard user/report/otlp/*.c user/agent/otlp*.c)): $(MESSAGES).h

$(BUILD)/fdtrace_plain.bpf.o: private BPF_FLAGS := -DPLAIN
$(BUILD)/fdtrace.bpf.o $(BUILD)/fdtrace_plain.bpf.o: bpf/fdtrace.bpf.c $(BPF_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Werror \
		-Wno-gnu-variable-sized-type-not-at-end -I. -Ibpf $(BPF_FLAGS) \
		$(shell $(PKG_CONFIG) --cflags libbpf) -c -o $@ $<
	$(LLVM_STRIP) -g $@

$(SKELETON) $(PLAIN): $(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -o $@ $< $(LIB_OBJ) $(LDFLAGS) $(ALL_LDLIBS) -lcmocka

.PHONY: unit
unit: $(UNIT_BIN) ## the unit tests (no root needed)
	@set -e; for t in $(UNIT_BIN); do $$t; done

include packaging/install.mk tests/tests.mk tests/vm/vm.mk

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD) fdtrace

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z0-9 -]*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

-include $(USER_OBJ:.o=.d) $(UNIT_BIN:=.d)
