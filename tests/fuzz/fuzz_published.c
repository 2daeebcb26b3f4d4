/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * _Py_DebugOffsets, forged. The input: which version, whether it has a GIL, then {offset, value},
 * which a true one is changed by.
 */
#include "fuzz.h"

#include <errno.h>

#include "../unit/made_published.h"
#include "python/layout.h"
#include "python/published.h"

/* What the kernel side reads of a frame and of a thread state at once: bpf/walk.bpf.h. */
#define FRAME_MAX  128
#define THREAD_MAX 128

/* Whether a field of size bytes lies in the frame that is read. */
static bool in_frame(const struct py_layout *layout, uint16_t field, uint16_t size)
{
	return field == LAYOUT_NONE || field + size <= layout->frame_size;
}

static void check_layout(const struct py_layout *layout)
{
	must(layout->frame_size <= FRAME_MAX);
	must(in_frame(layout, layout->frame_back, 8) && in_frame(layout, layout->frame_code, 8));
	must(in_frame(layout, layout->frame_lasti, 8) && in_frame(layout, layout->frame_owner, 1));
	must(in_frame(layout, layout->frame_tlbc, 4));
	must(layout->tstate_next <= THREAD_MAX - 8 && layout->tstate_interp <= THREAD_MAX - 8);
	must(layout->tstate_frame <= THREAD_MAX - 8);
	must(layout->interp_next <= UINT16_MAX - 8 && layout->interp_threads <= UINT16_MAX - 8);
	must(layout->runtime_interp <= INT32_MAX);
}

/* What is refused leaves no trace that anybody uses; what is taken is of that version. */
static void apply(const uint8_t *debug, unsigned int version, bool without_gil)
{
	unsigned int base = version > PYTHON_NEWEST ? PYTHON_NEWEST : version;
	struct py_layout layout = *python_layout(base, without_gil);
	int err = published_apply(debug, PUBLISHED_SIZE, version, &layout);

	must(!err || err == -ENOTSUP);
	if (err)
		return;
	check_layout(&layout);
	must(layout.version == version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned int minor = 13 + take(&in, 1) % 5;
	bool without_gil = take(&in, 1) & 1, found = false;
	uint8_t *debug = calloc(1, PUBLISHED_SIZE);

	must(debug != NULL);
	made_published(debug, minor, without_gil);
	while (in.left) {
		uint16_t at = take(&in, 2) % (PUBLISHED_SIZE - 7);

		made_put(debug, at, take(&in, 8));
	}
	if (published_is_there(debug, PUBLISHED_SIZE, 0x030000f0 | minor << 16, &found))
		apply(debug, 0x0300 | minor, found);
	must(!published_is_there(debug, PUBLISHED_SIZE - 1, 0x030000f0 | minor << 16, &found));
	free(debug);
	return 0;
}
