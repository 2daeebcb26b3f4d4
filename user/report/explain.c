/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "report/advice.h"
#include "report/callers.h"
#include "report/format.h"

struct tale {
	FILE *out;
	const struct finding_view *view;
	const struct finding *f;
	bool probably;
	struct callers callers;
};

/* `fd 7 (file "/etc/hostname")` */
static void print_subject(const struct tale *t)
{
	char what[WHAT_SIZE];
	const char *text = format_what(&t->f->what, what);

	fprintf(t->out, "fd %d", t->f->fd);
	if (*text)
		fprintf(t->out, " (%s)", text);
}

/* " at app.py:12 in main"; nothing where no frame is known. */
static void print_place(const struct tale *t, const struct stack *stack)
{
	char place[PLACE_SIZE];

	if (*format_place(stack, place))
		fprintf(t->out, " at %s", place);
}

/* Why it ran, where C frames tell: else nothing is said. */
static void print_end(const struct tale *t, const struct stack *stack)
{
	enum object_end end = stack ? stack_object_end(stack) : END_UNKNOWN;
	char place[PLACE_SIZE];

	if (end == END_COLLECTOR)
		fputs(" (garbage collection)", t->out);
	else if (end == END_LAST_REFERENCE && *format_place(stack, place))
		fprintf(t->out, " (its last reference was dropped at %s)", place);
}

/* "the finalizer of the file object opened at app.py:9 in main"; stack: that of its close. */
static void print_finalizer(const struct tale *t, const struct fd_site *site,
			    const struct stack *stack)
{
	char finalizer[FINALIZER_SIZE];

	fputs(format_finalizer(t->view, site, finalizer), t->out);
	print_end(t, stack);
}

/* Who made the earlier close, as far as it is not the one who made the later call. */
static void print_closer(const struct tale *t)
{
	const struct fd_site *closed = &t->f->closed;

	if (closed->call != CALL_CLOSE) {
		char name[WORD_SIZE];

		fprintf(t->out, " (%s)", format_site_call(closed, name));
	}
	if (closed->inherited)
		fprintf(t->out, " by the parent process %u, before the fork", closed->tgid);
	else if (format_other_thread(closed, &t->f->bad) || !stack_user_frame(t->view->closed))
		fprintf(t->out, " by thread %u", closed->tid);
}

/* "; 1.2 ms later the same thread" */
static void print_then(const struct tale *t)
{
	const struct fd_site *closed = &t->f->closed, *bad = &t->f->bad;
	char time[WORD_SIZE];

	if (bad->time_ns >= closed->time_ns)
		fprintf(t->out, "; %s later ",
			format_duration(bad->time_ns - closed->time_ns, time));
	else
		fputs("; at about the same time ", t->out);
	if (site_finalizer(bad))
		print_finalizer(t, bad, t->view->bad);
	else if (closed->inherited)
		fprintf(t->out, "process %u", bad->tgid);
	else if (format_other_thread(closed, bad))
		fprintf(t->out, "thread %u", bad->tid);
	else
		fputs("the same thread", t->out);
}

/* Where and by whom the earlier close was made. */
static void print_closing(const struct tale *t)
{
	if (site_finalizer(&t->f->closed)) {
		fputs(" by ", t->out);
		print_finalizer(t, &t->f->closed, t->view->closed);
		return;
	}
	print_place(t, t->view->closed);
	if (t->callers.part)
		fprintf(t->out, " (called at %s)", t->callers.closed);
	print_closer(t);
}

static void print_close_before(const struct tale *t)
{
	print_subject(t);
	fputs(" was closed", t->out);
	print_closing(t);
	print_then(t);
}

/* A finalizer's stack says who happened to run: that is no place of the close. */
static void print_bad_place(const struct tale *t)
{
	if (!site_finalizer(&t->f->bad))
		print_place(t, t->view->bad);
}

/* The same, after that of the close before. */
static void print_later_place(const struct tale *t)
{
	if (t->callers.part)
		fprintf(t->out, " there (called at %s)", t->callers.bad);
	else if (t->callers.one_line)
		fputs(" at the same line", t->out);
	else
		print_bad_place(t);
}

/* " and got EBADF" */
static void print_error(const struct tale *t)
{
	char result[WORD_SIZE];

	fprintf(t->out, " and got %s", format_result(t->f->bad.ret, result));
}

