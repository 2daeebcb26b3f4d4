/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "base/amount.h"
#include "base/mem.h"
#include "abi/record.h"
#include "ebpf/ebpf_options.h"
#include "session/session.h"

#if defined(__x86_64__)
#define BUILD_ARCH "x86_64"
#elif defined(__aarch64__)
#define BUILD_ARCH "aarch64"
#else
#error "fdtrace is not built for this architecture yet"
#endif

#define RING_MIN     4096
#define RING_MAX     (1u << 30)
#define RING_DEFAULT (8u << 20)

#define RECORD_BYTES_MIN     (64ull << 10)
#define RECORD_BYTES_MAX     (1ull << 40)
#define RECORD_BYTES_DEFAULT (1ull << 30)

#define MEMORY_MIN (8ull << 20)
#define MEMORY_MAX (1ull << 40)

#define HEAP_SCAN_MIN	  (1ull << 20)
#define HEAP_SCAN_MAX	  (1ull << 40)
#define HEAP_SCAN_DEFAULT (16ull << 30)

#define FRAMES_DEFAULT	16
#define HISTORY_DEFAULT 4
#define HISTORY_MAX	1024

/* Options without a letter. */
enum option_key {
	KEY_NO_FOLLOW = 0x100,
	KEY_NO_WAIT,
	KEY_SYSTEM_WIDE,
	KEY_JSON,
	KEY_EVENTS,
	KEY_COLOR,
	KEY_ERROR_EXITCODE,
	KEY_ALL,
	KEY_FRAMES,
	KEY_RING_SIZE,
	KEY_HISTORY,
	KEY_MEMORY,
	KEY_HEAP_SCAN_LIMIT,
	KEY_RECORD,
	KEY_RECORD_SIZE,
	KEY_OWNERSHIP,
	KEY_NO_HEAP_SCAN,
	KEY_CHECK_KERNEL,
	KEY_HOOKS,
	KEY_NATIVE,
	KEY_DEBUGINFOD,
	KEY_DROP,
};

