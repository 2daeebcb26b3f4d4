/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lists of interpreters and of their thread states, where the key does not tell which of them
 * this thread runs: it may have entered several, and run one that another thread made.
 *
 * Owns: what shows that a state's frames run in this thread. From 3.10 on an evaluation loop leaves
 * an anchor on the C stack that it runs on: a _PyCFrame (up to 3.12), or the frame at which it
 * began (from 3.13 on). A state whose anchor lies on this thread's stack runs here, whoever made
 * it, and no other does. Up to 3.9 there is none: a state that names this thread counts, and of
 * others a pointer to their innermost frame, which the evaluation loop keeps in a register or on
 * its stack, is a sign, but no proof.
 *
 * Never: trusts what it reads; looks further than some thousand states.
 */
#ifndef FDTRACE_STATES_BPF_H
#define FDTRACE_STATES_BPF_H

#include "libc.bpf.h"
#include "pthread.bpf.h"

/*
 * C code between a call and the evaluation loop around it takes less of the stack than this, and
 * the innermost loop of a thread whose stack lies above is further away.
 */
#define STACK_NEAR  (64 << 10)
/* No stack is larger. */
#define STACK_MAX   (1ull << 30)
/* Up to 3.9: so much of the stack is looked through, by pages. */
#define STACK_PAGES 4
#define PAGE_SIZE   4096
/* Bytes of it that are looked through by one call: the verifier follows each step of a loop. */
#define LISTED_ROW  256
/* A thread state is smaller; its own fields are no place on a stack. */
#define STATE_SIZE  (16 << 10)

enum place { PLACE_NONE, PLACE_HERE, PLACE_FAR, PLACE_ELSEWHERE };

static __always_inline u64 window_field(const struct walk *w, u16 field)
{
	return *(u64 *)(w->window + (field & FIELD_MASK));
}

/* Of the thread state in the window; 0: there is none, or only the frames tell (3.13 on). */
static __always_inline u64 window_anchor(const struct walk *w, const struct py_layout *layout)
{
	if (layout->tstate_cframe != LAYOUT_NONE)
		return window_field(w, layout->tstate_cframe);
	return layout->frames == PY_FRAMES_CFRAME ? window_field(w, layout->tstate_frame) : 0;
}

/* The state in the window is what the key of some thread shows. */
static __always_inline bool is_bound(const struct walk *w, const struct py_layout *layout)
{
	return layout->tstate_status != LAYOUT_NONE &&
	       w->window[layout->tstate_status & FIELD_MASK] & 8;
}

static __always_inline u64 first_frame(const struct py_layout *layout, u64 frame)
{
	u64 cframe = frame;

	if (!frame || layout->frames != PY_FRAMES_CFRAME)
		return frame;
	frame = 0;
	read_user(&frame, sizeof(frame), cframe + layout->cframe_current);
	return frame;
}

/* Where the stack that a thread starts on ends: C libraries put their own data of it there. */
static __noinline u64 stack_top(void)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();

	if ((u32)pid_tgid != pid_tgid >> 32)
		return thread_self();
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), mm, start_stack);
}

/*
 * Where an anchor lies. PLACE_NONE: in its thread state, where no evaluation loop runs. PLACE_FAR:
 * on this stack, as it seems, with more C code between than there should be.
 */
static __always_inline enum place place_of(const struct walk *w, u64 state, u64 anchor)
{
	u64 top;

	if (!anchor || anchor - state < STATE_SIZE)
		return PLACE_NONE;
	if (anchor - w->sp < STACK_NEAR)
		return PLACE_HERE;
	top = stack_top();
	return anchor > w->sp && anchor < top && top - w->sp < STACK_MAX ? PLACE_FAR
									 : PLACE_ELSEWHERE;
}

/* A state with frames, by where its anchor lies. The innermost one on the stack counts. */
static __always_inline void consider_place(struct walk *w, const struct py_layout *layout,
					   u64 state, u64 frame, u64 anchor, bool own)
{
	struct thread_search *s = &w->search;

	switch (place_of(w, state, anchor)) {
	case PLACE_HERE:
		if ((s->frame && anchor >= s->anchor) || !first_frame(layout, frame))
			return;
		s->frame = frame;
		s->anchor = anchor;
		s->others_state = !own;
		s->interp_found = s->interp;
		return;
	case PLACE_NONE:
		if (own && first_frame(layout, frame))
			s->loose = frame;
		return;
	case PLACE_FAR:
		s->doubtful = 1;
		return;
	default: /* made here, to run in another thread; or this is another stack of the thread's */
		s->doubtful |= own;
	}
}

