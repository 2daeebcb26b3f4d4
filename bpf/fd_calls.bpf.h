/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which call makes, moves or ends which descriptor.
 *
 * Owns: turning a returned system call into a record_call. Calls that failed without EBADF
 * did nothing to the table and are dropped here; all others go up as they are.
 * Never: keeps state about descriptors.
 */
#ifndef FDTRACE_FD_CALLS_BPF_H
#define FDTRACE_FD_CALLS_BPF_H

#include "kept.bpf.h"
#include "native.bpf.h"
#include "owner_closed.bpf.h"
#include "socket.bpf.h"
#include "transfer.bpf.h"
#include "unseen.bpf.h"

/* uapi values of the sub-commands that make or mark descriptors */
#define F_DUPFD		0
#define F_SETFD		2
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC	1
#define FIONCLEX	0x5450
#define FIOCLEX		0x5451
#define PROT_EXEC	4
#define ENOSYS		38
#define EINPROGRESS	115
#define S_IFMT		0170000
#define S_IFSOCK	0140000

#define TS_COMPAT 2

/* Where a call's words are: 1 + the index of the argument, 0: none, CELL_OWN: own_words(). */
enum call_word {
	WORD_FLAGS,
	WORD_ARG,
	WORD_NAME,
	CALL_WORDS,
};

#define CALL(ID, number, call, shape, fds, flags, arg, name, ...) \
	WORDS(CALL_##ID, FLAGS_CELL_##flags, ARG_CELL_##arg, NAME_CELL_##name)
#define PART CALL
#define USE(...)
#define WORDS(id, ...) [id] = {__VA_ARGS__},
const volatile __u8 words_of_call[CALL_IDS][CALL_WORDS] = {CALL_ROWS(CALL, PART, USE)};
#undef WORDS
#undef CALL
#undef PART
#undef USE

/* A hook has proved to see what is put into a table, whoever does it. */
__u8 made_told;

struct call_buffer {
	struct record_call record;
	char name[RECORD_NAME_MAX + RECORD_CLAIMS_MAX * sizeof(struct record_claim) + 8 +
		  sizeof(struct record_caller)];
	u64 args[8] __attribute__((aligned(8))); /* see argument() */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct call_buffer);
} call_buffers SEC(".maps");

/* The end of a system call, whatever hook saw it. */
struct sys_exit {
	u64 args[6]; /* CALL_INSTALLED: flags and arg as the record has them, and the struct file;
			CALL_REMOVED: fd */
	s64 ret;
	u32 nr;
	bool worker; /* the kernel's own work, in no code of the program's */
	bool compat; /* it was a 32-bit one */
};

/* The bpf() commands that return a new descriptor (enum bpf_cmd, uapi/linux/bpf.h). */
static __always_inline bool bpf_makes_fd(u64 command)
{
	const u64 makers = 1ull << 0 | 1ull << 5 | 1ull << 7 | 1ull << 13 | 1ull << 14 |
			   1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 28 | 1ull << 30 |
			   1ull << 32 | 1ull << 33 | 1ull << 36;

	return command < 64 && ((makers >> command) & 1);
}

/* The compiler has seen the bound, the verifier must see it again. */
static __always_inline u8 by_number(const volatile __u8 *table, u32 nr)
{
	barrier_var(nr);
	return table[nr & (SYSCALLS_KNOWN - 1)];
}

/* Whether a call fails with EBADF if a number that it is given is closed. */
static __always_inline bool needs_open(u8 fds)
{
	return fds && !(fds & (FDS_PAIR | FDS_RANGE));
}

/* Of one that gives a socket an address, or a peer; of those that succeed, or go on behind. */
static __always_inline bool addresses(u32 nr)
{
	return nr == NR_CONNECT || nr == NR_BIND || nr == NR_LISTEN;
}

