/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/otlp/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/format.h"
#include "report/otlp/resource.h"
#include "report/otlp/stacktrace.h"
#include "session/fingerprint.h"

#define UPDATE_EVENT "fdtrace.update"

static const char *event_name(enum finding_kind kind)
{
	static const char *const names[] = {
#define X(ID, name, ...) [FINDING_##ID] = "fdtrace.fd." #name,
		FINDING_KIND_ROWS(X)
#undef X
	};

	return names[kind];
}

/* SeverityNumber of the data model: ERROR, WARN, INFO. */
static int severity_number(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return 17;
	case SEVERITY_WARNING:
		return 13;
	case SEVERITY_INFO:
		return 9;
	}
	return 0;
}

static void set_severity(struct otlp_message *message, enum severity severity)
{
	message->severity_number = severity_number(severity);
	message->severity_text = severity_name(severity);
}

/* By it a back end knows what it has got before: a record is delivered at least once. */
static int add_uid(struct otlp_message *message, const struct otlp_options *options, uint64_t id,
		   uint64_t count)
{
	char uid[2 * WORD_SIZE];

	if (count)
		snprintf(uid, sizeof(uid), "%s-%" PRIu64 "-%" PRIu64, options->run, id, count);
	else
		snprintf(uid, sizeof(uid), "%s-%" PRIu64, options->run, id);
	return otlp_add_text(&message->record, "log.record.uid", uid);
}

static int add_stacktrace(struct otlp_message *message, const char *key, const struct stack *stack)
{
	_cleanup_free_ char *text = NULL;
	int err = otlp_stacktrace(stack, &text);

	return err ? err : otlp_add_text(&message->record, key, text);
}

/* Where what is to be changed stands, or may: at the close before where that one is at fault. */
static bool code_is_closed(const struct finding_view *view)
{
	bool bad = view->bad && view->bad->count, closed = view->closed && view->closed->count;

	return closed && (view->finding->culprit == CULPRIT_CLOSED || !bad);
}

/* code.* and the stack of the one call, and the stacks of the others. */
static int add_code(struct otlp_message *message, const struct finding_view *view)
{
	bool is_closed = code_is_closed(view);
	const struct stack *stack = is_closed ? view->closed : view->bad;
	const struct stack_frame *frame = stack ? stack_user_frame(stack) : NULL;
	int err = add_stacktrace(message, "code.stacktrace", stack);

	err |= add_stacktrace(message, "fdtrace.bad.stacktrace", is_closed ? view->bad : NULL);
	err |= add_stacktrace(message, "fdtrace.closed.stacktrace", view->closed);
	err |= add_stacktrace(message, "fdtrace.opened.stacktrace", view->opened);

	if (!frame)
		return err;
	err |= otlp_add_text(&message->record, "fdtrace.code.call", is_closed ? "closed" : "bad");
	err |= otlp_add_text(&message->record, "code.function.name", frame->function);
	err |= otlp_add_text(&message->record, "code.file.path", frame->file);
	if (frame->line > 0)
		err |= otlp_add_number(&message->record, "code.line.number", frame->line);
	return err;
}

static int add_judgement(struct otlp_message *message, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	struct otlp_attributes *list = &message->record;
	char fingerprint[FINGERPRINT_SIZE];
	int err = otlp_add_number(list, "fdtrace.id", (int64_t)view->id);

	finding_fingerprint(view, fingerprint);
	err |= otlp_add_text(list, "fdtrace.bug", view->bug);
	err |= otlp_add_text(list, "fdtrace.fingerprint", fingerprint);
	err |= otlp_add_text(list, "fdtrace.kind", finding_kind_name(f->kind));
	err |= otlp_add_text(list, "fdtrace.certainty", certainty_name(f->certainty));
	err |= otlp_add_text(list, "fdtrace.culprit", culprit_name(f->culprit));
	err |= otlp_add_text(list, "fdtrace.attribution", attribution_name(f->attribution));
	err |= otlp_add_number(list, "fdtrace.count", 1);
	if (!view->caused_by)
		return err;
	err |= otlp_add_number(list,
			       view->perhaps ? "fdtrace.may_follow_from" : "fdtrace.caused_by",
			       (int64_t)view->caused_by);
	if (view->or_by)
		err |= otlp_add_number(list, "fdtrace.or_from", (int64_t)view->or_by);
	return err;
}

