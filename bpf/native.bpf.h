/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Native stacks: the registers of the calling thread, and a bounded copy of its stack.
 *
 * Owns: for which calls they are taken, how much of the stack, and which of them have gone up
 * already. Most builds keep no frame pointers, so the user side unwinds, by what the files of the
 * process say of their code.
 *
 * Never: costs anything where native stacks are not asked for; takes room in the ring that calls
 * may need.
 */
#ifndef FDTRACE_NATIVE_BPF_H
#define FDTRACE_NATIVE_BPF_H

#include "pthread.bpf.h"
#include "walk.bpf.h"

#define PAGE	   4096
#define PAGE_WORDS (PAGE / 8)

/* New stacks from one place and depth within a second: a loop that differs each time is cut off. */
#define NEW_PER_SECOND 64
#define SECOND	       1000000000ull

/* Of calls that uretprobes wait for in one thread (the kernel's MAX_URETPROBE_DEPTH). */
#define RETURNS_MAX 64

/* Of a mapped file's name: directories, and bytes of one name with its NUL. */
#define DIRECTORIES_MAX 24
#define NAME_BYTES	256

/* No code lies below, nor, in user space, above. */
#define CODE_MIN 0x10000ull
#if defined(__TARGET_ARCH_x86)
#define CODE_MAX    (1ull << 47)
#define CODE_OF(to) (to)
#elif defined(__TARGET_ARCH_arm64)
/*
 * A return address may be signed, in the bits above, where small negative numbers have theirs. With
 * 52 bits of address the kernel's own page lies higher: so much of it is told as well.
 */
#define CODE_MAX    ((1ull << 48) - CODE_MIN)
#define CODE_OF(to) ((to) & ((1ull << 48) - 1))
#endif

struct native_buffer {
	struct record_native record;
	u8 stack[RECORD_STACK_MAX + PAGE];
	u64 copied[64]; /* a struct pt_regs */
#if defined(__TARGET_ARCH_arm64)
	struct return_instance *call; /* see restore_page() */
	u64 trampoline, call_stack, call_returns_to;
#endif
};

/*
 * One entry for each CPU. No BPF_MAP_TYPE_PERCPU_ARRAY: the kernel limits the size of its values,
 * and this one is larger.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the user side sets it before load, where natives are asked for */
	__type(key, u32);
	__type(value, struct native_buffer);
} native_buffers SEC(".maps");

/* Native stacks already sent: hash to cpu and number. The user side deletes what it forgets. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64); /* as above */
	__type(key, u64);
	__type(value, u64);
} natives_sent SEC(".maps");

struct native_place {
	u64 since;
	u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64); /* as above */
	__type(key, u64);
	__type(value, struct native_place);
} native_places SEC(".maps");

/* Whose native stacks are taken: enum native_calls (record.h). */
const volatile __u8 native_calls = NATIVES_NONE;

static __always_inline struct native_buffer *this_native(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&native_buffers, &cpu);
}

/* A register of the copy in buf. */
#define COPIED(field)                                                                              \
	(*(u64 *)((u8 *)buf->copied + (__builtin_preserve_field_info(((struct pt_regs *)0)->field, \
								     BPF_FIELD_BYTE_OFFSET) &      \
				       (sizeof(buf->copied) - 8))))

/* Not every hook has a pointer to the registers that could be loaded from: one copy, then. */
static __always_inline bool copy_regs(struct native_buffer *buf, struct pt_regs *regs)
{
	return !bpf_probe_read_kernel(buf->copied, bpf_core_type_size(struct pt_regs), regs);
}

#if defined(__TARGET_ARCH_x86)
static __always_inline void read_regs(struct native_buffer *buf)
{
	struct record_native *r = &buf->record;

	r->regs[0] = COPIED(ax);
	r->regs[1] = COPIED(dx);
	r->regs[2] = COPIED(cx);
	r->regs[3] = COPIED(bx);
	r->regs[4] = COPIED(si);
	r->regs[5] = COPIED(di);
	r->regs[6] = COPIED(bp);
	r->regs[7] = r->sp = COPIED(sp);
	r->regs[8] = COPIED(r8);
	r->regs[9] = COPIED(r9);
	r->regs[10] = COPIED(r10);
	r->regs[11] = COPIED(r11);
	r->regs[12] = COPIED(r12);
	r->regs[13] = COPIED(r13);
	r->regs[14] = COPIED(r14);
	r->regs[15] = COPIED(r15);
	r->regs[16] = COPIED(ip);
}

