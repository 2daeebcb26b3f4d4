/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/syscalls.h"
#include "base/text.h"

/* Frames of each stack that count: what lies further out varies with the caller. */
#define FINGERPRINT_FRAMES 16

/* What every hash begins with. */
#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits (Fowler, Noll, Vo; public domain). The NUL ends each text. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (;; text++) {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
		if (!*text)
			return hash;
	}
}

/* Where there is no Python: functions by name; how far they lie from it varies with the build. */
static uint64_t hash_natives(uint64_t hash, const struct native_stack *native)
{
	for (size_t i = 0; i < native->count && i < FINGERPRINT_FRAMES; i++) {
		const struct native_frame *frame = &native->frames[i];

		hash = hash_text(hash, frame->symbol ? frame->symbol : "");
		hash = hash_text(hash, frame->module ? frame->module : "");
	}
	return hash;
}

static uint64_t hash_site(uint64_t hash, const struct fd_site *site, const struct stack *stack)
{
	char name[32];

	if (!site_seen(site))
		return hash_text(hash, "absent");
	hash = hash_text(hash, call_name(site->call, site->nr, name));
	if (site_finalizer(site))
		return hash_text(hash, "finalizer"); /* whoever ran just then varies */
	for (size_t i = 0; stack && i < stack->count && i < FINGERPRINT_FRAMES; i++) {
		hash = hash_text(hash, stack->frames[i].function);
		hash = hash_text(hash, text_basename(stack->frames[i].file));
	}
	if (stack && !stack->count && stack->native)
		hash = hash_natives(hash, stack->native);
	return hash_text(hash, "end");
}

void finding_fingerprint(const struct finding_view *view, char ret[FINGERPRINT_SIZE])
{
	const struct finding *f = view->finding;
	uint64_t hash = hash_text(HASH_START, finding_kind_name(f->kind));

	hash = hash_site(hash, &f->bad, view->bad);
	hash = hash_site(hash, &f->closed, view->closed);
	hash = hash_site(hash, &f->opened, view->opened);
	snprintf(ret, FINGERPRINT_SIZE, "v1:%016" PRIx64, hash);
}

/* Further out are the ways that lead there. */
size_t stack_place_frames(const struct stack *stack)
{
	size_t count = stack_user_frame(stack) - stack->frames + 2;

	return count < stack->count ? count : stack->count;
}

/*
 * A site without a Python frame: C functions; or the program and the number, which tell more bugs
 * than there are rather than fewer.
 */
static uint64_t hash_bare(uint64_t hash, const struct finding_view *view, const struct stack *stack)
{
	const struct process *process = view->process;
	char number[16];

	if (stack && stack->native && stack->native->count)
		return hash_natives(hash, stack->native);
	if (process && process->exe)
		hash = hash_text(hash, text_basename(process->exe));
	snprintf(number, sizeof(number), "fd %d", view->finding->fd);
	return hash_text(hash, number);
}

static uint64_t hash_bug_site(uint64_t hash, const struct finding_view *view,
			      const struct fd_site *site, const struct stack *stack)
{
	char name[32];

	if (!site_seen(site))
		return hash_text(hash, "absent");
	hash = hash_text(hash, call_name(site->call, site->nr, name));
	if (site_finalizer(site))
		return hash_text(hash, "finalizer");
	if (!stack || !stack->count)
		return hash_bare(hash, view, stack);
	for (size_t i = 0; i < stack_place_frames(stack); i++) {
		hash = hash_text(hash, stack->frames[i].function);
		hash = hash_text(hash, text_basename(stack->frames[i].file));
	}
	return hash_text(hash, "end");
}

/* Whether a second close fails or hits somebody else's descriptor is chance: one bug. */
static const char *mistake(enum finding_kind kind)
{
	if (kind == FINDING_DOUBLE_CLOSE || kind == FINDING_REUSED_CLOSE)
		return "closed again";
	return finding_kind_name(kind);
}

/* Nothing of the program stands at this site: what was opened has to tell. */
static bool is_bare(const struct fd_site *site)
{
	return site->missing != SITE_NOT_APPLICABLE && (!site_seen(site) || site_finalizer(site));
}

void finding_bug(const struct finding_view *view, char ret[FINGERPRINT_SIZE])
{
	const struct finding *f = view->finding;
	uint64_t hash = hash_text(HASH_START, mistake(f->kind));

	hash = hash_bug_site(hash, view, &f->bad, view->bad);
	/* Which close came before is not known: the last one may be anybody's. */
	if (f->attribution == ATTRIBUTION_OPEN)
		hash = hash_text(hash, "open");
	else
		hash = hash_bug_site(hash, view, &f->closed, view->closed);
	if (is_bare(&f->bad) || (is_bare(&f->closed) && f->attribution != ATTRIBUTION_OPEN))
		hash = hash_bug_site(hash, view, &f->opened, view->opened);
	snprintf(ret, FINGERPRINT_SIZE, "b1:%016" PRIx64, hash);
}

uint64_t site_place(const struct fd_site *site, const struct stack *stack)
{
	uint64_t hash = HASH_START;
	char line[16];

	if (!site_seen(site) || site_finalizer(site) || !stack || !stack->count)
		return 0;
	for (size_t i = 0; i < stack_place_frames(stack); i++) {
		const struct stack_frame *frame = &stack->frames[i];

		hash = hash_text(hash, frame->function);
		hash = hash_text(hash, frame->file);
		snprintf(line, sizeof(line), "%d", frame->line);
		hash = hash_text(hash, line);
	}
	return hash;
}

void finding_either_bug(const char *a, const char *b, char ret[FINGERPRINT_SIZE])
{
	bool ordered = strcmp(a, b) < 0;
	uint64_t hash = hash_text(hash_text(HASH_START, "either"), ordered ? a : b);

	snprintf(ret, FINGERPRINT_SIZE, "b1:%016" PRIx64, hash_text(hash, ordered ? b : a));
}

void finding_repeat_key(const struct finding_view *view, char ret[FINGERPRINT_SIZE])
{
	const struct finding *f = view->finding;
	const struct stack_frame *user = stack_user_frame(view->bad);
	uint64_t hash = hash_text(HASH_START, view->bug);
	char place[16] = "";

	hash = hash_text(hash, finding_kind_name(f->kind));
	hash = hash_text(hash, severity_name(f->severity));
	hash = hash_text(hash, view->caused_by ? "follows" : "");
	hash = hash_text(hash, view->perhaps ? "perhaps" : "");
	hash = hash_bug_site(hash, view, &f->bad, view->bad);
	if (user && !site_finalizer(&f->bad))
		snprintf(place, sizeof(place), "%d", user->line);
	hash = hash_text(hash, place);
	snprintf(ret, FINGERPRINT_SIZE, "r1:%016" PRIx64, hash);
}
