/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The store: descriptor tables, a slot for each number in them, and the generations of each slot.
 *
 * A generation is the time from the call that opens a number to the call that closes it.
 *
 * Owns: that memory and its bounds, and what a loss of records (a gap) leaves in doubt.
 * Never: knows a process, decides which generation a call ended (generation.h) or which call is
 * wrong (verdict.h). Nothing here is sized by a number's value.
 */
#ifndef FDTRACE_FD_TABLE_H
#define FDTRACE_FD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "fd/coverage.h"
#include "fd/custody.h"
#include "fd/doubt.h"
#include "fd/limits.h"
#include "fd/slot_index.h"

/*
 * A path or name, or of a socket a struct record_socket (sockets.h); all generations that came from
 * one open file share it.
 */
struct text {
	unsigned int refs;
	uint32_t size;
	_Alignas(8) char bytes[];
};

enum generation_state {
	GENERATION_LIVE,
	GENERATION_AWAITED, /* it is over because the number was opened again: its close is not
			       recorded yet */
	GENERATION_OVER,    /* struct generation, ended: by what */
};

/* What is known of how a generation began. */
enum generation_beginning {
	BEGAN_UNSEEN,	  /* nothing: opened.missing says why */
	BEGAN_BY_CALL,	  /* a call made it that was seen */
	BEGAN_BY_DUP,	  /* a call of the dup family did */
	BEGAN_LISTED,	  /* the snapshot shows it; its open may be recorded later */
	BEGAN_BEFORE_USE, /* a use shows it: `opened` is that use, though its open was not seen */
};

/* The object that has a generation, or had it (ownership.h). */
struct ownership {
	uint64_t object;	 /* its address; 0: none is known */
	uint64_t class;		 /* the address of its type (owner_names.h); 0: not known */
	struct finding *waiting; /* an owned_close that waits for a close by the object */
	unsigned int gaps;	 /* store.gaps when the generation began, or the object took it */
	uint32_t giver;		 /* the thread in which the object gave the number up: if a close
				    comes, that thread makes it */
	uint8_t type;		 /* enum owner_type */
	uint8_t flags;		 /* enum claim_flag */
	bool given : 1;		 /* the object has given the number up */
	bool lent : 1;		 /* the object is a copy, by fork, of one of the parent process */
};

/* Whose close ended a generation, and whose it should have been (ownership.h, reuse.h). */
struct closer {
	uint16_t proofs;   /* enum finding_proof: what speaks for another generation being meant */
	bool claimed : 1;  /* the record of the close had claims of objects, of this generation or
			      another */
	bool behind : 1;   /* the close was not made by the object that has the number still */
	bool stolen : 1;   /* the close was meant for an earlier generation */
	bool unsure : 1;   /* it is not certain whose close it was */
	bool supposed : 1; /* the only object that had the generation let go of it by then, and C
			      code that is not os.close() made the close: most likely the object's
			      own, which need not show that it is at work */
	bool told : 1;	   /* it has been reported as a reused_close: no later failure reports it
			      again */
};

/* One generation of a number, from its open to its close. */
struct generation {
	struct generation *older;
	uint64_t id;		 /* never reused */
	struct fd_site opened;	 /* the open; BEGAN_BEFORE_USE: the use */
	struct fd_site ended;	 /* the call that ended it, unless it is live */
	struct fd_what what;	 /* what was opened; its path, or socket, lies in text_of() */
	struct custody *custody; /* NULL: no call on it told who made it */
	uint32_t refs;	 /* of the newest generation: how many slots share it (slot_own()) */
	uint32_t doubts; /* enum doubt */
	struct ownership owner;
	struct closer closer;
	enum generation_state state : 8;
	enum generation_beginning began : 8;
	bool inherited : 1; /* it began in the parent process, before fork */
	bool cloexec : 1;
	bool follows : 1; /* its open was entered after the close of the generation before had
			     returned: no doubt, but what takes one away */
};

/* With which slots a slot shares its generations. */
enum sharing {
	SHARE_NONE,	 /* with none */
	SHARE_LENT,	 /* with those of copies of its table: they were first its own */
	SHARE_BORROWED,	 /* they were first those of another slot, whose table was copied */
	SHARE_INHERITED, /* that table is a parent process's */
};

/*
 * The slot of a number in a table, with its generations. When a table is copied, each slot of the
 * copy shares its generations with the slot in the original, until either slot is looked at
 * (slot_find()).
 */
struct slot {
	struct slot *prev, *next; /* the slots of all tables, least recently touched first */
	struct table *table;
	struct generation *newest;
	struct pending_finding *waiters; /* its pending findings (pending.h) */
	unsigned int gaps;		 /* store.gaps when the slot was last touched */
	int32_t fd;
	uint32_t doubts;     /* enum doubt: DOUBT_COPY, DOUBT_CUT, DOUBT_CUT_UNSEEN */
	uint16_t cut_closer; /* a mark of the function that closed all of cut_shared; 0: not one */
	enum sharing sharing : 8;
	bool let_go : 1;     /* at the close before, an object had let go of it (ownership.h) */
	bool has_past : 1;   /* generations that left its history are referred to still */
	bool cut_shared : 1; /* one that others may have been given has left its history */
	bool copied : 1; /* it was not touched since its table was made as a copy (table_copy.h) */
};

