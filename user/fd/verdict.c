/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/verdict.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/generation.h"
#include "fd/owner_names.h"

/* What is known of a number, when a call says that it is not open. */
enum standing {
	STANDING_NEGATIVE,
	STANDING_OPEN,
	STANDING_CLOSED, /* by a call that was seen */
	STANDING_GONE,	 /* in a way that was not seen */
	STANDING_NEVER,	 /* never open in this program */
	STANDING_BEFORE, /* closed when we attached */
	STANDING_EARLY,	 /* not known yet: the snapshot is not complete */
};

struct subject {
	int32_t fd;
	enum standing standing;
	bool gap;    /* records were lost since this was known */
	bool unsure; /* it may have been otherwise when the table was copied */
	bool cut;    /* a life of it may have been forgotten */
	bool swept;  /* a close_range may have closed it, or what nobody saw open there */
	const struct life *life;
};

static enum standing never_seen(const struct scene *scene, int32_t fd)
{
	const struct table *table = scene->table;

	if (life_early(table, scene->call))
		return STANDING_EARLY;
	if (table->whole)
		return STANDING_NEVER;
	if (!table->snapshot)
		return STANDING_EARLY;
	if (table->max_fds && (uint32_t)fd >= table->max_fds)
		return STANDING_NEVER;
	return STANDING_BEFORE;
}

static struct subject look_up(const struct scene *scene, int32_t fd)
{
	const struct number *number = fd < 0 ? NULL : number_find(scene->table, fd);
	struct subject s = {.fd = fd, .standing = STANDING_NEGATIVE};

	if (fd < 0)
		return s;
	s.unsure = table_unsure(scene->table, number);
	if (!number || !number->newest) {
		s.standing = never_seen(scene, fd);
		s.gap = table_gap(scene->store, scene->table);
		s.cut = table_cut(scene->table, fd);
		s.swept = table_swept(scene->table, fd) &&
			  (table_hides(scene->table) || scene->table->swept_early);
		return s;
	}
	s.life = number->newest;
	s.gap = number_stale(scene->store, number);
	s.swept = s.life->swept || (s.life->covered && table_hides(scene->table));
	s.standing = s.life->live			  ? STANDING_OPEN
		     : s.life->ended.missing == SITE_SEEN ? STANDING_CLOSED
							  : STANDING_GONE;
	return s;
}

void verdict_begin(const struct scene *scene, int32_t fd, struct verdict *v)
{
	const struct fd_site none = {.missing = SITE_NOT_APPLICABLE};

	*v = (struct verdict){
		.act = ACT_SILENT,
		.evidence = EVIDENCE_OWN,
		.finding =
			{
				.certainty = CERTAINTY_FACT,
				.culprit = CULPRIT_UNKNOWN,
				.tgid = scene->call->h.tgid,
				.fd = fd,
				.last_fd = fd,
				.calls = 1,
				.table = scene->table->address,
				.bad = life_site(scene->call),
				.closed = none,
				.opened = none,
				.notes = scene->vfork ? NOTE_VFORK_CHILD : 0,
			},
	};
}

void verdict_suspect(struct finding *f, uint32_t notes)
{
	f->certainty = CERTAINTY_SUSPECTED;
	f->notes |= notes;
}

static void report(struct verdict *v, enum finding_kind kind)
{
	v->act = ACT_REPORT;
	finding_set_kind(&v->finding, kind);
}

/* closed, opened and what, from the life that is over. */
static void tell_life(struct finding *f, const struct life *life)
{
	f->closed = life->ended;
	f->opened = life->opened;
	f->what = life->what;
	if (life->inherited)
		f->notes |= NOTE_INHERITED;
	if (life->copied)
		f->notes |= NOTE_COPIED;
	if (life->opened.missing == SITE_BEFORE_ATTACH)
		f->notes |= NOTE_OPEN_BEFORE_ATTACH;
	if (life->opened.missing == SITE_LOST)
		f->notes |= NOTE_GAP;
	coverage_doubt(f, life->hidden);
	if (!life->ended.inherited && life->ended.tid != f->bad.tid)
		f->notes |= NOTE_DIFFERENT_THREADS;
}

static void report_closed(const struct subject *s, enum finding_kind kind, struct verdict *v)
{
	report(v, kind);
	v->text = s->life->text;
	v->loose = s->life->loose || s->life->doubted;
	tell_life(&v->finding, s->life);
	if (s->gap)
		verdict_suspect(&v->finding, NOTE_GAP);
	if (s->life->uncertain || s->life->crossed)
		verdict_suspect(&v->finding, NOTE_ORDER_UNCERTAIN);
	if (s->swept)
		verdict_suspect(&v->finding, NOTE_SWEPT);
}

