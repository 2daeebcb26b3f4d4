/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/text/finding.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "report/notes.h"
#include "report/report.h"
#include "source/source.h"
#include "report/text/stack.h"
#include "report/format.h"
#include "session/shown.h"

#define HEAD_SIZE    1024
/* Of a process's name, each of its 15 bytes escaped. */
#define COMM_COLUMNS 60
#define COMM_SIZE    (COMM_COLUMNS * 4 + 1)

/* One finding being told. */
struct telling {
	const struct page *page;
	const struct finding_view *view;
	const struct finding *f;
	struct source_reader *source;
	unsigned int frames;
};

int print_paragraph(const struct page *page, const char *style, const char *label,
		    unsigned int first, unsigned int rest, const char *text)
{
	_cleanup_free_ char *safe = text_for_layout(text, strlen(text));

	if (!safe)
		return -ENOMEM;
	layout_paragraph(page, style, label, first, rest, safe);
	return 0;
}

static const char *severity_style(enum severity severity)
{
	return severity == SEVERITY_ERROR     ? STYLE_ERROR
	       : severity == SEVERITY_WARNING ? STYLE_WARNING
					      : STYLE_INFO;
}

static int print_headline(const struct telling *t)
{
	char label[WORD_SIZE], text[HEAD_SIZE];

	snprintf(label, sizeof(label), "%s[%s]:", severity_name(t->f->severity),
		 finding_kind_name(t->f->kind));
	finding_headline(t->f, text, sizeof(text));
	return print_paragraph(t->page, severity_style(t->f->severity), label, 0, 4, text);
}

#define CAUSE_SIZE 72

/* "follows from #1", "may follow from #1 or #2" */
static const char *format_cause(const struct finding_view *view, char text[CAUSE_SIZE])
{
	int at = snprintf(text, CAUSE_SIZE, "%s from #%" PRIu64,
			  view->perhaps ? "may follow" : "follows", view->caused_by);

	if (view->or_by)
		snprintf(text + at, CAUSE_SIZE - at, " or #%" PRIu64, view->or_by);
	return text;
}

/* #1, file "/etc/hostname", python3 (pid 4242), 2026-11-24 10:00:00.123456 UTC */
static int print_circumstances(const struct telling *t)
{
	const struct process *p = t->view->process;
	char name[sizeof(p->comm) + 1], what[WHAT_SIZE], comm[COMM_SIZE], time[WORD_SIZE],
		cause[CAUSE_SIZE], text[HEAD_SIZE];
	const char *known = format_what(&t->f->what, what);
	int at;

	at = snprintf(text, sizeof(text), "#%" PRIu64 ", ", t->view->id);
	if (t->view->caused_by)
		at += snprintf(text + at, sizeof(text) - at, "%s, ", format_cause(t->view, cause));
	at += snprintf(text + at, sizeof(text) - at, "%s%s", known, *known ? ", " : "");
	if (p && p->comm[0]) {
		snprintf(name, sizeof(name), "%.*s", (int)sizeof(p->comm), p->comm);
		at += snprintf(text + at, sizeof(text) - at, "%s (pid %u)",
			       layout_name(name, COMM_COLUMNS, comm, sizeof(comm)), t->f->tgid);
	} else {
		at += snprintf(text + at, sizeof(text) - at, "pid %u", t->f->tgid);
	}
	if (p && p->container_id)
		at += snprintf(text + at, sizeof(text) - at, ", container %.12s", p->container_id);
	if (site_seen(&t->f->bad)) {
		format_time((int64_t)t->f->bad.time_ns + t->view->wall_offset_ns, true, time);
		snprintf(text + at, sizeof(text) - at, ", %s", time);
	}
	return print_paragraph(t->page, NULL, "", 2, 4, text);
}

/* What the call opened; NULL: it is no open, or not known. */
static const struct fd_what *what_opened(const struct finding *f, const struct fd_site *site)
{
	if (site == &f->victim.opened)
		return &f->victim.what;
	for (size_t i = 0; i < f->candidate_count && i < FINDING_CANDIDATES; i++)
		if (site == &f->candidates[i].opened)
			return &f->candidates[i].what;
	return site == &f->opened ? &f->what : NULL;
}