struct use;		/* table_users.h */
struct pending_finding; /* pending.h */

/* The numbers min..max; none if max < min. */
struct span {
	int32_t min, max;
};

static inline bool span_empty(const struct span *span)
{
	return span->max < span->min;
}
bool span_has(const struct span *span, int32_t fd);
/* Adds min..max, and what lies between. */
void span_widen(struct span *span, int32_t min, int32_t max);

struct table {
	UT_hash_handle hh;
	struct store *store;
	uint64_t address; /* 0: not known yet */
	struct slot_index numbers;
	struct use *uses;
	struct table *source; /* the table it was copied from, while that matters (table_copy.h) */
	struct table *copy;   /* the table that was copied from it last */
	struct coverage coverage;
	uint64_t copied_ns;
	uint64_t snapshot_ns; /* calls that returned up to then may be part of the snapshot */
	uint32_t max_fds;     /* no number from this one on was in use at attach; 0: not known */
	unsigned int gaps;    /* store.gaps when it began, or was last listed or exec'd */
	unsigned int waiting_count; /* its pending findings that wait */
	uint32_t doubts;	    /* about numbers of which nothing is known; enum doubt:
				     * DOUBT_COPY: they may have been open when the table was copied;
				     * DOUBT_RANGE: a close_range may have come before the snapshot, or before
				     * all that was opened was recorded (RANGE_MADE_TOLD);
				     * DOUBT_UNSEEN: one of them was open, or may have been, unseen */

	bool whole;	 /* it was seen since the program's first instruction */
	bool traced;	 /* a call that was seen made it, as a copy of another table */
	bool snapshot;	 /* the snapshot is complete */
	bool alone;	 /* a single thread used it when the snapshot was taken */
	bool read_anew;	 /* the snapshot was taken, or taken again, after a gap */
	struct span cut; /* what was known of these numbers may have been forgotten */
	uint64_t cut_ns; /* all that was forgotten had happened by then */

	struct span swept; /* the numbers that close_range covered, whether they were open or not */
	uint64_t swept_ns; /* when the last close_range did; 0: none has */
};

struct store {
	struct fd_limits limits;
	struct table *tables; /* hashed by address */
	struct unmet *unmet;  /* for coverage.h, as is unmet_ways */
	uint32_t unmet_ways;
	struct slot *numbers;
	unsigned int ntables; /* counts tables without an address too */
	unsigned int nnumbers;
	unsigned int gaps; /* one more than the gaps so far; 0 marks what was always in doubt */
	uint64_t live;
	uint64_t forgotten;
	uint64_t gap_ns; /* when the last gap was recorded; 0: there was none */
	uint64_t generations;
	uint64_t dropped;   /* that are referred to, but have left their history (custody.h) */
	struct past *pasts; /* for custody.h, by slot */
	size_t text_bytes;
	size_t bytes;	    /* the heap memory that all of this takes */
	uint64_t now_ns;    /* the time of the record at hand */
	uint64_t after_ns;  /* the call of that record was entered after this; 0: not known */
	uint64_t traced_ns; /* its thread was traced already at this time, before that call; 0: not
			       known */
	uint64_t installed_ns; /* the first time since then that its thread installed a number, in
				  that call; 0: none */
	void (*forget)(void *arg, struct slot *slot); /* called before a slot is forgotten */
	void *forget_arg;
};

/*
 * A text of size bytes, with one reference. NULL without memory, or when the texts that are kept
 * have reached their bound.
 */
struct text *text_new(struct store *store, const char *bytes, size_t size);
struct text *text_ref(struct text *text);
void text_unref(struct store *store, struct text *text);
/* What the path, or the socket, of the generation lies in; NULL: it has none. */
struct text *text_of(const struct generation *gen);

void store_init(struct store *store, const struct fd_limits *limits);
/*
 * Forgets the least recently touched slots until what is kept, and `more` bytes, fit the limit. The
 * caller may keep no pointer to a slot or a generation.
 */
void store_trim(struct store *store, size_t more);
/* Count heap memory that was taken, or given back, in bytes as the heap rounds them. */
void store_count(struct store *store, size_t size);
void store_discount(struct store *store, size_t size);

struct table *table_find(const struct store *store, uint64_t address);
/* A new table; address 0: table_place() follows. NULL without memory or at the limit. */
struct table *table_new(struct store *store, uint64_t address);
void table_place(struct store *store, struct table *table, uint64_t address);
void table_free(struct store *store, struct table *table);
/*
 * Does what dup_fd() does in the kernel: returns a new table at address that holds what `from`
 * holds, history included. inherited: the copy was made by fork. NULL as from table_new(); numbers
 * that do not fit are forgotten.
 */
