/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The command line: what is accepted, what is refused and how, and the shape of --help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/options.h"

#define ARGS_MAX 24

struct said {
	int result;
	char *args[ARGS_MAX]; /* options.command points into it */
	struct options options;
	char text[8192]; /* standard output and standard error */
};

/* Parses "fdtrace" and the words, and keeps what was printed. */
static void parse(struct said *said, char *const words[])
{
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), argc = 0;
	ssize_t got = 0;

	assert_non_null(file);
	memset(said, 0, sizeof(*said));
	said->args[argc++] = "/usr/bin/fdtrace";
	for (; *words; words++)
		said->args[argc++] = *words;
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	said->result = options_parse(argc, said->args, &said->options);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	got = pread(fileno(file), said->text, sizeof(said->text) - 1, 0);
	assert_true(got >= 0);
	fclose(file);
}

#define PARSE(said, ...) parse(said, (char *[]){__VA_ARGS__, NULL})

static void assert_refused(char *const words[], const char *message)
{
	struct said said;
	char expected[256];

	parse(&said, words);
	snprintf(expected, sizeof(expected), "fdtrace: %s\ntry fdtrace --help\n", message);
	assert_string_equal(said.text, expected);
	assert_true(said.result < 0);
	assert_null(said.options.pids);
}

#define REFUSED(message, ...) assert_refused((char *[]){__VA_ARGS__, NULL}, message)

static void test_defaults(void **state)
{
	struct said said;

	PARSE(&said, "-p", "4242");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.text, "");
	assert_int_equal(said.options.pid_count, 1);
	assert_int_equal(said.options.pids[0], 4242);
	assert_null(said.options.command);
	assert_true(said.options.follow);
	assert_false(said.options.json);
	assert_false(said.options.events);
	assert_null(said.options.output);
	assert_int_equal(said.options.color, COLOR_AUTO);
	assert_int_equal(said.options.error_exitcode, 0);
	assert_int_equal(said.options.frames, 16);
	assert_int_equal(said.options.history, 4);
	assert_int_equal(said.options.ring_bytes, 8 << 20);
	options_free(&said.options);
	options_free(&said.options); /* twice is fine */
}

static void test_every_option(void **state)
{
	struct said said;

	PARSE(&said, "--no-follow", "--no-wait", "--no-heap-scan", "--memory=64M",
	      "--heap-scan-limit=2G", "--events", "-o", "out.json", "--color=never", "--all",
	      "--frames=3", "--error-exitcode", "125", "-qv", "--history=9", "--ring-size=64K",
	      "true");
	assert_int_equal(said.result, 0);
	assert_false(said.options.follow);
	assert_false(said.options.heap_scan);
	assert_false(said.options.wait);
	assert_int_equal(said.options.memory, 64 << 20);
	assert_true(said.options.heap_scan_bytes == 2ull << 30);
	assert_true(said.options.events);
	assert_true(said.options.json);
	assert_string_equal(said.options.output, "out.json");
	assert_int_equal(said.options.color, COLOR_NEVER);
	assert_true(said.options.all);
	assert_true(said.options.quiet);
	assert_true(said.options.verbose);
	assert_int_equal(said.options.frames, 3);
	assert_int_equal(said.options.error_exitcode, 125);
	assert_int_equal(said.options.history, 9);
	assert_int_equal(said.options.ring_bytes, 64 << 10);
}

static void test_native(void **state)
{
	struct said said;

	PARSE(&said, "true");
	assert_int_equal(said.options.native, NATIVES_NONE);
	PARSE(&said, "--native", "true");
	assert_int_equal(said.options.native, NATIVES_BAD);
	assert_string_equal(said.options.command[0], "true");
	PARSE(&said, "--native=bad", "true");
	assert_int_equal(said.options.native, NATIVES_BAD);
	PARSE(&said, "--native=all", "-p", "7");
	assert_int_equal(said.options.native, NATIVES_ALL);
	options_free(&said.options);
	REFUSED("--native takes bad or all, not 'most'", "--native=most", "true");
}

