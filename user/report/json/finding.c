/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "report/notes.h"
#include "report/report.h"
#include "report/format.h"
#include "session/fingerprint.h"

static int set_text(json_t *object, const char *key, const char *text)
{
	return text ? json_object_set_new(object, key, value_text(text)) : 0;
}

/* process: NULL: no more than the pid is told. */
static json_t *process_value(const struct process *process, uint32_t pid, int64_t wall_offset_ns)
{
	json_t *object = json_object();
	char time[WORD_SIZE];
	int err;

	err = json_object_set_new(object, "pid", json_integer(pid));
	if (!process)
		return value_whole(object, err);
	if (process->ns_pid)
		err |= json_object_set_new(object, "ns_pid", json_integer(process->ns_pid));
	if (process->start_ns)
		err |= set_text(
			object, "start_time",
			format_time((int64_t)process->start_ns + wall_offset_ns, false, time));
	err |= json_object_set_new(
		object, "comm",
		value_bytes(process->comm, strnlen(process->comm, sizeof(process->comm))));
	err |= set_text(object, "exe", process->exe);
	err |= set_text(object, "cgroup", process->cgroup);
	err |= set_text(object, "container_id", process->container_id);
	err |= set_text(object, "runtime", process->runtime);
	return value_whole(object, err);
}

static int set_path(json_t *object, const struct fd_what *what)
{
	int err;

	if (!what_path(what))
		return 0;
	err = set_text(object, "path", what->path);
	return err | set_text(object, "path_from", what->path_from_proc ? "proc" : "call");
}

static json_t *what_value(const struct fd_what *what)
{
	json_t *object = json_object();
	char name[WORD_SIZE];
	int err;

	err = set_text(object, "type", fd_type_name(what->type));
	err |= set_path(object, what);
	if (what->call)
		err |= set_text(object, "call", call_name(what->call, 0, name));
	if (what->call == CALL_SOCKET || what->call == CALL_SOCKETPAIR) {
		err |= set_text(object, "domain", format_domain(what->arg));
		err |= set_text(object, "socket_type", format_socket_type(what->flags));
	}
	if (what_socket(what))
		err |= value_set_socket(object, what->socket);
	if (what->call == CALL_PIPE || what->call == CALL_PIPE2 || what->call == CALL_SOCKETPAIR)
		err |= json_object_set_new(object, "other_fd", json_integer(what->other));
	if (what->call == CALL_PIDFD_OPEN)
		err |= json_object_set_new(object, "pid", json_integer(what->arg));
	return value_whole(object, err);
}

static json_t *site_value(const struct fd_site *site, const struct stack *stack,
			  int64_t wall_offset_ns, bool brief)
{
	json_t *object = json_object();
	char name[WORD_SIZE];
	int err;

	err = set_text(object, "call", format_site_call(site, name));
	err |= json_object_set_new(object, "result", value_result(site->ret));
	if (site->inherited)
		err |= json_object_set_new(object, "pid", json_integer(site->tgid));
	err |= json_object_set_new(object, "tid", json_integer(site->tid));
	err |= json_object_set_new(object, "time_unix_nano",
				   value_nano((int64_t)site->time_ns + wall_offset_ns));
	err |= set_text(object, "origin", format_origin(site->origin, stack, site->call));
	err |= value_set_stack(object, stack, site->stack_id, site->python, brief);
	/* Where Python's frames say where it is, C's are left out. */
	if (!brief || !stack || !stack->count)
		err |= value_set_native(object, stack);
	return value_whole(object, err);
}

json_t *value_site(const struct fd_site *site, const struct stack *stack, int64_t wall_offset_ns)
{
	return site_value(site, stack, wall_offset_ns, false);
}

static int set_site(json_t *object, const char *key, const struct fd_site *site,
		    const struct stack *stack, int64_t wall_offset_ns)
{
	if (!site_seen(site))
		return 0;
	return json_object_set_new(object, key, value_site(site, stack, wall_offset_ns));
}

