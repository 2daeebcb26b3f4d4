/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/advice.h"

#include <string.h>

#include "report/format.h"

/*
 * For os.close() on a file object's number this is the advice of Python's own documentation:
 * "remove the os.close(fp.fileno()) line, or open the file with closefd=False"
 * (Doc/library/devmode.rst, "Bad file descriptor error example").
 */

/* "app.py:12", or the words given where no frame is known. */
static const char *spot(const struct stack *stack, const char *otherwise, char buf[PLACE_SIZE])
{
	char *in;

	if (!*format_place(stack, buf))
		return otherwise;
	/* Not the function: it has been named in the explanation. */
	in = strstr(buf, " in ");
	if (in && stack_user_frame(stack)->line > 0)
		*in = '\0';
	return buf;
}

static bool is_python(const struct finding_view *view)
{
	return stack_user_frame(view->bad) || stack_user_frame(view->closed);
}

static bool threads_differ(const struct finding *f)
{
	return format_other_thread(&f->bad, &f->closed) || (f->notes & NOTE_DIFFERENT_THREADS);
}

/* Whichever of both closes is the wrong one, said as a condition. */
static void advise_one_close(FILE *out, const struct finding_view *view)
{
	bool is_socket = view->finding->what.type == FD_SOCKET;
	char first[PLACE_SIZE], second[PLACE_SIZE];
	const char *a = spot(view->closed, "the first close", first);
	const char *b = spot(view->bad, "the second close", second);

	fprintf(out,
		"Close fd %d in one place: if %s does os.close() on a number that a %s "
		"object owns, ",
		view->finding->fd, a, is_socket ? "socket" : "file");
	fputs(is_socket ? "call the object's close() instead, or take the number out of the object "
			  "with detach() first"
			: "drop that os.close() and let the object close it, or open it with "
			  "closefd=False",
	      out);
	if (strcmp(a, b))
		fprintf(out, "; otherwise drop the close at %s.", b);
	else
		fprintf(out, "; otherwise see that %s closes it only once.", b);
}

/* What an object offers so that somebody else may close its number. */
static void advise_instead(FILE *out, const struct finding *f)
{
	if (f->owner.type == OWNER_SOCKET)
		fputs("take the number out of the object with detach() first.", out);
	else if (f->owner.type == OWNER_EPOLL)
		fputs("make the close through the object alone.", out);
	else
		fputs("open it with closefd=False.", out);
}

/* The close at this stack, and site, went behind an object's back: Python's own advice. */
static void advise_owner(FILE *out, const struct finding *f, const struct fd_site *site,
			 const struct stack *closed)
{
	char place[PLACE_SIZE], owner[OWNER_SIZE];
	const char *at = spot(closed, "the first close", place);

	if (site->origin != ORIGIN_OTHER || !f->owner.type) {
		fprintf(out, "Drop the %s at %s and let the %s close it, or ",
			site->origin == ORIGIN_OS_CLOSE ? "os.close()" : "close", at,
			format_owner(&f->owner, owner));
		advise_instead(out, f);
		return;
	}
	fprintf(out,
		"Do not have C code close the number at %s that the %s closes, too: give it a "
		"number of its own (os.dup()), or ",
		at, format_owner(&f->owner, owner));
	advise_instead(out, f);
}

/* The earlier close took somebody else's descriptor: this one. */
static void advise_stolen(FILE *out, const struct finding_view *view)
{
	char place[PLACE_SIZE];

	fprintf(out,
		"Nothing here: what is to change is the close at %s, which meant another "
		"descriptor; the reused_close that was reported for it says how.",
		spot(view->closed, "the first close", place));
}

/* Where it is known which of the calls is wrong. True: that is said. */
static bool advise_culprit(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;

	if (f->proofs & PROOF_STOLEN)
		advise_stolen(out, view);
	else if (f->culprit == CULPRIT_CLOSED)
		advise_owner(out, f, &f->closed, view->closed);
	else
		return false;
	return true;
}

static void advise_double_close(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;

	if (advise_culprit(out, view))
		return;
	if (site_seen(&f->closed) && f->closed.inherited)
		fprintf(out,
			"Do not close fd %d in the child: its parent had closed it before the "
			"fork, so the number may be anybody's by now.",
			f->fd);
	else if (threads_differ(f))
		fprintf(out,
			"Let one thread own fd %d and be the only one that closes it: between the "
			"two closes another thread's open may get the same number, and its "
			"descriptor is closed instead.",
			f->fd);
	else if (is_python(view))
		advise_one_close(out, view);
	else
		fprintf(out,
			"Close fd %d in one place only, and set the variable that holds it to -1 "
			"once it is closed.",
			f->fd);
}