struct table *table_copy(struct store *store, const struct table *from, uint64_t address,
			 bool inherited);
/* exec: close-on-exec numbers are closed; generations that are over were another program's. */
void table_exec(struct store *store, struct table *table);
/* From now on nothing in the table is certain until it is seen again. */
void table_doubt(struct table *table);
/* A snapshot was taken after a gap: whatever has not been seen since the gap is over. */
void table_read_anew(struct store *store, struct table *table);
/* Whether records were lost since the table began. */
bool table_gap(const struct store *store, const struct table *table);
/* Whether what was known of the number may have been forgotten. */
bool table_cut(const struct table *table, int32_t fd);

/*
 * Whether what is known of the slot (NULL: nothing) may be older or newer than the moment when the
 * table was made as a copy (table_copy.h).
 */
bool table_unsure(const struct table *table, const struct slot *slot);
/* What was known of numbers min..max is forgotten; all of it had happened by time_ns. */
void table_mark_cut(struct table *table, int32_t min, int32_t max, uint64_t time_ns);
/* close_range has covered min..max; time_ns: when, or 0 if it was in another table. */
void table_sweep(struct table *table, int32_t min, int32_t max, uint64_t time_ns);
/* Whether a close_range has covered the number. */
bool table_swept(const struct table *table, int32_t fd);
/* Whether numbers have been opened or closed in this table in ways that are not seen. */
bool table_hides(const struct table *table);

/*
 * The slot of fd. Its generations are its own after this, and may be changed. NULL: nothing is
 * known of fd, or there is no memory.
 */
struct slot *slot_find(const struct table *table, int32_t fd);
/*
 * Makes the slot's generations its own, for a slot that slot_find() did not return: needed before a
 * generation is changed or pointed to. False: there is no memory, and they are still shared.
 */
bool slot_own(struct slot *slot);
/* Visits the slots of a table; at: see slot_index_next(). Their generations may be shared. */
#define EACH_SLOT(table, at, slot) \
	for (uint32_t at = 0; ((slot) = slot_index_next(&(table)->numbers, &at));)
/* Finds or creates the slot, at the cost of the least recently touched one. NULL without memory. */
struct slot *slot_get(struct store *store, struct table *table, int32_t fd);
/* Whether records were lost since the slot was last touched. */
bool slot_stale(const struct store *store, const struct slot *slot);
/* A call on the number was seen: what the next verdict needs is certain again. */
void slot_touch(struct store *store, struct slot *slot);
/* Whether the newest generation is live; false if slot is NULL. */
bool slot_live(const struct slot *slot);
/* Frees the slot with its generations; no finding may be pending on it. */
void slot_free(struct store *store, struct slot *slot);
/* Copies the slot into the table `to`. False: it does not fit, or there is no memory. */
bool slot_copy(struct store *store, struct table *to, struct slot *from, bool inherited);
/* Makes room for count slots that are about to be copied: forgets the least recently touched. */
void slot_make_room(struct store *store, size_t count);
/* Drops all generations before the newest: they were another program's. They must not be shared. */
void slot_drop_older(struct store *store, struct slot *slot);
/* Of what has left the history, the function closed all that others may have been given. */
bool slot_cut_by(const struct slot *slot, uint64_t closer_code);
/* The slot's generation with this id; NULL: it has been forgotten. */
struct generation *slot_generation(const struct slot *slot, uint64_t id);

/*
 * Adds a live generation, of which nothing is known, as the newest; the slot must not be live
 * before. NULL without memory. A history beyond its limit loses its oldest generation.
 */
struct generation *generation_push(struct store *store, struct slot *slot);
/* Frees what has left its history, or was never in one. */
void generation_free(struct store *store, struct generation *gen);
/* Drops the finding that waits for the owner of the generation, if there is one. */
void generation_drop_waiting(struct store *store, struct generation *gen);
/* Whether it is open, as far as is known. */
static inline bool generation_live(const struct generation *gen)
{
	return gen->state == GENERATION_LIVE;
}
/* A call shows that there was one: `opened`, which made it, or found it there. */
static inline bool generation_shown(const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN || gen->began == BEGAN_BEFORE_USE;
}
/* The generation is over. ended: the call that ended it, or why that call was not seen. */
void generation_over(struct store *store, struct generation *gen, const struct fd_site *ended);
/* Whether a call that was seen opened the generation, and a close that was seen ended it. */
bool generation_was_seen(const struct generation *gen);
/* No close of the slot's generations is on its way any more. They must not be shared. */
void slot_await_nothing(struct slot *slot);
/* Undoes the newest generation, which must not be shared: the number never had it. */
void slot_drop_newest(struct store *store, struct slot *slot);
/* How the generation was opened, and what it is, was not seen; missing: why. */
void generation_unknown(struct store *store, struct generation *gen, enum site_missing missing);
/* Sets what the generation is. text: what its path lies in; a reference is taken. */
void generation_set_what(struct store *store, struct generation *gen, const struct fd_what *what,
			 struct text *text);

#endif
