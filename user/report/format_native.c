/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/format.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "report/text/wrap.h"

#define NAME_COLUMNS 60

const char *words_native_status(const struct native_stack *native)
{
	static const char *const ends[] = {
		[NATIVE_COMPLETE] = "complete",	    [NATIVE_FRAMES] = "cut",
		[NATIVE_STACK] = "stack_cut",	    [NATIVE_NO_MODULE] = "no_module",
		[NATIVE_NO_CFI] = "no_unwind_info", [NATIVE_BROKEN] = "broken",
		[NATIVE_FAILED] = "failed",
	};

	if (native->taken == NATIVE_LIMITED)
		return "limited";
	if (native->taken == NATIVE_UNREADABLE)
		return "unreadable";
	if (native->lost)
		return "lost";
	return native->end < ARRAY_SIZE(ends) ? ends[native->end] : "failed";
}

const char *words_native_remark(const struct native_stack *native, char buf[WORD_SIZE])
{
	static const char *const ends[] = {
		[NATIVE_COMPLETE] = NULL,
		[NATIVE_STACK] = "breaks off, what was copied of the stack ends here",
		[NATIVE_NO_MODULE] =
			"breaks off, the last address lies in no file that could be opened (code made "
			"at run time, or the process was gone)",
		[NATIVE_NO_CFI] =
			"breaks off, the file of the last frame does not say how to unwind it",
		[NATIVE_BROKEN] =
			"breaks off, what the file of the last frame says of it makes no sense",
		[NATIVE_FAILED] = "none, unwinding it failed",
	};

	if (native->taken == NATIVE_LIMITED)
		return "not taken, too many different ones came at once";
	if (native->taken == NATIVE_UNREADABLE)
		return "not taken, the thread's stack was not readable";
	if (native->lost)
		return "not here, its records were lost";
	if (native->end == NATIVE_FRAMES)
		return words_cut(native->count, buf);
	return native->end < ARRAY_SIZE(ends) ? ends[native->end] : ends[NATIVE_FAILED];
}

const char *words_native_frame(const struct native_frame *frame, char buf[PLACE_SIZE])
{
	char symbol[NAME_COLUMNS * 4 + 1], module[NAME_COLUMNS * 4 + 1];

	if (!frame->module && frame->symbol)
		return layout_name(frame->symbol, NAME_COLUMNS, buf, PLACE_SIZE);
	if (!frame->module) {
		snprintf(buf, PLACE_SIZE, "0x%" PRIx64, frame->address);
		return buf;
	}
	layout_name(frame->module, NAME_COLUMNS, module, sizeof(module));
	if (frame->symbol)
		snprintf(buf, PLACE_SIZE, "%s (%s)",
			 layout_name(frame->symbol, NAME_COLUMNS, symbol, sizeof(symbol)), module);
	else
		snprintf(buf, PLACE_SIZE, "%s+0x%" PRIx64, module, frame->address);
	return buf;
}

const char *words_origin(enum site_origin origin, const struct stack *stack, uint16_t call)
{
	if ((origin == ORIGIN_UNKNOWN || origin == ORIGIN_OTHER) && stack && call == CALL_CLOSE)
		origin = stack_origin(stack);
	return site_origin_name(origin);
}
