/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The _Py_DebugOffsets that a CPython from 3.13 on publishes, made. */
#ifndef FDTRACE_TESTS_MADE_PUBLISHED_H
#define FDTRACE_TESTS_MADE_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

/* A member of _Py_DebugOffsets: where it is in 3.13, 3.14 and 3.15, 0: not; what it holds. */
struct published {
	unsigned int at[3];
	unsigned int value[3], free[3]; /* with the GIL, free-threaded */
};

/* As the headers of 3.13.18, 3.14.10 and 3.15.2 give them. */
static const struct published published[] = {
	{{40, 40, 40}, {632, 808, 936}, {632, 808, 936}},
	{{64, 64, 64}, {7264, 7272, 7264}, {7264, 7272, 7264}},
	{{72, 72, 72}, {7344, 7344, 7336}, {7344, 7344, 7336}},
	{{168, 192, 192}, {8, 8, 8}, {8, 8, 8}},
	{{176, 200, 200}, {16, 16, 16}, {16, 16, 16}},
	{{184, 208, 208}, {72, 72, 72}, {72, 72, 72}},
	{{192, 216, 240}, {152, 152, 176}, {152, 152, 176}},
	{{232, 256, 320}, {8, 8, 8}, {8, 8, 8}},
	{{240, 264, 328}, {0, 0, 0}, {0, 0, 0}},
	{{248, 272, 336}, {56, 56, 56}, {56, 56, 56}},
	{{256, 280, 344}, {72, 80, 80}, {72, 80, 80}},
	{{264, 288, 352}, {70, 74, 74}, {70, 78, 78}},
	{{0, 304, 368}, {0, 0, 0}, {0, 72, 72}},
	{{280, 320, 384}, {112, 112, 112}, {128, 128, 128}},
	{{296, 336, 400}, {128, 128, 128}, {144, 144, 144}},
	{{304, 344, 408}, {136, 136, 136}, {152, 152, 152}},
	{{312, 352, 416}, {68, 68, 68}, {84, 84, 84}},
	{{320, 360, 424}, {52, 52, 52}, {68, 68, 68}},
	{{336, 376, 440}, {104, 104, 104}, {120, 120, 120}},
	{{344, 384, 448}, {200, 208, 208}, {216, 232, 232}},
	{{0, 392, 456}, {0, 0, 0}, {0, 224, 224}},
	{{360, 408, 472}, {8, 8, 8}, {24, 24, 24}},
	{{392, 440, 504}, {168, 168, 168}, {184, 184, 184}},
	{{520, 600, 696}, {16, 16, 16}, {32, 32, 32}},
	{{528, 608, 704}, {32, 32, 32}, {48, 48, 48}},
	{{544, 624, 720}, {32, 32, 32}, {48, 48, 48}},
	{{552, 632, 728}, {16, 16, 16}, {32, 32, 32}},
	{{560, 640, 736}, {40, 40, 40}, {56, 56, 56}},
	{{0, 0, 744}, {0, 0, 56}, {0, 0, 72}},
};

static inline void made_put(uint8_t *debug, unsigned int at, uint64_t value)
{
	memcpy(debug + at, &value, sizeof(value));
}

/* debug: PUBLISHED_SIZE bytes, 0 before. Beyond 3.15 what is there is as in 3.15. */
static inline void made_published(uint8_t *debug, unsigned int minor, bool without_gil)
{
	unsigned int which = minor > 15 ? 2 : minor - 13;

	memcpy(debug, "xdebugpy", 8);
	made_put(debug, 8, 0x030000f0 | minor << 16);
	made_put(debug, 16, without_gil);
	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		const struct published *p = &published[i];

		if (p->at[which])
			made_put(debug, p->at[which],
				 without_gil ? p->free[which] : p->value[which]);
	}
}

#endif
