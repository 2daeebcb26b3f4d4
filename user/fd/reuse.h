/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The double close of a number that has been opened again, where no object tells.
 *
 * A closes, B opens and gets the number, A closes again without an error, B's next call fails: the
 * error strikes the innocent. What speaks against A, whose close ended the generation that B
 * opened:
 *
 *   PROOF_SAME_SITE    the same site had ended the generation before, which was opened elsewhere
 *   PROOF_SAME_THREAD  its thread had opened and ended the generation before; another opened this
 * one
 *
 * each only if this site never ended a generation that was opened where this one was, to close what
 * others opened is what many a program does; and only if no object had, or may have had, the
 * generation before: that was the object's, and not the closer's to be closed again. It is said, as
 * suspected, once the victim has failed: in place of the double close or the use after close that
 * it looks like.
 *
 * Owns: which sites have ended what was opened where, bounded; what no longer fits is forgotten,
 * the oldest first. Never: says it as a fact.
 */
#ifndef FDTRACE_FD_REUSE_H
#define FDTRACE_FD_REUSE_H

#include <uthash.h>

#include "fd/verdict.h"

/* A site that opens and one that ends. */
struct pair {
	UT_hash_handle hh;
	uint64_t key;
};

struct reuse {
	struct pair *pairs; /* the oldest first */
};

void reuse_free(struct reuse *reuse);

/*
 * What speaks for the close having meant the generation before (enum finding_proof; 0: nothing).
 * generation: the one it ended.
 */
uint32_t reuse_proofs(const struct reuse *reuse, const struct generation *gen,
		      const struct record_call *call);

/* The close has ended the generation. */
void reuse_note(struct reuse *reuse, const struct generation *gen, const struct record_call *call);

/*
 * A call failed on a number whose last generation may have been ended so: then that is the finding,
 * once.
 */
void reuse_failed(const struct reuse *reuse, const struct call_context *ctx, struct generation *gen,
		  struct verdict *verdict);

/* bad is the close that ended `generation`, which meant the one before. */
void reuse_fill(const struct call_context *ctx, struct finding *finding,
		const struct generation *gen, const struct generation *meant);

#endif