#define NO_SERVERS                                                                             \
	"--debuginfod needs servers: --debuginfod=URL, or $DEBUGINFOD_URLS, which sudo takes " \
	"away (sudo --preserve-env=DEBUGINFOD_URLS)"

static void test_debuginfod(void **state)
{
	struct said said;

	unsetenv("DEBUGINFOD_URLS");
	PARSE(&said, "--native", "true");
	assert_null(said.options.debuginfod);
	PARSE(&said, "--native", "--debuginfod=http://a http://b", "true");
	assert_string_equal(said.options.debuginfod, "http://a http://b");
	REFUSED(NO_SERVERS, "--native", "--debuginfod", "true");
	REFUSED(NO_SERVERS, "--native", "--debuginfod= ", "true");
	REFUSED("--debuginfod finds names for C frames: give --native too", "--debuginfod=http://a",
		"true");
	setenv("DEBUGINFOD_URLS", "http://c", 1);
	PARSE(&said, "--native", "true");
	assert_null(said.options.debuginfod);
	PARSE(&said, "--native", "--debuginfod", "true");
	assert_string_equal(said.options.debuginfod, "http://c");
	PARSE(&said, "--native", "--debuginfod=http://a", "true");
	assert_string_equal(said.options.debuginfod, "http://a");
	unsetenv("DEBUGINFOD_URLS");
}

static void test_pids(void **state)
{
	struct said said;

	PARSE(&said, "-p", "7,5", "--pid=9,7", "-p2147483647");
	assert_int_equal(said.result, 0);
	assert_int_equal(said.options.pid_count, 4);
	assert_int_equal(said.options.pids[0], 7);
	assert_int_equal(said.options.pids[1], 5);
	assert_int_equal(said.options.pids[2], 9);
	assert_int_equal(said.options.pids[3], 2147483647);
	options_free(&said.options);
	assert_int_equal(said.options.pid_count, 0);
}

static void test_bad_pids(void **state)
{
	REFUSED("'0' is no process id", "-p", "0");
	REFUSED("'-1' is no process id", "-p", "-1");
	REFUSED("'+1' is no process id", "-p", "+1");
	REFUSED("' 1' is no process id", "-p", " 1");
	REFUSED("'12x' is no process id", "-p", "12x");
	REFUSED("'0x10' is no process id", "-p", "0x10");
	REFUSED("'' is no process id", "-p", "");
	REFUSED("'' is no process id", "-p", "1,");
	REFUSED("'' is no process id", "-p", "1,,2");
	REFUSED("'2147483648' is no process id", "-p", "1,2147483648");
	REFUSED("'99999999999999999999999' is no process id", "-p", "99999999999999999999999");
}

static void test_command(void **state)
{
	struct said said;

	PARSE(&said, "-q", "--", "ls", "-l", "--json", "--", "-p", "1");
	assert_int_equal(said.result, 0);
	assert_false(said.options.json);
	assert_ptr_equal(said.options.command, said.args + 3);
	assert_string_equal(said.options.command[0], "ls");
	assert_string_equal(said.options.command[1], "-l");
	assert_string_equal(said.options.command[3], "--");
	assert_null(said.options.command[6]);

	/* The first word that is no option begins it too. */
	PARSE(&said, "python3", "-v", "-p", "--help");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.options.command[0], "python3");
	assert_false(said.options.verbose);
	assert_int_equal(said.options.pid_count, 0);

	/* After --, a COMMAND may look like an option. */
	PARSE(&said, "--", "--version");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.options.command[0], "--version");
}