/* Which object had it: the type that it is of, and what Python calls its class. */
static int set_owner(json_t *object, const struct fd_owner *owner)
{
	int err = set_text(object, "owner", owner_type_name(owner->type));

	if (owner->name[0])
		err |= json_object_set_new(object, "owner_class",
					   value_bytes(owner->name, strlen(owner->name)));
	if (owner->type && owner->flags & CLAIM_BEFORE)
		err |= json_object_set_new(object, "owner_before_attach", json_true());
	return err;
}

static json_t *victim_value(const struct finding_view *view)
{
	const struct fd_victim *victim = &view->finding->victim;
	json_t *object = json_object();
	int err = object ? 0 : -1;

	if (victim->what.type != FD_UNKNOWN)
		err |= json_object_set_new(object, "what", what_value(&victim->what));
	err |= set_owner(object, &victim->owner);
	err |= set_site(object, "opened", &victim->opened, view->victim, view->wall_offset_ns);
	err |= set_site(object, "failed", &victim->failed, view->failed, view->wall_offset_ns);
	return value_whole(object, err);
}

static json_t *sites_value(const struct finding_view *view)
{
	const struct finding *f = view->finding;
	json_t *object = json_object();
	int err = object ? 0 : -1;

	err |= set_site(object, "bad", &f->bad, view->bad, view->wall_offset_ns);
	err |= set_site(object, "closed", &f->closed, view->closed, view->wall_offset_ns);
	err |= set_site(object, "opened", &f->opened, view->opened, view->wall_offset_ns);
	return value_whole(object, err);
}

/* From one site to another, if both were seen; negative where they raced. */
static int set_between(json_t *object, const char *key, const struct fd_site *from,
		       const struct fd_site *to)
{
	if (!site_seen(from) || !site_seen(to))
		return 0;
	return json_object_set_new(object, key, value_nano((int64_t)(to->time_ns - from->time_ns)));
}

static json_t *notes_value(const struct finding_view *view)
{
	json_t *array = json_array();
	int err;

	err = notes_remarks(view, value_add_note, array);
	return value_whole(array, err ? err : notes_unknown(view, value_add_note, array));
}

static json_t *evidence_value(const struct finding_view *view)
{
	json_t *array = json_array();

	return value_whole(array, notes_evidence(view, value_add_note, array));
}

static json_t *seen_value(const struct finding_seen *seen)
{
	json_t *object = json_object();
	int err = set_text(object, "state", seen_state_name(seen->state));

	err |= json_object_set_new(object, "first_unix_nano", value_nano(seen->first_ns));
	err |= json_object_set_new(object, "last_unix_nano", value_nano(seen->last_ns));
	err |= json_object_set_new(object, "count", value_count(seen->count));
	return value_whole(object, err);
}

static int set_judgement(json_t *object, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	char fingerprint[FINGERPRINT_SIZE];
	int err;

	err = set_text(object, "schema", "fdtrace/1");
	err |= set_text(object, "kind", finding_kind_name(f->kind));
	err |= set_text(object, "certainty", certainty_name(f->certainty));
	err |= set_text(object, "severity", severity_name(f->severity));
	if (site_seen(&f->bad))
		err |= value_set_time(object, (int64_t)f->bad.time_ns + view->wall_offset_ns);
	err |= json_object_set_new(object, "count", json_integer(1));
	finding_fingerprint(view, fingerprint);
	err |= set_text(object, "fingerprint", fingerprint);
	err |= json_object_set_new(object, "id", value_count(view->id));
	err |= value_set_cause(object, view->caused_by, view->perhaps, view->or_by);
	err |= set_text(object, "bug", view->bug);
	if (view->seen)
		err |= json_object_set_new(object, "seen", seen_value(view->seen));
	return err;
}

static int set_descriptor(json_t *object, const struct finding *f)
{
	int err = json_object_set_new(object, "fd", json_integer(f->fd));

	if (f->kind == FINDING_CLOSE_SWEEP) {
		err |= json_object_set_new(object, "last_fd", json_integer(f->last_fd));
		err |= json_object_set_new(object, "calls", json_integer(f->calls));
	}
	if (f->what.type != FD_UNKNOWN)
		err |= json_object_set_new(object, "what", what_value(&f->what));
	return err;
}

