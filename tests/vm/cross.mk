# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# ARCH=arm64: builds for another architecture than this machine's, with clang and lld, against
# Debian's packages of it, which roots.py fetches once. Everything is in build/ARCH, fdtrace too.

TRIPLET := $(patsubst arm64,aarch64,$(ARCH))-linux-gnu
PYTHON ?= /usr/bin/python3
CROSS_ROOT := $(shell $(PYTHON) -B tests/vm/roots.py $(ARCH))
ifeq ($(CROSS_ROOT),)
$(error ARCH=$(ARCH): there is no root to build against)
endif

BUILD := build/$(ARCH)
PROGRAM := $(BUILD)/fdtrace
CC = clang --target=$(TRIPLET) --sysroot=$(CROSS_ROOT)
LDFLAGS += -fuse-ld=lld
PKG_CONFIG := env PKG_CONFIG_SYSROOT_DIR=$(CROSS_ROOT) PKG_CONFIG_PATH= \
	PKG_CONFIG_LIBDIR=$(CROSS_ROOT)/usr/lib/$(TRIPLET)/pkgconfig pkg-config