/* " at app.py:14 in main and got EBADF" */
static void print_failure(const struct tale *t)
{
	print_bad_place(t);
	print_error(t);
}

/* The same, after the close before. */
static void print_later_failure(const struct tale *t)
{
	print_later_place(t);
	print_error(t);
}

static void explain_double_close_unseen(const struct tale *t)
{
	print_subject(t);
	fputs(" was closed", t->out);
	print_failure(t);
	fprintf(t->out, ": it had %sbeen closed already, by a close that was not seen",
		t->probably ? "probably " : "");
	if (!site_seen(&t->f->closed) && t->f->closed.missing != SITE_NOT_APPLICABLE)
		fprintf(t->out, " (%s)", site_missing_text(t->f->closed.missing));
}

static void print_stolen(const struct tale *t)
{
	fputs(": that first close had taken what was not its own (see ", t->out);
	if (t->view->caused_by)
		fprintf(t->out, "#%" PRIu64 ")", t->view->caused_by);
	else
		fputs("its reused_close)", t->out);
}

/* Why the earlier close is the wrong one. */
static void print_cause(const struct tale *t)
{
	char owner[OWNER_SIZE];

	if (t->f->proofs & PROOF_STOLEN)
		print_stolen(t);
	else if (t->f->proofs & PROOF_METHOD)
		fputs(": most likely the first close is the wrong one, as an object's method makes "
		      "the later call, and the first was not the object's",
		      t->out);
	else if (t->f->culprit == CULPRIT_CLOSED)
		fprintf(t->out,
			": the first close was made behind the back of the %s that owned it",
			format_owner(&t->f->owner, owner));
}

static void explain_double_close(const struct tale *t)
{
	if (!site_seen(&t->f->closed)) {
		explain_double_close_unseen(t);
		return;
	}
	print_close_before(t);
	fputs(" closed it again", t->out);
	print_later_failure(t);
	fputs(t->probably ? ", probably because of that close" : "", t->out);
	print_cause(t);
}

/* Somebody asks for a standard stream that is not there: what had the number is beside the point.
 */
static void explain_no_stream(const struct tale *t)
{
	const struct fd_site *closed = &t->f->closed, *bad = &t->f->bad;
	char name[WORD_SIZE], the[WHAT_SIZE], time[WORD_SIZE];
	const char *what = format_the(&t->f->what, the);

	fprintf(t->out, "%s asked for %s (fd %d)", format_site_call(bad, name), format_stream(t->f),
		t->f->fd);
	print_failure(t);
	fputs(": it is closed", t->out);
	if (!site_seen(closed))
		return;
	fprintf(t->out, "; the number was last that of %s, which was closed",
		*what ? what : "a descriptor");
	print_closing(t);
	if (bad->time_ns >= closed->time_ns)
		fprintf(t->out, ", %s before",
			format_duration(bad->time_ns - closed->time_ns, time));
}

static void explain_use_after_close(const struct tale *t)
{
	char name[WORD_SIZE];

	if (format_stream(t->f)) {
		explain_no_stream(t);
		return;
	}
	if (!site_seen(&t->f->closed)) {
		fprintf(t->out, "%s was called on ", format_site_call(&t->f->bad, name));
		print_subject(t);
		print_failure(t);
		return;
	}
	print_close_before(t);
	fprintf(t->out, " called %s on it", format_site_call(&t->f->bad, name));
	print_later_failure(t);
	fputs(t->probably ? ", probably because of that close" : "", t->out);
	print_cause(t);
}

/* "the tcp socket 127.0.0.1:80 -> … of the socket object that was opened at app.py:30 in serve" */
static void print_victim(const struct tale *t)
{
	char what[WHAT_SIZE], result[WORD_SIZE], name[WORD_SIZE], owner[OWNER_SIZE];
	const struct fd_victim *victim = &t->f->victim;
	const char *text = format_the(&victim->what, what);

	if (!victim->known) {
		fputs("a descriptor that belonged to somebody else", t->out);
		return;
	}
	fprintf(t->out, "%s", *text ? text : "a descriptor");
	if (victim->owner.type)
		fprintf(t->out, " of the %s", format_owner(&victim->owner, owner));
	if (site_seen(&victim->opened)) {
		fputs(" that was opened", t->out);
		print_place(t, t->view->victim);
	}
	if (!site_seen(&victim->failed))
		return;
	fprintf(t->out, ", where %s", format_site_call(&victim->failed, name));
	print_place(t, t->view->failed);
	fprintf(t->out, " then got %s", format_result(victim->failed.ret, result));
}

