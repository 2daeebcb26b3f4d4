/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The file of a recording: there and back, truncated at every byte, damaged at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "recording/reader.h"
#include "recording/writer.h"

#define NO_LIMIT UINT64_MAX

static const struct recording_parameters parameters = {
	.started_ns = 1234,
	.wall_offset_ns = -5,
	.history = 4,
};

static int new_file(void)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* A record of that many bytes, which all follow from its number. */
static void make_record(struct record_header *record, uint32_t number, size_t size)
{
	memset(record, (int)number, size);
	record_own(record, RECORD_TICK, size, number, number);
}

static size_t size_of(uint32_t number)
{
	return sizeof(struct record_header) + number * 7919 % (number % 100 ? 300 : 60000);
}

static void write_records(struct recording_writer *writer, uint32_t from, uint32_t to)
{
	static uint64_t room[RECORD_SIZE_MAX / 8];
	struct record_header *record = (struct record_header *)room;

	for (uint32_t i = from; i < to; i++) {
		make_record(record, i, size_of(i));
		assert_int_equal(recording_write(writer, record), 0);
	}
}

/* Reads records 0… as write_records() wrote them; how many, and how it ended. */
static uint32_t read_records(int fd, int *ret_end, struct recording_reader **ret_reader)
{
	static uint64_t room[RECORD_SIZE_MAX / 8];
	struct record_header *expected = (struct record_header *)room;
	const struct record_header *record = NULL;
	struct recording_reader *reader = NULL;
	uint32_t count = 0;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_end = recording_reader_new(fd, &reader);
	if (*ret_end)
		return 0;
	while ((*ret_end = recording_next(reader, &record)) > 0) {
		make_record(expected, count, size_of(count));
		assert_int_equal((uintptr_t)record % 8, 0);
		assert_memory_equal(record, expected, size_of(count));
		count++;
	}
	assert_int_equal(recording_next(reader, &record), *ret_end);
	if (ret_reader)
		*ret_reader = reader;
	else
		recording_reader_free(reader);
	return count;
}

