/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Line tables of every encoding: whatever they hold, an answer is a line, none, or unknown. */
#include "fuzz.h"

#include "python/linetable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned int version = 0x0306 + take(&in, 1) % 12;
	int firstlineno = (int32_t)take(&in, 4), lasti = (int32_t)take(&in, 4);
	size_t table_size = in.left;
	uint8_t *table = (uint8_t *)take_text(&in);

	table = realloc(table, table_size ? table_size : 1); /* without the NUL */
	must(table != NULL);
	must(linetable_line(version, table, table_size, firstlineno, lasti) >= LINE_UNKNOWN);
	for (int at = -2; at < 64; at++)
		must(linetable_line(version, table, table_size, firstlineno, at) >= LINE_UNKNOWN);
	free(table);
	return 0;
}