static void explain_reused_close(const struct tale *t)
{
	print_close_before(t);
	fputs(" closed the number again", t->out);
	print_later_place(t);
	fprintf(t->out, ", without an error, since it had been opened anew: this %sclosed ",
		t->probably ? "probably " : "");
	print_victim(t);
	print_cause(t);
}

/* " and closed at app.py:12 in f": who ended what the call may have meant. */
static void print_candidate_end(const struct tale *t, const struct fd_candidate *candidate,
				const struct stack *stack)
{
	const struct fd_site *closed = &candidate->closed;
	char place[PLACE_SIZE];

	fputs(" closed", t->out);
	if (!site_seen(closed))
		fprintf(t->out, " by a call that was not seen (%s)",
			site_missing_text(closed->missing));
	else if (site_finalizer(closed))
		fputs(" by a finalizer", t->out);
	else if (*format_place(stack, place))
		fprintf(t->out, " at %s", place);
	else
		fprintf(t->out, " by thread %u", closed->tid);
}

/* `the file "/etc/hostname" opened at app.py:10 in f and closed at app.py:12 in f` */
static void print_candidate(const struct tale *t, size_t i)
{
	const struct fd_candidate *candidate = &t->f->candidates[i];
	const struct stack *opened = t->view->candidates[i].opened;
	char place[PLACE_SIZE], the[WHAT_SIZE];
	const char *what = format_the(&candidate->what, the);

	fputs(*what ? what : "the descriptor", t->out);
	if (site_seen(&candidate->opened) && *format_place(opened, place))
		fprintf(t->out, " opened at %s and", place);
	print_candidate_end(t, candidate, t->view->candidates[i].closed);
}

/* "; the call may have meant …, or …: which of these is not known" */
static void print_candidates(const struct tale *t)
{
	size_t count = t->f->candidate_count;

	fputs("; the call may have meant ", t->out);
	for (size_t i = 0; i < count && i < FINDING_CANDIDATES; i++) {
		fputs(i ? ", or " : "", t->out);
		print_candidate(t, i);
	}
	fputs(count > 1 ? ": which of these is not known"
			: ": which of the two calls was wrong is not known",
	      t->out);
}

/* What was called, with which end, and what it may have been meant for. */
static void explain_open(const struct tale *t)
{
	char name[WORD_SIZE];

	if (t->f->kind == FINDING_USE_AFTER_CLOSE)
		fprintf(t->out, "%s was called on ", format_site_call(&t->f->bad, name));
	fprintf(t->out, "fd %d", t->f->fd);
	if (t->f->kind != FINDING_USE_AFTER_CLOSE)
		fputs(" was closed", t->out);
	if (site_finalizer(&t->f->bad))
		fputs(" by a finalizer", t->out);
	if (t->f->kind == FINDING_REUSED_CLOSE) {
		print_bad_place(t);
		fputs(", without an error: this closed ", t->out);
		print_victim(t);
	} else {
		print_failure(t);
		fputs(": it had been closed already", t->out);
	}
	print_candidates(t);
}

static void explain_owned_close(const struct tale *t)
{
	char owner[OWNER_SIZE];

	print_subject(t);
	fputs(" was closed", t->out);
	print_place(t, t->view->bad);
	fprintf(t->out, " behind the back of the %s that owns it",
		format_owner(&t->f->owner, owner));
	if (site_seen(&t->f->opened)) {
		fputs(", opened", t->out);
		print_place(t, t->view->opened);
	}
	fputs(": that object will use and close the number later, whoever has it by then", t->out);
	if (finding_is_open(t->f))
		print_candidates(t);
}

/* "wrote 3 bytes" */
static void print_transfer(const struct tale *t, bool read)
{
	fprintf(t->out, " %s %d byte%s", read ? "read" : "wrote", t->f->bad.ret,
		t->f->bad.ret == 1 ? "" : "s");
}