void verdict_owner(const struct scene *scene, const struct life *life, struct fd_owner *ret)
{
	*ret = (struct fd_owner){.type = life->owner_type, .flags = life->owner_flags};
	if (life->owner_class)
		snprintf(ret->name, sizeof(ret->name), "%s",
			 owner_names_find(scene->names, scene->call->h.tgid, life->owner_class));
}

void verdict_meant(const struct life *life, struct verdict *v)
{
	/* What was said of the other life, and of nothing else. */
	v->finding.notes &= NOTE_VFORK_CHILD | NOTE_FLUSH | NOTE_GAP;
	v->finding.certainty =
		v->finding.notes & (NOTE_GAP | NOTE_FLUSH) ? CERTAINTY_SUSPECTED : CERTAINTY_FACT;
	v->finding.notes |= NOTE_REOPENED_SINCE;
	v->text = life->text;
	v->loose = life->loose || life->doubted;
	tell_life(&v->finding, life);
}

/* The second close of what nobody saw closed first. */
static void report_unseen(struct verdict *v, enum site_missing missing)
{
	report(v, FINDING_DOUBLE_CLOSE_UNSEEN);
	v->finding.closed.missing = v->finding.opened.missing = missing;
	if (missing == SITE_LOST)
		verdict_suspect(&v->finding, NOTE_GAP);
	if (missing == SITE_HISTORY_CUT)
		verdict_suspect(&v->finding, 0);
}

static void report_bad_fd(struct verdict *v, enum site_missing missing)
{
	report(v, FINDING_BAD_FD);
	if (missing == SITE_NOT_APPLICABLE)
		return;
	v->finding.closed.missing = v->finding.opened.missing = missing;
	verdict_suspect(&v->finding, 0);
}

/* A number that nobody saw open. why: otherwise, what may have kept us from seeing it. */
static void report_never(const struct subject *s, enum site_missing why, struct verdict *v)
{
	report_bad_fd(v, s->cut ? SITE_HISTORY_CUT : why);
	if (s->swept)
		verdict_suspect(&v->finding, NOTE_SWEPT);
}

static void close_of_never(const struct scene *scene, const struct subject *s, struct verdict *v)
{
	/* What was forgotten, or may have been opened in a gap, is no sign of a blind loop. */
	v->evidence = s->gap || s->cut || s->swept ? EVIDENCE_UNSEEN : EVIDENCE_BLIND;
	if (scene->vfork || s->gap)
		return;
	report_never(s, SITE_NOT_APPLICABLE, v);
}

static void close_of_before(const struct scene *scene, const struct subject *s, struct verdict *v)
{
	v->evidence = EVIDENCE_UNSEEN;
	if (scene->vfork)
		return;
	if (s->gap || scene->table->relisted)
		report_unseen(v, SITE_LOST);
	else
		report_unseen(v, s->cut ? SITE_HISTORY_CUT : SITE_BEFORE_ATTACH);
	if (s->swept)
		verdict_suspect(&v->finding, NOTE_SWEPT);
}

static void close_of_open(const struct scene *scene, const struct subject *s, struct verdict *v)
{
	/* Listed when it was opened again; its open is on its way. */
	if (s->life->listed && life_early(scene->table, scene->call))
		return;
	if (s->gap) {
		if (!scene->vfork)
			report_unseen(v, SITE_LOST);
		return;
	}
	v->act = ACT_WAIT;
	v->life = s->life->id;
}

static bool is_after(const struct scene *scene, const struct fd_site *site)
{
	return life_after(scene->store, scene->call, site);
}

/* The call may have failed before the life began that it would be the second close of. */
static bool may_be_older(const struct scene *scene, const struct life *life)
{
	const struct record_call *call = scene->call;

	if (is_after(scene, &life->opened) || is_after(scene, &life->ended))
		return false;
	if (life->opened.missing == SITE_BEFORE_ATTACH)
		return life_may_be_unlisted(scene->store, scene->table, call);
	if (life->opened.missing != SITE_SEEN)
		return life->opened.missing != SITE_BEFORE_EXEC &&
		       (record_call_entered(call) || life_soon(scene->store, call, &life->ended));
	return record_call_entered(call) || life_soon(scene->store, call, &life->opened);
}