/* Whether it moved bytes through a number that is watched, as far as the number's bits tell. */
static __always_inline bool may_be_watched(const struct sys_exit *call)
{
	u32 fd = call->args[0];

	if (!watching || call->ret <= 0 || call->compat)
		return false;
	barrier_var(fd);
	return by_number(owner_call_of_nr, call->nr) >= OWNER_CALL_IO &&
	       watched_bits[fd & (WATCHED_BITS - 1)];
}

/* The call's number in our own terms, 0: of no interest. */
static __always_inline u8 classify(const struct sys_exit *call)
{
	u8 id = by_number(call_of_nr, call->nr);

	if (call->ret >= 0) {
		if (call->nr == NR_FCNTL)
			return call->args[1] == F_DUPFD		  ? CALL_FCNTL_DUPFD
			       : call->args[1] == F_DUPFD_CLOEXEC ? CALL_FCNTL_DUPFD_CLOEXEC
			       : call->args[1] == F_SETFD	  ? CALL_FCNTL_SETFD
								  : 0;
		if (call->nr == NR_IOCTL)
			return (u32)call->args[1] == FIOCLEX || (u32)call->args[1] == FIONCLEX
				       ? CALL_IOCTL_CLOEXEC
				       : 0;
		if (call->nr == NR_BPF)
			return bpf_makes_fd(call->args[0]) ? CALL_BPF : 0;
		return addresses(call->nr) ? CALL_ADDRESSED : id;
	}
	if (id == CALL_CLOSE) /* whatever it returns, unless there is no such call */
		return call->ret == -ENOSYS ? 0 : id;
	if (call->ret == -EBADF && needs_open(by_number(fd_args_of_nr, call->nr)))
		return id ? id : CALL_OTHER;
	return call->ret == -EINPROGRESS && call->nr == NR_CONNECT ? CALL_ADDRESSED : 0;
}

/* which: 1 + its index; of 0, and of what lies beyond, there is none. */
static __always_inline u64 argument(const struct call_buffer *buf, u32 which)
{
	return buf->args[which & 7];
}

/* To where they can be chosen by number: on the stack the verifier allows that from Linux 5.12. */
static __always_inline void copy_arguments(struct call_buffer *buf, const struct sys_exit *call)
{
	buf->args[0] = 0;
	for (u32 i = 0; i < 6; i++)
		buf->args[1 + i] = call->args[i];
	buf->args[7] = 0;
}

/* Two descriptors that a call wrote into user memory. */
static __always_inline void read_pair(struct record_call *r, u64 from)
{
	s32 pair[2] = {-1, -1};

	if (r->ret == 0)
		read_user(pair, sizeof(pair), from);
	r->fd = pair[0];
	r->fd2 = pair[1];
}

/*
 * The descriptors that a call is about, as enum call_shape says. A function of its own: the
 * verifier forgets behind it which way it went through.
 */
static __noinline void read_fds(struct call_buffer *buf, const struct sys_exit *call)
{
	struct record_call *r = &buf->record;
	u8 fds = by_number(fd_args_of_nr, call->nr);

	r->fd = r->fd2 = -1;
	if (r->call == CALL_INSTALLED) /* by nr, but it is none of that call's arguments */
		return;
	if (r->call == CALL_REMOVED) {
		r->fd = call->args[0];
		return;
	}
	if (fds & FDS_PAIR) {
		read_pair(r, argument(buf, fds & 7));
		return;
	}
	if (fds & 7)
		r->fd = argument(buf, fds & 7);
	if (fds >> 4 & 7)
		r->fd2 = argument(buf, fds >> 4 & 7);
}

