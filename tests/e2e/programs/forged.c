/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A program that passes itself off as CPython 3.11: its symbols, its thread state, its frames;
 * and fills them with what no CPython would hold. forged MODE [COUNT [FILE]]: opens a file and
 * closes it twice, COUNT times, under the forged stack. Prints the nanoseconds of CPU time that
 * this took.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* What user/python/runtime.c looks for; offsets as in user/python/layout.c for 3.11. */
struct runtime {
	char bytes[0x1000];
};
extern struct runtime _PyRuntime;
struct runtime _PyRuntime __attribute__((section(".PyRuntime"), used)) = {{1}};
const unsigned long Py_Version __attribute__((used)) = 0x030b02f0;
uint64_t PyCode_Type[51] __attribute__((used)) = {[4] = 184};

#define FRAMES 64

/* gilstate.autoTSSkey, behind two of glibc's mutexes. */
#ifdef __aarch64__
#define TSS_KEY 608
#else
#define TSS_KEY 592
#endif

struct string {
	uint64_t object[2], length, hash;
	uint32_t state;
	char rest[4096];
};

static uint8_t state[512], code[FRAMES][512], frames[FRAMES][128];
static uint8_t *cframe; /* on the stack, as that of an evaluation loop */
static struct string file_name, function, table;

static void put(void *object, size_t at, const void *value)
{
	memcpy((char *)object + at, &value, sizeof(value));
}

static void put_int(void *object, size_t at, int value)
{
	memcpy((char *)object + at, &value, sizeof(value));
}

/* A compact str of this many characters of this width (PyASCIIObject.state). */
static void set_text(struct string *s, const void *data, size_t bytes, uint64_t length, int kind)
{
	s->length = length;
	s->state = kind << 2 | 1 << 5;
	memcpy((char *)s + 72, data, bytes);
}

static void set_latin1(struct string *s, const char *text)
{
	set_text(s, text, strlen(text), strlen(text), 1);
}

static void honest_frames(int depth)
{
	for (int i = 0; i < depth; i++) {
		put(code[i], 8, PyCode_Type);
		put_int(code[i], 72, 10 + i);
		put(code[i], 112, &file_name);
		put(code[i], 128, &function);
		put(code[i], 136, &table);
		put(frames[i], 32, code[i]);
		put(frames[i], 48, i + 1 < depth ? frames[i + 1] : NULL);
		put(frames[i], 56, code[i] + 184);
	}
	put(cframe, 8, frames[0]);
	set_latin1(&file_name, "forged.py");
	set_latin1(&function, "f");
	table.length = 2;
	memcpy((char *)&table + 32, "\x80\x00", 2); /* one unit, no change of line */
}

static pthread_key_t key;

static void forge_thread(void)
{
	pthread_key_create(&key, NULL);
	pthread_setspecific(key, state);
	put_int(&_PyRuntime, TSS_KEY, 1);
	put_int(&_PyRuntime, TSS_KEY + 4, (int)key);
	put(&_PyRuntime, 40, &_PyRuntime); /* an interpreter */
	put(&_PyRuntime, 16, state);
	put(state, 0, state);
	put(state, 8, state); /* a thread whose next is itself */
	put(state, 16, &_PyRuntime);
	put(state, 56, cframe);
	put(state, 152, (void *)pthread_self());
}

/* The last 64 bytes of mapped memory. */
static char *edge(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(pages + 4096, 4096);
	return pages + 4096 - 64;
}

/* The frame's own object, of a type of this name, and its line there. */
static void give_object(void *frame, const char *type_name, int line)
{
	uint64_t *object = calloc(8, sizeof(*object)), *type = calloc(4, sizeof(*type));

	put(type, 24, type_name);
	put(object, 8, type);
	put_int(object, 40, line);
	put(frame, 40, object);
	((uint8_t *)frame)[69] = 1; /* it belongs to a generator, as it says */
}

static const char evil[] = "\x1b]0;owned\x07\x1b[2J\x9b"
			   "31m\r\nerror[double_close]: not ours\n\x7f\b";
