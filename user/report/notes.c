/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/notes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "report/format.h"

#define NOTE_SIZE 320

static const struct {
	uint32_t note;
	const char *sentence;
} remarks[] = {
	{NOTE_GAP, "Records were lost before the call, where it matters: calls that belong to this "
		   "finding may be missing."},
	{NOTE_ORDER_UNCERTAIN,
	 "The calls may have overlapped in time: more than one order fits what was seen."},
	{NOTE_PENDING_CLOSE,
	 "The earlier close was still under way when the later call failed: they raced."},
	{NOTE_DIFFERENT_THREADS, "The two calls were made by different threads."},
	{NOTE_REOPENED_SINCE, "The number was opened again between the two calls."},
	{NOTE_INHERITED, "The descriptor came from the parent process by fork."},
	{NOTE_VFORK_CHILD, "The call was made in a vfork child, which runs in its parent's memory: "
			   "a Python stack there is the parent's."},
	{NOTE_OPEN_BEFORE_ATTACH, "The descriptor was open before fdtrace attached."},
	{NOTE_STANDARD_STREAM,
	 "The call asks what standard input, output or error is. Python asks at its start, and does "
	 "without one that is closed: this is of little weight."},
	{NOTE_QUESTION,
	 "The call asks whether the number is open, or what it is, and changes nothing: programs ask "
	 "on purpose. It is of weight only if the program took the number for open."},
	{NOTE_LISTING,
	 "The number was that of the list itself: whoever lists the open descriptors and then closes "
	 "each meets the one by which they were listed. This is of little weight."},
	{NOTE_LOOP,
	 "One site closed many numbers that others had opened and closed, or that were never open: a "
	 "loop over numbers does that, whether they are open or not. It is of weight only if the "
	 "program took them for open."},
	{NOTE_SHELL, "A shell made the call. Shells close both ends of a pipe in each process of a "
		     "pipeline, whether it still has them or not: this is of little weight."},
	{NOTE_SWEPT,
	 "A close_range() covered the number: it may have closed a descriptor there that was "
	 "made in a way that is not seen."},
	{NOTE_SHARED_TABLE,
	 "A process that is not traced shares these descriptors (clone with CLONE_FILES): it may "
	 "have closed and opened the number meanwhile, unseen."},
	{NOTE_RING,
	 "An io_uring closes descriptors here: it may have closed and opened the number meanwhile, "
	 "unseen."},
	{NOTE_COMPAT,
	 "32-bit calls are made here that fdtrace does not decode: one may have closed and opened "
	 "the number meanwhile, unseen."},
	{NOTE_FLUSH,
	 "The number may have been open: some file systems return EBADF from a close that "
	 "frees it."},
	{NOTE_ANOTHERS,
	 "The number had been used before: if the call is that of a Python object, or of C code, "
	 "that had it then, it is that earlier descriptor that had been closed."},
	{NOTE_OWNER_BEFORE,
	 "The object that owns the number was made before fdtrace attached: that the number was "
	 "its own is what the object itself says."},
	{NOTE_OWNER_LATE,
	 "The object that owns the number was not seen as it took it: that the number was its own "
	 "is what the object itself says."},
	{NOTE_COPIED, "The descriptor was a copy (dup): other numbers name the same open file."},
};

int notes_remarks(const struct finding_view *view, note_fn add, void *arg)
{
	const struct fd_site *closed = &view->finding->closed;

	for (size_t i = 0; i < ARRAY_SIZE(remarks); i++) {
		int err = 0;

		if (view->finding->notes & remarks[i].note)
			err = add(arg, remarks[i].sentence);
		if (err)
			return err;
	}
	if (site_seen(closed) && call_shape(closed->call) == SHAPE_CLOSE && closed->ret == -EBADF)
		return add(arg, "The earlier close freed the number, though a file system let it "
				"return EBADF.");
	return 0;
}

static const struct {
	uint32_t proof;
	const char *sentence;
} proofs[] = {
	{PROOF_OWNER,
	 "The object that made the close had taken the number in an earlier generation, "
	 "which somebody else had ended."},
	{PROOF_OWNER_LIVES, "At the close, the object that owns the number lived and had it still: "
			    "it did not make the close."},
	{PROOF_AT_WORK,
	 "The object that still had the number of an earlier generation was at work in "
	 "the call: its method was running."},
	{PROOF_KEPT,
	 "The object whose method made the call had opened the number, and had it among its "
	 "attributes when it was opened anew, before anybody could know of that. If it has been "
	 "given the number since, the call is right."},
	{PROOF_BEHIND, "The close before was made by another call than that of the object that "
		       "owned the number (owned_close)."},
	{PROOF_STOLEN, "The close before ended a generation of the number that was not its own "
		       "(reused_close)."},
	{PROOF_SAME_SITE,
	 "The same site had ended the number's generation before, which was opened "
	 "elsewhere; it never ended one that was opened where this one was."},
	{PROOF_SAME_THREAD,
	 "The closing thread had opened and closed the number's generation before; "
	 "this one was opened by another thread, and was never its to close."},
	{PROOF_ONE_OBJECT, "A method of one Python object made both closes, as far as its address "
			   "and its type tell."},
	{PROOF_VICTIM_FAILED, "The call that failed then is that of whoever had opened the "
			      "descriptor."},
};