/* Those that unwinding may rest on: the others do not outlive a call. */
#define NATIVE_KEPT (1u << 3 | 1u << 6 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 16)
#define NATIVE_PC   16
#elif defined(__TARGET_ARCH_arm64)
static __always_inline void read_regs(struct native_buffer *buf)
{
	struct record_native *r = &buf->record;

	for (u32 i = 0; i < 31; i++)
		r->regs[i] = buf->copied[i]; /* struct user_pt_regs begins with them */
	r->regs[31] = r->sp = COPIED(sp);
	r->regs[32] = COPIED(pc);
}

#define NATIVE_KEPT (0xfffu << 19) /* x19 to x30; the pc beside them */
#define NATIVE_PC   32
#endif

/*
 * Where the thread's stack ends, as far as that is known: the first thread's below what exec put
 * there (arguments and environment stay where they are), another's, in glibc, below its own data.
 */
static __always_inline u64 stack_end(u64 sp)
{
	struct mm_struct *mm = CURRENT(mm);
	u64 first = BPF_CORE_READ(mm, start_stack), own = thread_self();

	if (first > sp && first - sp <= RECORD_STACK_MAX)
		return first;
	return own > sp && own - sp <= RECORD_STACK_MAX ? own : 0;
}

/* Page by page, up to what is not readable. A global function: verified by itself. */
__attribute__((noinline)) int copy_stack(void)
{
	struct native_buffer *buf = this_native();
	u64 sp, end;
	u32 want = RECORD_STACK_MAX, done = 0;

	if (!buf)
		return 0;
	sp = buf->record.sp;
	end = stack_end(sp);
	if (end)
		want = end - sp;
	for (u32 i = 0; i <= RECORD_STACK_MAX / PAGE; i++) {
		u32 size = PAGE - ((sp + done) & (PAGE - 1));

		if (done >= want || done >= RECORD_STACK_MAX)
			break;
		if (size > want - done)
			size = want - done;
		barrier_var(size); /* see emit_bounded() */
		if (size > PAGE)
			size = PAGE;
		if (!read_user(buf->stack + (done & (RECORD_STACK_MAX - 1)), size, sp + done))
			break;
		done += size;
	}
	buf->record.bytes = done;
	buf->record.whole = end && done == want;
	return done;
}

/*
 * A uretprobe, whoever's, puts the address of its trampoline in place of a function's return
 * address; the kernel keeps the real one, for each such call of the thread, innermost first. *ret:
 * the first; its result: the trampoline; 0: there is none.
 */
static __always_inline u64 waiting_returns(struct return_instance **ret)
{
	struct mm_struct *mm = CURRENT(mm);
	struct uprobe_task *utask;

	*ret = NULL;
	if (!bpf_core_field_exists(struct task_struct, utask))
		return 0;
	utask = CURRENT(utask);
	if (!utask)
		return 0;
	*ret = BPF_CORE_READ(utask, return_instances);
	return BPF_CORE_READ(mm, uprobes_state.xol_area, vaddr);
}