/* Whether the thread that a state names has it in its key, and so is the one that runs it. */
static __always_inline bool is_keyed(const struct thread_search *s, u64 thread_id)
{
	if (!s->key)
		return false;
	return (is_glibc(s->self) ? specific_of(thread_id, s->key - 1)
				  : musl_specific(thread_id, s->key - 1)) == s->thread;
}

/* A frame that may run in this thread; the search of the stack tells. */
static __always_inline void list_frame(struct thread_search *s, u64 frame)
{
	if (!s->listed || frame < s->lowest)
		s->lowest = frame;
	if (frame > s->highest)
		s->highest = frame;
	s->others[s->listed & (OTHERS_MAX - 1)] = frame;
	s->listed++;
}

/*
 * Up to 3.9. Of those that name this thread, the youngest interpreter's runs: an interpreter can't
 * run code in the main one, so that with two there is no doubt. Room is left for one of these.
 */
static __always_inline void consider_names(struct thread_search *s, u64 frame, u64 thread_id,
					   bool own)
{
	bool moved;

	if (!frame)
		return;
	if (own) {
		s->matches++;
		if (s->frame)
			return;
		s->frame = frame;
		s->interp_found = s->interp;
		return;
	}
	moved = !is_keyed(s, thread_id);
	s->moved |= moved;
	if (s->listed < OTHERS_MAX - 1)
		list_frame(s, frame);
	else
		s->unlisted |= moved;
}

/* Looks at one thread state of the lists, which is in the window. */
static __always_inline void consider_thread(struct walk *w, const struct py_layout *layout)
{
	struct thread_search *s = &w->search;
	u64 frame = window_field(w, layout->tstate_frame);
	u64 thread_id = *(u64 *)(w->window + (layout->tstate_thread_id & 255));
	u64 anchor = window_anchor(w, layout);
	bool own = is_self(thread_id, s->self);

	s->found |= own;
	if (layout->frames == PY_FRAMES_CURRENT) {
		s->probe = s->probed_frame = frame;
		s->probed = s->thread;
		s->probed_own = own;
		s->probes = 0;
	} else if (anchor) {
		consider_place(w, layout, s->thread, frame, anchor, own);
	} else {
		consider_names(s, frame, thread_id, own);
	}
}

/* 3.13 on: one frame further, to the first that lies on a C stack. */
static __always_inline void probe_frame(struct walk *w, const struct py_layout *layout)
{
	struct thread_search *s = &w->search;
	u64 at = s->probe;

	s->probe = 0;
	if (++s->probes > PROBES_MAX ||
	    !read_user(w->window, layout->frame_size & FIELD_MASK, at)) {
		s->doubtful = 1;
		return;
	}
	if (w->window[layout->frame_owner & FIELD_MASK] < layout->shim_owner) {
		s->probe = window_field(w, layout->frame_back);
		if (s->probe)
			return;
		at = 0; /* no evaluation loop runs it */
	}
	consider_place(w, layout, s->probed, s->probed_frame, at, s->probed_own);
}

/*
 * A few steps further in the lists. Returns 1 while there is more. A global function: verified
 * once, however often the loop calls it.
 */
__attribute__((noinline)) int search_threads(void)
{
	struct walk *w = this_walk();
	const struct py_layout *layout;
	struct thread_search *s;

	if (!w)
		return 0;
	s = &w->search;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	for (u32 i = 0; i < SEARCH_STEP; i++) {
		if (s->probe) {
			probe_frame(w, layout);
			continue;
		}
		if (!s->thread) {
			s->interp = s->next_interp;
			if (!s->interp ||
			    !read_user(&s->thread, sizeof(s->thread),
				       s->interp + layout->interp_threads) ||
			    !read_user(&s->next_interp, sizeof(s->next_interp),
				       s->interp + layout->interp_next))
				return 0;
			continue;
		}
		if (!read_user(w->window, (layout->tstate_thread_id & 255) + 8, s->thread))
			return 0;
		consider_thread(w, layout);
		s->thread = window_field(w, layout->tstate_next);
	}
	return 1;
}

/* A global function, as the verifier follows each branch of a loop to its end. */
__attribute__((noinline)) int is_listed(u64 frame)
{
	struct walk *w = this_walk();

	if (!w)
		return 0;
	for (u32 i = 0; i < OTHERS_MAX; i++) {
		if (frame == w->search.others[i]) {
			w->search.shown = i;
			return 1;
		}
	}
	return 0;
}