static const struct argp_option table[] = {
	{NULL, 0, NULL, 0, "Target:", 1},
	{"pid", 'p', "PID", 0, "Trace this process: several with commas or by repeating -p", 1},
	{"system-wide", KEY_SYSTEM_WIDE, NULL, 0, "Trace every process, those that come later too",
	 1},
	{"no-follow", KEY_NO_FOLLOW, NULL, 0, "Leave the children of traced processes alone", 1},
	{"no-wait", KEY_NO_WAIT, NULL, 0,
	 "End with COMMAND, though processes that it started live on", 1},

	{"ownership", KEY_OWNERSHIP, "WHEN", 0,
	 "Ask Python's objects which descriptors are theirs: auto (default: where that can be done), "
	 "on or off",
	 1},
	{"no-heap-scan", KEY_NO_HEAP_SCAN, NULL, 0,
	 "Do not search a process for objects that it had made before", 1},

	{NULL, 0, NULL, 0, "Output:", 2},
	{"json", KEY_JSON, NULL, 0, "One JSON object a line (schema fdtrace/1)", 2},
	{"events", KEY_EVENTS, NULL, 0, "Every call seen as a line too; implies --json", 2},
	{"output", 'o', "FILE", 0,
	 "Write to FILE (default: standard output; standard error if COMMAND is run)", 2},
	{"color", KEY_COLOR, "WHEN", 0, "auto (default), always or never", 2},
	{"all", KEY_ALL, NULL, 0,
	 "Show every finding in full: of severity info, and what follows from others, too", 2},
	{"frames", KEY_FRAMES, "N", 0, "Frames shown of each stack (default: 16)", 2},
	{"native", KEY_NATIVE, "WHICH", OPTION_ARG_OPTIONAL,
	 "C frames too: of calls that fail with EBADF or that C code makes behind an object (bad, the "
	 "default), or of all",
	 2},
	{"debuginfod", KEY_DEBUGINFOD, "URLS", OPTION_ARG_OPTIONAL,
	 "With --native: ask these servers ($DEBUGINFOD_URLS) for names that are not here", 2},
	{"error-exitcode", KEY_ERROR_EXITCODE, "N", 0,
	 "Exit with N (1 to 125) if there is a finding", 2},
	{"quiet", 'q', NULL, 0, "Findings only: no first line, no status, no summary", 2},
	{"record", KEY_RECORD, "FILE", 0, "Record the session, for `fdtrace replay FILE`", 2},

	{NULL, 0, NULL, 0, "Limits:", 3},
	{"ring-size", KEY_RING_SIZE, "BYTES", 0,
	 "Ring buffer, a power of two from 4K to 1G (default: 8M); others are rounded up", 3},
	{"history", KEY_HISTORY, "N", 0,
	 "Past generations kept of each descriptor number (default: 4)", 3},
	{"memory", KEY_MEMORY, "BYTES", 0,
	 "What may be kept of descriptors, stacks and code, 8M to 1024G (default: 160M): the oldest "
	 "goes first",
	 3},
	{"heap-scan-limit", KEY_HEAP_SCAN_LIMIT, "BYTES", 0,
	 "Memory of a process that is searched for objects made before, 1M to 1024G (default: 16G)",
	 3},
	{"record-size", KEY_RECORD_SIZE, "BYTES", 0,
	 "Size that a recording may have, 64K to 1024G (default: 1G)", 3},

	{NULL, 0, NULL, 0, "Diagnostics:", 4},
	{"check-kernel", KEY_CHECK_KERNEL, NULL, 0,
	 "Show which hooks work on this kernel, and what they miss", 4},
	{"probe", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 4},
	{"hooks", KEY_HOOKS, "KIND", 0,
	 "Hooks to use: auto (default), fexit, tp_btf, tracepoint or kprobe", 4},
	{"attach", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 4},
	{"verbose", 'v', NULL, 0, "Say more, libbpf's log too", 4},
	{"drop", KEY_DROP, "N", OPTION_HIDDEN, "Lose every Nth record, to test what is said then",
	 4},
	{"help", 'h', NULL, 0, "Show this help", -1},
	{"version", 'V', NULL, 0, "Show the version, libbpf's too, and the architecture", -1},
	{0},
};

static const char usage[] =
	"-p PID...\n--system-wide\n[--] COMMAND [ARGUMENT...]\nreplay FILE\n--check-kernel";
static const char replay_usage[] = "FILE";

static const char doc[] =
	"Finds double closes of file descriptors in running Python programs, and shows where "
	"the descriptor was opened, closed, and closed again."
	"\v"
	"Examples:\n"
	"  fdtrace -p 4242                    watch a running process until Ctrl-C\n"
	"  fdtrace -p 4242,4243 --json -o f   two of them, as JSON lines in a file\n"
	"  fdtrace -- python3 app.py          run a program, and watch it and what it starts to the end\n"
	"  fdtrace --error-exitcode 9 -- make test\n"
	"                                     fail a test run that closes twice\n"
	"  fdtrace --record f -- python3 app.py; fdtrace replay f\n"
	"                                     report the same again, anywhere, not as root\n"
	"\n"
	"Exit status:\n"
	"  0     all went well; with COMMAND: COMMAND's own status\n"
	"  1     something failed while tracing\n"
	"  2     the command line was wrong\n"
	"  3     privileges are missing (root, a capability, lockdown)\n"
	"  4     this kernel lacks what fdtrace needs\n"
	"  5     no such process, or it was gone before tracing began\n"
	"  6     the output could not be written\n"
	"  126   COMMAND cannot be executed\n"
	"  127   COMMAND was not found\n"
	"  128+N COMMAND was ended by signal N\n"
	"  --error-exitcode's N comes before COMMAND's own status.\n";

