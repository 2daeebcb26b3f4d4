/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which kernels preempt themselves, by what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ebpf/preemption.h"

#define DYNAMIC "#1 SMP PREEMPT_DYNAMIC Debian 6.12.94-1 (2026-05-20)\n"

static void test_built_so(void **state)
{
	(void)state;
	assert_true(preemption_is_usual("#1 SMP PREEMPT Debian 7.3.4", NULL, NULL));
	assert_true(preemption_is_usual("#1 SMP PREEMPT_RT Debian 6.1.1", NULL, NULL));
	assert_true(preemption_is_usual("#1 SMP PREEMPT_LAZY", NULL, NULL));
	assert_false(preemption_is_usual("#1 SMP Debian 5.10.1", "(full)\n", "preempt=full"));
	assert_false(preemption_is_usual("#1 SMP NO_PREEMPT PREEMPTIBLE", NULL, NULL));
	assert_false(preemption_is_usual("", NULL, NULL));
}

static void test_chosen_at_boot(void **state)
{
	(void)state;
	assert_true(preemption_is_usual(DYNAMIC, "full (lazy) \n", "preempt=none"));
	assert_true(preemption_is_usual(DYNAMIC, "none voluntary (full)\n", NULL));
	assert_false(preemption_is_usual(DYNAMIC, "none (voluntary) full lazy\n", "preempt=full"));
	assert_true(preemption_is_usual(DYNAMIC, NULL, "quiet preempt=full\n"));
	assert_true(preemption_is_usual(DYNAMIC, NULL, "preempt=lazy quiet"));
	assert_false(preemption_is_usual(DYNAMIC, NULL, "preempt=voluntary xpreempt=full"));
	assert_false(preemption_is_usual(DYNAMIC, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built_so),
		cmocka_unit_test(test_chosen_at_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
