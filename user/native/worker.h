/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The helper's inside: it parses the files of traced processes, and unwinds.
 *
 * Owns: the files that it was given, for as long as it lives. Never: opens a file but those with
 * separate names (below the directory it is confined to); says anything but answers.
 */
#ifndef FDTRACE_NATIVE_WORKER_H
#define FDTRACE_NATIVE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "native/message.h"
#include "abi/record_user.h"

struct worker;

/* debug_dir: see object_new(). NULL without memory. */
struct worker *worker_new(const char *debug_dir);
void worker_free(struct worker *worker);

/* fd: taken. 0, -EINVAL, -ENOMEM. */
int worker_file(struct worker *worker, const struct message_file *message, int fd);

/* A separate file of names. fd: lent. 0; -EINVAL: there is no file of this id. */
int worker_names(struct worker *worker, const struct message_names *message, int fd);

/*
 * size: of the message. The answer's size; 0: the message makes no sense. *ret_answer: lent until
 * the next one.
 */
size_t worker_unwind(struct worker *worker, const struct message_unwind *message, size_t size,
		     const struct record_native_stack **ret_answer);

/*
 * Whether the stack of the last answer could have more names if there were a separate file, which
 * has not been said of this file yet.
 */
bool worker_lacks_names(struct worker *worker, struct message_lacking *ret);

#endif
