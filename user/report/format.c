/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/format.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "report/format_socket.h"
#include "report/text/wrap.h"

/* A class's name, in columns. */
#define OWNER_COLUMNS 60

#define NAME_COLUMNS 60

/* The kernel's own codes for an interrupted call, seen at its exit (include/linux/errno.h). */
static const char *const restart_names[] = {"ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND",
					    "ENOIOCTLCMD", "ERESTART_RESTARTBLOCK"};

const char *format_errno(int64_t ret, char buf[WORD_SIZE])
{
	uint64_t code = 0 - (uint64_t)ret;
	const char *name = code <= INT_MAX ? strerrorname_np((int)code) : NULL;

	if (name)
		return name;
	if (code >= 512 && code - 512 < ARRAY_SIZE(restart_names))
		return restart_names[code - 512];
	snprintf(buf, WORD_SIZE, "errno %" PRIu64, code);
	return buf;
}

const char *format_result(int64_t ret, char buf[WORD_SIZE])
{
	if (ret < 0)
		return format_errno(ret, buf);
	snprintf(buf, WORD_SIZE, "%" PRId64, ret);
	return buf;
}

const char *format_duration(uint64_t ns, char buf[WORD_SIZE])
{
	uint64_t s = ns / 1000000000;

	if (ns < 1000)
		snprintf(buf, WORD_SIZE, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(buf, WORD_SIZE, "%" PRIu64 ".%" PRIu64 " us", ns / 1000, ns / 100 % 10);
	else if (s < 1)
		snprintf(buf, WORD_SIZE, "%" PRIu64 ".%" PRIu64 " ms", ns / 1000000,
			 ns / 100000 % 10);
	else if (s < 60)
		snprintf(buf, WORD_SIZE, "%" PRIu64 ".%" PRIu64 " s", s, ns / 100000000 % 10);
	else if (s < 3600)
		snprintf(buf, WORD_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, WORD_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, WORD_SIZE, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *format_count(uint64_t n, char buf[WORD_SIZE])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *out = buf;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}

const char *format_time(int64_t unix_nano, bool people, char buf[WORD_SIZE])
{
	uint64_t ns = unix_nano > 0 ? unix_nano : 0;
	time_t seconds = ns / 1000000000;
	char date[16], clock[16];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%F", &tm);
	strftime(clock, sizeof(clock), "%T", &tm);
	snprintf(buf, WORD_SIZE, "%s%c%s.%06u%s", date, people ? ' ' : 'T', clock,
		 (unsigned int)(ns % 1000000000 / 1000), people ? " UTC" : "Z");
	return buf;
}

const char *format_domain(uint32_t domain)
{
	switch (domain) {
	case AF_UNIX:
		return "AF_UNIX";
	case AF_INET:
		return "AF_INET";
	case AF_INET6:
		return "AF_INET6";
	case AF_NETLINK:
		return "AF_NETLINK";
	case AF_PACKET:
		return "AF_PACKET";
	case AF_VSOCK:
		return "AF_VSOCK";
	case AF_ALG:
		return "AF_ALG";
	}
	return NULL;
}

const char *format_socket_type(uint32_t type)
{
	switch (type & ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
	case SOCK_STREAM:
		return "SOCK_STREAM";
	case SOCK_DGRAM:
		return "SOCK_DGRAM";
	case SOCK_RAW:
		return "SOCK_RAW";
	case SOCK_SEQPACKET:
		return "SOCK_SEQPACKET";
	}
	return NULL;
}

static const char *native_place(const struct stack *stack, char buf[PLACE_SIZE])
{
	const struct native_frame *frame =
		stack && stack->native ? native_user_frame(stack->native) : NULL;

	return frame ? format_native_frame(frame, buf) : buf;
}

const char *format_frame(const struct stack_frame *frame, char buf[PLACE_SIZE])
{
	char file[NAME_COLUMNS * 4 + 1], function[NAME_COLUMNS * 4 + 1];

	layout_name(text_basename(frame->file), NAME_COLUMNS, file, sizeof(file));
	layout_name(frame->function, NAME_COLUMNS, function, sizeof(function));
	if (frame->line > 0)
		snprintf(buf, PLACE_SIZE, "%s:%d in %s", file, frame->line, function);
	else
		snprintf(buf, PLACE_SIZE, "%s in %s", file, function);
	return buf;
}

const char *format_place(const struct stack *stack, char buf[PLACE_SIZE])
{
	const struct stack_frame *frame = stack_user_frame(stack);

	buf[0] = '\0';
	return frame ? format_frame(frame, buf) : native_place(stack, buf);
}

static const char *format_socket_end(const struct fd_what *what, char buf[WHAT_SIZE])
{
	const char *domain = format_domain(what->arg), *type = format_socket_type(what->flags);
	const char *known = what_socket(what) ? format_socket(what->socket, buf) : NULL;

	if (known)
		return known;
	if ((what->call != CALL_SOCKET && what->call != CALL_SOCKETPAIR) || !domain || !type)
		return "socket";
	if (what->call == CALL_SOCKETPAIR)
		snprintf(buf, WHAT_SIZE, "%s %s socket made as a pair with fd %d", domain, type,
			 what->other);
	else
		snprintf(buf, WHAT_SIZE, "%s %s socket", domain, type);
	return buf;
}

static const char *format_pipe(const struct fd_what *what, char buf[WHAT_SIZE])
{
	if (what->call != CALL_PIPE && what->call != CALL_PIPE2)
		return "pipe";
	snprintf(buf, WHAT_SIZE, "pipe made as a pair with fd %d", what->other);
	return buf;
}

const char *format_what(const struct fd_what *what, char buf[WHAT_SIZE])
{
	char path[NAME_COLUMNS * 4 + 1], name[WORD_SIZE];

	if (what_path(what) && what->type != FD_UNKNOWN) {
		layout_name(what->path, NAME_COLUMNS, path, sizeof(path));
		snprintf(buf, WHAT_SIZE, "%s \"%s\"", fd_type_name(what->type), path);
		return buf;
	}
	switch (what->type) {
	case FD_UNKNOWN:
		return "";
	case FD_SOCKET:
		return format_socket_end(what, buf);
	case FD_PIPE:
		return format_pipe(what, buf);
	case FD_PIDFD:
		if (what->call != CALL_PIDFD_OPEN)
			return "pidfd";
		snprintf(buf, WHAT_SIZE, "pidfd of process %u", what->arg);
		return buf;
	case FD_OTHER:
		if (!what->call)
			return "descriptor";
		snprintf(buf, WHAT_SIZE, "descriptor made by %s", call_name(what->call, 0, name));
		return buf;
	default:
		return fd_type_name(what->type);
	}
}

/* "tcp 127.0.0.1:80 -> …" names no thing; "netlink route socket" does. */
static const char *lacks_name(const struct fd_what *what, const char *text)
{
	const char *protocol = what_socket(what) ? format_protocol(what->socket) : NULL;

	if (!protocol || strncmp(text, protocol, strlen(protocol)) != 0 ||
	    !strcmp(text + strlen(protocol), " socket"))
		return NULL;
	return protocol;
}

const char *format_the(const struct fd_what *what, char buf[WHAT_SIZE])
{
	char known[WHAT_SIZE - sizeof("the  socket")];
	const char *text, *protocol;

	text = format_what(what, buf);
	if (!*text)
		return "";
	protocol = lacks_name(what, text);
	snprintf(known, sizeof(known), "%s", protocol ? text + strlen(protocol) : text);
	if (protocol)
		snprintf(buf, WHAT_SIZE, "the %s socket%s", protocol, known);
	else
		snprintf(buf, WHAT_SIZE, "the %s", known);
	return buf;
}

static bool stack_lost(const struct stack *stack, uint64_t stack_id)
{
	return stack ? stack->lost : stack_id != 0;
}

const char *format_python_status(const struct stack *stack, uint64_t stack_id, uint8_t python)
{
	static const char *const names[] = {
		[PYTHON_NONE] = "none",
		[PYTHON_COMPLETE] = "complete",
		[PYTHON_CUT] = "cut",
		[PYTHON_FAULT] = "fault",
		[PYTHON_NO_THREAD] = "no_thread",
		[PYTHON_NO_FRAMES] = "no_frames",
		[PYTHON_AMBIGUOUS] = "ambiguous",
		[PYTHON_PARENT] = "parent",
		[PYTHON_UNSOUND] = "unsound",
		[PYTHON_UNFOUND] = "unfound",
		[PYTHON_MOVED] = "moved",
	};
	unsigned int status = stack ? stack->status : python;

	if (stack_lost(stack, stack_id))
		return "lost";
	return status < ARRAY_SIZE(names) ? names[status] : "none";
}

const char *format_cut(size_t frames, char buf[WORD_SIZE])
{
	snprintf(buf, WORD_SIZE, "cut, %zu or more: others lie outside these", frames);
	return buf;
}

const char *format_python_remark(const struct stack *stack, uint64_t stack_id, uint8_t python,
				 char buf[WORD_SIZE])
{
	static const char *const remarks[] = {
		[PYTHON_NONE] = "none, no CPython that fdtrace can walk is known in this process",
		[PYTHON_COMPLETE] = NULL,
		[PYTHON_CUT] = "cut, more frames lie outside these",
		[PYTHON_FAULT] = "breaks off, memory beyond this point was not readable",
		[PYTHON_NO_THREAD] = "none, this thread runs no Python",
		[PYTHON_NO_FRAMES] = "none, a Python thread without a frame (start-up or shutdown)",
		[PYTHON_AMBIGUOUS] = "uncertain, it may be another interpreter's or thread's",
		[PYTHON_PARENT] = "the parent's, this is a vfork child",
		[PYTHON_UNSOUND] =
			"breaks off, what lies there is not as this CPython would have it",
		[PYTHON_UNFOUND] = "not found, there are too many Python threads to look through",
		[PYTHON_MOVED] = "not known, threads run Python's states of others here",
	};
	unsigned int status = stack ? stack->status : python;

	if (stack_lost(stack, stack_id))
		return "not here, its records were lost";
	if (stack && status == PYTHON_CUT)
		return format_cut(stack->count, buf);
	return remarks[status < ARRAY_SIZE(remarks) ? status : PYTHON_NONE];
}

const char *format_site_call(const struct fd_site *site, char buf[WORD_SIZE])
{
	return call_name(site->call, site->nr, buf);
}

bool format_other_thread(const struct fd_site *a, const struct fd_site *b)
{
	return site_seen(a) && site_seen(b) && a->tid != b->tid;
}

/* Classes that are not worth a name of their own: everybody's files and sockets. */
static bool is_plain_class(const char *name)
{
	static const char *const plain[] = {"_io.FileIO", "_socket.socket", "select.epoll",
					    "socket.socket"};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(name, plain[i]))
			return true;
	return false;
}

const char *format_owner(const struct fd_owner *owner, char buf[OWNER_SIZE])
{
	static const char *const names[OWNER_TYPES] = {
		[OWNER_FILEIO] = "file object",
		[OWNER_SOCKET] = "socket object",
		[OWNER_EPOLL] = "epoll object",
	};

	if (owner->name[0] && !is_plain_class(owner->name)) {
		char class[OWNER_SIZE - sizeof(" object")];

		snprintf(buf, OWNER_SIZE, "%s object",
			 layout_name(owner->name, OWNER_COLUMNS, class, sizeof(class)));
		return buf;
	}
	return owner->type < OWNER_TYPES && names[owner->type] ? names[owner->type] : "object";
}

const char *format_stream(const struct finding *f)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	bool asked = f->kind == FINDING_USE_AFTER_CLOSE && f->notes & NOTE_STANDARD_STREAM;

	return asked && f->fd >= 0 && (size_t)f->fd < ARRAY_SIZE(names) ? names[f->fd] : NULL;
}

