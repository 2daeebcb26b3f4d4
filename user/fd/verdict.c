/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/verdict.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/generation.h"
#include "fd/generation_doubt.h"
#include "fd/listing.h"
#include "fd/owner_names.h"

/* TCGETS2, with which a newer glibc's isatty() asks; <asm/termbits.h> does not go with ours. */
#define ASKS_FOR_TERMINAL 0x802c542a

/* What is known of a number, when a call says that it is not open. */
enum fd_state {
	FD_STATE_NEGATIVE,
	FD_STATE_OPEN,
	FD_STATE_CLOSED, /* by a call that was seen */
	FD_STATE_GONE,	 /* in a way that was not seen */
	FD_STATE_NEVER,	 /* never open in this program */
	FD_STATE_BEFORE, /* closed when we attached */
	FD_STATE_EARLY,	 /* not known yet: the snapshot is not complete */
};

struct subject {
	int32_t fd;
	enum fd_state state;
	uint32_t doubts; /* enum doubt: all that speaks against a fact about that state */
	const struct generation *gen;
};

static enum fd_state never_seen(const struct call_context *ctx, int32_t fd)
{
	const struct table *table = ctx->table;

	if (generation_early(table, ctx->call))
		return FD_STATE_EARLY;
	if (table->whole)
		return FD_STATE_NEVER;
	if (!table->snapshot)
		return FD_STATE_EARLY;
	if (table->max_fds && (uint32_t)fd >= table->max_fds)
		return FD_STATE_NEVER;
	return FD_STATE_BEFORE;
}

static enum fd_state state_of(const struct generation *gen)
{
	if (generation_live(gen))
		return FD_STATE_OPEN;
	return gen->ended.missing == SITE_SEEN ? FD_STATE_CLOSED : FD_STATE_GONE;
}

static struct subject look_up(const struct call_context *ctx, int32_t fd)
{
	const struct slot *slot = fd < 0 ? NULL : slot_find(ctx->table, fd);
	struct subject s = {.fd = fd, .state = FD_STATE_NEGATIVE};

	if (fd < 0)
		return s;
	if (!slot || !slot->newest) {
		s.state = never_seen(ctx, fd);
		s.doubts = doubts_about_number(ctx->store, ctx->table, slot, fd);
		return s;
	}
	s.gen = slot->newest;
	s.state = state_of(s.gen);
	/* A finding about one that is open waits for its end, and for the doubts about that. */
	s.doubts = s.state == FD_STATE_CLOSED
			   ? doubts_about_generation(ctx->store, slot, s.gen)
			   : doubts_about_number(ctx->store, ctx->table, slot, fd);
	return s;
}

void verdict_begin(const struct call_context *ctx, int32_t fd, struct verdict *v)
{
	const struct fd_site none = {.missing = SITE_NOT_APPLICABLE};

	*v = (struct verdict){
		.act = ACT_SILENT,
		.evidence = EVIDENCE_OWN,
		.finding =
			{
				.certainty = CERTAINTY_FACT,
				.culprit = CULPRIT_UNKNOWN,
				.tgid = ctx->call->h.tgid,
				.fd = fd,
				.last_fd = fd,
				.calls = 1,
				.table = ctx->table->address,
				.bad = generation_site(ctx->call),
				.closed = none,
				.opened = none,
				.notes = ctx->vfork ? NOTE_VFORK_CHILD : 0,
			},
	};
}

static void report(struct verdict *v, enum finding_kind kind)
{
	v->act = ACT_REPORT;
	finding_set_kind(&v->finding, kind);
}

/* It is told, with the reason why it is of little weight. */
static void make_info(struct verdict *v, enum finding_note reason)
{
	v->finding.severity = SEVERITY_INFO;
	v->finding.notes |= reason;
}

/* closed, opened and what, from the generation that is over. */
static void fill_generation(struct finding *f, const struct generation *gen)
{
	f->closed = gen->ended;
	f->opened = gen->opened;
	f->what = gen->what;
	if (gen->inherited)
		f->notes |= NOTE_INHERITED;
	if (gen->began == BEGAN_BY_DUP)
		f->notes |= NOTE_COPIED;
	if (gen->opened.missing == SITE_BEFORE_ATTACH)
		f->notes |= NOTE_OPEN_BEFORE_ATTACH;
	if (gen->opened.missing == SITE_LOST)
		f->notes |= NOTE_GAP;
	finding_doubt(f, gen->doubts & DOUBTS_UNSEEN_WAYS);
	if (!gen->ended.inherited && gen->ended.tid != f->bad.tid)
		f->notes |= NOTE_DIFFERENT_THREADS;
}