static json_t *candidate_value(const struct finding_view *view, size_t i)
{
	const struct fd_candidate *candidate = &view->finding->candidates[i];
	json_t *object = json_object();
	int err = object ? 0 : -1;

	if (candidate->what.type != FD_UNKNOWN)
		err |= json_object_set_new(object, "what", what_value(&candidate->what));
	err |= set_site(object, "closed", &candidate->closed, view->candidates[i].closed,
			view->wall_offset_ns);
	err |= set_site(object, "opened", &candidate->opened, view->candidates[i].opened,
			view->wall_offset_ns);
	return value_whole(object, err);
}

/* What else it may have been that was meant. */
static json_t *candidates_value(const struct finding_view *view)
{
	const struct finding *f = view->finding;
	json_t *array = json_array();
	int err = array ? 0 : -1;

	for (size_t i = 0; i < f->candidate_count && i < FINDING_CANDIDATES; i++)
		err |= json_array_append_new(array, candidate_value(view, i));
	return value_whole(array, err);
}

static int set_texts(json_t *object, const struct finding_view *view)
{
	_cleanup_free_ char *explanation = NULL, *advice = NULL;
	int err = finding_explain(view, &explanation, &advice);

	if (err)
		return err;
	err = set_text(object, "explanation", text_soften(explanation));
	return err | set_text(object, "advice", text_soften(advice));
}

/* Which findings say it instead: "finding 1", "finding 1 or 2". */
static int set_references(json_t *object, const struct finding_view *view)
{
	char which[WORD_SIZE * 2], explanation[WORD_SIZE * 4], advice[WORD_SIZE * 4];
	int at = snprintf(which, sizeof(which), "finding %" PRIu64, view->caused_by);

	if (view->or_by)
		snprintf(which + at, sizeof(which) - at, " or %" PRIu64, view->or_by);
	snprintf(explanation, sizeof(explanation), "It %s from %s.",
		 view->perhaps ? "may follow" : "follows", which);
	snprintf(advice, sizeof(advice), "Change what %s says.", which);
	return set_text(object, "explanation", explanation) | set_text(object, "advice", advice);
}

/* Of what is told in brief, where it failed alone. */
static json_t *bad_value(const struct finding_view *view)
{
	const struct fd_site *bad = &view->finding->bad;
	json_t *object = json_object();
	int err = object ? 0 : -1;

	if (site_seen(bad))
		err |= json_object_set_new(object, "bad",
					   site_value(bad, view->bad, view->wall_offset_ns, true));
	return value_whole(object, err);
}

/* What happened, and what is known besides. */
static int set_conclusion(json_t *object, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	int err = 0;

	if (finding_is_open(f))
		err |= json_object_set_new(object, "candidates", candidates_value(view));
	if (f->victim.known)
		err |= json_object_set_new(object, "victim", victim_value(view));
	err |= json_object_set_new(object, "evidence", evidence_value(view));
	err |= set_texts(object, view);
	return err | json_object_set_new(object, "notes", notes_value(view));
}

/* What every finding has is there, as short as can be. */
static int set_no_conclusion(json_t *object, const struct finding_view *view)
{
	int err = json_object_set_new(object, "evidence", json_array());

	err |= set_references(object, view);
	return err | json_object_set_new(object, "notes", json_array());
}

static int set_sites(json_t *object, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	int err = json_object_set_new(object, "sites", sites_value(view));

	err |= set_between(object, "since_close_ns", &f->closed, &f->bad);
	return err | set_between(object, "open_for_ns", &f->opened, &f->closed);
}

json_t *value_finding(const struct finding_view *view, bool brief)
{
	const struct finding *f = view->finding;
	json_t *object = json_object();
	int err = set_judgement(object, view);

	if (brief)
		err |= json_object_set_new(object, "brief", json_true());
	err |= json_object_set_new(
		object, "process",
		process_value(brief ? NULL : view->process, f->tgid, view->wall_offset_ns));
	err |= set_descriptor(object, f);
	if (!brief)
		err |= set_owner(object, &f->owner);
	err |= brief ? json_object_set_new(object, "sites", bad_value(view))
		     : set_sites(object, view);
	err |= set_text(object, "culprit", culprit_name(f->culprit));
	err |= set_text(object, "attribution", attribution_name(f->attribution));
	err |= brief ? set_no_conclusion(object, view) : set_conclusion(object, view);
	return value_whole(object, err);
}
