/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/code.h"

#include <errno.h>
#include <string.h>

#include "base/bounded.h"
#include "base/mem.h"
#include "base/records.h"
#include "python/linetable.h"

#define CODES_MAX_DEFAULT 262144
#define BYTES_MAX_DEFAULT (40u << 20)
/* As much of the room one line table may take. */
#define TABLE_SHARE	  4
/* What the heap adds to each of the four blocks of an entry, at most. */
#define HEAP_HEADS	  (4 * 24)

/* enum _frameowner, Include/internal/pycore_frame.h */
#define FRAME_OWNED_BY_GENERATOR 1
#define FRAME_OWNED_BY_CSTACK	 3 /* 3.12 on */

struct code_key {
	uint64_t code;
	uint64_t ident;
	uint64_t tgid; /* 64 bits: no padding in what is hashed */
};

struct code_entry {
	struct bounded_item item;
	struct code_key key;
	struct code_info info;
	char *file, *function; /* what info lends */
	uint8_t *table;	       /* the first table_bytes of table_total */
	uint32_t table_bytes, table_total;
};

struct code_cache {
	struct bounded codes;
	bool overflowed; /* dropped for want of room, and code_cache_relieve() has not been called
			  */
};

static void code_free(struct bounded_item *item)
{
	struct code_entry *entry = (struct code_entry *)item;

	free(entry->file);
	free(entry->function);
	free(entry->table);
	free(entry);
}

static void code_free_ptr(struct code_entry **entry)
{
	if (*entry)
		code_free(&(*entry)->item);
}

static void mark_overflowed(void *arg, const struct bounded_item *item)
{
	struct code_cache *cache = arg;

	cache->overflowed = true;
}

int code_cache_new(size_t max, size_t bytes, struct code_cache **ret_cache)
{
	struct code_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->codes = (struct bounded){
		.items_max = max ? max : CODES_MAX_DEFAULT,
		.bytes_max = bytes ? bytes : BYTES_MAX_DEFAULT,
		.item_free = code_free,
		.forget = mark_overflowed,
		.arg = cache,
	};
	*ret_cache = cache;
	return 0;
}

uint64_t code_cache_forgotten(const struct code_cache *cache)
{
	return cache->codes.forgotten;
}

void code_cache_free(struct code_cache *cache)
{
	if (!cache)
		return;
	bounded_drop_all(&cache->codes);
	free(cache);
}

static struct code_entry *find_code(const struct code_cache *cache, uint32_t tgid, uint64_t code,
				    uint64_t ident)
{
	struct code_key key = {.code = code, .ident = ident, .tgid = tgid};

	return (struct code_entry *)bounded_find(&cache->codes, &key, sizeof(key));
}

const struct code_info *code_cache_find(const struct code_cache *cache, uint32_t tgid,
					uint64_t code, uint64_t ident)
{
	const struct code_entry *entry = find_code(cache, tgid, code, ident);

	return entry ? &entry->info : NULL;
}

bool code_cache_relieve(struct code_cache *cache)
{
	if (!cache->overflowed)
		return false;
	bounded_shrink(&cache->codes, cache->codes.items_max / 4 * 3,
		       cache->codes.bytes_max / 4 * 3);
	cache->overflowed = false;
	return true;
}

/* Whether a text of a record can be: its characters as many as, or more than, its bytes hold. */
static bool text_valid(uint32_t bytes, uint32_t chars, unsigned int width)
{
	if (!width)
		return bytes == 0;
	return (width == 1 || width == 2 || width == 4) && bytes % width == 0 &&
	       bytes / width <= chars;
}

static bool code_record_valid(const struct record_code *r)
{
	uint64_t data = (uint64_t)r->file_bytes + r->name_bytes + r->table_bytes +
			(r->first_local ? sizeof(struct record_first_local) : 0);

	return r->h.type == RECORD_CODE && r->h.size >= sizeof(*r) &&
	       data <= r->h.size - sizeof(*r) &&
	       text_valid(r->file_bytes, r->file_chars, r->file_width) &&
	       text_valid(r->name_bytes, r->name_chars, r->name_width) &&
	       r->table_bytes <= r->table_total && (!r->table_missing || !r->table_bytes);
}

/* A text of the record; NULL if it was not readable. 0 or -ENOMEM. */
static int copy_text(const uint8_t *data, uint32_t bytes, unsigned int width, char **ret)
{
	*ret = NULL;
	if (!width)
		return 0;
	*ret = python_text(data, bytes / width, width);
	return *ret ? 0 : -ENOMEM;
}

static int code_fill_data(struct code_entry *entry, const struct record_code *r)
{
	const uint8_t *name = r->data + r->file_bytes, *table = name + r->name_bytes;
	int err = copy_text(r->data, r->file_bytes, r->file_width, &entry->file);

	if (!err)
		err = copy_text(name, r->name_bytes, r->name_width, &entry->function);
	if (err)
		return err;
	if (r->table_bytes) {
		entry->table = malloc(r->table_bytes);
		if (!entry->table)
			return -ENOMEM;
		memcpy(entry->table, table, r->table_bytes);
	}
	entry->table_bytes = r->table_bytes;
	entry->table_total = r->table_total;
	return 0;
}

