/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which doubts keep a finding from being a fact, and what they say to the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fd/doubt.h"

/* Shown otherwise than by a note: by why a site is missing, or by proofs. */
#define WITHOUT_NOTE (DOUBT_CUT | DOUBT_UNSEEN | DOUBT_MEANT)

static void test_each_doubt(void **state)
{
	for (uint32_t doubt = 1; doubt <= DOUBT_LAST; doubt <<= 1) {
		struct finding f = {.notes = NOTE_INHERITED};

		finding_doubt(&f, doubt);
		assert_int_equal(f.certainty,
				 doubt & DOUBTS_LATENT ? CERTAINTY_FACT : CERTAINTY_SUSPECTED);
		assert_true(f.notes & NOTE_INHERITED);
		if (doubt & (DOUBTS_LATENT | WITHOUT_NOTE))
			assert_int_equal(f.notes, NOTE_INHERITED);
		else
			assert_int_not_equal(f.notes, NOTE_INHERITED);
	}
}

static void test_no_doubt(void **state)
{
	struct finding f = {0};

	finding_doubt(&f, 0);
	finding_doubt(&f, DOUBTS_LATENT);
	assert_int_equal(f.certainty, CERTAINTY_FACT);
	assert_int_equal(f.notes, 0);
}

/* What was doubted once stays so. */
static void test_doubts_add_up(void **state)
{
	struct finding f = {0};

	finding_doubt(&f, DOUBT_ORDER | DOUBT_RANGE | DOUBT_CLOSED_EARLY);
	finding_doubt(&f, DOUBT_GAP);
	finding_doubt(&f, 0);
	assert_int_equal(f.certainty, CERTAINTY_SUSPECTED);
	assert_int_equal(f.notes, NOTE_ORDER_UNCERTAIN | NOTE_SWEPT | NOTE_GAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_doubt),
		cmocka_unit_test(test_no_doubt),
		cmocka_unit_test(test_doubts_add_up),
	};

	return cmocka_run_group_tests_name("doubt", tests, NULL, NULL);
}