/* `close(7) = EBADF`, `openat("/etc/hostname") = 7`, `socket = 7` */
static void format_head_call(const struct telling *t, const struct fd_site *site,
			     char text[HEAD_SIZE])
{
	const struct fd_what *what = what_opened(t->f, site);
	char name[WORD_SIZE], result[WORD_SIZE], path[256];
	const char *call = format_site_call(site, name);
	const char *ret = format_result(site->ret, result);

	if (what && site->call == what->call && what_path(what) && !what->path_from_proc)
		snprintf(text, HEAD_SIZE, "%s(\"%s\") = %s", call,
			 layout_name(what->path, 56, path, sizeof(path)), ret);
	else if (site->call == CALL_CLOSE)
		snprintf(text, HEAD_SIZE, "%s(%d) = %s", call, t->f->fd, ret);
	else
		snprintf(text, HEAD_SIZE, "%s = %s", call, ret);
}

/* ", same thread", ", another thread (4244)", ", in the parent (pid 4000)" */
static void format_thread(const struct fd_site *site, const struct fd_site *than, char *text,
			  size_t size)
{
	if (site->inherited)
		snprintf(text, size, ", in the parent (pid %u, thread %u)", site->tgid, site->tid);
	else if (!than || !site_seen(than))
		snprintf(text, size, ", thread %u", site->tid);
	else if (format_other_thread(site, than))
		snprintf(text, size, ", another thread (%u)", site->tid);
	else
		snprintf(text, size, ", same thread");
}

static void format_lag(const struct fd_site *site, const struct fd_site *later, const char *than,
		       char *text, size_t size)
{
	char time[WORD_SIZE];

	text[0] = '\0';
	if (!later || !site_seen(later))
		return;
	if (later->time_ns >= site->time_ns)
		snprintf(text, size, ", %s %s",
			 format_duration(later->time_ns - site->time_ns, time), than);
	else
		snprintf(text, size, ", at about the same time");
}

static int print_missing(const struct telling *t, const struct fd_site *site, const char *label)
{
	char text[HEAD_SIZE];

	if (site->missing == SITE_NOT_APPLICABLE)
		return 0;
	fputc('\n', t->page->out);
	snprintf(text, sizeof(text), "not seen (%s)", site_missing_text(site->missing));
	return print_paragraph(t->page, STYLE_BOLD, label, 2, 4, text);
}

/* Nobody called it where it happened, as the C frames tell. */
static const char *format_finalized(const struct fd_site *site, const struct stack *stack)
{
	bool known = (site->origin != ORIGIN_UNKNOWN && site->origin != ORIGIN_OTHER) || !stack ||
		     site->call != CALL_CLOSE;

	return !known && stack_origin(stack) == ORIGIN_FINALIZER ? ", as an object ended" : "";
}

/* A block: the call, who made it and when (seen from the later site), its stack. */
static int print_site(struct telling *t, const struct fd_site *site, const struct stack *stack,
		      const struct fd_site *later, const char *label, const char *than)
{
	char call[HEAD_SIZE], thread[WORD_SIZE], time[WORD_SIZE * 2], text[HEAD_SIZE * 2];
	int err;

	if (!site_seen(site))
		return print_missing(t, site, label);
	format_head_call(t, site, call);
	/* The threads are compared with the bad call's, the times with the next call's. */
	format_thread(site, later ? &t->f->bad : NULL, thread, sizeof(thread));
	format_lag(site, later, than, time, sizeof(time));
	snprintf(text, sizeof(text), "%s%s%s%s", call, format_finalized(site, stack), thread, time);
	fputc('\n', t->page->out);
	err = print_paragraph(t->page, STYLE_BOLD, label, 2, 4, text);
	return err ? err
		   : stacks_print(t->page, t->source, t->frames, t->view->process, site, stack);
}