static const char replay_doc[] =
	"Reports what a recorded session found, as it was reported then: see --record in "
	"`fdtrace --help`. Needs neither root nor a kernel that can be traced."
	"\v"
	"Examples:\n"
	"  fdtrace replay f                   as text\n"
	"  fdtrace replay f --json -o g       as JSON lines in a file\n"
	"\n"
	"Exit status:\n"
	"  0     all of it was reported\n"
	"  1     it is no recording, or not whole: what came before is reported\n"
	"  2     the command line was wrong\n"
	"  6     the output could not be written\n";

struct parser {
	struct options *options;
	bool replay;
	bool done; /* --help, --version: all is said */
};

static int __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fdtrace: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return EINVAL;
}

static int parse_bounded(const char *option, const char *text, unsigned int min, unsigned int max,
			 unsigned int *ret)
{
	unsigned long value = 0;

	if (!amount_number(text, text + strlen(text), max, &value) || value < min)
		return wrong("%s takes a number from %u to %u, not '%s'", option, min, max, text);
	*ret = value;
	return 0;
}

static int add_pid(struct options *options, pid_t pid)
{
	pid_t *pids = NULL;

	for (size_t i = 0; i < options->pid_count; i++) {
		if (options->pids[i] == pid)
			return 0;
	}
	pids = reallocarray(options->pids, options->pid_count + 1, sizeof(*pids));
	if (!pids)
		return wrong("out of memory");
	pids[options->pid_count++] = pid;
	options->pids = pids;
	return 0;
}

static int parse_pids(struct options *options, const char *text)
{
	const char *end = NULL;
	unsigned long pid = 0;
	int err = 0;

	do {
		end = strchrnul(text, ',');
		if (!amount_number(text, end, INT_MAX, &pid) || pid == 0)
			return wrong("'%.*s' is no process id", (int)(end - text), text);
		err = add_pid(options, pid);
		if (err)
			return err;
		text = end + 1;
	} while (*end);
	return 0;
}

/* range: min and max, for people. */
static int parse_bytes(const char *option, const char *text, uint64_t min, uint64_t max,
		       const char *range, uint64_t *ret)
{
	if (!amount_size(text, min, max, ret))
		return wrong("%s takes bytes from %s, not '%s'", option, range, text);
	return 0;
}

static int parse_ring_size(const char *text, size_t *ret)
{
	uint64_t bytes = 0;

	if (parse_bytes("--ring-size", text, RING_MIN, RING_MAX, "4K to 1G", &bytes))
		return EINVAL;
	for (*ret = RING_MIN; *ret < bytes;)
		*ret *= 2;
	return 0;
}

static int parse_color(const char *text, enum color_mode *ret)
{
	static const char *const modes[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(text, modes[i])) {
			*ret = i;
			return 0;
		}
	}
	return wrong("--color takes auto, always or never, not '%s'", text);
}

static int parse_ownership(const char *text, bool *ret)
{
	if (strcmp(text, "auto") && strcmp(text, "on") && strcmp(text, "off"))
		return wrong("--ownership takes auto, on or off, not '%s'", text);
	*ret = strcmp(text, "off");
	return 0;
}

static int parse_hooks(const char *text, const char **ret)
{
	if (ebpf_hooks_named(text, ret))
		return 0;
	return wrong("--hooks takes auto, fexit, tp_btf, tracepoint or kprobe, not '%s'", text);
}

static int parse_native(const char *text, enum native_calls *ret)
{
	if (!text || !strcmp(text, "bad"))
		*ret = NATIVES_BAD;
	else if (!strcmp(text, "all"))
		*ret = NATIVES_ALL;
	else
		return wrong("--native takes bad or all, not '%s'", text);
	return 0;
}

/* URLs have blanks between them. */
static int parse_debuginfod(const char *text, const char **ret)
{
	const char *urls = text ? text : getenv("DEBUGINFOD_URLS");

	if (!urls || !urls[strspn(urls, " ")])
		return wrong("--debuginfod needs servers: --debuginfod=URL, or $DEBUGINFOD_URLS, "
			     "which sudo takes away (sudo --preserve-env=DEBUGINFOD_URLS)");
	*ret = urls;
	return 0;
}

