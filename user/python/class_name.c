/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/class_name.h"

#include <string.h>

#include "base/mem.h"

/* Include/cpython/dictobject.h: ma_used, a tag of 8 bytes, ma_keys; behind the object's header. */
#define DICT_KEYS(layout) ((layout)->str_length + 16)

/*
 * Objects/dict-common.h, pycore_dict.h: a header and indices, then entries, each a key with its
 * value behind it. A class's body sets __module__ first of all. So much is read, and so many words
 * of it that may be addresses are looked at.
 */
#define KEYS_SIZE      1024
#define CANDIDATES_MAX 32

#define KEY "__module__"

/* A str of plain ASCII, whole, with a NUL. */
static bool read_ascii(class_read_fn read, void *arg, const struct py_layout *layout,
		       uint64_t address, char *ret, size_t size)
{
	uint64_t length;
	uint32_t state;

	if (!read(arg, address + layout->str_length, &length, sizeof(length)) || length >= size ||
	    !read(arg, address + layout->str_state, &state, sizeof(state)) ||
	    !((state >> layout->str_ascii_bit) & 1) || !((state >> layout->str_compact_bit) & 1) ||
	    !read(arg, address + layout->str_ascii, ret, length))
		return false;
	ret[length] = '\0';
	return strlen(ret) == length;
}

static bool may_be_object(uint64_t word)
{
	return word >= 65536 && !(word & 7) && !(word >> 56);
}

bool class_module(class_read_fn read, void *arg, const struct py_layout *layout, uint64_t dict,
		  char *ret, size_t size)
{
	uint64_t keys, words[KEYS_SIZE / sizeof(uint64_t)];
	unsigned int candidates = 0;
	char key[sizeof(KEY)];

	if (!dict || !read(arg, dict + DICT_KEYS(layout), &keys, sizeof(keys)) ||
	    !read(arg, keys, words, sizeof(words)))
		return false;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(words) && candidates < CANDIDATES_MAX; i++) {
		if (!may_be_object(words[i]))
			continue;
		candidates++;
		if (read_ascii(read, arg, layout, words[i], key, sizeof(key)) && !strcmp(key, KEY))
			return may_be_object(words[i + 1]) &&
			       read_ascii(read, arg, layout, words[i + 1], ret, size);
	}
	return false;
}