/* What no single argument is. */
static __always_inline void own_words(struct record_call *r, const struct sys_exit *call)
{
	u64 flags = 0;

	switch (r->call) {
	case CALL_OPENAT2: /* struct open_how begins with them */
		read_user(&flags, sizeof(flags), call->args[2]);
		r->flags = flags;
		break;
	case CALL_CREAT:
		r->flags = 01 | 0100 | 01000; /* O_WRONLY | O_CREAT | O_TRUNC */
		break;
	case CALL_IOCTL_CLOEXEC:
		r->flags = (u32)call->args[1] == FIOCLEX ? FD_CLOEXEC : 0;
		break;
	case CALL_CLOSE_RANGE:
		r->arg = made_told ? RANGE_MADE_TOLD : 0;
		break;
	case CALL_IO_URING_SETUP:
		r->arg = ring_flags;
		break;
	case CALL_OTHER:
		if (call->nr == NR_FCNTL || call->nr == NR_IOCTL)
			r->arg = call->args[1];
		else if (call->nr == NR_NEWFSTATAT)
			r->arg = call->args[3];
		else if (call->nr == NR_STATX)
			r->arg = call->args[2];
		break;
	}
}

/*
 * Its flags, and more, as its row in abi/calls.h says. Returns where its name is, 0: none. A
 * function of its own for the verifier's sake.
 */
static __noinline u64 read_words(struct call_buffer *buf, const struct sys_exit *call)
{
	struct record_call *r = &buf->record;
	const volatile __u8 *words = words_of_call[r->call & (CALL_IDS - 1)];

	/* Each is loaded anew: the verifier forgets which it was. */
	r->flags = argument(buf, words[WORD_FLAGS]);
	r->arg = argument(buf, words[WORD_ARG]);
	if (words[WORD_FLAGS] == CELL_OWN || words[WORD_ARG] == CELL_OWN)
		own_words(r, call);
	return argument(buf, words[WORD_NAME]);
}

/* The path or name that the call was given; returns its bytes. */
static __always_inline u32 read_name(struct call_buffer *buf, u64 from)
{
	long size = bpf_probe_read_user_str(buf->name, RECORD_NAME_MAX, (const void *)from);

	if (size <= 0) {
		buf->record.name_cut = 1;
		return 0;
	}
	buf->record.name_cut = size >= RECORD_NAME_MAX;
	return (u32)(size - 1) & (RECORD_NAME_MAX - 1);
}

/* The struct file behind the number; 0: there is none. A global function: verified by itself. */
__attribute__((noinline)) u64 file_at(u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(fdt, fd);
	u64 file = 0;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

static __always_inline struct file *file_of_fd(u32 fd)
{
	return (struct file *)file_at(fd);
}

/* What a thread's last close found, as far as it is worth to be kept. */
struct looked_up {
	u32 fd;
	u32 state; /* enum table_state */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct looked_up);
} lookups SEC(".maps");

/* Of closes that are not in `lookups`: enum table_state, TABLE_UNKNOWN where no hook fills it. */
__u8 table_found;

static __always_inline u8 table_state(s32 fd)
{
	u32 tid = bpf_get_current_pid_tgid();
	const struct looked_up *found = bpf_map_lookup_elem(&lookups, &tid);
	u8 state = table_found;

	if (found && found->fd == (u32)fd)
		state = found->state;
	/* Not for a later close that has nothing kept. */
	if (found)
		bpf_map_delete_elem(&lookups, &tid);
	return state;
}

/*
 * What the record in this CPU's buffer tells of the thread and its table. EBADF is also the answer
 * to the wrong mode: is the number open all the same? A global function: verified by itself, and
 * so is each field of a task once, for which the verifier searches all of the kernel's types.
 */
__attribute__((noinline)) int fill_thread(void)
{
	struct call_buffer *buf;
	struct record_call *r;
	u32 zero = 0, seen;

	buf = bpf_map_lookup_elem(&call_buffers, &zero);
	if (!buf)
		return 0;
	r = &buf->record;
	r->thread_ns = CURRENT(start_boottime);
	r->table = (u64)CURRENT(files);
	seen = table_alone();
	if (r->ret == -EBADF && r->fd >= 0 && file_of_fd(r->fd))
		seen |= 1;
	if (r->ret == -EBADF && r->fd2 >= 0 && file_of_fd(r->fd2))
		seen |= 2;
	if (r->ret == -EBADF && r->call == CALL_CLOSE)
		seen |= (u32)table_state(r->fd) << 2;
	r->still_open = seen;
	return 0;
}