static const uint16_t odd[] = {0x202e, 0xd800, 0xdc1b, 0xdcff, 0x2028, 0,   0xfeff,
			       0x1b,   '[',    '2',    'J',    0xffff, 0x85};
static const uint32_t beyond[] = {0x110000, 0xffffffff, 0x1b, 0xd800, 0x80000000, 'x'};

static void forge(const char *mode)
{
	if (!strcmp(mode, "cycle")) {
		put(frames[0], 48, frames[0]);
	} else if (!strcmp(mode, "ring")) {
		put(frames[FRAMES - 1], 48, frames[0]);
	} else if (!strcmp(mode, "giant")) {
		file_name.length = INT64_MAX;
		function.length = UINT64_MAX;
		table.length = UINT64_MAX;
	} else if (!strcmp(mode, "names")) {
		set_latin1(&file_name, evil);
		set_text(&function, odd, sizeof(odd), sizeof(odd) / 2, 2);
	} else if (!strcmp(mode, "wide")) {
		set_text(&file_name, beyond, sizeof(beyond), sizeof(beyond) / 4, 4);
		set_text(&function, evil, sizeof(evil), sizeof(evil), 7);
	} else if (!strcmp(mode, "wild")) {
		put(frames[1], 32, (void *)0xffff800000000000);
		put(frames[2], 32, (void *)1);
		put(code[3], 112, (void *)0xffffffffffffffff);
		put(code[3], 128, (void *)0x8000000000000000);
		put(code[3], 136, (void *)-4096);
		put(frames[4], 48, (void *)0xffffffff81000000);
	} else if (!strcmp(mode, "edge")) {
		put(frames[2], 48, edge());
	} else if (!strcmp(mode, "table")) {
		memset((char *)&table + 32, 0xff, 4096);
		table.length = 4000;
	} else if (!strcmp(mode, "lasti")) {
		put(frames[0], 56, (void *)0x7fffffffffffffff);
		put(frames[1], 56, NULL);
		put_int(code[2], 72, INT32_MIN);
		put_int(code[3], 168, INT32_MAX);
		memset(frames[4] + 68, 0xff, 4);
	} else if (!strcmp(mode, "type")) {
		put(code[2], 8, &_PyRuntime);
	} else if (!strcmp(mode, "key")) {
		put_int(&_PyRuntime, TSS_KEY + 4, 1023);
	} else if (!strcmp(mode, "compiled")) {
		give_object(frames[1], "compiled_frame", 77);
		give_object(frames[2], "frame", 78);
		give_object(frames[3], "compiled_frame", -1);
	} else if (!strcmp(mode, "unkeyed")) {
		put(state, 152, NULL);
		pthread_setspecific(key, NULL);
	} else if (!strcmp(mode, "elsewhere")) {
		put(state, 56, malloc(1 << 20));
	} else if (!strcmp(mode, "state")) {
		put(state, 56, (void *)0xffffffffffffff00);
	} else if (strcmp(mode, "honest")) {
		exit(2);
	}
}

/* Every close has another stack: each is sent with its code objects. */
static void change_names(int turn)
{
	uint64_t size;

	if (turn % 16)
		return;
	memcpy(&size, &file_name.length, sizeof(size));
	put(frames[turn / 16 % FRAMES], 56, code[turn / 16 % FRAMES] + 184 + turn);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1;
	const char *path = argc > 3 ? argv[3] : "/dev/null";
	uint8_t on_stack[32] = {0};
	struct timespec time;

	cframe = on_stack;
	honest_frames(FRAMES);
	forge_thread();
	forge(argv[1]);
	if (!strcmp(argv[1], "names")) {
		/* A second stack, from a file that is there, to show its lines. */
		int fd = open(path, O_RDONLY);

		close(fd);
		close(fd);
		if (argc > 3)
			set_latin1(&file_name, path);
	}
	for (int i = 0; i < count; i++) {
		int fd = open(path, O_RDONLY);

		if (count > 1)
			change_names(i);
		close(fd);
		if (close(fd) != -1 || errno != EBADF)
			return 1;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	printf("%lld\n", time.tv_sec * 1000000000ll + time.tv_nsec);
	return 0;
}
