/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "recording/writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* A block is written when it is so full: compressing it takes about 2 ms. */
#define BLOCK_FULL (256u << 10)
/* Room kept for the block that says that the limit was reached. */
#define CUT_SIZE   256

_Static_assert(BLOCK_FULL + RECORD_SIZE_MAX <= BLOCK_RAW_MAX, "a block holds its last record");

struct recording_writer {
	int fd;
	bool stopped;
	uint64_t limit;
	uint64_t written;
	size_t used; /* bytes of raw */
	size_t stored_room;
	uint8_t raw[BLOCK_FULL + RECORD_SIZE_MAX];
	uint8_t stored[]; /* a recording_block and what zlib makes of raw */
};

static int write_all(struct recording_writer *writer, const void *bytes, size_t size)
{
	const char *p = bytes;

	writer->written += size;
	while (size) {
		ssize_t n = write(writer->fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		size -= n;
	}
	return 0;
}

static int write_header(struct recording_writer *writer,
			const struct recording_parameters *parameters)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC,
		.version = RECORDING_VERSION,
		.byte_order = RECORDING_BYTE_ORDER,
		.machine = RECORDING_MACHINE,
		.record_version = RECORD_VERSION,
		.parameters = *parameters,
		.tool = FDTRACE_VERSION,
	};

	header.crc = crc32(0, (const Bytef *)&header, offsetof(struct recording_header, crc));
	return write_all(writer, &header, sizeof(header));
}

int recording_writer_new(int fd, uint64_t limit, const struct recording_parameters *parameters,
			 struct recording_writer **ret_writer)
{
	size_t room = compressBound(BLOCK_FULL + RECORD_SIZE_MAX);
	struct recording_writer *writer =
		calloc(1, sizeof(*writer) + sizeof(struct recording_block) + room);
	int err;

	if (!writer)
		return -ENOMEM;
	writer->fd = fd;
	writer->limit = limit < RECORDING_MIN ? RECORDING_MIN : limit;
	writer->stored_room = room;
	err = write_header(writer, parameters);
	if (err) {
		free(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

void recording_writer_free(struct recording_writer *writer)
{
	free(writer);
}

static void writer_keep(struct recording_writer *writer, const struct record_header *record)
{
	size_t padded = record_aligned(record->size);

	memcpy(writer->raw + writer->used, record, record->size);
	memset(writer->raw + writer->used + record->size, 0, padded - record->size);
	writer->used += padded;
}

/* What is kept, as a block behind *block; the bytes of both. 0: no memory. */
static size_t make_block(struct recording_writer *writer)
{
	struct recording_block *block = (struct recording_block *)writer->stored;
	uLongf stored = writer->stored_room;

	if (compress2((Bytef *)(block + 1), &stored, writer->raw, writer->used, Z_BEST_SPEED))
		return 0;
	*block = (struct recording_block){BLOCK_MAGIC, stored, writer->used, 0};
	block->crc = crc32(0, (const Bytef *)block, offsetof(struct recording_block, crc));
	block->crc = crc32(block->crc, (const Bytef *)(block + 1), stored);
	writer->used = 0;
	return sizeof(*block) + stored;
}

/* The limit is reached: what is kept gives way to a record that says so. */
static int cut(struct recording_writer *writer)
{
	struct record_header record;
	size_t size;
	int err;

	record_own(&record, RECORD_CUT, sizeof(record), 0, 0);
	writer->used = 0;
	writer_keep(writer, &record);
	size = make_block(writer);
	err = size ? write_all(writer, writer->stored, size) : -ENOMEM;
	return err ? err : -EFBIG;
}

static int write_block(struct recording_writer *writer)
{
	size_t size = make_block(writer);

	if (!size)
		return -ENOMEM;
	if (writer->written + size + CUT_SIZE > writer->limit)
		return cut(writer);
	return write_all(writer, writer->stored, size);
}

int recording_flush(struct recording_writer *writer)
{
	int err;

	if (writer->stopped || !writer->used)
		return 0;
	err = write_block(writer);
	writer->stopped = err != 0;
	return err;
}

int recording_write(struct recording_writer *writer, const struct record_header *record)
{
	if (writer->stopped || record->size > RECORD_SIZE_MAX)
		return 0;
	writer_keep(writer, record);
	return writer->used >= BLOCK_FULL ? recording_flush(writer) : 0;
}