static int parse_file(const char *option, const char *text, const char **ret)
{
	if (!*text)
		return wrong("%s needs a file name", option);
	*ret = text;
	return 0;
}

/* Everything from here on is COMMAND's, whatever it looks like. */
static int take_command(struct argp_state *state, struct options *options)
{
	options->command = state->argv + state->next - 1;
	state->next = state->argc;
	if (options->pid_count)
		return wrong("-p PID and COMMAND do not go together: give one of them");
	if (options->system_wide)
		return wrong("--system-wide and COMMAND do not go together: give one of them");
	if (!*options->command[0])
		return wrong("COMMAND is empty");
	return 0;
}

static int take_replay(const char *file, struct options *options)
{
	if (options->replay)
		return wrong("replay takes one FILE, not '%s' too", file);
	return parse_file("replay", file, &options->replay);
}

static void say_version(void)
{
	printf("fdtrace " FDTRACE_VERSION "\nlibbpf %s\nbuilt for " BUILD_ARCH "\n",
	       libbpf_version_string());
}

static int parse_error_exitcode(const char *text, int *ret)
{
	unsigned int code = 0;
	int err = parse_bounded("--error-exitcode", text, 1, EXIT_CANNOT_RUN - 1, &code);

	*ret = (int)code;
	return err;
}

