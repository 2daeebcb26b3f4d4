/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Python thread state of the calling thread, and where its frames begin.
 *
 * Owns: the key, which every thread reads in a moment, and when it does not tell: states.bpf.h
 * looks through the lists then. What the key shows counts only if it names this very thread, or has
 * been bound to it, and if its frames do not run on the stack of another.
 *
 * Never: trusts what it reads.
 */
#ifndef FDTRACE_THREAD_BPF_H
#define FDTRACE_THREAD_BPF_H

#include "pthread.bpf.h"
#include "states.bpf.h"

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

/*
 * One read of all up to the last field costs less than one for each. True: the state is this
 * thread's, by whom it names or, from 3.12 on, by who bound it to the key last.
 */
static __always_inline bool read_thread(struct walk *w, const struct py_layout *layout, u64 state,
					u64 self)
{
	u32 last = layout->tstate_thread_id & 255;

	if (!read_user(w->window, last + 8, state))
		return false;
	w->view.state = state;
	w->view.interp = window_field(w, layout->tstate_interp);
	w->view.frame = window_field(w, layout->tstate_frame);
	w->view.anchor = window_anchor(w, layout);
	w->view.own = is_self(*(u64 *)(w->window + last), self);
	return w->view.own || is_bound(w, layout);
}

enum found_thread { THREAD_FOUND, THREAD_NOT_BY_KEY };

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
		return THREAD_NOT_BY_KEY;
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

	w->view.interp = w->view.state = 0;
	if (python->tss_key) {
		state = thread_specific(self, python->tss_key - 1);
		if (state && read_thread(w, layout, state, self))
			return THREAD_FOUND;
	}
	return thread_by_key(w, python, layout, self);
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
 * Whether the state that the key shows has frames, and its C stack is this thread's: others may run
 * it. Where no evaluation loop says so (up to 3.9, and where compiled code made the frames), who it
 * names has to do. From 3.13 on only the walk will tell.
 */
static __always_inline bool runs_here(const struct walk *w, const struct py_layout *layout)
{
	enum place place;

	if (!w->view.frame)
		return false;
	if (!w->view.anchor)
		return true;
	place = place_of(w, w->view.state, w->view.anchor);
	if (place == PLACE_NONE && layout->frames == PY_FRAMES_CFRAME)
		return w->view.own && first_frame(layout, w->view.frame);
	return place == PLACE_HERE || (w->view.own && place != PLACE_ELSEWHERE);
}

/* From now on the key alone is not believed in this process. */
static __noinline void note_moved(u64 program)
{
	struct python_process *python = find_program(program, bpf_get_current_pid_tgid() >> 32);

	if (!python)
		return;
	python->moved = 1;
	__sync_fetch_and_add(&pythons_changed, 1);
}

/* What the lists tell, into w->next. */
static __always_inline enum python_status
search_frames(struct walk *w, struct python_process *python, const struct py_layout *layout)
{
	u32 key = python->tss_key;
	enum python_status status;

	if (!key && (layout->key == PY_KEY_TSS || layout->key == PY_KEY_INT))
		key = read_key(python, layout);
	status = search_lists(python->runtime + layout->runtime_interp, thread_self(), key,
			      python->moved && layout->version < 0x030a);
	if (w->search.others_state && !python->moved)
		note_moved(w->program);
	w->view.frame = w->search.frame;
	w->view.interp = w->search.interp_found;
	w->next = first_frame(layout, w->view.frame);
	w->entry = layout->frames == PY_FRAMES_CFRAME ? w->view.frame : 0;
	return status;
}

/* Where this thread's frames begin, into w->next. */
static __always_inline enum python_status find_frames(struct walk *w, struct python_process *python,
						      const struct py_layout *layout)
{
	u64 interps = python->runtime + layout->runtime_interp;

	if (find_thread(w, python, layout, thread_self()) != THREAD_FOUND || python->moved ||
	    many_interpreters(w, interps, layout) || !runs_here(w, layout))
		return search_frames(w, python, layout);
	w->next = first_frame(layout, w->view.frame);
	w->entry = layout->frames == PY_FRAMES_CFRAME ? w->view.frame : 0;
	return PYTHON_COMPLETE;
}

/*
 * From 3.13 on, after the walk: whether the frames that the key showed lie on another thread's C
 * stack, by the first of them that lies on any.
 */
static __always_inline bool ran_elsewhere(const struct walk *w, const struct py_layout *layout)
{
	enum place place;

	if (layout->frames != PY_FRAMES_CURRENT)
		return false;
	place = place_of(w, w->view.state, w->entry);
	return place == PLACE_ELSEWHERE || (!w->view.own && place != PLACE_HERE);
}

#endif
