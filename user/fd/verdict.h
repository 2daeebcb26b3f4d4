/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The rules: what a call that failed with EBADF is, as far as the store knows.
 *
 * A finding is a fact only if nothing else explains the records. The rules, for a close:
 *
 *   the number is         then
 *   negative              bad_fd
 *   over, close seen      double_close; `closed` is the call that ended the last generation,
 * however many closes have failed since believed open         wait: a racing close may be recorded
 * later (verdict_pending). Nothing comes: nothing is said. A file system's flush (FUSE, NFS) may
 * return EBADF for a number that was open over, end not seen    nothing (double_close_unseen,
 * suspected, if records were lost) never seen            bad_fd where the program is seen from its
 * start (since exec too), and for numbers beyond any that was in use when we attached;
 *                         double_close_unseen where the number was closed when we attached:
 *                         nothing has closed it since. Nothing before the snapshot is complete
 *
 * exec starts a new program: what was closed before it or by it was never open in this one, so
 * a close of it is bad_fd, not the second close of a generation that another program knew.
 *
 * A vfork child before exec runs the close actions of posix_spawn(), which ignores EBADF: only
 * a number that the child itself has closed is a double close there.
 *
 * Any other call: use_after_close under the same rules, of the first of its descriptors that is
 * known closed. A number that is believed open, or was open when the call returned, says
 * nothing: the wrong mode (read on a write-only descriptor) is EBADF too. fcntl(F_GETFD) and
 * fcntl(F_GETFL) ask on purpose. To ask what a standard stream is (0, 1, 2) is of severity info:
 * programs that are started without one do, Python among them.
 *
 * A call that failed may be recorded long after it failed: the generation that it seems to be the
 * second close of, or a use after, may have begun only then. Unless the records show that it was
 * entered later, or that long has passed, such a finding is "suspected", NOTE_ORDER_UNCERTAIN.
 *
 * Nor are the calls before it all recorded yet. So each finding waits for the settle time, and
 * a close of its number that comes meanwhile, and may have come before the call that failed, is
 * what the number was really closed by, or may be (pending.h).
 *
 * close_range() tells nothing of what it found. Where descriptors have been found that were made
 * in a way that is not seen, or where calls race, one may have been made and closed by it on a
 * number that it covered. Then a finding is "suspected", NOTE_SWEPT.
 *
 * After a gap a verdict that rests on what came before is "suspected" with NOTE_GAP, and one
 * that rests on something not having happened is withheld.
 *
 * The culprit is left unknown: without ownership nobody can tell which of two closes is wrong.
 *
 * Owns: the rules. Pure: changes nothing, keeps nothing.
 */
#ifndef FDTRACE_FD_VERDICT_H
#define FDTRACE_FD_VERDICT_H

#include <stdbool.h>

#include "fd/table.h"

enum act {
	ACT_SILENT, /* no finding */
	ACT_REPORT, /* unless a call that is recorded later says otherwise */
	ACT_WAIT,   /* for the close that explains it */
};

/* What a failed close says about the loop that may have made it (see pending.h). */
enum evidence {
	EVIDENCE_OWN,	 /* the number had a generation here */
	EVIDENCE_UNSEEN, /* nobody saw it open, which proves nothing */
	EVIDENCE_BLIND,	 /* the program cannot have thought it open */
};

struct verdict {
	enum act act;
	enum evidence evidence;
	uint64_t gen;	   /* ACT_WAIT: the id of the generation that is believed open */
	bool loose;	   /* ACT_REPORT: the generation that is over is loose or doubted (struct
			      generation) */
	uint64_t taken_ns; /* its owner may have taken the number only then, as the close went on */
	struct text *text; /* lent: what the finding's path lies in */
	struct text *victim_text;
	struct finding finding;
};

/* Who called, and in which table. */
struct reuse;	    /* reuse.h */
struct owner_names; /* owner_names.h */

struct call_context {
	const struct store *store;
	const struct reuse *reuse;
	const struct owner_names *names;
	struct table *table;
	const struct record_call *call;
	bool vfork; /* in a vfork child, before exec */
};

/* Nothing yet: no finding, but all that the call itself says of one. */
void verdict_begin(const struct call_context *ctx, int32_t fd, struct verdict *ret_verdict);

/* The object that had a generation, as far as it is known. */
void verdict_owner(const struct call_context *ctx, const struct generation *gen,
		   struct fd_owner *ret);

/*
 * The call was meant for an earlier generation than the verdict has taken it for: its object says
 * so. The finding is about that generation then.
 */
void verdict_meant(const struct generation *gen, struct verdict *verdict);

/* close(fd) → EBADF. */
void verdict_close(const struct call_context *ctx, struct verdict *ret_verdict);

/* Any other call → EBADF. */
void verdict_use(const struct call_context *ctx, struct verdict *ret_verdict);

/* The finding is not a fact, for these reasons. */
void verdict_suspect(struct finding *finding, uint32_t notes);

/*
 * The close that a waiting verdict waited for has come, and ended `generation`. sure: no other
 * order of the calls fits.
 */
void verdict_pending(struct finding *finding, const struct generation *gen, bool sure);

#endif