static int parse_value(int key, char *arg, struct options *options)
{
	switch (key) {
	case 'p':
		return parse_pids(options, arg);
	case 'o':
		return parse_file("-o", arg, &options->output);
	case KEY_RECORD:
		return parse_file("--record", arg, &options->record);
	case KEY_RECORD_SIZE:
		return parse_bytes("--record-size", arg, RECORD_BYTES_MIN, RECORD_BYTES_MAX,
				   "64K to 1024G", &options->record_bytes);
	case KEY_COLOR:
		return parse_color(arg, &options->color);
	case KEY_OWNERSHIP:
		return parse_ownership(arg, &options->owners);
	case KEY_HOOKS:
		return parse_hooks(arg, &options->hooks);
	case KEY_FRAMES:
		return parse_bounded("--frames", arg, 1, RECORD_FRAMES_MAX, &options->frames);
	case KEY_NATIVE:
		return parse_native(arg, &options->native);
	case KEY_DEBUGINFOD:
		return parse_debuginfod(arg, &options->debuginfod);
	case KEY_HISTORY:
		return parse_bounded("--history", arg, 1, HISTORY_MAX, &options->history);
	case KEY_MEMORY:
		return parse_bytes("--memory", arg, MEMORY_MIN, MEMORY_MAX, "8M to 1024G",
				   &options->memory);
	case KEY_HEAP_SCAN_LIMIT:
		return parse_bytes("--heap-scan-limit", arg, HEAP_SCAN_MIN, HEAP_SCAN_MAX,
				   "1M to 1024G", &options->heap_scan_bytes);
	case KEY_DROP:
		return parse_bounded("--drop", arg, 2, 1u << 30, &options->drop);
	case KEY_RING_SIZE:
		return parse_ring_size(arg, &options->ring_bytes);
	case KEY_ERROR_EXITCODE:
		return parse_error_exitcode(arg, &options->error_exitcode);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int parse_switch(int key, struct options *options)
{
	switch (key) {
	case KEY_NO_FOLLOW:
		options->follow = false;
		return 0;
	case KEY_NO_WAIT:
		options->wait = false;
		return 0;
	case KEY_NO_HEAP_SCAN:
		options->heap_scan = false;
		return 0;
	case KEY_SYSTEM_WIDE:
		options->system_wide = true;
		return 0;
	case KEY_EVENTS:
		options->events = true;
		options->json = true;
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_ALL:
		options->all = true;
		return 0;
	case KEY_CHECK_KERNEL:
		options->check_kernel = true;
		return 0;
	case KEY_NATIVE:
		return parse_native(NULL, &options->native);
	case KEY_DEBUGINFOD:
		return parse_debuginfod(NULL, &options->debuginfod);
	case 'q':
		options->quiet = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check_target(const struct parser *parser)
{
	const struct options *options = parser->options;

	if (parser->replay)
		return options->replay ? 0 : wrong("replay needs the FILE of a recording");
	if (!options->wait && !options->command)
		return wrong("--no-wait is about what COMMAND leaves behind: give a COMMAND");
	if (options->debuginfod && options->native == NATIVES_NONE)
		return wrong("--debuginfod finds names for C frames: give --native too");
	if (options->pid_count && options->system_wide)
		return wrong("--system-wide is every process: leave -p PID away");
	if (options->command || options->pid_count || options->system_wide)
		return options->check_kernel
			       ? wrong("--check-kernel takes no process: it traces none")
			       : 0;
	return options->check_kernel ? 0 : wrong("no process given: use -p PID or -- COMMAND");
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL; /* its hint is said by us, for all errors alike */
		return 0;
	case ARGP_KEY_ARG:
		return parser->replay ? take_replay(arg, parser->options)
				      : take_command(state, parser->options);
	case ARGP_KEY_END:
		return parser->done ? 0 : check_target(parser);
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case 'V':
		say_version();
		break;
	default:
		return arg ? parse_value(key, arg, parser->options)
			   : parse_switch(key, parser->options);
	}
	parser->done = true;
	state->next = state->argc;
	return 0;
}

static bool is_for_replay(const struct argp_option *option)
{
	static const int keys[] = {
		KEY_JSON,   KEY_EVENTS,		'o', KEY_COLOR, KEY_ALL,
		KEY_FRAMES, KEY_ERROR_EXITCODE, 'q', 'h',	'V',
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (option->key == keys[i])
			return true;
	return false;
}

/* Those of the table's options that replay takes, under their section's title. */
static void make_replay_table(struct argp_option ret[ARRAY_SIZE(table)])
{
	size_t count = 0;

	ret[count++] = (struct argp_option){.doc = "Output:", .group = 2};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (is_for_replay(&table[i]))
			ret[count++] = table[i];
	ret[count] = (struct argp_option){0};
}

static int parse(int argc, char **argv, struct parser *parser)
{
	static char name[] = "fdtrace", replay_name[] = "fdtrace replay";
	struct argp_option replay_table[ARRAY_SIZE(table)];
	struct argp argp = {table, parse_one, usage, doc, NULL, NULL, NULL};
	unsigned int flags = ARGP_NO_HELP | ARGP_NO_EXIT;

	if (parser->replay) {
		make_replay_table(replay_table);
		argp = (struct argp){replay_table, parse_one, replay_usage, replay_doc,
				     NULL,	   NULL,      NULL};
	} else {
		flags |= ARGP_IN_ORDER; /* up to COMMAND */
	}
	if (argc > 0)
		argv[0] =
			parser->replay ? replay_name : name; /* what getopt's messages begin with */
	return argp_parse(&argp, argc, argv, flags, NULL, parser);
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct parser parser = {.options = ret};

	parser.replay = argc > 1 && !strcmp(argv[1], "replay");
	*ret = (struct options){
		.follow = true,
		.wait = true,
		.owners = true,
		.heap_scan = true,
		.heap_scan_bytes = HEAP_SCAN_DEFAULT,
		.frames = FRAMES_DEFAULT,
		.history = HISTORY_DEFAULT,
		.memory = SESSION_MEMORY,
		.ring_bytes = RING_DEFAULT,
		.record_bytes = RECORD_BYTES_DEFAULT,
	};
	if (parse(argc - parser.replay, argv + parser.replay, &parser)) {
		fprintf(stderr, "try fdtrace %s--help\n", parser.replay ? "replay " : "");
		options_free(ret);
		return -EINVAL;
	}
	return parser.done ? 1 : 0;
}

void options_free(struct options *options)
{
	free(TAKE_PTR(options->pids));
	options->pid_count = 0;
}