/* A row of words of the window, from this byte on. A global function: verified by itself. */
__attribute__((noinline)) int find_listed_in_row(u32 from, u32 size)
{
	struct walk *w = this_walk();
	const struct thread_search *s;

	if (!w)
		return 0;
	s = &w->search;
	for (u32 i = 0; i < LISTED_ROW; i += 8) {
		u32 at = from + i;
		u64 word = *(u64 *)(w->window + (at & (PAGE_SIZE - 8)));

		if (at >= size)
			break;
		if (word - s->lowest <= s->highest - s->lowest && is_listed(word))
			return 1;
	}
	return 0;
}

/* Looks for one of the frames that may run here among these bytes of the stack, in the window. */
__attribute__((noinline)) int find_listed(u32 size)
{
	for (u32 at = 0; at < PAGE_SIZE && at < size; at += LISTED_ROW)
		if (find_listed_in_row(at, size))
			return 1;
	return 0;
}

enum sign { SIGN_NONE, SIGN_FOUND, SIGN_UNKNOWN };

/*
 * Which of these frames this thread's stack has a pointer to, the innermost first; the registers
 * are more inner still. SIGN_NONE: none of them in all of it, so that it runs none.
 */
__attribute__((noinline)) int search_stack(void)
{
	u64 top = stack_top(), at;
	struct walk *w = this_walk();

	if (!w || !read_saved((u64 *)w->window, w->regs))
		return SIGN_UNKNOWN;
	if (find_listed(SAVED_REGS * 8))
		return SIGN_FOUND;
	at = w->sp & ~7ull;
	for (u32 i = 0; i < STACK_PAGES; i++) {
		u32 size = PAGE_SIZE - (at & (PAGE_SIZE - 1));

		barrier_var(size); /* the compiler knows what old verifiers have to be told */
		if (size > PAGE_SIZE)
			size = PAGE_SIZE;
		if (!read_user(w->window, size, at))
			return SIGN_UNKNOWN;
		if (find_listed(size))
			return SIGN_FOUND;
		at += size;
		if (at >= top)
			return top - w->sp < STACK_MAX ? SIGN_NONE : SIGN_UNKNOWN;
	}
	return SIGN_UNKNOWN;
}

/* Up to 3.9, where the frames of others, which are listed, may run in this thread. */
static __always_inline enum python_status choose_listed(struct thread_search *s)
{
	enum python_status none = s->found ? PYTHON_COMPLETE : PYTHON_NO_THREAD;
	u64 own = s->frame;

	if (own)
		list_frame(s, own);
	switch (search_stack()) {
	case SIGN_FOUND:
		s->frame = s->others[s->shown & (OTHERS_MAX - 1)];
		s->others_state = s->frame != own;
		return s->others_state || s->matches > 2 ? PYTHON_AMBIGUOUS : PYTHON_COMPLETE;
	case SIGN_NONE:
		return own || s->unlisted ? PYTHON_MOVED : none;
	default:
		return own ? PYTHON_AMBIGUOUS : s->moved ? PYTHON_MOVED : none;
	}
}

/*
 * Looks through all thread states of all interpreters; the first of these is at this address. What
 * is found is in the search. key: 1 + the number of the runtime's. moved: as in struct
 * python_process. A global function: verified by itself.
 */
__attribute__((noinline)) int search_lists(u64 interps, u64 self, u32 key, u32 moved)
{
	struct walk *w = this_walk();
	struct thread_search *s;
	u32 i;

	if (!w)
		return PYTHON_NONE;
	s = &w->search;
	__builtin_memset(s, 0, sizeof(*s));
	s->self = self;
	s->key = key;
	s->moved = moved;
	read_user(&s->next_interp, sizeof(s->next_interp), interps);
	for (i = 0; i < SEARCH_STEPS; i++)
		if (!search_threads())
			break;
	if (i == SEARCH_STEPS)
		return PYTHON_UNFOUND;
	if (s->moved || (s->listed && !s->frame))
		return choose_listed(s);
	if (!s->frame)
		s->frame = s->loose;
	if (s->frame)
		return s->matches > 2 ? PYTHON_AMBIGUOUS : PYTHON_COMPLETE;
	if (s->doubtful)
		return PYTHON_MOVED;
	return s->found ? PYTHON_COMPLETE : PYTHON_NO_THREAD;
}

#endif
