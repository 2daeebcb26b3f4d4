/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/threads.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "abi/record.h"

#define THREADS_MAX 32768

struct thread {
	UT_hash_handle hh;
	struct thread *prev, *next;
	uint32_t tid;
	struct thread_past last;
	struct intents intents;
	struct missed missed;
};

static void thread_forget(struct threads *threads, struct thread *thread)
{
	HASH_DEL(threads->index, thread);
	DL_DELETE(threads->list, thread);
	free(thread);
}

void threads_free(struct threads *threads)
{
	while (threads->list)
		thread_forget(threads, threads->list);
}

static struct thread *add(struct threads *threads, uint32_t tid)
{
	struct thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return NULL;
	if (HASH_COUNT(threads->index) >= THREADS_MAX)
		thread_forget(threads, threads->list);
	thread->tid = tid;
	HASH_ADD(hh, threads->index, tid, sizeof(tid), thread);
	DL_APPEND(threads->list, thread);
	return thread;
}

static struct thread *find_or_add(struct threads *threads, uint32_t tid)
{
	struct thread *thread;

	HASH_FIND(hh, threads->index, &tid, sizeof(tid), thread);
	return thread ? thread : add(threads, tid);
}

struct intents *threads_intents(struct threads *threads, uint32_t tid)
{
	struct thread *thread = find_or_add(threads, tid);

	if (thread)
		return &thread->intents;
	threads->nobodys = (struct intents){0};
	return &threads->nobodys;
}

struct missed *threads_missed(struct threads *threads, uint32_t tid)
{
	struct thread *thread = find_or_add(threads, tid);

	if (thread)
		return &thread->missed;
	threads->none = (struct missed){0};
	return &threads->none;
}

static void drop(struct intents *intents, size_t i)
{
	intents->count--;
	memmove(&intents->objects[i], &intents->objects[i + 1],
		(intents->count - i) * sizeof(intents->objects[0]));
}

void intents_push(struct intents *intents, const struct intent *intent)
{
	if (intents->count == INTENTS_MAX)
		drop(intents, 0);
	intents->objects[intents->count++] = *intent;
}

struct intent intents_take(struct intents *intents, int32_t fd)
{
	struct intent intent = {.point = OWNER_OS_CLOSE, .fd = fd};

	if (intents->os_close) {
		intents->os_close = false;
		return intent;
	}
	for (size_t i = intents->count; i-- > 0;) {
		intent = intents->objects[i];
		if (intent.fd != fd)
			continue;
		drop(intents, i);
		return intent;
	}
	return (struct intent){0};
}

/* It is not silent. NULL without memory. */
static struct thread *stir(struct threads *threads, uint32_t tid)
{
	struct thread *thread = find_or_add(threads, tid);

	if (thread && thread->next) {
		DL_DELETE(threads->list, thread);
		DL_APPEND(threads->list, thread);
	}
	return thread;
}

struct thread_past threads_note(struct threads *threads, uint32_t tid, uint64_t time_ns,
				uint64_t table)
{
	struct thread *thread = stir(threads, tid);
	struct thread_past before;

	if (!thread)
		return (struct thread_past){0};
	before = thread->last;
	thread->last = (struct thread_past){.time_ns = time_ns, .table = table};
	return before;
}

struct thread_past threads_note_installed(struct threads *threads, uint32_t tid, uint64_t time_ns)
{
	struct thread *thread = stir(threads, tid);

	if (!thread)
		return (struct thread_past){0};
	if (!thread->last.installed_ns)
		thread->last.installed_ns = time_ns;
	return thread->last;
}
