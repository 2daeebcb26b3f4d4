/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings, calls and the summary as JSON values (docs/json.md).
 *
 * Owns: the keys of schema fdtrace/1. Pure. Each function returns a new reference, or NULL
 * without memory: a value is never handed out with a key missing for want of memory.
 */
#ifndef FDTRACE_REPORT_JSON_VALUE_H
#define FDTRACE_REPORT_JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attribute.h"
#include "session/repeats.h"
#include "session/sink.h"

/* brief: of what follows from a finding before, no more than that, what it is, and where. */
json_t *value_finding(const struct finding_view *view, bool brief);
json_t *value_call(const struct call_view *view);
json_t *value_summary(const struct session_stats *stats, const struct repeats *repeats);

/* What was lost, by cause. */
json_t *value_lost(const uint64_t lost[LOSS_CAUSES]);

/*
 * One value, one line. Pure ASCII: whatever a name holds, no reader finds a line end in it
 * (U+2028, U+0085), and no terminal a control character. Takes the reference. 0; negative errno;
 * -ENOMEM also of NULL.
 */
int value_print(FILE *out, json_t *value);

/* From which finding it follows, or may follow. 0, or not without memory. */
int value_set_cause(json_t *object, uint64_t id, bool perhaps, uint64_t or_id);
/* That a finding has been met again, and how often so far. */
json_t *value_update(const struct repeat *repeat);

/* That so many findings were held back. */
json_t *value_suppressed(const struct suppressed *suppressed);

/* The sites that say what is wrong, as JSON text from the heap, for value_bugs(). NULL: no memory.
 */
char *value_place_text(const struct finding_view *view);

/* Bugs, the most frequent first, a bounded number. Their texts are value_place_text()'s. */
json_t *value_bugs(const struct repeats *repeats);

/* A site of a finding that was seen. */
json_t *value_site(const struct fd_site *site, const struct stack *stack, int64_t wall_offset_ns);

/* Bytes of the traced process, made UTF-8 as text_for_json does. */
json_t *value_bytes(const char *bytes, size_t size);
json_t *value_text(const char *text);

/* An integer; beyond 2^53, where a reader may lose digits, a decimal string. */
json_t *value_int(int64_t n);
json_t *value_count(uint64_t n);

/* One key for each. */
json_t *value_attributes(const struct attributes *list);

/* Nanoseconds: always a decimal string. */
json_t *value_nano(int64_t ns);

/* Hexadecimal, with 0x. */
json_t *value_address(uint64_t address);

/* What a call returned: an integer, or an error's name. */
json_t *value_result(int64_t ret);

/* Keys "time" (RFC 3339) and "time_unix_nano". 0, or -1 without memory. */
int value_set_time(json_t *object, int64_t unix_nano);

/*
 * Keys "python" and "python_status". brief: of the frames those that say where it is. 0, or -1
 * without memory.
 */
int value_set_stack(json_t *object, const struct stack *stack, uint64_t stack_id, uint8_t python,
		    bool brief);

/* Keys "native" and "native_status", where they were asked for. 0, or -1 without memory. */
int value_set_native(json_t *object, const struct stack *stack);

/* Keys "protocol", "local", "peer" and "listening" of a socket. 0, or -1 without memory. */
int value_set_socket(json_t *object, const struct record_socket *socket);

/* value if err is 0; else NULL, and value is let go. */
json_t *value_whole(json_t *value, int err);

/* A note_fn: adds a sentence to the array arg. */
int value_add_note(void *array, const char *sentence);

#endif