static int notes_proofs(const struct finding_view *view, note_fn add, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
		int err = 0;

		if (view->finding->proofs & proofs[i].proof)
			err = add(arg, proofs[i].sentence);
		if (err)
			return err;
	}
	return 0;
}

static int evidence_of(const struct finding *finding, const struct fd_site *site, note_fn add,
		       void *arg)
{
	char name[WORD_SIZE], result[WORD_SIZE], note[NOTE_SIZE];
	const char *call = format_site_call(site, name);

	if (!site_seen(site))
		return 0;
	if (site == &finding->opened)
		snprintf(note, sizeof(note), "%s made fd %d in thread %u.", call, finding->fd,
			 site->tid);
	else
		snprintf(note, sizeof(note), "%s on fd %d in thread %u returned %s.", call,
			 finding->fd, site->tid, format_result(site->ret, result));
	return add(arg, note);
}

/* Oldest call first. */
int notes_evidence(const struct finding_view *view, note_fn add, void *arg)
{
	const struct finding *f = view->finding;
	char note[NOTE_SIZE];
	int err;

	if (finding_kind_row(f->kind)->about == ABOUT_RUN) {
		snprintf(note, sizeof(note),
			 "%u closes from fd %d to fd %d, one number after the other, failed with "
			 "EBADF.",
			 f->calls, f->fd, f->last_fd);
		return add(arg, note);
	}
	err = evidence_of(f, &f->opened, add, arg);
	if (!err)
		err = evidence_of(f, &f->closed, add, arg);
	if (!err)
		err = evidence_of(f, &f->bad, add, arg);
	if (!err && f->victim.known)
		err = evidence_of(f, &f->victim.failed, add, arg);
	return err ? err : notes_proofs(view, add, arg);
}

int notes_lines(const char *name, const struct stack *stack, note_fn add, void *arg)
{
	size_t unknown = 0, none = 0;
	char note[NOTE_SIZE];
	int err = 0;

	for (size_t i = 0; i < stack->count; i++) {
		unknown += stack->frames[i].line < 0;
		none += stack->frames[i].line == 0;
	}
	if (unknown) {
		snprintf(note, sizeof(note),
			 "%s.python: the line of %zu of its frames is not known: the line table "
			 "was not readable or not sent whole.",
			 name, unknown);
		err = add(arg, note);
	}
	if (!err && none) {
		snprintf(note, sizeof(note),
			 "%s.python: %zu of its frames stand at an instruction that has no line.",
			 name, none);
		err = add(arg, note);
	}
	return err;
}

static int unknown_stack(const char *name, const struct fd_site *site, const struct stack *stack,
			 note_fn add, void *arg)
{
	char note[NOTE_SIZE], word[WORD_SIZE];
	const char *remark = format_python_remark(stack, site->stack_id, site->python, word);
	int err = 0;

	if (remark) {
		snprintf(note, sizeof(note), "%s.python: %s.", name, remark);
		err = add(arg, note);
	}
	remark = stack && stack->native ? format_native_remark(stack->native, word) : NULL;
	if (!err && remark) {
		snprintf(note, sizeof(note), "%s.native: %s.", name, remark);
		err = add(arg, note);
	}
	return err || !stack ? err : notes_lines(name, stack, add, arg);
}

static int unknown_site(const char *name, const struct fd_site *site, const struct stack *stack,
			note_fn add, void *arg)
{
	char note[NOTE_SIZE];

	if (site->missing == SITE_NOT_APPLICABLE)
		return 0;
	if (site_seen(site))
		return unknown_stack(name, site, stack, add, arg);
	snprintf(note, sizeof(note), "%s: not seen (%s).", name, site_missing_text(site->missing));
	return add(arg, note);
}

static int unknown_process(const struct process *process, note_fn add, void *arg)
{
	char note[NOTE_SIZE];

	if (!process)
		return add(arg, "process: nothing but its number is known.");
	if (process->ns_pid && process->start_ns && process->exe && process->cgroup)
		return 0;
	snprintf(note, sizeof(note), "process: not known:%s%s%s%s; %s.",
		 process->ns_pid ? "" : " ns_pid", process->start_ns ? "" : " start_time",
		 process->exe ? "" : " exe", process->cgroup ? "" : " cgroup",
		 process->exited ? "it was gone before they could be read"
				 : "they could not be read");
	return add(arg, note);
}

int notes_unknown(const struct finding_view *view, note_fn add, void *arg)
{
	const struct finding *f = view->finding;
	int err;

	err = unknown_site("sites.bad", &f->bad, view->bad, add, arg);
	if (!err)
		err = unknown_site("sites.closed", &f->closed, view->closed, add, arg);
	if (!err)
		err = unknown_site("sites.opened", &f->opened, view->opened, add, arg);
	if (!err && f->victim.known)
		err = unknown_site("victim.opened", &f->victim.opened, view->victim, add, arg);
	if (!err && f->victim.known)
		err = unknown_site("victim.failed", &f->victim.failed, view->failed, add, arg);
	if (!err && f->what.type == FD_UNKNOWN &&
	    finding_kind_row(f->kind)->about == ABOUT_DESCRIPTOR)
		err = add(arg, "what: the call that made the descriptor was not seen, so it is not "
			       "known what it was.");
	return err ? err : unknown_process(view->process, add, arg);
}