/* An object does not close twice: a later close is another one's. */
static bool is_close_of_object(const struct fd_site *site)
{
	return site_seen(site) &&
	       (site->origin == ORIGIN_METHOD || site->origin == ORIGIN_FINALIZER);
}

const char *format_finalizer(const struct finding_view *view, const struct fd_site *site,
			     char buf[FINALIZER_SIZE])
{
	const struct finding *f = view->finding;
	char place[PLACE_SIZE], name[OWNER_SIZE];
	const char *owner = format_owner(&f->owner, name);

	/* Of an object that had an earlier generation of the number: which one, its finding says.
	 * Where no owner of this generation is known, the object may be any.
	 */
	if (site == &f->closed && ((f->proofs & PROOF_STOLEN) || !f->owner.type))
		return "a finalizer";
	if (!site_seen(&f->opened) || !*format_place(view->opened, place))
		snprintf(buf, FINALIZER_SIZE, "the finalizer of the %s", owner);
	/* Which of the two was made there is not known. */
	else if (site == &f->bad && is_close_of_object(&f->closed))
		snprintf(buf, FINALIZER_SIZE, "the finalizer of a %s whose number was opened at %s",
			 owner, place);
	else
		snprintf(buf, FINALIZER_SIZE, "the finalizer of the %s opened at %s", owner, place);
	return buf;
}