#if defined(__TARGET_ARCH_x86)
/* It lay at the stack pointer. A global function: verified by itself. */
__attribute__((noinline)) int restore_returns(void)
{
	struct native_buffer *buf = this_native();
	struct return_instance *call;
	u64 trampoline;

	if (!buf)
		return 0;
	trampoline = waiting_returns(&call);
	for (u32 i = 0; i < RETURNS_MAX && call; i++) {
		u64 at = BPF_CORE_READ(call, stack) - buf->record.sp;
		u64 *word = (u64 *)(buf->stack + (at & (RECORD_STACK_MAX - 8)));

		if (at < buf->record.bytes && *word == trampoline)
			*word = BPF_CORE_READ(call, orig_ret_vaddr);
		call = BPF_CORE_READ(call, next);
	}
	return 0;
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline void take_waiting(struct native_buffer *buf, struct return_instance *call)
{
	buf->call = call;
	buf->call_stack = call ? BPF_CORE_READ(call, stack) : -1ull;
	buf->call_returns_to = call ? BPF_CORE_READ(call, orig_ret_vaddr) : 0;
}

/*
 * It was in a register, and is wherever that function has saved it, below the stack pointer that it
 * was called with; perhaps signed. A page of the copy. A global function: verified by itself.
 */
__attribute__((noinline)) int restore_page(u32 page)
{
	struct native_buffer *buf = this_native();
	struct return_instance *call;
	u32 bytes;

	if (!buf || page > RECORD_STACK_MAX / PAGE - 1)
		return 0;
	bytes = buf->record.bytes;
	for (u32 i = 0; i < PAGE_WORDS; i++) {
		u32 at = page * PAGE + i * 8;
		u64 *word = (u64 *)(buf->stack + (at & (RECORD_STACK_MAX - 8)));

		if (at + 8 > bytes)
			break;
		call = buf->call;
		if (buf->record.sp + at >= buf->call_stack)
			take_waiting(buf, BPF_CORE_READ(call, next));
		if (CODE_OF(*word) == buf->trampoline && buf->call)
			*word = buf->call_returns_to;
	}
	return 0;
}

/* A global function: verified by itself. */
__attribute__((noinline)) int restore_returns(void)
{
	struct native_buffer *buf = this_native();
	struct return_instance *call;

	if (!buf)
		return 0;
	buf->trampoline = CODE_OF(waiting_returns(&call));
	if (!call)
		return 0;
	take_waiting(buf, call);
	if (CODE_OF(buf->record.regs[30]) == buf->trampoline)
		buf->record.regs[30] = buf->call_returns_to;
	for (u32 page = 0; page < RECORD_STACK_MAX / PAGE && buf->call; page++)
		restore_page(page);
	return 0;
}
#endif

/*
 * Of a stack, what unwinding rests on are addresses: of code to return to, and of the stack
 * itself. What can be neither, such as counters and descriptors, does not tell two stacks apart.
 */
static __always_inline u64 mix_address(u64 hash, u64 word, u32 at, u64 brk_start, u64 brk_end)
{
	word = CODE_OF(word);
	if (word < CODE_MIN || word >= CODE_MAX || (word >= brk_start && word < brk_end))
		return hash;
	return mix(hash, word | ((u64)at << 48));
}

/* A page of the copy into the hash. A global function: verified by itself. */
__attribute__((noinline)) int hash_stack_page(u32 page)
{
	struct native_buffer *buf = this_native();
	struct mm_struct *mm = CURRENT(mm);
	u64 brk_start = BPF_CORE_READ(mm, start_brk), brk_end = BPF_CORE_READ(mm, brk), hash;
	u32 bytes;

	if (!buf || page > RECORD_STACK_MAX / PAGE - 1)
		return 0;
	hash = buf->record.hash;
	bytes = buf->record.bytes;
	for (u32 i = 0; i < PAGE_WORDS; i++) {
		u32 at = page * PAGE + i * 8;

		if (at + 8 > bytes)
			break;
		hash = mix_address(hash, *(u64 *)(buf->stack + (at & (RECORD_STACK_MAX - 8))), at,
				   brk_start, brk_end);
	}
	buf->record.hash = hash;
	return 0;
}

/* A global function: verified by itself. */
__attribute__((noinline)) int hash_stack(void)
{
	struct native_buffer *buf = this_native();
	u32 bytes;

	if (!buf)
		return 0;
	bytes = buf->record.bytes;
	buf->record.hash = mix(buf->record.hash, bytes);
	for (u32 i = 0; i < RECORD_REGS; i++) {
		u64 value = buf->record.regs[i];

		if (i == NATIVE_PC || (i < 32 && (NATIVE_KEPT >> i) & 1))
			buf->record.hash = mix_address(buf->record.hash, value, i, 0, 0);
	}
	for (u32 page = 0; page < RECORD_STACK_MAX / PAGE; page++) {
		if (page * PAGE >= bytes)
			break;
		hash_stack_page(page);
	}
	return 0;
}

/* Whether one more new stack, of so many bytes, from this place may go up now. */
static __always_inline bool may_send(u64 place, u32 bytes)
{
	struct native_place *known = bpf_map_lookup_elem(&native_places, &place), first = {};
	u64 now = bpf_ktime_get_boot_ns();

	/* Half of the ring is for what may not be lost. */
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + sizeof(struct record_native) + bytes >=
	    4ull * wake_bytes)
		return false;
	if (known && now - known->since < SECOND)
		return known->count++ < NEW_PER_SECOND;
	first.since = now;
	first.count = 1;
	bpf_map_update_elem(&native_places, &place, &first, BPF_ANY);
	return true;
}

static __always_inline int send_native(struct native_buffer *buf, struct cpu_counts *c)
{
	struct record_native *r = &buf->record;
	u32 bytes = r->bytes;
	u64 id, hash = r->hash;

	if (bytes > RECORD_STACK_MAX)
		return NATIVE_UNREADABLE;
	r->cpu = bpf_get_smp_processor_id();
	r->nr = ++c->native;
	r->unused = 0;
	r->unused2 = 0;
	fill_header(&r->h, RECORD_NATIVE, sizeof(*r) + bytes, bpf_get_current_pid_tgid());
	if (emit_bounded(r, sizeof(*r) + bytes, sizeof(*r) + RECORD_STACK_MAX, LOSS_STACK, false))
		return NATIVE_LIMITED;
	id = record_native_id(r->cpu, r->nr);
	bpf_map_update_elem(&natives_sent, &hash, &id, BPF_ANY);
	return NATIVE_TAKEN;
}

