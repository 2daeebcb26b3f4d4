/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the kernel side is asked for, and why it cannot be had. Pure data.
 */
#ifndef FDTRACE_EBPF_EBPF_OPTIONS_H
#define FDTRACE_EBPF_EBPF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/record.h"

struct ebpf_options {
	size_t ring_bytes; /* a power of two, at least a page */
	bool follow;	   /* children of targets become targets */
	bool starts;	   /* a RECORD_STARTED when one that is no target runs another program */
	bool costs;	   /* what hooks cost each target is counted */
	bool owners;	   /* Python's descriptor owners are read */
	bool verbose;	   /* libbpf's log to standard error */
	const char *kind;  /* the only kind of hook to try; NULL: the first that works */
	enum native_calls natives;
	unsigned int drop; /* every so many records is lost on purpose; 0: none */
};

/* "auto", or a kind of hook by its name: *ret is for ebpf_options.kind. False: it is neither. */
bool ebpf_hooks_named(const char *text, const char **ret);

/* Why ebpf_open failed, as far as it can be told. */
enum ebpf_lack {
	EBPF_LACK_NOTHING,
	EBPF_LACK_PRIVILEGE, /* root or capabilities, lockdown */
	EBPF_LACK_KERNEL,    /* BTF, ring buffer, a hook, memory limits */
	EBPF_LACK_OTHER,
};

struct ebpf_error {
	enum ebpf_lack lack;
	char text[256]; /* what failed and what to do, one sentence */
};

#endif