static void test_target(void **state)
{
	const char *none = "no process given: use -p PID or -- COMMAND";
	const char *both = "-p PID and COMMAND do not go together: give one of them";

	assert_refused((char *[]){NULL}, none);
	REFUSED(none, "--");
	REFUSED(none, "--json");
	REFUSED(both, "-p", "1", "ls");
	REFUSED(both, "-p", "1", "--", "ls");
	REFUSED("COMMAND is empty", "--", "");
	REFUSED("--memory takes bytes from 8M to 1024G, not '7M'", "--memory=7M", "true");
	REFUSED("--memory takes bytes from 8M to 1024G, not '8X'", "--memory=8X", "true");
	REFUSED("--heap-scan-limit takes bytes from 1M to 1024G, not '0'", "--heap-scan-limit=0",
		"true");
	REFUSED("--no-wait is about what COMMAND leaves behind: give a COMMAND", "--no-wait", "-p",
		"1");
}

static void test_system_wide(void **state)
{
	struct said said;

	PARSE(&said, "--system-wide", "--json");
	assert_int_equal(said.result, 0);
	assert_true(said.options.system_wide);
	assert_null(said.options.command);
	REFUSED("--system-wide is every process: leave -p PID away", "--system-wide", "-p", "1");
	REFUSED("--system-wide and COMMAND do not go together: give one of them", "--system-wide",
		"ls");
	REFUSED("--check-kernel takes no process: it traces none", "--system-wide",
		"--check-kernel");
}

static void test_former_names(void **state)
{
	struct said said;

	PARSE(&said, "--attach=kprobe", "--probe");
	assert_string_equal(said.options.hooks, "kprobe");
	assert_true(said.options.check_kernel);
	options_free(&said.options);
}

static void test_unknown_options(void **state)
{
	REFUSED("unrecognized option '--foo'", "--foo", "-p", "1");
	REFUSED("invalid option -- 'x'", "-x");
	REFUSED("option requires an argument -- 'p'", "-p");
	REFUSED("option '--json' doesn't allow an argument", "--json=1", "ls");
}

static void test_ring_size(void **state)
{
	static const struct {
		char *text;
		size_t bytes;
	} good[] = {
		{"4096", 4096},	 {"4k", 4096},	  {"5000", 8192},	 {"3M", 4 << 20},
		{"8m", 8 << 20}, {"1G", 1 << 30}, {"1048576K", 1 << 30}, {"1073741824", 1 << 30},
	};
	static char *const bad[] = {
		"0",	  "4095",  "3K",  "1073741825", "1025M", "2G", "",
		"K",	  "8MB",   "-8M", "1.5M",	" 8M",	 "M8", "18446744073709551616",
		"99999G", "0x1000"};
	struct said said;
	char message[128];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		PARSE(&said, "--ring-size", good[i].text, "true");
		assert_int_equal(said.result, 0);
		assert_int_equal(said.options.ring_bytes, good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(message, sizeof(message),
			 "--ring-size takes bytes from 4K to 1G, not '%s'", bad[i]);
		REFUSED(message, "--ring-size", bad[i], "true");
	}
}

static void test_bounds(void **state)
{
	REFUSED("--frames takes a number from 1 to 512, not '0'", "--frames=0", "true");
	REFUSED("--frames takes a number from 1 to 512, not '513'", "--frames=513", "true");
	REFUSED("--frames takes a number from 1 to 512, not 'x'", "--frames=x", "true");
	REFUSED("--history takes a number from 1 to 1024, not '1025'", "--history=1025", "true");
	REFUSED("--error-exitcode takes a number from 1 to 125, not '0'", "--error-exitcode=0",
		"true");
	REFUSED("--error-exitcode takes a number from 1 to 125, not '126'", "--error-exitcode=126",
		"true");
	REFUSED("--color takes auto, always or never, not 'red'", "--color=red", "true");
	REFUSED("-o needs a file name", "-o", "", "true");
}

/* A wrong option after others that own memory leaves none behind (a leak checker's case). */
static void test_error_after_pids(void **state)
{
	REFUSED("--color takes auto, always or never, not '1'", "-p", "1,2,3", "--color=1");
}