static void code_fill_info(struct code_entry *entry, const struct record_code *r)
{
	entry->info = (struct code_info){
		.file = entry->file,
		.function = entry->function,
		.firstlineno = r->firstlineno,
		.firsttraceable = r->firsttraceable,
		.version = r->version,
		.consistent = !r->no_code,
		.file_cut = r->file_width && r->file_bytes / r->file_width < r->file_chars,
		.function_cut = r->name_width && r->name_bytes / r->name_width < r->name_chars,
		.table_whole = !r->table_missing && r->table_bytes == r->table_total,
	};
	entry->info.local_told = record_code_first_local(r, &entry->info.local);
	entry->item.bytes = sizeof(*entry) + HEAP_HEADS + entry->table_bytes;
	entry->item.bytes += entry->file ? strlen(entry->file) + 1 : 0;
	entry->item.bytes += entry->function ? strlen(entry->function) + 1 : 0;
}

int code_cache_add(struct code_cache *cache, const struct record_code *record)
{
	struct code_entry *entry __attribute__((cleanup(code_free_ptr))) = NULL;
	int err;

	if (record->h.size < sizeof(*record) || !code_record_valid(record))
		return -EINVAL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = (struct code_key){record->code, record->ident, record->h.tgid};
	err = code_fill_data(entry, record);
	if (err)
		return err;
	code_fill_info(entry, record);
	err = bounded_add(&cache->codes, &entry->item, &entry->key, sizeof(entry->key));
	if (!err)
		(void)TAKE_PTR(entry);
	return err;
}

/* Appends what the table lacks; a piece behind a lost one can't be used. 0 or -ENOMEM. */
static int table_append(struct code_cache *cache, struct code_entry *entry,
			const struct record_code_table *r)
{
	uint32_t end = r->offset + r->bytes, have = entry->table_bytes;
	uint8_t *table;

	if (r->offset > have || end <= have || end > cache->codes.bytes_max / TABLE_SHARE)
		return 0;
	table = realloc(entry->table, end);
	if (!table)
		return -ENOMEM;
	memcpy(table + have, r->data + (have - r->offset), end - have);
	entry->table = table;
	entry->table_bytes = end;
	entry->info.table_whole = end == entry->table_total;
	bounded_resize(&cache->codes, &entry->item, entry->item.bytes + (end - have));
	return 0;
}

int code_cache_add_table(struct code_cache *cache, const struct record_code_table *record)
{
	struct code_entry *entry;

	if (record->h.size < sizeof(*record) || record->h.type != RECORD_CODE_TABLE ||
	    record->bytes > record->h.size - sizeof(*record))
		return -EINVAL;
	entry = find_code(cache, record->h.tgid, record->code, record->ident);
	if (!entry)
		return 0;
	if ((uint64_t)record->offset + record->bytes > entry->table_total)
		return -EINVAL;
	return table_append(cache, entry, record);
}

int code_cache_line(const struct code_cache *cache, uint32_t tgid, uint64_t code, uint64_t ident,
		    int lasti)
{
	const struct code_entry *entry = find_code(cache, tgid, code, ident);

	if (!entry)
		return LINE_UNKNOWN;
	/* Up to 3.9 a table has no end of its own: the last line of a part may be wrong. */
	if (!entry->info.table_whole && entry->info.version < 0x030a)
		return LINE_UNKNOWN;
	return linetable_line(entry->info.version, entry->table, entry->table_bytes,
			      entry->info.firstlineno, lasti);
}

bool code_frame_incomplete(const struct code_info *info, uint8_t owner, int lasti)
{
	if (info->version < 0x030b || owner == FRAME_OWNED_BY_GENERATOR)
		return false;
	if (info->version >= 0x030c && owner >= FRAME_OWNED_BY_CSTACK)
		return true;
	return lasti < info->firsttraceable;
}

static uint32_t read_char(const uint8_t *p, unsigned int width)
{
	uint16_t two;
	uint32_t four;

	switch (width) {
	case 1:
		return *p;
	case 2:
		memcpy(&two, p, sizeof(two));
		return two;
	default:
		memcpy(&four, p, sizeof(four));
		return four;
	}
}

static bool is_escaped_byte(uint32_t c)
{
	return c >= 0xdc80 && c <= 0xdcff;
}

/* Writes c, up to four bytes; returns what follows it. */
static char *put_char(char *out, uint32_t c)
{
	if (!c)
		c = 0x2400;
	if (c > 0x10ffff)
		c = 0xfffd;
	if (c < 0x80 || is_escaped_byte(c)) {
		*out++ = (char)(c & 0xff);
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

char *python_text(const uint8_t *data, size_t chars, unsigned int width)
{
	char *text, *out, *shrunk;
	size_t room;

	if (__builtin_mul_overflow(chars, 4, &room) || room == SIZE_MAX)
		return NULL;
	out = text = malloc(room + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < chars; i++)
		out = put_char(out, read_char(data + i * width, width));
	*out++ = '\0';
	shrunk = realloc(text, (size_t)(out - text));
	return shrunk ? shrunk : text;
}