/* A finalizer's stack is that of whoever ran just then: it comes last, and says so. */
static void bad_label(const struct finding *f, char *text, size_t size)
{
	const struct finding_kind_row *kind = finding_kind_row(f->kind);

	if (site_finalizer(&f->bad))
		snprintf(text, size, "%s by a finalizer, which ran at:", kind->finalizer);
	else
		snprintf(text, size, "%s:", kind->site);
}

/* The label, the site that it is seen from (NULL: the first told), and how. */
struct site_label {
	const char *label;
	const struct fd_site *later;
	const char *than;
};

static struct site_label label_of_site(const struct telling *t, const struct shown_site *shown,
				       const struct fd_site *closed)
{
	bool finalizer = site_finalizer(shown->site), seen = closed && site_seen(closed);
	/* Where a finalizer made the bad call, the open is told before any close. */
	const char *close = site_finalizer(&t->f->bad) && !finding_is_open(t->f)
				    ? "before the first close"
				    : "before that close";

	switch (shown->role) {
	case SHOWN_CLOSED:
		return (struct site_label){finalizer ? "closed before by a finalizer, at:"
						     : "closed before:",
					   &t->f->bad, "earlier"};
	case SHOWN_EITHER_CLOSED:
		return (struct site_label){t->f->candidate_count == 1 ? "closed before:"
					   : shown->site == &t->f->candidates[0].closed
						   ? "either closed before:"
						   : "or closed before:",
					   &t->f->bad, "earlier"};
	case SHOWN_OPENED:
	case SHOWN_EITHER_OPENED:
		return (struct site_label){"opened:", seen ? closed : &t->f->bad,
					   seen ? close : "earlier"};
	case SHOWN_VICTIM:
		return (struct site_label){t->f->kind == FINDING_MISDIRECTED_IO ? "belongs to:"
										: "taken from:",
					   &t->f->bad, "earlier"};
	case SHOWN_FAILED:
		return (struct site_label){"which failed then:", &t->f->bad, "earlier"};
	case SHOWN_BAD:
		break;
	}
	return (struct site_label){NULL, NULL, NULL};
}

static int print_shown(struct telling *t, const struct shown_site *shown,
		       const struct fd_site *closed)
{
	struct site_label site = label_of_site(t, shown, closed);
	char label[WORD_SIZE];

	if (!site.label)
		bad_label(t->f, label, sizeof(label));
	return print_site(t, shown->site, shown->stack, site.later, site.label ? site.label : label,
			  site.than);
}

static int print_sites(struct telling *t)
{
	struct shown_site sites[SHOWN_SITES];
	size_t count = shown_sites(t->view, sites);
	const struct fd_site *closed = finding_is_open(t->f) ? NULL : &t->f->closed;
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		if (sites[i].role == SHOWN_EITHER_CLOSED)
			closed = sites[i].site; /* of which the open that follows is */
		err = print_shown(t, &sites[i], closed);
	}
	return err;
}

static int print_note(void *arg, const char *sentence)
{
	const struct telling *t = arg;

	return print_paragraph(t->page, STYLE_BOLD, "Note:", 2, 4, sentence);
}

static int print_conclusion(struct telling *t)
{
	_cleanup_free_ char *explanation = NULL, *advice = NULL;
	int err = finding_explain(t->view, &explanation, &advice);

	if (err)
		return err;
	fputc('\n', t->page->out);
	err = print_paragraph(t->page, STYLE_BOLD, "What happened:", 2, 4, explanation);
	if (!err)
		err = print_paragraph(t->page, STYLE_BOLD, "What to change:", 2, 4, advice);
	return err ? err : notes_remarks(t->view, print_note, t);
}

int print_finding(const struct page *page, unsigned int frames, struct source_reader *source,
		  const struct finding_view *view)
{
	struct telling t = {
		.page = page,
		.view = view,
		.f = view->finding,
		.source = source,
		.frames = frames,
	};
	int err;

	err = print_headline(&t);
	if (!err)
		err = print_circumstances(&t);
	if (!err)
		err = print_sites(&t);
	if (!err)
		err = print_conclusion(&t);
	if (source)
		source->done(source);
	fputc('\n', page->out);
	return err;
}