/*
 * The registers are in this CPU's buffer. Returns enum native_taken; nr and cpu there are then
 * those of the stack. A global function: verified by itself.
 */
__attribute__((noinline)) int take_native(u64 program)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct native_buffer *buf = this_native();
	struct cpu_counts *c = cpu_counts();
	u64 *known, place, hash;

	if (!buf || !c)
		return NATIVE_NOT_ASKED;
	if (copy_stack() <= 0)
		return NATIVE_UNREADABLE;
	restore_returns();
	place = mix(mix(((u64)tgid << 32) | resend, program), buf->record.sp);
	place = mix(place, buf->record.regs[NATIVE_PC]);
	buf->record.hash = place;
	hash_stack();
	hash = buf->record.hash;
	known = bpf_map_lookup_elem(&natives_sent, &hash);
	if (known) {
		buf->record.cpu = *known >> 32;
		buf->record.nr = *known;
		return NATIVE_TAKEN;
	}
	return may_send(place, buf->record.bytes) ? send_native(buf, c) : NATIVE_LIMITED;
}

/* C code that is not os.close() closed what an object has still. */
static __always_inline bool is_behind(const struct record_call *call)
{
	struct walk *w;

	if (call->call != CALL_CLOSE || call->point != OWNER_ELSEWHERE || !(call->owner >> 4))
		return false;
	w = this_walk();
	return w && w->told[0].state == OWNER_HOLDS;
}

static __always_inline bool native_wanted(const struct record_call *call)
{
	if (native_calls == NATIVES_NONE)
		return false;
	if (call->ret == -EBADF || is_behind(call))
		return true;
	return native_calls == NATIVES_ALL && call->call != CALL_FCNTL_SETFD &&
	       call->call != CALL_IOCTL_CLOEXEC && call->call != CALL_UNSHARE;
}

/*
 * The call's native stack, where it is wanted: what is known of it into the record, its number
 * behind the name. Returns the bytes of that.
 */
static __always_inline u32 add_native(struct record_call *call, char *to, struct pt_regs *regs,
				      u64 program)
{
	struct native_buffer *buf;
	u64 id;

	call->native = NATIVE_NOT_ASKED;
	if (!native_wanted(call))
		return 0;
	buf = this_native();
	if (!buf || !copy_regs(buf, regs))
		return 0;
	read_regs(buf);
	call->native = take_native(program);
	if (call->native != NATIVE_TAKEN)
		return 0;
	id = record_native_id(buf->record.cpu, buf->record.nr);
	__builtin_memcpy(to, &id, sizeof(id));
	return sizeof(id);
}

/* The names of a file and of the directories around it. */
struct module_buffer {
	struct record_module record;
	char names[RECORD_NAMES_MAX + NAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct module_buffer);
} module_buffers SEC(".maps");

/* Up to the root of the file system; 0 bytes where that is too far. */
static __always_inline u32 read_names(struct module_buffer *buf, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *parent;
	u32 used = 0;

	for (u32 i = 0; i < DIRECTORIES_MAX; i++) {
		long size;

		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry || !parent)
			return used;
		if (used >= RECORD_NAMES_MAX)
			return 0;
		size = bpf_probe_read_kernel_str(buf->names + (used & (RECORD_NAMES_MAX - 1)),
						 NAME_BYTES, BPF_CORE_READ(dentry, d_name.name));
		if (size <= 1)
			return 0;
		used += (u32)size & (NAME_BYTES - 1);
		dentry = parent;
	}
	return 0;
}

/* An executable mapping of a file, for the unwinding of what runs there. */
static __noinline void report_module(struct file *file, u64 start, u64 length, u64 offset,
				     bool exec)
{
	u32 zero = 0, size;
	struct module_buffer *buf = bpf_map_lookup_elem(&module_buffers, &zero);
	struct record_module *r;

	if (!buf)
		return;
	r = &buf->record;
	r->device = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	r->inode = BPF_CORE_READ(file, f_inode, i_ino);
	r->start = start;
	r->length = length;
	r->offset = offset;
	r->exec = exec;
	size = read_names(buf, file);
	if (size > RECORD_NAMES_MAX)
		size = 0;
	r->names_size = size;
	fill_header(&r->h, RECORD_MODULE, sizeof(*r) + size, bpf_get_current_pid_tgid());
	emit_bounded(r, sizeof(*r) + size, sizeof(*buf), LOSS_PROCESS, true);
}

#endif