static off_t size_of_file(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static void test_round_trip(void **state)
{
	const uint32_t count = 20000; /* several blocks */
	struct recording_writer *writer = NULL;
	struct recording_reader *reader = NULL;
	int fd = new_file(), end = 0;

	assert_int_equal(recording_writer_new(fd, NO_LIMIT, &parameters, &writer), 0);
	assert_int_equal(size_of_file(fd), sizeof(struct recording_header));
	write_records(writer, 0, count / 2);
	assert_int_equal(recording_flush(writer), 0);
	assert_int_equal(recording_flush(writer), 0);
	write_records(writer, count / 2, count);
	assert_int_equal(recording_flush(writer), 0);
	recording_writer_free(writer);

	assert_int_equal(read_records(fd, &end, &reader), count);
	assert_int_equal(end, 0);
	assert_memory_equal(recording_parameters(reader), &parameters, sizeof(parameters));
	assert_true(recording_whole(reader) == (uint64_t)size_of_file(fd));
	recording_reader_free(reader);
	close(fd);
}

/* Three blocks of ten records. */
static int small_file(off_t ends[4])
{
	struct recording_writer *writer = NULL;
	int fd = new_file();

	assert_int_equal(recording_writer_new(fd, NO_LIMIT, &parameters, &writer), 0);
	for (int block = 0; block < 3; block++) {
		ends[block] = size_of_file(fd);
		write_records(writer, block * 10 + 1, block * 10 + 11);
		assert_int_equal(recording_flush(writer), 0);
	}
	ends[3] = size_of_file(fd);
	recording_writer_free(writer);
	return fd;
}

/* As read_records(), of small_file(). */
static uint32_t read_small(int fd, int *ret_end, uint64_t *ret_whole)
{
	const struct record_header *record = NULL;
	struct recording_reader *reader = NULL;
	uint32_t count = 0;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_whole = 0;
	*ret_end = recording_reader_new(fd, &reader);
	if (*ret_end)
		return 0;
	while ((*ret_end = recording_next(reader, &record)) > 0)
		assert_int_equal(record->tgid, ++count);
	*ret_whole = recording_whole(reader);
	recording_reader_free(reader);
	return count;
}

static void test_truncated(void **state)
{
	off_t ends[4];
	int fd = small_file(ends);

	for (off_t size = ends[3]; size >= 0; size--) {
		uint64_t whole = 0;
		int end = 0, blocks = 0;
		uint32_t count = 0;

		assert_int_equal(ftruncate(fd, size), 0);
		count = read_small(fd, &end, &whole);
		while (blocks < 3 && size >= ends[blocks + 1])
			blocks++;
		assert_int_equal(count, blocks * 10);
		if (size < ends[0]) {
			assert_int_equal(end, size ? -ENODATA : -ENOEXEC);
		} else {
			assert_int_equal(end, 0);
			assert_true(whole == (uint64_t)ends[blocks]);
		}
	}
	close(fd);
}

static void test_damaged(void **state)
{
	off_t ends[4];
	int fd = small_file(ends);

	for (off_t at = 0; at < ends[3]; at++) {
		uint8_t byte = 0, bad = 0;
		int end = 0, blocks = 0;
		uint64_t whole = 0;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		bad = byte ^ (1 << at % 8);
		assert_int_equal(pwrite(fd, &bad, 1, at), 1);
		while (blocks < 3 && at >= ends[blocks + 1])
			blocks++;
		assert_int_equal(read_small(fd, &end, &whole), at < ends[0] ? 0 : blocks * 10);
		/* A length that has grown may reach beyond the end. */
		assert_true(end < 0 || (end == 0 && at >= ends[0]));
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

/* A header that is whole, but says something else. */
static int open_with(void (*change)(struct recording_header *header))
{
	struct recording_writer *writer = NULL;
	struct recording_reader *reader = NULL;
	struct recording_header header;
	int fd = new_file(), err = 0;

	assert_int_equal(recording_writer_new(fd, NO_LIMIT, &parameters, &writer), 0);
	recording_writer_free(writer);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	change(&header);
	header.crc = crc32(0, (const Bytef *)&header, offsetof(struct recording_header, crc));
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	lseek(fd, 0, SEEK_SET);
	err = recording_reader_new(fd, &reader);
	recording_reader_free(reader);
	close(fd);
	return err;
}

static void change_nothing(struct recording_header *header)
{
}

static void change_version(struct recording_header *header)
{
	header->version++;
}

static void change_records(struct recording_header *header)
{
	header->record_version++;
}

static void change_machine(struct recording_header *header)
{
	header->machine = 8;
}

static void change_order(struct recording_header *header)
{
	header->byte_order = __builtin_bswap32(header->byte_order);
}

static void change_time(struct recording_header *header)
{
	header->parameters.wall_offset_ns = INT64_MAX;
}

static void test_headers(void **state)
{
	assert_int_equal(open_with(change_nothing), 0);
	assert_int_equal(open_with(change_version), -EPROTONOSUPPORT);
	assert_int_equal(open_with(change_records), -EPROTONOSUPPORT);
	assert_int_equal(open_with(change_machine), -EXDEV);
	assert_int_equal(open_with(change_order), -EXDEV);
	assert_int_equal(open_with(change_time), -EBADMSG);
}

/* A block that is whole, with records that are not. */
static int read_block(const void *raw, size_t size)
{
	struct recording_block block = {.magic = BLOCK_MAGIC, .raw = size};
	struct recording_writer *writer = NULL;
	uint8_t stored[4096];
	uLongf room = sizeof(stored);
	uint64_t whole = 0;
	int fd = new_file(), end = 0;

	assert_int_equal(recording_writer_new(fd, NO_LIMIT, &parameters, &writer), 0);
	recording_writer_free(writer);
	assert_int_equal(compress(stored, &room, raw, size), 0);
	block.stored = room;
	block.crc = crc32(0, (const Bytef *)&block, offsetof(struct recording_block, crc));
	block.crc = crc32(block.crc, stored, room);
	assert_int_equal(write(fd, &block, sizeof(block)), sizeof(block));
	assert_int_equal(write(fd, stored, room), room);
	read_small(fd, &end, &whole);
	close(fd);
	return end;
}

static void test_foolish_records(void **state)
{
	static uint64_t raw[BLOCK_RAW_MAX / 8 + 64];
	struct record_header *record = (struct record_header *)raw;

	make_record(record, 1, sizeof(*record));
	assert_int_equal(read_block(raw, sizeof(*record)), 0);
	assert_int_equal(read_block(raw, sizeof(*record) + 8), -EBADMSG);
	assert_int_equal(read_block(raw, sizeof(*record) + 4), -EBADMSG);
	record->size = 31;
	assert_int_equal(read_block(raw, sizeof(*record)), -EBADMSG);
	record->size = 33;
	assert_int_equal(read_block(raw, sizeof(*record)), -EBADMSG);
	record->size = UINT32_MAX;
	assert_int_equal(read_block(raw, sizeof(*record)), -EBADMSG);
	record->size = 0;
	assert_int_equal(read_block(raw, sizeof(*record)), -EBADMSG);
	record->size = RECORD_SIZE_MAX + 8;
	assert_int_equal(read_block(raw, BLOCK_RAW_MAX), -EBADMSG);
	assert_int_equal(read_block(raw, sizeof(raw)), -EBADMSG);
}

/* The file never grows beyond the limit, and then says so at its end. */
static void test_limit(void **state)
{
	const uint64_t limit = 100000;
	const struct record_header *record = NULL;
	struct recording_writer *writer = NULL;
	struct recording_reader *reader = NULL;
	uint64_t noise[512];
	int fd = new_file(), err = 0, last = 0;

	assert_int_equal(recording_writer_new(fd, limit, &parameters, &writer), 0);
	for (int i = 0; i < 1000 && !err; i++) {
		for (size_t j = 0; j < 512; j++)
			noise[j] = (uint64_t)rand() << 33 ^ (uint64_t)rand();
		record_own((struct record_header *)noise, RECORD_TICK, sizeof(noise), 1, 1);
		err = recording_write(writer, (struct record_header *)noise);
		if (!err && i % 4 == 0)
			err = recording_flush(writer);
	}
	assert_int_equal(err, -EFBIG);
	assert_int_equal(recording_write(writer, (struct record_header *)noise), 0);
	assert_int_equal(recording_flush(writer), 0);
	recording_writer_free(writer);
	assert_in_range(size_of_file(fd), limit / 2, limit);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(recording_reader_new(fd, &reader), 0);
	while ((err = recording_next(reader, &record)) > 0)
		last = record->type;
	assert_int_equal(err, 0);
	assert_int_equal(last, RECORD_CUT);
	recording_reader_free(reader);
	close(fd);
}

static void test_write_error(void **state)
{
	struct recording_writer *writer = NULL;
	int fd = new_file();

	assert_int_equal(recording_writer_new(-1, NO_LIMIT, &parameters, &writer), -EBADF);
	assert_int_equal(recording_writer_new(fd, NO_LIMIT, &parameters, &writer), 0);
	close(fd);
	write_records(writer, 0, 10);
	assert_int_equal(recording_flush(writer), -EBADF);
	write_records(writer, 0, 10000);
	assert_int_equal(recording_flush(writer), 0);
	recording_writer_free(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_foolish_records), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_write_error),
	};

	return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
