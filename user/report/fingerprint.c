/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

#include "report/format.h"

/* Frames of each stack that count: what lies further out varies with the caller. */
#define FINGERPRINT_FRAMES 16

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
	char name[WORD_SIZE];

	if (!words_seen(site))
		return hash_text(hash, "absent");
	hash = hash_text(hash, words_site_call(site, name));
	if (words_finalizer(site))
		return hash_text(hash, "finalizer"); /* whoever ran just then varies */
	for (size_t i = 0; stack && i < stack->count && i < FINGERPRINT_FRAMES; i++) {
		hash = hash_text(hash, stack->frames[i].function);
		hash = hash_text(hash, words_basename(stack->frames[i].file));
	}
	if (stack && !stack->count && stack->native)
		hash = hash_natives(hash, stack->native);
	return hash_text(hash, "end");
}

void finding_fingerprint(const struct finding_view *view, char ret[24])
{
	const struct finding *f = view->finding;
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), finding_kind_name(f->kind));

	hash = hash_site(hash, &f->bad, view->bad);
	hash = hash_site(hash, &f->closed, view->closed);
	hash = hash_site(hash, &f->opened, view->opened);
	snprintf(ret, 24, "v1:%016" PRIx64, hash);
}
