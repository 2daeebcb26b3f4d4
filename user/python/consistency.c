/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/consistency.h"

#include <string.h>

#include "base/mem.h"

#define INTERPRETERS_MAX 16
#define THREADS_MAX	 64
#define FRAMES_MAX	 8
#define STATE_MAX	 512 /* bytes of a thread state up to its last field */
/* No name or path of a program has more characters. */
#define TEXT_MAX	 (1u << 20)

struct walk {
	const struct py_layout *layout;
	uint64_t code_type; /* in the process */
	consistency_read_fn read;
	void *arg;
	unsigned int threads, frames; /* that were as they should be */
};

static bool read_word(const struct walk *walk, uint64_t address, uint64_t *ret)
{
	return walk->read(walk->arg, address, ret, sizeof(*ret));
}

static uint64_t word_in(const uint8_t *bytes, uint16_t at)
{
	uint64_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static bool is_text(const struct walk *walk, uint64_t text)
{
	const struct py_layout *l = walk->layout;
	uint64_t length;
	uint32_t state, kind;

	if (!read_word(walk, text + l->str_length, &length) ||
	    !walk->read(walk->arg, text + l->str_state, &state, sizeof(state)))
		return false;
	kind = state >> l->str_kind_shift & l->str_kind_mask;
	return length <= TEXT_MAX && (kind == 1 || kind == 2 || kind == 4) &&
	       (state >> l->str_compact_bit & 1);
}

static bool is_consistent_code(const struct walk *walk, uint64_t code)
{
	const struct py_layout *l = walk->layout;
	uint64_t type, file, name;

	return read_word(walk, code + l->ob_type, &type) && type == walk->code_type &&
	       read_word(walk, code + l->code_filename, &file) && is_text(walk, file) &&
	       read_word(walk, code + l->code_name, &name) && is_text(walk, name);
}

/* The first few frames from here on. */
static bool check_frames(struct walk *walk, uint64_t frame)
{
	const struct py_layout *l = walk->layout;
	uint8_t bytes[256];

	for (unsigned int i = 0; frame && i < FRAMES_MAX; i++) {
		bool shim;

		if (l->frame_size > sizeof(bytes) ||
		    !walk->read(walk->arg, frame, bytes, l->frame_size))
			return false;
		shim = l->shim_owner && bytes[l->frame_owner] >= l->shim_owner;
		if (!shim && !is_consistent_code(walk, word_in(bytes, l->frame_code) &
							       ~(uint64_t)l->code_tag_mask))
			return false;
		walk->frames += !shim;
		frame = word_in(bytes, l->frame_back);
	}
	return true;
}

/* One thread state; *ret_next: the one behind it. */
static bool check_thread(struct walk *walk, uint64_t interp, uint64_t thread, uint64_t *ret_next)
{
	const struct py_layout *l = walk->layout;
	uint8_t bytes[STATE_MAX];
	uint64_t frame;

	if (l->tstate_thread_id > sizeof(bytes) - 8 ||
	    !walk->read(walk->arg, thread, bytes, l->tstate_thread_id + 8u) ||
	    word_in(bytes, l->tstate_interp) != interp)
		return false;
	*ret_next = word_in(bytes, l->tstate_next);
	frame = word_in(bytes, l->tstate_frame);
	if (frame && l->frames == PY_FRAMES_CFRAME &&
	    !read_word(walk, frame + l->cframe_current, &frame))
		return false;
	walk->threads++;
	return check_frames(walk, frame);
}

static bool check_threads(struct walk *walk, uint64_t interp)
{
	uint64_t thread;

	if (!read_word(walk, interp + walk->layout->interp_threads, &thread))
		return false;
	for (unsigned int i = 0; thread && i < THREADS_MAX; i++) {
		if (!check_thread(walk, interp, thread, &thread))
			return false;
	}
	return true;
}

enum soundness python_consistent(const struct python_runtime *runtime, uint64_t bias,
				 consistency_read_fn read, void *arg)
{
	struct walk walk = {
		.layout = &runtime->layout,
		.code_type = runtime->code_type + bias,
		.read = read,
		.arg = arg,
	};
	uint64_t interp;

	if (!read_word(&walk, runtime->runtime + bias + walk.layout->runtime_interp, &interp))
		return CONSISTENT_NOT_YET;
	for (unsigned int i = 0; interp && i < INTERPRETERS_MAX; i++) {
		if (!check_threads(&walk, interp) ||
		    !read_word(&walk, interp + walk.layout->interp_next, &interp))
			return CONSISTENT_NO;
	}
	return walk.threads && walk.frames ? CONSISTENT_YES : CONSISTENT_NOT_YET;
}
