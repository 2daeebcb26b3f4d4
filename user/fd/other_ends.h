/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Numbers that calls take from their owner without close(): dup2() and dup3() put something else
 * into a number, close_range() closes it with others.
 *
 *   close_range() of one number   is judged as os.close() is (ownership.h)
 *   close_range() of more         may be a sweep before exec: nothing, until the object's own close
 *                                 of the number fails
 *   dup2() onto a number          is how streams are redirected: the object has the number still,
 *                                 on purpose, and nothing follows from it alone. But if the caller
 *                                 had opened and closed that number itself before the object got
 *                                 it, it meant its own: reused_close, suspected. Never of a
 *                                 standard stream
 *
 * Owns: these rules. Never: changes a generation.
 */
#ifndef FDTRACE_FD_OTHER_ENDS_H
#define FDTRACE_FD_OTHER_ENDS_H

#include "fd/pending.h"
#include "fd/verdict.h"

/* A dup2() or dup3() has put something else into a number. Before the generation there ends. */
void end_by_dup(struct pending *pending, const struct call_context *ctx);

/*
 * A close_range() is done: the generation that it ended, if it was of one number alone, and an
 * object claimed that; else NULL.
 */
struct generation *ended_by_range(const struct call_context *ctx);

#endif