static void explain_misdirected_io(const struct tale *t)
{
	const struct fd_site *bad = &t->f->bad;
	bool read = bad->nr == SYS_read || bad->nr == SYS_recvfrom || bad->nr == SYS_recvmsg;
	char owner[OWNER_SIZE];

	print_close_before(t);
	print_transfer(t, read);
	print_later_place(t);
	if (t->f->proofs & PROOF_KEPT)
		fputs(" by a method of the object that had opened it and keeps its number", t->out);
	else
		fprintf(t->out, " through the %s that has the number still",
			format_owner(&t->f->owner, owner));
	fprintf(t->out, ": %s %s%s ", bad->ret == 1 ? "it" : "they", t->probably ? "probably " : "",
		read ? "came out of" : "went into");
	print_victim(t);
	if (t->f->proofs & PROOF_KEPT)
		fputs(", unless the object has been given the number since", t->out);
}

static void explain_bad_fd(const struct tale *t)
{
	char name[WORD_SIZE];

	fprintf(t->out, "%s was called on fd %d", format_site_call(&t->f->bad, name), t->f->fd);
	print_failure(t);
	if (t->f->fd < 0)
		fputs(": a negative number is no descriptor", t->out);
	else if (t->f->closed.missing == SITE_HISTORY_CUT)
		fputs(": what is known of this number has been forgotten, for want of room",
		      t->out);
	else
		fprintf(t->out, ": this number was %snever open here",
			t->probably ? "probably " : "");
}

static void explain_close_sweep(const struct tale *t)
{
	fprintf(t->out, "%u closes in a row, from fd %d to fd %d,", t->f->calls, t->f->fd,
		t->f->last_fd);
	print_place(t, t->view->bad);
	fputs(" got EBADF: none of these numbers was open", t->out);
}

static void (*const explainers[])(const struct tale *) = {
#define X(ID, name, ...) [FINDING_##ID] = explain_##name,
	FINDING_KIND_ROWS(X)
#undef X
};

/* It speaks of a close before. */
static bool may_be_open(enum finding_kind kind)
{
	return kind == FINDING_DOUBLE_CLOSE || kind == FINDING_DOUBLE_CLOSE_UNSEEN ||
	       kind == FINDING_USE_AFTER_CLOSE || kind == FINDING_REUSED_CLOSE;
}

static void explanation_print(FILE *out, const struct finding_view *view)
{
	struct tale tale = {
		.out = out,
		.view = view,
		.f = view->finding,
		.probably = view->finding->certainty == CERTAINTY_SUSPECTED ||
			    view->finding->attribution == ATTRIBUTION_LIKELY,
	};

	callers_find(view, &tale.callers);
	if (finding_is_open(view->finding) && may_be_open(view->finding->kind))
		explain_open(&tale);
	else
		explainers[view->finding->kind](&tale);
	fputc('.', out);
}

static int print_into(char **ret, const struct finding_view *view,
		      void (*print)(FILE *, const struct finding_view *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	print(out, view);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

/* Each kind's own format: the compiler sees that it takes one text. */
void finding_headline(const struct finding *f, char *text, size_t size)
{
	const char *probably = f->certainty == CERTAINTY_SUSPECTED ? "probably " : "";
	char subject[WORD_SIZE];

	if (finding_kind_row(f->kind)->about == ABOUT_RUN)
		snprintf(subject, sizeof(subject), "fds %d to %d", f->fd, f->last_fd);
	else
		snprintf(subject, sizeof(subject), "fd %d", f->fd);
	switch (f->kind) {
#define X(ID, name, severity, in_shell, about, headline, ...)            \
	case FINDING_##ID:                                               \
		snprintf(text, size, "%s " headline, subject, probably); \
		break;
		FINDING_KIND_ROWS(X)
#undef X
	}
}

int finding_explain(const struct finding_view *view, char **ret_explanation, char **ret_advice)
{
	_cleanup_free_ char *explanation = NULL, *advice = NULL;
	int err;

	err = print_into(&explanation, view, explanation_print);
	if (!err)
		err = print_into(&advice, view, advice_print);
	if (err)
		return err;
	*ret_explanation = TAKE_PTR(explanation);
	*ret_advice = TAKE_PTR(advice);
	return 0;
}