/*
 * The socket that the call made or gave an address to; NULL: it did not. A hook's pointer to a file
 * is no number for the verifier, as a global function's argument must be, but what lies in a map
 * is.
 */
static __always_inline struct file *socket_of(const struct call_buffer *buf,
					      const struct sys_exit *call, u8 id)
{
	switch (id) {
	case CALL_ADDRESSED:
		return file_of_fd(call->args[0]);
	case CALL_SOCKET:
	case CALL_ACCEPT:
	case CALL_ACCEPT4:
		return call->ret < 0 ? NULL : file_of_fd(call->ret);
	case CALL_INSTALLED:
		return (call->args[1] & S_IFMT) == S_IFSOCK
			       ? (void *)*(const volatile u64 *)&buf->args[3]
			       : NULL;
	}
	return NULL;
}

/* As read_socket(), into this CPU's buffer. A global function: verified by itself. */
__attribute__((noinline)) int read_calls_socket(u64 file, u32 fresh)
{
	u32 zero = 0;
	struct call_buffer *buf = bpf_map_lookup_elem(&call_buffers, &zero);

	return buf ? read_socket((void *)buf->name, (void *)file, fresh) : 0;
}

/* Everything but header and stack. Returns the bytes of name behind the record. */
static __always_inline u32 fill_call(struct call_buffer *buf, const struct sys_exit *call, u8 id)
{
	struct record_call *r = &buf->record;
	struct file *socket;
	u64 name;

	r->enter_ns = 0;
	r->stack_id = 0;
	r->ret = call->ret;
	r->call = id;
	r->nr = call->nr;
	r->name_size = 0;
	r->name_cut = 0;
	r->python = PYTHON_NONE;
	r->owner = OWNER_UNKNOWN;
	r->owner_low = 0;
	r->point = 0;
	copy_arguments(buf, call);
	read_fds(buf, call);
	fill_thread();
	name = read_words(buf, call);
	socket = socket_of(buf, call, id);
	if (socket)
		r->name_size = read_calls_socket((u64)socket, id == CALL_SOCKET);
	else if (name && call->ret >= 0)
		r->name_size = read_name(buf, name);
	return r->name_size;
}

/*
 * Behind the name, which a close has none of. Returns the bytes. Their count is read back from
 * memory, for the verifier goes through all that follows once for each number that it knows.
 */
static __always_inline u32 add_claims(struct walk *w, struct call_buffer *buf,
				      const struct target *target, struct pt_regs *regs)
{
	volatile u8 *owner = &buf->record.owner;

	if (!save_registers())
		return 0;
	*owner = tell_claims(&buf->record, (struct record_claim *)buf->name, target, regs) << 4;
	_Static_assert(RECORD_CLAIMS_MAX <= 7, "the mask below");
	return (*owner >> 4 & 7) * sizeof(struct record_claim);
}

/* The same of a call that moved bytes; 0: no object that is stale is at work. */
static __always_inline u32 add_users(struct call_buffer *buf, const struct sys_exit *call,
				     const struct target *target)
{
	volatile u8 *owner = &buf->record.owner;

	if (!save_registers())
		return 0;
	*owner = tell_users(&buf->record, (struct record_claim *)buf->name, target, call->args[1],
			    call->args[2])
		 << 4;
	return (*owner >> 4 & 7) * sizeof(struct record_claim);
}

/* Whether it is about one number that an object may have had. */
static __always_inline bool claims_wanted(const struct record_call *r)
{
	if (r->call == CALL_CLOSE_RANGE)
		return r->fd == r->fd2 && r->fd >= 0 && !r->flags && r->ret >= 0;
	return r->call == CALL_CLOSE || replaces(r) || record_call_missed(r);
}