void verdict_close(const struct scene *scene, struct verdict *v)
{
	struct subject s = look_up(scene, scene->call->fd);

	verdict_begin(scene, s.fd, v);
	switch (s.standing) {
	case STANDING_NEGATIVE:
		if (!scene->vfork)
			report_bad_fd(v, SITE_NOT_APPLICABLE);
		break;
	case STANDING_CLOSED:
		if (scene->vfork && s.life->ended.inherited)
			break;
		report_closed(&s, FINDING_DOUBLE_CLOSE, v);
		if (may_be_older(scene, s.life))
			verdict_suspect(&v->finding, NOTE_ORDER_UNCERTAIN);
		break;
	case STANDING_OPEN:
		close_of_open(scene, &s, v);
		break;
	case STANDING_GONE:
		if (s.life->ended.missing == SITE_LOST && !scene->vfork)
			report_unseen(v, SITE_LOST);
		break;
	case STANDING_NEVER:
		close_of_never(scene, &s, v);
		break;
	case STANDING_BEFORE:
		close_of_before(scene, &s, v);
		break;
	case STANDING_EARLY:
		v->evidence = EVIDENCE_UNSEEN;
		break;
	}
	if (s.unsure)
		verdict_suspect(&v->finding, NOTE_ORDER_UNCERTAIN);
	if (record_call_table(scene->call) == TABLE_MAY_HOLD)
		verdict_suspect(&v->finding, NOTE_FLUSH);
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
 * A question whether a standard stream is there, or what it is. CPython puts it at its start
 * (Python/pylifecycle.c, is_valid_fd(); Modules/_io/fileio.c) and does without the stream.
 */
static bool asks_for_stream(const struct record_call *call, int32_t fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return false;
	if (call->call == CALL_DUP)
		return true;
	if (call->call != CALL_OTHER)
		return false;
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
static bool pick(const struct scene *scene, struct subject *ret_subject)
{
	const struct record_call *call = scene->call;
	struct subject s[2];
	unsigned int count = 0;

	if (takes_fd(call) && !(call->still_open & 1))
		s[count++] = look_up(scene, call->fd);
	if (takes_fd2(call) && !(call->still_open & 2))
		s[count++] = look_up(scene, call->fd2);
	for (unsigned int i = 0; i < count; i++)
		if (s[i].standing == STANDING_CLOSED) {
			*ret_subject = s[i];
			return true;
		}
	for (unsigned int i = 0; i < count; i++)
		if (s[i].standing != STANDING_OPEN) {
			*ret_subject = s[i];
			return true;
		}
	return false;
}

/* It may have failed for the wrong mode, just before another thread's close. */
static bool may_be_wrong_mode(const struct scene *scene, const struct life *life)
{
	if (is_after(scene, &life->ended) || life->ended.inherited)
		return false;
	return record_call_entered(scene->call) ||
	       life_soon(scene->store, scene->call, &life->ended);
}

static void use_of_closed(const struct scene *scene, const struct subject *s, struct verdict *v)
{
	report_closed(s, FINDING_USE_AFTER_CLOSE, v);
	if (may_be_wrong_mode(scene, s->life))
		verdict_suspect(&v->finding, NOTE_ORDER_UNCERTAIN);
	if (asks_for_stream(scene->call, s->fd)) {
		v->finding.severity = SEVERITY_INFO;
		v->finding.notes |= NOTE_STANDARD_STREAM;
	}
}

void verdict_use(const struct scene *scene, struct verdict *v)
{
	struct subject s;

	verdict_begin(scene, scene->call->fd, v);
	if (is_probe(scene->call) || ignores_fd(scene->call) || !pick(scene, &s))
		return;
	verdict_begin(scene, s.fd, v);
	if (s.standing == STANDING_CLOSED)
		use_of_closed(scene, &s, v);
	else if (s.standing == STANDING_NEGATIVE)
		report_bad_fd(v, SITE_NOT_APPLICABLE);
	else if (s.standing == STANDING_NEVER && !s.gap)
		report_never(&s, SITE_NOT_APPLICABLE, v);
	else if (s.standing == STANDING_BEFORE && !s.gap)
		report_never(&s, scene->table->relisted ? SITE_LOST : SITE_BEFORE_ATTACH, v);
	if (s.unsure)
		verdict_suspect(&v->finding, NOTE_ORDER_UNCERTAIN);
}

void verdict_pending(struct finding *f, const struct life *life, bool sure)
{
	finding_set_kind(f, FINDING_DOUBLE_CLOSE);
	f->notes |= NOTE_PENDING_CLOSE;
	tell_life(f, life);
	if (!sure || life->uncertain || life->crossed)
		verdict_suspect(f, NOTE_ORDER_UNCERTAIN);
	if (life->swept)
		verdict_suspect(f, NOTE_SWEPT);
	if (f->notes & NOTE_FLUSH)
		verdict_suspect(f, 0);
}
