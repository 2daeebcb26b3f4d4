/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Python thread state of the calling thread, and where its frames begin.
 *
 * Owns: the key, which every thread reads in a moment; and, where that does not tell, the lists of
 * interpreters and of their threads. A state counts only if it names this very thread.
 *
 * Never: trusts what it reads; looks further than some thousand states.
 */
#ifndef FDTRACE_THREAD_BPF_H
#define FDTRACE_THREAD_BPF_H

#include "libc.bpf.h"
#include "pthread.bpf.h"

/*
 * A thread-local of the module whose number the loader has put into a slot beside the runtime:
 * glibc's dynamic thread vector has 16 bytes for each module, and so far no block (-1) for one
 * that this thread has not used.
 */
static __always_inline u64 module_local(const struct python_process *python,
					const struct py_layout *layout)
{
	u64 module = 0, vector = 0, block = 0, value = 0;

	if (!read_user(&module, sizeof(module), python->runtime + (s64)layout->runtime_key) ||
	    !module || module >= 4096 ||
	    !read_user(&vector, sizeof(vector), thread_pointer() + DTV_AT) ||
	    !read_user(&block, sizeof(block), vector + 16 * module))
		return NOT_THERE;
	if (block == -1ull)
		return 0;
	if (!read_user(&value, sizeof(value), block + (s64)layout->key_offset))
		return NOT_THERE;
	return value;
}

/* 1 + the number of the key of the thread state; 0: it is not set up. */
static __always_inline u32 read_key(const struct python_process *python,
				    const struct py_layout *layout)
{
	u64 at = python->runtime + (s64)layout->runtime_key;
	u32 tss[2] = {}; /* is it initialized, the key */

	if (layout->key == PY_KEY_INT)
		tss[0] = read_user(&tss[1], sizeof(tss[1]), at);
	else if (!read_user(tss, sizeof(tss), at))
		return 0;
	return tss[0] == 1 && tss[1] < 1024 ? tss[1] + 1 : 0;
}

/* One read of all up to the last field costs less than one for each. */
static __always_inline bool read_thread(struct walk *w, const struct py_layout *layout, u64 state,
					u64 self)
{
	u32 last = layout->tstate_thread_id & 255;

	if (!read_user(w->window, last + 8, state))
		return false;
	w->view.interp = *(u64 *)(w->window + (layout->tstate_interp & FIELD_MASK));
	w->view.frame = *(u64 *)(w->window + (layout->tstate_frame & FIELD_MASK));
	return is_self(*(u64 *)(w->window + last), self);
}

enum found_thread { THREAD_FOUND, THREAD_NONE, THREAD_NOT_BY_KEY };

/*
 * Where the runtime says that this thread keeps its state. A function of its own for its stack: a
 * chain of calls has 512 bytes in all.
 */
static __noinline enum found_thread thread_by_key(struct walk *w, struct python_process *python,
						  const struct py_layout *layout, u64 self)
{
	u64 state = 0;
	u32 key = 0;

	switch (layout->key) {
	case PY_KEY_LOCAL:
		if (!read_user(&state, sizeof(state), thread_pointer() + (s64)layout->key_offset))
			state = NOT_THERE;
		break;
	case PY_KEY_MODULE:
		state = module_local(python, layout);
		break;
	case PY_KEY_TSS:
	case PY_KEY_INT:
		key = read_key(python, layout);
		if (key)
			state = thread_specific(self, key - 1);
		break;
	default:
		return THREAD_NOT_BY_KEY;
	}
	if (state && read_thread(w, layout, state, self)) {
		python->tss_key = key;
		return THREAD_FOUND;
	}
	/* Elsewhere than in glibc something else lies in these places, nothing (0) even. */
	if (is_glibc(self))
		return state ? THREAD_NOT_BY_KEY : THREAD_NONE;
	state = key ? musl_specific(self, key - 1) : 0;
	return state && read_thread(w, layout, state, self) ? THREAD_FOUND : THREAD_NOT_BY_KEY;
}

/*
 * The thread state of this thread, which the runtime's key holds also while the GIL is released;
 * it counts only if it names this very thread, which also proves the key that is remembered.
 */
