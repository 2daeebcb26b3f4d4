/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a front end gets from the tracer before there is a kernel side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tracer/tracer.h"

struct counted_sink {
	struct sink sink;
	int *frees;
};

static void count_free(struct sink *sink)
{
	(*((struct counted_sink *)sink)->frees)++;
	free(sink);
}

static struct sink *counted(int *frees)
{
	struct counted_sink *sink = calloc(1, sizeof(*sink));

	assert_non_null(sink);
	sink->sink.free = count_free;
	sink->frees = frees;
	return &sink->sink;
}

static void a_tracer_owns_its_sinks(void **state)
{
	const struct tracer_options options = {.history = 2};
	struct tracer_error error;
	struct session_stats stats;
	struct tracer *tracer = NULL;
	int frees = 0;

	assert_int_equal(tracer_new(&options, &tracer, &error), 0);
	assert_null(tracer_source(tracer));
	assert_int_equal(tracer_add_sink(tracer, counted(&frees)), 0);
	assert_int_equal(tracer_add_sink(tracer, counted(&frees)), 0);
	assert_null(tracer_notice(tracer, NOTICE_ALL, NULL));
	tracer_stats(tracer, &stats);
	assert_int_equal(stats.records, 0);
	assert_null(stats.hooks);
	assert_int_equal(frees, 0);
	tracer_free(tracer);
	assert_int_equal(frees, 2);
	tracer_free(NULL);
}

static void source_lines_go_through_the_recording(void **state)
{
	char folder[] = "/tmp/fdtrace-tracer-XXXXXX", path[64];
	struct tracer_options options = {.history = 2, .record_bytes = 1 << 20, .record = path};
	struct tracer_error error;
	struct tracer *tracer = NULL;
	struct stat st;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/recording", folder);
	assert_int_equal(tracer_new(&options, &tracer, &error), 0);
	assert_non_null(tracer_source(tracer));
	tracer_free(tracer);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 0);
	unlink(path);
	rmdir(folder);
}

/* An error is a sentence and a kind, however long the path. */
static void errors_are_data(void **state)
{
	struct tracer_options options = {.history = 2, .record_bytes = 1 << 20, .record = "/"};
	char deep[PATH_MAX + 100] = "/tmp/";
	struct tracer_error error = {0};
	struct tracer *tracer = NULL;

	assert_int_equal(tracer_new(&options, &tracer, &error), -EISDIR);
	assert_null(tracer);
	assert_int_equal(error.failure, TRACER_NO_RECORDING);
	assert_string_equal(error.text, "cannot record to /: Is a directory");
	memset(deep + 5, 'a', sizeof(deep) - 6);
	options.record = deep;
	assert_int_equal(tracer_new(&options, &tracer, &error), -ENAMETOOLONG);
	assert_memory_equal(error.text, "cannot record to /tmp/aaaa", 26);
	assert_null(tracer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracer_owns_its_sinks),
		cmocka_unit_test(source_lines_go_through_the_recording),
		cmocka_unit_test(errors_are_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
