/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the fuzz targets share: taking values off the front of an input, and what must hold of
 * whatever fdtrace prints. A fuzz target's header.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

/* size bytes off the front; what is missing is 0. */
static inline void take_bytes(struct input *in, void *to, size_t size)
{
	size_t have = size < in->left ? size : in->left;

	memset(to, 0, size);
	memcpy(to, in->at, have);
	in->at += have;
	in->left -= have;
}

static inline uint64_t take(struct input *in, size_t size)
{
	uint64_t value = 0;

	take_bytes(in, &value, size);
	return value;
}

/* {offset, length, bytes} of a file of max bytes that is empty elsewhere: where it ends. */
static inline size_t take_file(struct input *in, uint8_t *file, size_t max)
{
	size_t end = 0;

	memset(file, 0, max);
	while (in->left) {
		size_t at = take(in, 2) % max, size = take(in, 1);

		if (size > max - at)
			size = max - at;
		if (size > in->left)
			size = in->left;
		take_bytes(in, file + at, size);
		if (at + size > end)
			end = at + size;
	}
	return end;
}

/* All that is left, exactly so large that reading beyond it shows, and a NUL behind it. */
static inline char *take_text(struct input *in)
{
	char *text = malloc(in->left + 1);

	if (!text)
		abort();
	memcpy(text, in->at, in->left);
	text[in->left] = '\0';
	in->at += in->left;
	in->left = 0;
	return text;
}

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* A file of these bytes; the caller closes it. */
static inline int file_of_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	return fd;
}

/* Nothing that moves a cursor, but for line ends: neither C0, DEL, nor C1 controls. */
static inline bool is_harmless(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t c = bytes[i];

		if ((c < ' ' && c != '\n') || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < size && (uint8_t)bytes[i + 1] < 0xa0)
			return false;
	}
	return true;
}

static inline bool is_ascii(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((uint8_t)bytes[i] > 0x7e)
			return false;
	}
	return is_harmless(bytes, size);
}

#endif
