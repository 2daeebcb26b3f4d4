/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "recording/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"

struct recording_reader {
	int fd;
	int error; /* that ended it */
	struct recording_header header;
	uint64_t whole;
	size_t raw_size;
	size_t at; /* of the next record */
	uint64_t raw[BLOCK_RAW_MAX / sizeof(uint64_t)];
	uint8_t stored[]; /* as much as zlib may make of BLOCK_RAW_MAX */
};

static bool in_range(const struct recording_parameters *p)
{
	return p->started_ns <= RECORD_TIME_MAX && p->settle_ns <= RECORD_TIME_MAX &&
	       p->wall_offset_ns <= (int64_t)RECORD_TIME_MAX - 1 &&
	       p->wall_offset_ns >= -(int64_t)RECORD_TIME_MAX;
}

static int check_recording_header(const struct recording_header *header, size_t size)
{
	size_t magic = size < RECORDING_MAGIC_SIZE ? size : RECORDING_MAGIC_SIZE;

	if (!size || memcmp(header->magic, RECORDING_MAGIC, magic))
		return -ENOEXEC;
	if (size < sizeof(*header))
		return -ENODATA;
	if (header->byte_order != RECORDING_BYTE_ORDER)
		return header->byte_order == __builtin_bswap32(RECORDING_BYTE_ORDER) ? -EXDEV
										     : -EBADMSG;
	if (header->version != RECORDING_VERSION)
		return -EPROTONOSUPPORT;
	if (header->crc != crc32(0, (const Bytef *)header, offsetof(struct recording_header, crc)))
		return -EBADMSG;
	if (header->record_version > RECORD_VERSION)
		return -EPROTONOSUPPORT;
	if (header->machine != RECORDING_MACHINE)
		return -EXDEV;
	return in_range(&header->parameters) ? 0 : -EBADMSG;
}

int recording_reader_new(int fd, struct recording_reader **ret_reader)
{
	struct recording_reader *reader = calloc(1, sizeof(*reader) + compressBound(BLOCK_RAW_MAX));
	ssize_t size;
	int err;

	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	size = file_read_up_to(fd, &reader->header, sizeof(reader->header));
	err = size < 0 ? size : check_recording_header(&reader->header, size);
	if (err) {
		free(reader);
		return err;
	}
	reader->whole = size;
	*ret_reader = reader;
	return 0;
}

void recording_reader_free(struct recording_reader *reader)
{
	free(reader);
}

const struct recording_parameters *recording_parameters(const struct recording_reader *reader)
{
	return &reader->header.parameters;
}

uint64_t recording_whole(const struct recording_reader *reader)
{
	return reader->whole;
}

static bool block_valid(const struct recording_block *block)
{
	return block->magic == BLOCK_MAGIC && block->raw && block->raw <= BLOCK_RAW_MAX &&
	       block->raw % sizeof(uint64_t) == 0 && block->stored <= compressBound(BLOCK_RAW_MAX);
}

/* The records of a block, unpacked. 0, or -EBADMSG. */
static int unpack_block(struct recording_reader *reader, const struct recording_block *block)
{
	uLongf raw = block->raw;
	uint32_t crc = crc32(0, (const Bytef *)block, offsetof(struct recording_block, crc));

	if (crc32(crc, reader->stored, block->stored) != block->crc)
		return -EBADMSG;
	if (uncompress((Bytef *)reader->raw, &raw, reader->stored, block->stored) ||
	    raw != block->raw)
		return -EBADMSG;
	reader->raw_size = raw;
	reader->at = 0;
	reader->whole += sizeof(*block) + block->stored;
	return 0;
}

/* 1; 0: the end of the file, in a block or between two. */
static int next_block(struct recording_reader *reader)
{
	struct recording_block block;
	ssize_t got = file_read_up_to(reader->fd, &block, sizeof(block));
	int err;

	if (got < 0)
		return got;
	if ((size_t)got < sizeof(block))
		return 0;
	if (!block_valid(&block))
		return -EBADMSG;
	got = file_read_up_to(reader->fd, reader->stored, block.stored);
	if (got < 0)
		return got;
	if ((size_t)got < block.stored)
		return 0;
	err = unpack_block(reader, &block);
	return err ? err : 1;
}

static const struct record_header *record_at(const struct recording_reader *reader)
{
	const void *p = (const char *)reader->raw + reader->at;
	const struct record_header *record = p;
	size_t left = reader->raw_size - reader->at;

	if (left < sizeof(*record) || record->size < sizeof(*record) || record->size > left ||
	    record->size > RECORD_SIZE_MAX)
		return NULL;
	return record;
}

int recording_next(struct recording_reader *reader, const struct record_header **ret_record)
{
	const struct record_header *record = NULL;
	int got = 1;

	if (reader->at == reader->raw_size && !reader->error)
		got = next_block(reader);
	if (reader->error || got <= 0)
		return reader->error ? reader->error : (reader->error = got);
	record = record_at(reader);
	if (!record)
		return reader->error = -EBADMSG;
	reader->at += record_aligned(record->size);
	*ret_record = record;
	return 1;
}
