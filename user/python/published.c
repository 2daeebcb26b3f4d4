/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/published.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

enum { COOKIE = 0, VERSION = 8, WITHOUT_GIL = 16 };

/* Where the members of _Py_DebugOffsets are in it, bytes. 0: this version has none such. */
struct places {
	uint16_t runtime_interp;
	uint16_t interp_next, interp_threads;
	uint16_t tstate_next, tstate_interp, tstate_frame, tstate_thread_id;
	uint16_t frame_back, frame_code, frame_lasti, frame_local, frame_owner, frame_tlbc;
	uint16_t code_filename, code_name, code_table, code_firstlineno, code_arguments;
	uint16_t code_kinds, code_adaptive, code_tlbc;
	uint16_t ob_type, type_flags;
	uint16_t bytes_size, bytes_data;
	uint16_t str_state, str_length, str_ascii, str_data;
};

static const struct places places_313 = {
	.runtime_interp = 40,
	.interp_next = 64,
	.interp_threads = 72,
	.tstate_next = 168,
	.tstate_interp = 176,
	.tstate_frame = 184,
	.tstate_thread_id = 192,
	.frame_back = 232,
	.frame_code = 240,
	.frame_lasti = 248,
	.frame_local = 256,
	.frame_owner = 264,
	.code_filename = 280,
	.code_name = 296,
	.code_table = 304,
	.code_firstlineno = 312,
	.code_arguments = 320,
	.code_kinds = 336,
	.code_adaptive = 344,
	.ob_type = 360,
	.type_flags = 392,
	.bytes_size = 520,
	.bytes_data = 528,
	.str_state = 544,
	.str_length = 552,
	.str_ascii = 560,
};

static const struct places places_314 = {
	.runtime_interp = 40,
	.interp_next = 64,
	.interp_threads = 72,
	.tstate_next = 192,
	.tstate_interp = 200,
	.tstate_frame = 208,
	.tstate_thread_id = 216,
	.frame_back = 256,
	.frame_code = 264,
	.frame_lasti = 272,
	.frame_local = 280,
	.frame_owner = 288,
	.frame_tlbc = 304,
	.code_filename = 320,
	.code_name = 336,
	.code_table = 344,
	.code_firstlineno = 352,
	.code_arguments = 360,
	.code_kinds = 376,
	.code_adaptive = 384,
	.code_tlbc = 392,
	.ob_type = 408,
	.type_flags = 440,
	.bytes_size = 600,
	.bytes_data = 608,
	.str_state = 624,
	.str_length = 632,
	.str_ascii = 640,
};

/* And of later ones, as long as what is found there makes sense. */
static const struct places places_315 = {
	.runtime_interp = 40,
	.interp_next = 64,
	.interp_threads = 72,
	.tstate_next = 192,
	.tstate_interp = 200,
	.tstate_frame = 208,
	.tstate_thread_id = 240,
	.frame_back = 320,
	.frame_code = 328,
	.frame_lasti = 336,
	.frame_local = 344,
	.frame_owner = 352,
	.frame_tlbc = 368,
	.code_filename = 384,
	.code_name = 400,
	.code_table = 408,
	.code_firstlineno = 416,
	.code_arguments = 424,
	.code_kinds = 440,
	.code_adaptive = 448,
	.code_tlbc = 456,
	.ob_type = 472,
	.type_flags = 504,
	.bytes_size = 696,
	.bytes_data = 704,
	.str_state = 720,
	.str_length = 728,
	.str_ascii = 736,
	.str_data = 744,
};

_Static_assert(744 + 8 <= PUBLISHED_SIZE, "the last member is read");

static uint64_t value_at(const uint8_t *debug, unsigned int at)
{
	uint64_t value;

	memcpy(&value, debug + at, sizeof(value));
	return value;
}

bool published_is_there(const uint8_t *debug, size_t size, uint64_t hex, bool *ret_without_gil)
{
	if (size < PUBLISHED_SIZE || memcmp(debug + COOKIE, "xdebugpy", 8) ||
	    value_at(debug, VERSION) != hex)
		return false;
	*ret_without_gil = value_at(debug, WITHOUT_GIL) != 0;
	return true;
}

static const struct places *places_of(unsigned int version)
{
	switch (version) {
	case 0x030d:
		return &places_313;
	case 0x030e:
		return &places_314;
	default:
		return &places_315;
	}
}