static __always_inline enum found_thread find_thread(struct walk *w, struct python_process *python,
						     const struct py_layout *layout, u64 self)
{
	u64 state;

	w->view.interp = 0;
	if (python->tss_key) {
		state = thread_specific(self, python->tss_key - 1);
		if (state && read_thread(w, layout, state, self))
			return THREAD_FOUND;
	}
	return thread_by_key(w, python, layout, self);
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

/*
 * Before 3.12 the key shows the outer interpreter even when the thread runs in another one:
 * with more than one interpreter the lists have to tell. The newest one is their head.
 */
static __always_inline bool many_interpreters(struct walk *w, u64 interps,
					      const struct py_layout *layout)
{
	if (layout->version >= 0x030c)
		return false;
	return read_user(&w->search.interp, sizeof(w->search.interp), interps) &&
	       w->search.interp != w->view.interp;
}

/*
 * Looks at one thread state of the lists, which is in the window. From 3.12 on it is the one that
 * the key would show. Before, a thread has one in each interpreter that it has entered, and runs
 * in the one whose _PyCFrame is innermost on its C stack; where there is none (up to 3.9), in the
 * youngest: an interpreter can't run code in the main one, so that with two there is no doubt.
 */
static __always_inline bool consider_thread(struct walk *w, const struct py_layout *layout)
{
	struct thread_search *s = &w->search;
	u64 frame = *(u64 *)(w->window + (layout->tstate_frame & FIELD_MASK));
	u64 cframe = 0;
	bool own = is_self(*(u64 *)(w->window + (layout->tstate_thread_id & 255)), s->self);

	if (layout->tstate_status != LAYOUT_NONE) {
		if (!own || !(w->window[layout->tstate_status & FIELD_MASK] & 8))
			return false;
		s->frame = frame;
		s->found = 1;
		return true;
	}
	if (!own && s->interp == s->own_interp)
		return false;
	if (!first_frame(layout, frame)) {
		s->found |= own;
		return false;
	}
	if (!own) { /* made by another thread; it may be this one that runs in it */
		s->doubtful = 1;
		return false;
	}
	s->found = 1;
	s->matches++;
	if (layout->tstate_cframe != LAYOUT_NONE)
		cframe = *(u64 *)(w->window + (layout->tstate_cframe & FIELD_MASK));
	else if (s->matches > 2)
		s->doubtful = 1;
	if (!s->frame || cframe < s->cframe) {
		s->frame = frame;
		s->cframe = cframe;
	}
	return false;
}

/*
 * A few thread states further in the lists. Returns 1 while there is more. A global function:
 * verified once, however often the loop calls it.
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
		if (consider_thread(w, layout))
			return 0;
		s->thread = *(u64 *)(w->window + (layout->tstate_next & FIELD_MASK));
	}
	return 1;
}

/*
 * Looks through all thread states of all interpreters; the first of these is at this address. What
 * is found is in the search. A global function: verified by itself.
 */
__attribute__((noinline)) int search_lists(u64 interps, u64 self, u64 own_interp)
{
	struct walk *w = this_walk();
	struct thread_search *s;
	u32 i;

	if (!w)
		return PYTHON_NONE;
	s = &w->search;
	__builtin_memset(s, 0, sizeof(*s));
	s->self = self;
	s->own_interp = own_interp;
	read_user(&s->next_interp, sizeof(s->next_interp), interps);
	for (i = 0; i < SEARCH_STEPS; i++)
		if (!search_threads())
			break;
	if (i == SEARCH_STEPS)
		return PYTHON_UNFOUND;
	if (!s->found)
		return PYTHON_NO_THREAD;
	return s->doubtful ? PYTHON_AMBIGUOUS : PYTHON_COMPLETE;
}

/* Where this thread's frames begin, into w->next. */
static __always_inline enum python_status find_frames(struct walk *w, struct python_process *python,
						      const struct py_layout *layout)
{
	u64 interps = python->runtime + layout->runtime_interp, self = thread_self();
	enum python_status status = PYTHON_COMPLETE;
	enum found_thread found;

	found = find_thread(w, python, layout, self);
	if (found == THREAD_NONE)
		return PYTHON_NO_THREAD;
	if (found == THREAD_NOT_BY_KEY || many_interpreters(w, interps, layout)) {
		status = search_lists(interps, self, w->view.interp);
		w->view.frame = w->search.frame;
	}
	w->next = first_frame(layout, w->view.frame);
	w->entry = layout->frames == PY_FRAMES_CFRAME ? w->view.frame : 0;
	return status;
}

#endif
