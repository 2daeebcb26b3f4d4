/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/fingerprint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/syscalls.h"
#include "base/text.h"

/* Fingerprints remembered; a finding that would be one more is only counted. */
#define REPEATS_MAX 4096

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
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), finding_kind_name(f->kind));

	hash = hash_site(hash, &f->bad, view->bad);
	hash = hash_site(hash, &f->closed, view->closed);
	hash = hash_site(hash, &f->opened, view->opened);
	snprintf(ret, FINGERPRINT_SIZE, "v1:%016" PRIx64, hash);
}

int repeats_meet(struct repeats *repeats, const struct finding_view *view, struct repeat **ret)
{
	char fingerprint[FINGERPRINT_SIZE];
	struct repeat *repeat;

	finding_fingerprint(view, fingerprint);
	HASH_FIND_STR(repeats->all, fingerprint, repeat);
	if (repeat) {
		repeat->more++;
		return 0;
	}
	if (HASH_COUNT(repeats->all) >= REPEATS_MAX) {
		repeats->beyond++;
		return 0;
	}
	repeat = calloc(1, sizeof(*repeat));
	if (!repeat)
		return -ENOMEM;
	memcpy(repeat->fingerprint, fingerprint, sizeof(fingerprint));
	HASH_ADD_STR(repeats->all, fingerprint, repeat);
	if (ret)
		*ret = repeat;
	return 1;
}

void repeats_free(struct repeats *repeats)
{
	struct repeat *repeat, *next;

	HASH_ITER (hh, repeats->all, repeat, next) {
		HASH_DEL(repeats->all, repeat);
		free(repeat->line);
		free(repeat);
	}
}