static void test_help(void **state)
{
	struct said said;
	size_t width = 0;

	PARSE(&said, "--help");
	assert_int_equal(said.result, 1);
	for (const char *c = said.text; *c; c++) {
		width = *c == '\n' ? 0 : width + 1;
		assert_true(width < 80);
	}
	assert_int_equal(strncmp(said.text, "Usage: fdtrace [OPTION...] -p PID...\n", 37), 0);
	assert_non_null(strstr(said.text, "\n Target:\n"));
	assert_non_null(strstr(said.text, "\n Output:\n"));
	assert_non_null(strstr(said.text, "\n Limits:\n"));
	assert_non_null(strstr(said.text, "\n Diagnostics:\n"));
	assert_non_null(strstr(said.text, "\nExamples:\n"));
	assert_non_null(strstr(said.text, "\nExit status:\n"));

	/* It ends the parsing: what follows is not looked at. */
	PARSE(&said, "-h", "-p", "x");
	assert_int_equal(said.result, 1);
}

static void test_version(void **state)
{
	struct said said;

	PARSE(&said, "-V");
	assert_int_equal(said.result, 1);
	assert_int_equal(strncmp(said.text, "fdtrace " FDTRACE_VERSION "\nlibbpf v", 17), 0);
	assert_non_null(strstr(said.text, "\nbuilt for "));
}

static void test_replay(void **state)
{
	struct said said;

	PARSE(&said, "replay", "file");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.options.replay, "file");
	assert_false(said.options.json);
	/* Options may come before and behind. */
	PARSE(&said, "replay", "--events", "file", "-o", "out", "--frames=3", "-q", "--all");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.options.replay, "file");
	assert_true(said.options.json && said.options.events && said.options.quiet);
	assert_string_equal(said.options.output, "out");
	assert_int_equal(said.options.frames, 3);
	PARSE(&said, "replay", "--help");
	assert_int_equal(said.result, 1);
	assert_non_null(strstr(said.text, "fdtrace replay [OPTION...] FILE"));
	assert_null(strstr(said.text, "--pid"));

	PARSE(&said, "replay");
	assert_string_equal(said.text, "fdtrace: replay needs the FILE of a recording\n"
				       "try fdtrace replay --help\n");
	PARSE(&said, "replay", "file", "other");
	assert_true(said.result < 0);
	PARSE(&said, "replay", "");
	assert_true(said.result < 0);
	PARSE(&said, "replay", "file", "--pid=1");
	assert_true(said.result < 0);
	PARSE(&said, "replay", "--record=x", "file");
	assert_true(said.result < 0);

	/* A command of that name. */
	PARSE(&said, "--", "replay", "file");
	assert_int_equal(said.result, 0);
	assert_null(said.options.replay);
	assert_string_equal(said.options.command[0], "replay");
}

static void test_record(void **state)
{
	struct said said;

	PARSE(&said, "-p", "1");
	assert_null(said.options.record);
	assert_true(said.options.record_bytes == 1ull << 30);
	options_free(&said.options);
	PARSE(&said, "--record", "f", "--record-size=2000G", "true");
	assert_true(said.result < 0);
	PARSE(&said, "--record", "f", "--record-size=1024G", "true");
	assert_int_equal(said.result, 0);
	assert_string_equal(said.options.record, "f");
	assert_true(said.options.record_bytes == 1ull << 40);
	REFUSED("--record needs a file name", "--record=", "true");
	REFUSED("--record-size takes bytes from 64K to 1024G, not '63K'", "--record-size", "63K",
		"true");
	REFUSED("--record-size takes bytes from 64K to 1024G, not '99999999999999999999'",
		"--record-size", "99999999999999999999", "true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),	     cmocka_unit_test(test_record),
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_native),	     cmocka_unit_test(test_debuginfod),
		cmocka_unit_test(test_pids),	     cmocka_unit_test(test_bad_pids),
		cmocka_unit_test(test_command),	     cmocka_unit_test(test_target),
		cmocka_unit_test(test_system_wide),  cmocka_unit_test(test_ring_size),
		cmocka_unit_test(test_former_names), cmocka_unit_test(test_unknown_options),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_error_after_pids),
		cmocka_unit_test(test_help),	     cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