#define WHERE_SIZE (FINALIZER_SIZE + WORD_SIZE)

/* "at app.py:12 in f", "by the finalizer of the file object opened at app.py:10 in f", "by thread
 * 12": of the close before, or of the bad call. */
static const char *where(const struct finding_view *view, const struct fd_site *site,
			 char buf[WHERE_SIZE])
{
	const struct stack *stack = site == &view->finding->closed ? view->closed : view->bad;
	char text[FINALIZER_SIZE];

	if (site_finalizer(site))
		snprintf(buf, WHERE_SIZE, "by %s", format_finalizer(view, site, text));
	else if (*format_place(stack, text))
		snprintf(buf, WHERE_SIZE, "at %s", text);
	else
		snprintf(buf, WHERE_SIZE, "by thread %u", site->tid);
	return buf;
}

char *print_short(const struct finding_view *view)
{
	const struct finding *f = view->finding;
	char place[WHERE_SIZE], what[WHAT_SIZE], call[WORD_SIZE], text[HEAD_SIZE * 2];
	const char *known = format_what(f->victim.known ? &f->victim.what : &f->what, what);
	/* Several calls of one line fail: they are told apart. The other kinds are of closes. */
	bool use = f->kind == FINDING_USE_AFTER_CLOSE || f->kind == FINDING_MISDIRECTED_IO;

	snprintf(text, sizeof(text), "%s of fd %d%s%s%s%s%s %s", finding_kind_name(f->kind), f->fd,
		 *known ? " (" : "", known, *known ? ")" : "", use ? " by " : "",
		 use ? format_site_call(&f->bad, call) : "", where(view, &f->bad, place));
	return text_for_layout(text, strlen(text));
}

char *print_mistake(const struct finding_view *view)
{
	const struct finding *f = view->finding;
	const char *site = finding_kind_row(f->kind)->site;
	char first[WHERE_SIZE], second[WHERE_SIZE], text[WHERE_SIZE * 2 + WORD_SIZE];
	const char *bad = where(view, &f->bad, second);

	if (f->culprit == CULPRIT_CLOSED)
		snprintf(text, sizeof(text), "the close %s", where(view, &f->closed, first));
	else if (f->culprit == CULPRIT_BAD || !site_seen(&f->closed))
		snprintf(text, sizeof(text), "%s %s", site, bad);
	else if (f->attribution == ATTRIBUTION_OPEN)
		snprintf(text, sizeof(text), "%s %s, what it meant is open", site, bad);
	else
		snprintf(text, sizeof(text), "closed %s, %s %s", where(view, &f->closed, first),
			 site, bad);
	return text_for_layout(text, strlen(text));
}

int print_consequence(const struct page *page, const struct finding_view *view)
{
	_cleanup_free_ char *line = print_short(view);
	_cleanup_free_ char *text = NULL;
	int64_t ret = view->finding->bad.ret;
	char label[WORD_SIZE], result[WORD_SIZE], cause[CAUSE_SIZE];

	snprintf(label, sizeof(label), "#%" PRIu64, view->id);
	if (!line ||
	    asprintf(&text, "%s%s%s: %s", line, ret < 0 ? ", " : "",
		     ret < 0 ? format_errno(ret, result) : "", format_cause(view, cause)) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	layout_paragraph(page, severity_style(view->finding->severity), label, 0, 4, text);
	return 0;
}

void print_no_more(const struct page *page, const struct finding_view *view)
{
	char cause[CAUSE_SIZE], text[CAUSE_SIZE * 2];

	snprintf(text, sizeof(text),
		 "\xe2\x80\xa6 each further %s that %s is counted; --all shows it",
		 finding_kind_name(view->finding->kind), format_cause(view, cause));
	layout_line(page, NULL, 0, text);
}
