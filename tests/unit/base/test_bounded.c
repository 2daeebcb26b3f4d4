/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who goes from a full table; lists that grow; reading all that is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bounded.h"
#include "base/file.h"
#include "base/mem.h"

struct thing {
	struct bounded_item item;
	uint32_t key;
	int value;
};

static int freed;
static uint32_t last_forgotten;

static void thing_free(struct bounded_item *item)
{
	freed++;
	free(item);
}

static void note_forgotten(void *arg, const struct bounded_item *item)
{
	last_forgotten = ((const struct thing *)item)->key;
	++*(int *)arg;
}

static int forgotten;

static struct bounded make_table(size_t items, size_t bytes)
{
	freed = 0;
	forgotten = 0;
	last_forgotten = 0;
	return (struct bounded){
		.items_max = items,
		.bytes_max = bytes,
		.item_free = thing_free,
		.forget = note_forgotten,
		.arg = &forgotten,
	};
}

static struct thing *add(struct bounded *table, uint32_t key, int value, size_t bytes)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	assert_non_null(thing);
	thing->item.bytes = bytes;
	thing->key = key;
	thing->value = value;
	assert_int_equal(bounded_add(table, &thing->item, &thing->key, sizeof(thing->key)), 0);
	return thing;
}

static int value_of(const struct bounded *table, uint32_t key)
{
	const struct thing *thing = (const struct thing *)bounded_find(table, &key, sizeof(key));

	return thing ? thing->value : -1;
}

static void test_the_oldest_go(void **state)
{
	struct bounded table = make_table(3, 0);

	for (uint32_t key = 1; key <= 4; key++)
		add(&table, key, (int)key * 10, SIZE_MAX / 8);
	assert_int_equal(value_of(&table, 1), -1);
	assert_int_equal(value_of(&table, 2), 20);
	assert_int_equal(value_of(&table, 4), 40);
	assert_int_equal(last_forgotten, 1);
	assert_int_equal(table.forgotten, 1);
	bounded_drop_all(&table);
	assert_int_equal(freed, 4);
	assert_int_equal(forgotten, 1); /* of what is dropped otherwise nobody is told */
	assert_int_equal(table.bytes, 0);
}

static void test_the_same_key_again(void **state)
{
	struct bounded table = make_table(2, 0);

	add(&table, 1, 10, 1);
	add(&table, 2, 20, 1);
	add(&table, 1, 11, 1); /* now the youngest, and nothing has to go for it */
	assert_int_equal(forgotten, 0);
	assert_int_equal(freed, 1);
	assert_int_equal(value_of(&table, 1), 11);
	add(&table, 3, 30, 1);
	assert_int_equal(value_of(&table, 2), -1);
	assert_int_equal(value_of(&table, 1), 11);
	bounded_drop_all(&table);
}

static void test_bytes(void **state)
{
	struct bounded table = make_table(100, 10);
	struct thing *thing;

	add(&table, 1, 10, 4);
	thing = add(&table, 2, 20, 4);
	add(&table, 3, 30, 2);
	assert_int_equal(forgotten, 0);
	bounded_resize(&table, &thing->item, 5);
	assert_int_equal(value_of(&table, 1), -1);
	assert_int_equal(table.bytes, 7);
	/* What grows stays, and what is younger does, however much it takes. */
	bounded_resize(&table, &thing->item, 50);
	assert_int_equal(value_of(&table, 2), 20);
	assert_int_equal(value_of(&table, 3), 30);
	/* What is larger than the whole table is kept alone. */
	add(&table, 4, 40, 99);
	assert_int_equal(HASH_COUNT(table.oldest), 1);
	assert_int_equal(value_of(&table, 4), 40);
	bounded_drop_all(&table);
}

static void test_shrink(void **state)
{
	struct bounded table = make_table(8, 80);

	for (uint32_t key = 1; key <= 8; key++)
		add(&table, key, 0, 10);
	bounded_shrink(&table, 6, 80);
	assert_int_equal(table.forgotten, 2);
	bounded_shrink(&table, 6, 20);
	assert_int_equal(table.bytes, 20);
	assert_int_equal(value_of(&table, 7), 0);
	bounded_shrink(&table, 0, 0);
	assert_null(table.oldest);
}

static void test_a_list_grows(void **state)
{
	uint32_t *list = NULL;
	size_t room = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(mem_grow(&list, &room, i + 1, sizeof(*list)), 0);
		assert_true(room > i);
		list[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(list[i], i);
	assert_int_equal(mem_grow(&list, &room, SIZE_MAX, sizeof(*list)), -ENOMEM);
	assert_int_equal(mem_grow(&list, &room, SIZE_MAX / 4, sizeof(*list)), -ENOMEM);
	assert_int_equal(list[999], 999);
	free(list);
}

static void test_reading(void **state)
{
	_cleanup_close_ int fd = memfd_create("reading", MFD_CLOEXEC);
	char buf[8] = "";

	assert_int_equal(write(fd, "abcdef", 6), 6);
	assert_int_equal(file_read_exactly(fd, buf, 3, 2), 0);
	assert_memory_equal(buf, "cde", 3);
	assert_int_equal(file_read_exactly(fd, buf, 3, 4), -EINVAL);
	assert_int_equal(file_read_exactly(fd, buf, 3, UINT64_MAX), -EINVAL);
	assert_int_equal(file_read_exactly(-1, buf, 3, 0), -EBADF);
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_int_equal(file_read_up_to(fd, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "ef", 2);
	assert_int_equal(file_read_up_to(fd, buf, sizeof(buf)), 0);
	assert_int_equal(file_read_up_to(-1, buf, sizeof(buf)), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_oldest_go), cmocka_unit_test(test_the_same_key_again),
		cmocka_unit_test(test_bytes),	      cmocka_unit_test(test_shrink),
		cmocka_unit_test(test_a_list_grows),  cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