static void report_closed(const struct subject *s, enum finding_kind kind, struct verdict *v)
{
	report(v, kind);
	v->text = text_of(s->gen);
	v->loose = s->gen->doubts & (DOUBT_CLOSED_EARLY | DOUBT_CLOSE_MISSED);
	v->settled = s->gen->owner.given && !s->gen->closer.behind && !s->gen->closer.stolen;
	fill_generation(&v->finding, s->gen);
}

void verdict_owner(const struct call_context *ctx, const struct generation *gen,
		   struct fd_owner *ret)
{
	*ret = (struct fd_owner){.type = gen->owner.type, .flags = gen->owner.flags};
	if (gen->owner.class)
		snprintf(ret->name, sizeof(ret->name), "%s",
			 owner_names_find(ctx->names, ctx->call->h.tgid, gen->owner.class));
}

void verdict_believed(struct verdict *v)
{
	if (v->finding.notes & NOTE_QUESTION)
		finding_set_kind(&v->finding, v->finding.kind);
	v->finding.notes &= ~(uint32_t)NOTE_QUESTION;
}

void verdict_meant(const struct generation *gen, struct verdict *v)
{
	uint32_t doubts = doubt_if(v->finding.notes & NOTE_GAP, DOUBT_GAP) |
			  doubt_if(v->finding.notes & NOTE_FLUSH, DOUBT_FLUSH);

	/* All else was said of the other generation. */
	v->finding.notes &= NOTE_VFORK_CHILD;
	v->finding.notes |= NOTE_REOPENED_SINCE;
	v->finding.certainty = CERTAINTY_FACT;
	finding_doubt(&v->finding, doubts);
	v->text = text_of(gen);
	v->settled = false;
	v->loose = gen->doubts & (DOUBT_CLOSED_EARLY | DOUBT_CLOSE_MISSED);
	fill_generation(&v->finding, gen);
}

/* The second close of what nobody saw closed first. */
static void report_unseen(struct verdict *v, enum site_missing missing)
{
	report(v, FINDING_DOUBLE_CLOSE_UNSEEN);
	v->finding.closed.missing = v->finding.opened.missing = missing;
	finding_doubt(&v->finding, doubt_if(missing == SITE_LOST, DOUBT_GAP));
}

static void report_bad_fd(struct verdict *v, enum site_missing missing)
{
	report(v, FINDING_BAD_FD);
	if (missing == SITE_NOT_APPLICABLE)
		return;
	v->finding.closed.missing = v->finding.opened.missing = missing;
	finding_doubt(&v->finding, DOUBT_UNSEEN);
}

/* A number that nobody saw open. why: otherwise, what may have kept us from seeing it. */
static void report_never(const struct subject *s, enum site_missing why, struct verdict *v)
{
	report_bad_fd(v, s->doubts & DOUBT_CUT ? SITE_HISTORY_CUT : why);
}

static void close_of_never(const struct call_context *ctx, const struct subject *s,
			   struct verdict *v)
{
	/* What was forgotten, or may have been opened in a gap, is no sign of a blind loop. */
	v->evidence = s->doubts & (DOUBT_GAP | DOUBT_CUT | DOUBT_RANGE) ? EVIDENCE_UNSEEN
									: EVIDENCE_BLIND;
	if (ctx->vfork || s->doubts & DOUBT_GAP)
		return;
	report_never(s, SITE_NOT_APPLICABLE, v);
}

static void close_of_before(const struct call_context *ctx, const struct subject *s,
			    struct verdict *v)
{
	v->evidence = EVIDENCE_UNSEEN;
	if (ctx->vfork)
		return;
	if (s->doubts & DOUBT_GAP || ctx->table->read_anew)
		report_unseen(v, SITE_LOST);
	else
		report_unseen(v, s->doubts & DOUBT_CUT ? SITE_HISTORY_CUT : SITE_BEFORE_ATTACH);
}

static void close_of_open(const struct call_context *ctx, const struct subject *s,
			  struct verdict *v)
{
	/* Listed when it was opened again; its open is on its way. */
	if (s->gen->began == BEGAN_LISTED && generation_early(ctx->table, ctx->call))
		return;
	if (s->doubts & DOUBT_GAP) {
		if (!ctx->vfork)
			report_unseen(v, SITE_LOST);
		return;
	}
	v->act = ACT_WAIT;
	v->gen = s->gen->id;
}