/* What was known of the bug. */
static int add_seen_before(struct otlp_message *message, const struct finding_seen *seen)
{
	struct otlp_attributes *list = &message->record;
	char time[WORD_SIZE];
	int err;

	if (!seen)
		return 0;
	err = otlp_add_text(list, "fdtrace.seen.state", seen_state_name(seen->state));
	err |= otlp_add_text(list, "fdtrace.seen.first", format_time(seen->first_ns, false, time));
	err |= otlp_add_text(list, "fdtrace.seen.last", format_time(seen->last_ns, false, time));
	return err | otlp_add_number(list, "fdtrace.seen.count", (int64_t)seen->count);
}

static int add_what(struct otlp_message *message, const char *key, const struct fd_what *what)
{
	char text[WHAT_SIZE];

	format_what(what, text);
	return *text ? otlp_add_text(&message->record, key, text_soften(text)) : 0;
}

static int add_descriptor(struct otlp_message *message, const struct finding *f)
{
	struct otlp_attributes *list = &message->record;
	char owner[OWNER_SIZE];
	int err = otlp_add_number(list, "fdtrace.fd.number", f->fd);

	if (f->kind == FINDING_CLOSE_SWEEP) {
		err |= otlp_add_number(list, "fdtrace.fd.last_number", f->last_fd);
		err |= otlp_add_number(list, "fdtrace.calls", f->calls);
	}
	if (f->what.type != FD_UNKNOWN)
		err |= otlp_add_text(list, "fdtrace.fd.type", fd_type_name(f->what.type));
	if (f->owner.type) {
		snprintf(owner, sizeof(owner), "%s", format_owner(&f->owner, owner));
		err |= otlp_add_text(list, "fdtrace.fd.owner", text_soften(owner));
	}
	return err | add_what(message, "fdtrace.fd.what", &f->what);
}

/* The call that failed, or hit what it was not meant for. */
static int add_bad_call(struct otlp_message *message, const struct finding_view *view)
{
	const struct fd_site *bad = &view->finding->bad;
	struct otlp_attributes *list = &message->record;
	char name[WORD_SIZE];
	int err;

	if (!site_seen(bad))
		return 0;
	message->time_unix_nano = bad->time_ns + (uint64_t)view->wall_offset_ns;
	err = otlp_add_text(list, "fdtrace.call", format_site_call(bad, name));
	err |= otlp_add_text(list, "fdtrace.origin",
			     format_origin(bad->origin, view->bad, bad->call));
	err |= otlp_add_number(list, "fdtrace.thread.tid", bad->tid);
	if (bad->ret < 0)
		err |= otlp_add_text(list, "error.type", format_errno(bad->ret, name));
	return err;
}

static int add_other_calls(struct otlp_message *message, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	struct otlp_attributes *list = &message->record;
	int err = add_code(message, view);

	if (site_seen(&f->bad) && site_seen(&f->closed))
		err |= otlp_add_number(list, "fdtrace.since_close_ns",
				       (int64_t)(f->bad.time_ns - f->closed.time_ns));
	if (!f->victim.known)
		return err;
	if (f->victim.what.type != FD_UNKNOWN)
		err |= add_what(message, "fdtrace.victim.what", &f->victim.what);
	err |= add_stacktrace(message, "fdtrace.victim.opened.stacktrace", view->victim);
	return err | add_stacktrace(message, "fdtrace.victim.failed.stacktrace", view->failed);
}

static int add_texts(struct otlp_message *message, const struct finding_view *view)
{
	_cleanup_free_ char *explanation = NULL, *advice = NULL;
	int err = finding_explain(view, &explanation, &advice);

	if (err)
		return err;
	err = otlp_set_body(message, text_soften(explanation));
	return err | otlp_add_text(&message->record, "fdtrace.advice", text_soften(advice));
}

int otlp_finding_record(const struct otlp_options *options, const struct finding_view *view,
			struct otlp_message *ret)
{
	const struct finding *f = view->finding;
	int err;

	ret->event_name = event_name(f->kind);
	ret->observed_time_unix_nano = options->now();
	set_severity(ret, f->severity);
	err = otlp_add_resource(&ret->resource, options, view);
	err |= add_uid(ret, options, view->id, 0);
	err |= add_judgement(ret, view);
	err |= add_seen_before(ret, view->seen);
	if (options->finding.attributes)
		err |= otlp_add_list(&ret->record,
				     options->finding.attributes(options->finding.arg, view));
	err |= add_descriptor(ret, f);
	err |= add_bad_call(ret, view);
	err |= add_other_calls(ret, view);
	err |= add_texts(ret, view);
	return err ? -ENOMEM : 0;
}

