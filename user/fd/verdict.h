/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The rules: what kind of finding a call that failed with EBADF is, as far as the store knows.
 *
 * A finding is a fact only if nothing else explains the records. The rules for a close:
 *
 *   the number is         then the close is
 *   negative              bad_fd
 *   over, close seen      double_close; `closed` is the call that ended the last
 *                         generation, however many closes have failed since
 *   believed open         pending: a racing close may be recorded later
 *                         (verdict_pending); if none is, nothing is reported. A file
 *                         system's flush (FUSE, NFS) may return EBADF for an open number
 *   over, end not seen    no finding (double_close_unseen, suspected, if records were lost)
 *   never seen            bad_fd where the program was seen from its start (or since exec),
 *                         and for numbers beyond any that was in use at attach;
 *                         double_close_unseen where the number was closed at attach:
 *                         nothing has closed it since;
 *                         no finding before the snapshot is complete
 *
 * exec starts a new program: a number that was closed before exec or by it was never open in the
 * new program, so a close of it is bad_fd, not the second close of a generation that the program
 * before exec had.
 *
 * A vfork child before exec runs the close actions of posix_spawn(), which ignores EBADF: only
 * a number that the child itself has closed is a double close there.
 *
 * Any other call is a use_after_close under the same rules, of the first of its descriptors that is
 * known to be closed. A number that is believed open, or was open when the call returned, gives no
 * finding: the wrong mode (read on a write-only descriptor) is EBADF too. Nor do fcntl(F_GETFD) and
 * fcntl(F_GETFL), with which programs ask on purpose whether a number is open. A call that asks
 * what a number is or for a copy (fstat, dup, isatty) gives a finding of severity info, unless an
 * object made it that still claims the number (ownership.h): programs ask in that way, too. So does
 * any call that asks for a standard stream (0, 1, 2): programs that are started without such a
 * stream make it, Python among them. And so does the second close of what listed the open numbers
 * (listing.h).
 *
 * A failed call may be recorded long after it failed: the generation of which it seems to be the
 * second close, or a use after the close, may have begun only after the call failed. Unless the
 * records show that the call was entered later, or a long time has passed, such a finding is
 * "suspected", NOTE_ORDER_UNCERTAIN.
 *
 * The calls before the failed one need not all be recorded yet, either. So each finding waits for
 * the settle time. If a close of its number is recorded meanwhile and may have come before the
 * failed call, that close is or may be the one that really closed the number (pending.h).
 *
 * close_range() does not say which numbers it found open. Where descriptors have been found that
 * were made in a way that is not seen, or where calls race, a descriptor may have been made on a
 * number that it covered, and closed by it. Then a finding is "suspected", NOTE_SWEPT.
 *
 * After a gap, a verdict that rests on what came before it is "suspected" with NOTE_GAP, and a
 * verdict that rests on something not having happened is withheld.
 *
 * The culprit is left unknown: without ownership nobody can tell which of two closes is wrong.
 *
 * Owns: the rules. Pure: changes nothing, keeps nothing.
 */
#ifndef FDTRACE_FD_VERDICT_H
#define FDTRACE_FD_VERDICT_H

#include <stdbool.h>

#include "fd/caller.h"
#include "fd/table.h"

enum act {
	ACT_SILENT, /* no finding */
	ACT_REPORT, /* a finding, unless a call that is recorded later says otherwise */
	ACT_WAIT,   /* no finding yet: it waits for the close that explains it */
};

/* What a failed close tells about the loop that may have made it (see pending.h). */
enum evidence {
	EVIDENCE_OWN,	 /* the number had a generation here */
	EVIDENCE_UNSEEN, /* the number was not seen open, which proves nothing */
	EVIDENCE_BLIND,	 /* the program cannot have thought the number open */
};

struct verdict {
	enum act act;
	enum evidence evidence;
	uint64_t gen; /* ACT_WAIT: the id of the generation that is believed open */
	bool loose; /* ACT_REPORT: the close may have ended another generation than the finding says
			(DOUBT_CLOSED_EARLY, DOUBT_CLOSE_MISSED) */
	bool settled;	   /* ACT_REPORT: the owner of that generation had ended it as it should */
	uint64_t taken_ns; /* the owner may have taken the number at this time, during the close; 0:
			      it did not */
	struct text *text; /* what the finding's path lies in; lent, as are the others */
	struct text *victim_text;
	struct text *candidate_texts[FINDING_CANDIDATES];
	struct finding finding;
};

struct reuse;	      /* reuse.h */
struct meaning_facts; /* meaning.h */
struct program;	      /* holder.h */
struct owner_names;   /* owner_names.h */

/* The call at hand, and what its judgement needs to know: its table and the stores. All lent. */
struct call_context {
	const struct store *store;
	const struct reuse *reuse;
	const struct owner_names *names;
	struct table *table;
	const struct record_call *call;
	const struct caller *caller; /* NULL: not known */
	struct meaning_facts *facts;
	struct program *program; /* of the process; NULL: not known */
	bool vfork;		 /* in a vfork child, before exec */
};

/* Begins a verdict: ACT_SILENT, with what the call itself tells of a finding filled in. */
void verdict_begin(const struct call_context *ctx, int32_t fd, struct verdict *ret_verdict);

/* Fills in the object that had the generation, as far as it is known. */
void verdict_owner(const struct call_context *ctx, const struct generation *gen,
		   struct fd_owner *ret);

/*
 * The object that made the call shows that it meant gen, an earlier generation than the one that
 * the verdict assumed: makes the finding be about gen.
 */
void verdict_meant(const struct generation *gen, struct verdict *verdict);

/* Who made the call believed the number to be open: it was no question. */
void verdict_believed(struct verdict *verdict);

/* Judges a close that failed with EBADF. */
void verdict_close(const struct call_context *ctx, struct verdict *ret_verdict);

/* Judges any other call that failed with EBADF. */
void verdict_use(const struct call_context *ctx, struct verdict *ret_verdict);

/*
 * The close for which a pending finding waited (ACT_WAIT) was recorded, and ended gen. sure: no
 * other order of the calls fits.
 */
void verdict_pending(struct finding *finding, const struct generation *gen, bool sure);

#endif