static bool is_after(const struct call_context *ctx, const struct fd_site *site)
{
	return generation_after(ctx->store, ctx->call, site);
}

/* The call may have failed before the generation began that it would be the second close of. */
static bool close_may_be_older(const struct call_context *ctx, const struct generation *gen)
{
	const struct record_call *call = ctx->call;

	if (is_after(ctx, &gen->opened) || is_after(ctx, &gen->ended))
		return false;
	if (gen->opened.missing == SITE_BEFORE_ATTACH)
		return generation_may_be_unlisted(ctx->store, ctx->table, call);
	if (gen->opened.missing != SITE_SEEN)
		return gen->opened.missing != SITE_BEFORE_EXEC &&
		       (record_call_entered(call) ||
			generation_soon(ctx->store, call, &gen->ended));
	return record_call_entered(call) || generation_soon(ctx->store, call, &gen->opened);
}

void verdict_close(const struct call_context *ctx, struct verdict *v)
{
	struct subject s = look_up(ctx, ctx->call->fd);

	verdict_begin(ctx, s.fd, v);
	switch (s.state) {
	case FD_STATE_NEGATIVE:
		if (!ctx->vfork)
			report_bad_fd(v, SITE_NOT_APPLICABLE);
		break;
	case FD_STATE_CLOSED:
		if (ctx->vfork && s.gen->ended.inherited)
			break;
		report_closed(&s, FINDING_DOUBLE_CLOSE, v);
		if (listing_is_closed_again(s.gen, ctx->call))
			make_info(v, NOTE_LISTING);
		if (close_may_be_older(ctx, s.gen))
			finding_doubt(&v->finding, DOUBT_ORDER);
		break;
	case FD_STATE_OPEN:
		close_of_open(ctx, &s, v);
		break;
	case FD_STATE_GONE:
		if (s.gen->ended.missing == SITE_LOST && !ctx->vfork)
			report_unseen(v, SITE_LOST);
		break;
	case FD_STATE_NEVER:
		close_of_never(ctx, &s, v);
		break;
	case FD_STATE_BEFORE:
		close_of_before(ctx, &s, v);
		break;
	case FD_STATE_EARLY:
		v->evidence = EVIDENCE_UNSEEN;
		break;
	}
	finding_doubt(
		&v->finding,
		s.doubts | doubt_if(record_call_table(ctx->call) == TABLE_MAY_HOLD, DOUBT_FLUSH));
}

static bool is_probe(const struct record_call *call)
{
#ifdef __NR_fcntl
	if (call->call == CALL_OTHER && call->nr == __NR_fcntl)
		return call->arg == F_GETFD || call->arg == F_GETFL;
#endif
	return false;
}

/*
 * The call asks what the number is, or for a copy of it, and does nothing if it is not open: with
 * os.fstat(), os.dup() and os.isatty() programs find out which numbers are.
 */
static bool only_asks(const struct record_call *call)
{
	if (call_shape(call->call) == SHAPE_DUP)
		return true;
	if (call->call != CALL_OTHER)
		return false;
	switch (call->nr) {
#ifdef __NR_fstat
	case __NR_fstat:
		return true;
#endif
#ifdef __NR_fcntl
	case __NR_fcntl:
		return call->arg == F_DUPFD || call->arg == F_DUPFD_CLOEXEC;
#endif
#ifdef __NR_newfstatat
	case __NR_newfstatat: /* else it looks for a path below the descriptor */
#endif
	case __NR_statx:
		return call->arg & AT_EMPTY_PATH;
	case __NR_ioctl:
		return call->arg == TCGETS || call->arg == ASKS_FOR_TERMINAL;
	default:
		return false;
	}
}

/*
 * A question whether a standard stream is there, or what it is. CPython puts it at its start
 * (Python/pylifecycle.c, is_valid_fd(); Modules/_io/fileio.c) and does without the stream.
 */
static bool asks_for_stream(const struct record_call *call, int32_t fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return false;
	if (call->call != CALL_OTHER)
		return only_asks(call);
	switch (call->nr) {
#ifdef __NR_fstat
	case __NR_fstat:
#endif
#ifdef __NR_newfstatat
	case __NR_newfstatat:
#endif
#ifdef __NR_fcntl
	case __NR_fcntl:
#endif
	case __NR_ioctl:
	case __NR_statx:
		return true;
	default:
		return false;
	}
}

