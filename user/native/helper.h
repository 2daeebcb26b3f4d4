/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A process of its own that parses untrusted files and unwinds, and what is asked of it.
 *
 * Owns: that process: a fresh copy of this program, confined (security/confine.h), which ends with
 * its owner. Never: trusts what it answers: answers are records, and checked as such.
 */
#ifndef FDTRACE_NATIVE_HELPER_H
#define FDTRACE_NATIVE_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "native/message.h"

#define HELPER_WAIT_MS	 3000
/* Files that one helper takes. */
#define HELPER_FILES_MAX 1024

struct helper;

/* The path by which it is exec'd, always by this address: a filter of system calls may rest on it.
 */
extern const char helper_exe[];

/* Starts it. 0 or negative errno. */
int helper_new(struct helper **ret_helper);
void helper_free(struct helper *helper);

/*
 * A file, which modules then name by the id returned (from 0 on). fd: lent. -ENOSPC: it has
 * HELPER_FILES_MAX; else negative errno: the helper is gone.
 */
int helper_file(struct helper *helper, int fd, const char *name);

/* A separate file of the names of the file of this id. fd: lent. 0; negative errno: it is gone. */
int helper_names(struct helper *helper, uint32_t id, int fd);

/* Asks; one question at a time. message: size bytes. 0; negative errno: the helper is gone. */
int helper_ask(struct helper *helper, const struct message_unwind *message, size_t size);

struct helper_answer {
	/* Valid, though its header, hash, nr and cpu say nothing. NULL: names are lacking */
	const struct record_native_stack *stack;
	const struct message_lacking *lacking; /* its bytes are in bounds */
};

/*
 * The answer, waiting up to wait_ms for it; one of both, lent until the next one. 0; -EAGAIN: not
 * yet; other negative errno: the helper is gone.
 */
int helper_answer(struct helper *helper, int wait_ms, struct helper_answer *ret);

/* Readable when there is an answer, or the helper is gone. Lent. */
int helper_fd(const struct helper *helper);

/* Whether this process was started to be the helper; then helper_run() is all that it does. */
bool helper_is_wanted(const char *program);
int helper_run(void);

#endif
