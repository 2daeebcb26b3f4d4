/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/memory_outbox.h"

#define SIZE 10

static void put(struct memory_outbox *memory, char what)
{
	uint8_t bytes[SIZE];

	memset(bytes, what, sizeof(bytes));
	memory_outbox_put(memory, bytes, sizeof(bytes));
}

/* What is taken: "abc". */
static const char *take(struct memory_outbox *memory, size_t max, size_t max_bytes,
			struct outbox_row rows[16])
{
	static char text[17];
	struct outbox *outbox = memory_outbox_rows(memory);
	size_t count = outbox->take(outbox, rows, max, max_bytes);

	assert_true(count <= max);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].length, SIZE);
		assert_true(!i || rows[i].id > rows[i - 1].id);
		text[i] = (char)rows[i].data[SIZE - 1];
	}
	text[count] = '\0';
	return text;
}

static void settle(struct memory_outbox *memory, const struct outbox_row *rows, size_t count,
		   enum outbox_end end)
{
	struct outbox *outbox = memory_outbox_rows(memory);

	for (size_t i = 0; i < count; i++)
		outbox->settle(outbox, &rows[i].id, 1, end);
}

static void expect(const struct memory_outbox *memory, uint64_t waiting, uint64_t dropped,
		   uint64_t refused)
{
	struct memory_outbox_stats stats;

	memory_outbox_stats(memory, &stats);
	assert_int_equal(stats.waiting, waiting);
	assert_int_equal(stats.bytes, waiting * SIZE);
	assert_int_equal(stats.dropped, dropped);
	assert_int_equal(stats.refused, refused);
}

static void test_order(void **state)
{
	struct outbox_row rows[16];
	struct memory_outbox *memory;

	assert_int_equal(memory_outbox_new(1000, &memory), 0);
	assert_string_equal(take(memory, 16, 1000, rows), "");
	for (char c = 'a'; c <= 'f'; c++)
		put(memory, c);
	assert_string_equal(take(memory, 2, 1000, rows), "ab");
	assert_string_equal(take(memory, 16, 25, rows + 2), "cd"); /* bytes */
	assert_string_equal(take(memory, 16, 1, rows + 4), "e");   /* one at least */
	settle(memory, rows, 2, OUTBOX_DELIVERED);
	settle(memory, rows + 2, 1, OUTBOX_REFUSED);
	settle(memory, rows + 3, 2, OUTBOX_RETURNED);
	expect(memory, 3, 0, 1);
	assert_string_equal(take(memory, 16, 1000, rows), "def");
	settle(memory, rows, 3, OUTBOX_DELIVERED);
	settle(memory, rows, 3, OUTBOX_DELIVERED); /* of none */
	expect(memory, 0, 0, 1);
	put(memory, 'g');
	assert_string_equal(take(memory, 16, 1000, rows), "g");
	memory_outbox_free(memory);
}

/* The oldest goes, but what is taken is still there. */
static void test_full(void **state)
{
	struct outbox_row rows[16];
	struct memory_outbox *memory;
	uint8_t large[4 * SIZE + 1] = {0};

	assert_int_equal(memory_outbox_new(4 * SIZE, &memory), 0);
	for (char c = 'a'; c <= 'd'; c++)
		put(memory, c);
	assert_string_equal(take(memory, 1, 1000, rows), "a");
	put(memory, 'e');
	put(memory, 'f');
	expect(memory, 4, 2, 0);
	assert_int_equal(rows[0].data[0], 'a');
	memory_outbox_put(memory, large, sizeof(large));
	expect(memory, 4, 3, 0);
	assert_string_equal(take(memory, 16, 1000, rows + 1), "def");
	put(memory, 'g'); /* all is taken: there is no room for it */
	expect(memory, 4, 4, 0);
	settle(memory, rows, 4, OUTBOX_DELIVERED);
	put(memory, 'h');
	assert_string_equal(take(memory, 16, 1000, rows), "h");
	memory_outbox_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