/* Whether what only the table can complete is as in the table. */
static bool same_objects(const uint8_t *debug, const struct places *p, const struct py_layout *l)
{
	const struct {
		uint16_t at;
		uint32_t value;
	} fields[] = {
		{p->code_filename, l->code_filename},
		{p->code_name, l->code_name},
		{p->code_table, l->code_table},
		{p->code_firstlineno, l->code_firstlineno},
		{p->code_adaptive, l->code_adaptive},
		{p->ob_type, l->ob_type},
		{p->code_arguments, l->code_arguments},
		{p->code_kinds, l->code_kinds},
		{p->type_flags, l->type_flags},
		{p->bytes_size, l->bytes_size},
		{p->bytes_data, l->bytes_data},
		{p->str_state, l->str_state},
		{p->str_length, l->str_length},
		{p->str_ascii, l->str_ascii},
		{p->str_data, l->str_data},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].at && value_at(debug, fields[i].at) != fields[i].value)
			return false;
	}
	return l->code_tlbc == LAYOUT_NONE || value_at(debug, p->code_tlbc) == l->code_tlbc;
}

/* A member into a field of the layout: below limit, in units of align. False: impossible. */
static bool take(const uint8_t *debug, uint16_t at, uint16_t limit, uint16_t align, uint16_t *field)
{
	uint64_t value = value_at(debug, at);

	if (value > limit || value % align)
		return false;
	*field = (uint16_t)value;
	return true;
}

/* The bits of the key's state in a thread state lie where they did, if the rest does. */
static bool take_threads(const uint8_t *debug, const struct places *p, struct py_layout *l)
{
	const struct py_layout table = *l;

	if (!take(debug, p->interp_next, UINT16_MAX - 8, 8, &l->interp_next) ||
	    !take(debug, p->interp_threads, UINT16_MAX - 8, 8, &l->interp_threads) ||
	    !take(debug, p->tstate_next, 120, 8, &l->tstate_next) ||
	    !take(debug, p->tstate_interp, 120, 8, &l->tstate_interp) ||
	    !take(debug, p->tstate_frame, 120, 8, &l->tstate_frame) ||
	    !take(debug, p->tstate_thread_id, 248, 8, &l->tstate_thread_id))
		return false;
	if (l->tstate_next != table.tstate_next || l->tstate_interp != table.tstate_interp ||
	    l->tstate_frame != table.tstate_frame)
		l->tstate_status = LAYOUT_NONE;
	return true;
}

/* One read of frame_size bytes brings all of them. */
static uint16_t frame_size(const struct py_layout *l)
{
	const uint16_t ends[] = {l->frame_back + 8, l->frame_code + 8, l->frame_lasti + 8,
				 l->frame_owner + 1};
	uint16_t size = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		size = ends[i] > size ? ends[i] : size;
	if (l->frame_tlbc != LAYOUT_NONE && l->frame_tlbc + 4 > size)
		size = l->frame_tlbc + 4;
	return (size + 7) & ~7;
}

static bool take_frames(const uint8_t *debug, const struct places *p, struct py_layout *l)
{
	if (!take(debug, p->frame_back, 112, 8, &l->frame_back) ||
	    !take(debug, p->frame_code, 112, 8, &l->frame_code) ||
	    !take(debug, p->frame_lasti, 112, 8, &l->frame_lasti) ||
	    !take(debug, p->frame_local, 112, 8, &l->frame_local) ||
	    !take(debug, p->frame_owner, 112, 1, &l->frame_owner) ||
	    (l->frame_tlbc != LAYOUT_NONE && !take(debug, p->frame_tlbc, 112, 4, &l->frame_tlbc)))
		return false;
	l->frame_size = frame_size(l);
	return l->frame_local >= l->frame_size; /* so one read that brings it brings all */
}

int published_apply(const uint8_t *debug, size_t size, unsigned int version,
		    struct py_layout *layout)
{
	const struct places *p = places_of(version);
	uint64_t interp;

	if (size < PUBLISHED_SIZE)
		return -ENOTSUP;
	interp = value_at(debug, p->runtime_interp);
	if (!same_objects(debug, p, layout) || interp > INT32_MAX || interp % 8 ||
	    !take_threads(debug, p, layout) || !take_frames(debug, p, layout))
		return -ENOTSUP;
	if (interp != layout->runtime_interp || version != layout->version) {
		/* The key's place is the table's own knowledge: then the lists have to do. */
		layout->runtime_interp = (uint32_t)interp;
		layout->key = PY_KEY_NONE;
		layout->runtime_key = 0;
	}
	layout->version = (uint16_t)version;
	return 0;
}