static void advise_double_close_unseen(FILE *out, const struct finding_view *view)
{
	int fd = view->finding->fd;

	fprintf(out, "Look for another close of fd %d; ", fd);
	switch (view->finding->closed.missing) {
	case SITE_LOST:
		fputs("a larger --ring-size loses fewer records, so that it may be seen.", out);
		break;
	case SITE_HISTORY_CUT:
		fputs("a longer --history keeps it, so that it may be shown.", out);
		break;
	case SITE_OTHER_WAY:
		fputs("fdtrace --check-kernel tells what this kernel lets it see.", out);
		break;
	default:
		fputs("when the program is run by fdtrace from its start (fdtrace -- COMMAND), "
		      "it may be seen.",
		      out);
	}
}

static void advise_use_after_close(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	char first[PLACE_SIZE], second[PLACE_SIZE];

	if (advise_culprit(out, view))
		return;
	if (threads_differ(f)) {
		fprintf(out,
			"Close fd %d only after every thread that uses it has stopped: once it is "
			"closed, the number may name another thread's descriptor.",
			f->fd);
		return;
	}
	fprintf(out, "Use fd %d only while it is open: make the call at %s before the close at %s",
		f->fd, spot(view->bad, "the later place", second),
		spot(view->closed, "the earlier place", first));
	fputs(is_python(view) ? ", or close it later (a with block around its whole use does "
				"that)."
			      : ", or close it later.",
	      out);
}

/* An object closed what another call, no os.close(), had closed before: two own one number. */
static void advise_two_owners(FILE *out, const struct finding_view *view)
{
	char first[PLACE_SIZE], second[PLACE_SIZE], owner[OWNER_SIZE];

	fprintf(out,
		"Let one object alone own fd %d: what is closed at %s had the same number as the %s "
		"that was opened at %s; detach() one of them, or make it with a dup() of the "
		"number.",
		view->finding->fd, spot(view->closed, "the first close", first),
		format_owner(&view->finding->owner, owner), spot(view->opened, "the open", second));
}

static void advise_reused_close(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	char second[PLACE_SIZE];

	if (advise_culprit(out, view))
		return;
	if (f->proofs & PROOF_OWNER) {
		advise_two_owners(out, view);
		return;
	}
	fprintf(out,
		"Once fd %d is closed, forget the number: drop the close at %s, or let it close "
		"through the object that owns the descriptor, which knows when it is closed.",
		f->fd, spot(view->bad, "the later place", second));
}

static void advise_owned_close(FILE *out, const struct finding_view *view)
{
	advise_owner(out, view->finding, &view->finding->bad, view->bad);
}

static void advise_bad_fd(FILE *out, const struct finding_view *view)
{
	int fd = view->finding->fd;

	if (fd < 0)
		fputs("Test for a negative number before the call: -1 often stands for \"not "
		      "open\", and is what fileno() of a closed socket gives.",
		      out);
	else
		fprintf(out,
			"Find out where the number %d comes from: it may have been open in "
			"another process, or be no descriptor at all.",
			fd);
}

static void advise_close_sweep(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;

	if (is_python(view))
		fprintf(out,
			"Nothing is broken; os.closerange(%d, %lld) closes them without the "
			"errors, in one system call from Python 3.10 on.",
			f->fd, f->last_fd + 1LL);
	else
		fprintf(out,
			"Nothing is broken; close_range(%d, %d, 0) closes them without the errors, "
			"in one system call.",
			f->fd, f->last_fd);
}

static void (*const advisers[])(FILE *, const struct finding_view *) = {
#define X(ID, name, ...) [FINDING_##ID] = advise_##name,
	FINDING_KIND_ROWS(X)
#undef X
};

/* It is not known what the call meant: nobody is told to change anything but to look. */
static void advise_open(FILE *out, const struct finding_view *view)
{
	char place[PLACE_SIZE];

	fprintf(out,
		"Find out for which of these descriptors the call at %s was meant: whoever that is "
		"still has fd %d as its own although it is closed. With a longer --history or "
		"--native more may be known.",
		spot(view->bad, "the later place", place), view->finding->fd);
}

void advice_print(FILE *out, const struct finding_view *view)
{
	if (finding_is_open(view->finding)) {
		advise_open(out, view);
		return;
	}
	if (view->finding->attribution == ATTRIBUTION_LIKELY)
		fputs("Most likely: ", out);
	advisers[view->finding->kind](out, view);
}