const char *format_loss(enum loss_cause cause, bool people)
{
	static const char *const names[LOSS_CAUSES][2] = {
		[LOSS_CALL] = {"calls", "calls"},
		[LOSS_STACK] = {"stacks", "stacks"},
		[LOSS_CODE] = {"code_objects", "code objects"},
		[LOSS_PROCESS] = {"process_events", "process events"},
		[LOSS_MAP] = {"processes_not_followed", "processes not followed"},
	};

	return names[cause][people];
}

const char *format_native_status(const struct native_stack *native)
{
	static const char *const ends[] = {
		[NATIVE_COMPLETE] = "complete",	    [NATIVE_FRAMES] = "cut",
		[NATIVE_STACK] = "stack_cut",	    [NATIVE_NO_MODULE] = "no_module",
		[NATIVE_NO_CFI] = "no_unwind_info", [NATIVE_BROKEN] = "broken",
		[NATIVE_FAILED] = "failed",
	};

	if (native->taken == NATIVE_LIMITED)
		return "limited";
	if (native->taken == NATIVE_UNREADABLE)
		return "unreadable";
	if (native->lost)
		return "lost";
	return native->end < ARRAY_SIZE(ends) ? ends[native->end] : "failed";
}

const char *format_native_remark(const struct native_stack *native, char buf[WORD_SIZE])
{
	static const char *const ends[] = {
		[NATIVE_COMPLETE] = NULL,
		[NATIVE_STACK] = "breaks off, what was copied of the stack ends here",
		[NATIVE_NO_MODULE] =
			"breaks off, the last address lies in no file that could be opened (code made "
			"at run time, or the process was gone)",
		[NATIVE_NO_CFI] =
			"breaks off, the file of the last frame does not say how to unwind it",
		[NATIVE_BROKEN] =
			"breaks off, what the file of the last frame says of it makes no sense",
		[NATIVE_FAILED] = "none, unwinding it failed",
	};

	if (native->taken == NATIVE_LIMITED)
		return "not taken, too many different ones came at once";
	if (native->taken == NATIVE_UNREADABLE)
		return "not taken, the thread's stack was not readable";
	if (native->lost)
		return "not here, its records were lost";
	if (native->end == NATIVE_FRAMES)
		return format_cut(native->count, buf);
	return native->end < ARRAY_SIZE(ends) ? ends[native->end] : ends[NATIVE_FAILED];
}

const char *format_native_frame(const struct native_frame *frame, char buf[PLACE_SIZE])
{
	char symbol[NAME_COLUMNS * 4 + 1], module[NAME_COLUMNS * 4 + 1];

	if (!frame->module && frame->symbol)
		return layout_name(frame->symbol, NAME_COLUMNS, buf, PLACE_SIZE);
	if (!frame->module) {
		snprintf(buf, PLACE_SIZE, "0x%" PRIx64, frame->address);
		return buf;
	}
	layout_name(frame->module, NAME_COLUMNS, module, sizeof(module));
	if (frame->symbol)
		snprintf(buf, PLACE_SIZE, "%s (%s)",
			 layout_name(frame->symbol, NAME_COLUMNS, symbol, sizeof(symbol)), module);
	else
		snprintf(buf, PLACE_SIZE, "%s+0x%" PRIx64, module, frame->address);
	return buf;
}

const char *format_origin(enum site_origin origin, const struct stack *stack, uint16_t call)
{
	if ((origin == ORIGIN_UNKNOWN || origin == ORIGIN_OTHER) && stack && call == CALL_CLOSE)
		origin = stack_origin(stack);
	return site_origin_name(origin);
}