/* Whether a number is got, given up or missed. */
static __always_inline bool caller_wanted(const struct record_call *call)
{
	return call->stack_id && call->call != CALL_FCNTL_SETFD &&
	       call->call != CALL_IOCTL_CLOEXEC && call->call != CALL_UNSHARE;
}

/* Behind all else, so many bytes after the record. Returns the bytes. */
static __always_inline u32 add_caller(const struct walk *w, struct call_buffer *buf, u32 at)
{
	u64 *to;

	if (!caller_wanted(&buf->record))
		return 0;
	barrier_var(at); /* see emit_bounded() */
	if (at > sizeof(buf->name) - sizeof(struct record_caller))
		return 0;
	to = (u64 *)(buf->name + at);
	for (u32 i = 0; i < RECORD_CALLER_FRAMES; i++)
		to[i] = w->addresses[i];
	for (u32 i = 0; i < RECORD_CALLER_LOCALS; i++)
		to[RECORD_CALLER_FRAMES + i] = w->locals[i];
	buf->record.still_open |= CALL_CALLER;
	return sizeof(struct record_caller);
}

/*
 * So many bytes behind the record in this CPU's buffer; and who opens a number is noted, for what
 * is told of the call is known here. A global function: verified by itself.
 */
__attribute__((noinline)) int emit_call(u32 size)
{
	struct call_buffer *buf;
	u32 zero = 0;

	buf = bpf_map_lookup_elem(&call_buffers, &zero);
	if (!buf)
		return -1;
	if (read_owners)
		note_opener(&buf->record);
	size += sizeof(buf->record);
	fill_header(&buf->record.h, RECORD_CALL, size, bpf_get_current_pid_tgid());
	return emit_bounded(&buf->record, size, sizeof(*buf), LOSS_CALL, false);
}

/* What no report shows a stack of. */
static __always_inline void report_address(const struct sys_exit *call)
{
	struct call_buffer *buf;
	u32 zero = 0, size;

	buf = bpf_map_lookup_elem(&call_buffers, &zero);
	if (!buf)
		return;
	size = fill_call(buf, call, CALL_ADDRESSED) & (RECORD_NAME_MAX - 1);
	if (!size)
		return; /* it is no socket any more */
	buf->record.native = NATIVE_NOT_ASKED;
	emit_call(size);
}

/* regs: as the call left them. */
static __always_inline void report_call(const struct sys_exit *call, u8 id,
					const struct target *target, struct pt_regs *regs)
{
	struct call_buffer *buf;
	u32 zero = 0, size;
	struct walk *w;

	buf = bpf_map_lookup_elem(&call_buffers, &zero);
	w = this_walk();
	if (!buf || !w)
		return;
	size = fill_call(buf, call, id) & (RECORD_NAME_MAX - 1);
	w->sp = stack_pointer(regs);
	w->regs = regs;
	/* Of a thread of the kernel's own there is nothing to walk: no such program. */
	buf->record.python = walk_thread(call->worker ? 0 : target->program, target->leader_ended);
	if (w->stack.depth && (find_stack() == 1 || !send_stack()))
		buf->record.stack_id = w->stack.stack_id;
	if (call->worker)
		buf->record.python = PYTHON_NO_THREAD;
	if (target->vfork && buf->record.python != PYTHON_NONE)
		buf->record.python = PYTHON_PARENT;
	/* Behind the walk, which knows where the Python frames of the C stack begin. */
	if (id == CALL_TRANSFERRED) {
		size = add_users(buf, call, target);
		if (!size)
			return;
	} else if (read_owners && !target->vfork && claims_wanted(&buf->record)) {
		size = add_claims(w, buf, target, regs);
	}
	/* A 32-bit stack is nothing to unwind. */
	if (call->compat)
		buf->record.native = NATIVE_NOT_ASKED;
	else
		size += add_native(&buf->record, buf->name + (size & (RECORD_NAME_MAX - 1)), regs,
				   target->program);
	size += add_caller(w, buf, size);
	emit_call(size);
}

#endif
