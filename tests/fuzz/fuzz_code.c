/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Code objects and their line tables, as records carry them, in any order: added, added to,
 * looked up and forgotten. The input is a list of steps.
 */
#include "fuzz.h"

#include "python/code.h"

#define CODES_MAX 4 /* so few that they push each other out */

static struct record_header *take_record(struct input *in, size_t fixed, uint16_t type)
{
	size_t body = take(in, 2), size;
	struct record_header *record;

	if (body > in->left)
		body = in->left;
	size = body < fixed ? fixed : body;
	record = calloc(1, size);
	must(record != NULL);
	take_bytes(in, record, body);
	record->size = size;
	record->type = type;
	record->tgid &= 3;
	return record;
}

static void add_code(struct code_cache *cache, struct input *in)
{
	struct record_code *code =
		(struct record_code *)take_record(in, sizeof(*code), RECORD_CODE);

	code->code &= 3;
	code->ident &= 1;
	code_cache_add(cache, code);
	free(code);
}

static void add_table(struct code_cache *cache, struct input *in)
{
	struct record_code_table *table =
		(struct record_code_table *)take_record(in, sizeof(*table), RECORD_CODE_TABLE);

	table->code &= 3;
	table->ident &= 1;
	code_cache_add_table(cache, table);
	free(table);
}

static void look_up(const struct code_cache *cache, struct input *in)
{
	uint32_t tgid = take(in, 1) & 3;
	uint64_t code = take(in, 1) & 3, ident = take(in, 1) & 1;
	int lasti = (int32_t)take(in, 4);
	const struct code_info *info = code_cache_find(cache, tgid, code, ident);

	must(code_cache_line(cache, tgid, code, ident, lasti) >= -1);
	if (!info)
		return;
	code_frame_incomplete(info, take(in, 1), lasti);
	must(strnlen(info->local.type_name, sizeof(info->local.type_name)) <
	     sizeof(info->local.type_name));
	must(!info->file || strlen(info->file) < SIZE_MAX);
	must(!info->function || strlen(info->function) < SIZE_MAX);
}

static void step(struct code_cache *cache, struct input *in)
{
	switch (take(in, 1) % 6) {
	case 0:
	case 1:
		add_code(cache, in);
		break;
	case 2:
		add_table(cache, in);
		break;
	case 3:
		look_up(cache, in);
		break;
	default:
		code_cache_relieve(cache);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct code_cache *cache;

	must(!code_cache_new(CODES_MAX, 0, &cache));
	while (in.left)
		step(cache, &in);
	code_cache_free(cache);
	return 0;
}
