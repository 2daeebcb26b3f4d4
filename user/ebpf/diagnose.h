/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Why the kernel side can't be had, in one sentence that says what to do.
 *
 * Owns: that judgement, from errno and from what the kernel shows of itself.
 */
#ifndef FDTRACE_EBPF_DIAGNOSE_H
#define FDTRACE_EBPF_DIAGNOSE_H

#include "ebpf/ebpf_options.h"

/* Fills *error for a step ("load the kernel programs") that failed with err; returns err. */
int diagnose(int err, const char *step, struct ebpf_error *error);

/* The same of hooks that are perf events, which the kernel may keep for root. */
int diagnose_events(int err, const char *step, struct ebpf_error *error);

/* What /sys/kernel/security/lockdown says is in force: "integrity", "confidentiality"; or "". */
void lockdown_mode(const char *file_text, char ret[32]);

#endif
