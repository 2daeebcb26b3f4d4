/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A helper process that looks into files which others have made, so that a mistake made there
 * costs an answer and not the privileges of this process.
 *
 * Owns: the helper's life: forked before there is anything to inherit, confined (confine.h),
 * started anew when it dies, within bounds; the packets between us, in which nothing is believed
 * but sizes that are fixed. Never: knows what is asked or answered: whoever asks checks that.
 *
 *   us ──socket──> worker: no capabilities, no system calls but on memory and the file it was
 *          │          │    given; forked by
 *          └────── keeper: no capabilities; says that a worker has died, and forks the next
 */
#ifndef FDTRACE_SECURITY_HELPER_PROCESS_H
#define FDTRACE_SECURITY_HELPER_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* A question and an answer have so many bytes at most. */
#define SANDBOX_BYTES_MAX  1024
/* So many helpers may die. */
#define SANDBOX_DEATHS_MAX 64

struct sandbox;

/*
 * Runs in the helper. fd: the file, at any offset. question: question_size bytes. answer: room for
 * answer_size bytes, 0 before. Its result is the asker's.
 */
typedef int (*sandbox_fn)(int fd, const void *question, void *answer);

struct sandbox_options {
	sandbox_fn work;
	size_t question_size, answer_size;
	unsigned int timeout_ms; /* of one answer */
	uint64_t memory;	 /* bytes that the helper may allocate */
};

/*
 * Call it while this process has one thread and nothing that the helper should not have. 0 or
 * negative errno: without a confined helper there is none.
 */
int sandbox_new(const struct sandbox_options *options, struct sandbox **ret_sandbox);
void sandbox_free(struct sandbox *sandbox);

/*
 * fd: lent. 0: answer and *ret_result are the helper's, and as hostile as the file. -ECANCELED: it
 * died of this file, twice, or took too long. -ENOTRECOVERABLE: too many have died, there is none
 * left. -EINTR: see base/heed.h. Other negative errno: it could not be asked.
 */
int sandbox_ask(struct sandbox *sandbox, int fd, const void *question, void *answer,
		int *ret_result);

#endif