static int add_seen(struct otlp_attributes *list, const struct repeat *repeat)
{
	char time[WORD_SIZE];
	int err = otlp_add_text(list, "fdtrace.first_seen",
				format_time(repeat->first_ns, false, time));

	return err |
	       otlp_add_text(list, "fdtrace.last_seen", format_time(repeat->last_ns, false, time));
}

int otlp_update_record(const struct otlp_options *options, const struct repeat *repeat,
		       const struct finding_view *view, struct otlp_message *ret)
{
	struct otlp_attributes *list = &ret->record;
	uint64_t count = repeat->more + 1;
	char body[4 * WORD_SIZE], digits[WORD_SIZE];
	int err;

	ret->event_name = UPDATE_EVENT;
	ret->time_unix_nano = (uint64_t)repeat->last_ns;
	ret->observed_time_unix_nano = options->now();
	set_severity(ret, repeat->bug->severity);
	err = otlp_add_resource(&ret->resource, options, view);

	err |= add_uid(ret, options, repeat->id, count);
	err |= otlp_add_number(list, "fdtrace.id", (int64_t)repeat->id);
	err |= otlp_add_text(list, "fdtrace.bug", repeat->bug->name);
	err |= otlp_add_text(list, "fdtrace.fingerprint", repeat->fingerprint);
	err |= otlp_add_text(list, "fdtrace.kind", finding_kind_name(repeat->kind));
	err |= otlp_add_number(list, "fdtrace.count", (int64_t)count);
	if (repeat->folds)
		err |= otlp_add_number(list, "fdtrace.places", (int64_t)repeat->places);
	err |= add_seen(list, repeat);
	snprintf(body, sizeof(body), "finding %" PRIu64 " (%s) has been met %s times", repeat->id,
		 finding_kind_name(repeat->kind), format_count(count, digits));
	err |= otlp_set_body(ret, body);
	return err ? -ENOMEM : 0;
}

int otlp_suppressed_record(const struct otlp_options *options, const struct suppressed *suppressed,
			   struct otlp_message *ret)
{
	char body[4 * WORD_SIZE], digits[WORD_SIZE], time[WORD_SIZE], uid[2 * WORD_SIZE];
	int err;

	ret->event_name = "fdtrace.suppressed";
	ret->time_unix_nano = (uint64_t)suppressed->last_ns;
	ret->observed_time_unix_nano = options->now();
	set_severity(ret, SEVERITY_WARNING);
	err = otlp_add_resource(&ret->resource, options, NULL);
	snprintf(uid, sizeof(uid), "%s-suppressed-%" PRId64, options->run, suppressed->last_ns);
	err |= otlp_add_text(&ret->record, "log.record.uid", uid);
	err |= otlp_add_number(&ret->record, "fdtrace.count", (int64_t)suppressed->count);
	err |= otlp_add_text(&ret->record, "fdtrace.first_seen",
			     format_time(suppressed->first_ns, false, time));
	err |= otlp_add_text(&ret->record, "fdtrace.last_seen",
			     format_time(suppressed->last_ns, false, time));
	snprintf(body, sizeof(body), "%s findings were held back",
		 format_count(suppressed->count, digits));
	err |= otlp_set_body(ret, body);
	return err ? -ENOMEM : 0;
}

int otlp_event_record(const struct otlp_options *options, const struct otlp_event *event,
		      struct otlp_message *ret)
{
	char uid[3 * WORD_SIZE];
	int err;

	ret->event_name = event->name;
	ret->time_unix_nano = event->time_unix_nano;
	ret->observed_time_unix_nano = options->now();
	set_severity(ret, SEVERITY_INFO);
	err = otlp_add_list(&ret->resource, event->resource);
	err |= otlp_add_resource(&ret->resource, options, NULL);
	snprintf(uid, sizeof(uid), "%s-%s", options->run, event->uid);
	err |= otlp_add_text(&ret->record, "log.record.uid", uid);
	err |= otlp_add_list(&ret->record, event->attributes);
	err |= otlp_set_body(ret, event->body);
	return err ? -ENOMEM : 0;
}