/* -1 means "no descriptor" in calls that make one out of nothing (bpf, perf_event_open…). */
static bool takes_fd(const struct record_call *call)
{
	if (call->fd == AT_FDCWD)
		return false;
	if (call->fd != -1)
		return true;
	switch (call_shape(call->call)) {
	case SHAPE_MAKE:
		return call->call == CALL_ACCEPT || call->call == CALL_ACCEPT4;
	case SHAPE_OPEN:
		return call->call == CALL_OPENAT || call->call == CALL_OPENAT2;
	case SHAPE_CLOSE_RANGE:
	case SHAPE_PAIR:
	case SHAPE_UNSHARE:
		return false;
	default:
		return true;
	}
}

static bool takes_fd2(const struct record_call *call)
{
	if (call->call == CALL_OTHER)
		return call->fd2 != -1 && call->fd2 != AT_FDCWD;
	/* dup2's new number need not be open; out of range it is EBADF. */
	return call_shape(call->call) == SHAPE_DUP_ONTO && call->fd2 < -1;
}

/* An absolute path does not use the directory: the EBADF is a file system's. */
static bool ignores_fd(const struct record_call *call)
{
	return call_shape(call->call) == SHAPE_OPEN && call->name_size && call->name[0] == '/';
}

/* The descriptor to blame: the first known closed, else the first that is not open. */
static bool pick(const struct call_context *ctx, struct subject *ret_subject)
{
	const struct record_call *call = ctx->call;
	struct subject s[2];
	unsigned int count = 0;

	if (takes_fd(call) && !(call->still_open & 1))
		s[count++] = look_up(ctx, call->fd);
	if (takes_fd2(call) && !(call->still_open & 2))
		s[count++] = look_up(ctx, call->fd2);
	for (unsigned int i = 0; i < count; i++)
		if (s[i].state == FD_STATE_CLOSED) {
			*ret_subject = s[i];
			return true;
		}
	for (unsigned int i = 0; i < count; i++)
		if (s[i].state != FD_STATE_OPEN) {
			*ret_subject = s[i];
			return true;
		}
	return false;
}

/* It may have failed for the wrong mode, just before another thread's close. */
static bool may_be_wrong_mode(const struct call_context *ctx, const struct generation *gen)
{
	if (is_after(ctx, &gen->ended) || gen->ended.inherited)
		return false;
	return record_call_entered(ctx->call) ||
	       generation_soon(ctx->store, ctx->call, &gen->ended);
}

static void use_of_closed(const struct call_context *ctx, const struct subject *s,
			  struct verdict *v)
{
	report_closed(s, FINDING_USE_AFTER_CLOSE, v);
	if (may_be_wrong_mode(ctx, s->gen))
		finding_doubt(&v->finding, DOUBT_ORDER);
	if (asks_for_stream(ctx->call, s->fd))
		make_info(v, NOTE_STANDARD_STREAM);
	else if (only_asks(ctx->call))
		make_info(v, NOTE_QUESTION);
}

void verdict_use(const struct call_context *ctx, struct verdict *v)
{
	struct subject s;

	verdict_begin(ctx, ctx->call->fd, v);
	if (is_probe(ctx->call) || ignores_fd(ctx->call) || !pick(ctx, &s))
		return;
	verdict_begin(ctx, s.fd, v);
	if (s.state == FD_STATE_CLOSED)
		use_of_closed(ctx, &s, v);
	else if (s.state == FD_STATE_NEGATIVE)
		report_bad_fd(v, SITE_NOT_APPLICABLE);
	else if (s.state == FD_STATE_NEVER && !(s.doubts & DOUBT_GAP))
		report_never(&s, SITE_NOT_APPLICABLE, v);
	else if (s.state == FD_STATE_BEFORE && !(s.doubts & DOUBT_GAP))
		report_never(&s, ctx->table->read_anew ? SITE_LOST : SITE_BEFORE_ATTACH, v);
	finding_doubt(&v->finding, s.doubts);
}

void verdict_pending(struct finding *f, const struct generation *gen, bool sure)
{
	finding_set_kind(f, FINDING_DOUBLE_CLOSE);
	f->notes |= NOTE_PENDING_CLOSE;
	fill_generation(f, gen);
	finding_doubt(f, gen->doubts | doubt_if(!sure, DOUBT_ORDER));
}
