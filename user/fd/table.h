/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The store: tables, the numbers in them, the generations of each number.
 *
 * Owns: that memory and its bounds, and what a loss of records (a gap) leaves in doubt.
 * Never: knows a process, decides which generation a call ended (generation.h) or what is wrong
 * (verdict.h). Nothing here is sized by a number's value.
 */
#ifndef FDTRACE_FD_TABLE_H
#define FDTRACE_FD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "fd/coverage.h"
#include "fd/limits.h"
#include "fd/slot_index.h"

/* A path or name, shared by all generations that came from one open file. */
struct text {
	unsigned int refs;
	uint32_t size;
	char bytes[];
};

/* One generation of a number. */
struct generation {
	struct generation *older;
	uint64_t id;	       /* never reused */
	struct fd_site opened; /* if its open was not seen: the use that showed it, if `shown` */
	struct fd_site ended;  /* of a generation that is over */
	struct fd_what what;   /* path: of text */
	struct text *text;
	uint64_t owner_class;	 /* the owner's type, its address (owner_names.h); 0: not known */
	uint64_t owner;		 /* the object that took it, its address; 0: none known */
	struct finding *waiting; /* for the owner's next call */
	uint32_t refs;		 /* of the newest: numbers that have it (slot_own) */
	uint32_t giver;		 /* the thread that gave it up: it makes the close, if any */
	uint32_t proofs;	 /* of the close that ended it: enum finding_proof (reuse.h) */
	unsigned int owner_gaps; /* the store's, when it began, or was taken */
	uint32_t hidden;     /* enum unseen_way: by which it may be another, since before exec */
	uint8_t owner_type;  /* enum owner_type */
	uint8_t owner_flags; /* enum claim_flag */
	bool live : 1;
	bool cloexec : 1;
	bool copied : 1;    /* made by a call of the dup family */
	bool inherited : 1; /* began in the parent, before fork */
	bool listed : 1;    /* known from the snapshot; its open may still be on its way */
	bool awaited : 1;   /* over because the number was opened again: its close is on its way */
	bool raced : 1;	    /* began while the number was believed open */
	bool shadowed : 1;  /* began while it was unsure whether the number was open */
	bool follows : 1;   /* its open was entered when the close of the generation before had
			       returned */
	bool loose : 1;	    /* over by a close that may have come before its open had returned */
	bool doubted : 1;   /* live, though a close of it may be missed, or thought an older
			       generation's */
	bool crossed : 1;   /* its open and that of the generation before, awaited, may have come in
			       turn */
	bool vague : 1;	    /* it was uncertain already when it was closed */
	bool uncertain : 1; /* another order of the calls fits as well */
	bool swept : 1;	    /* a close_range may have ended it, or another generation after it, or
			       neither */
	bool covered : 1;   /* a close_range came over it when it was over */
	bool shown : 1;	    /* its open was not seen: opened is the use that showed it */

	/* ownership.h */
	bool given : 1;	    /* the owner has given it up */
	bool lent : 1;	    /* the owner is a copy of the parent's object, by fork */
	bool behind : 1;    /* over by a close that its living owner did not make */
	bool suspected : 1; /* it is not certain whose close ended it */
	bool stolen : 1;    /* over by a close that meant an earlier generation */
	bool claimed : 1;   /* its close told of objects, this generation's or another's */
	bool told : 1;	    /* such a close has been reported: it is one, whoever fails */
};

/*
 * A number in a table, and its generations. Those that a table was copied with are the same ones
 * that the table had from which it was copied, until either number is looked at (slot_find).
 */
struct slot {
	struct slot *prev, *next; /* of all tables, least recently touched first */
	struct table *table;
	struct generation *newest;
	struct pending_finding *waiters; /* pending.h: calls that failed on it, and wait */
	unsigned int gaps;		 /* the store's, when the number was last touched */
	int32_t fd;
	bool copied : 1;   /* not touched since the table was copied from another (table_copy.h) */
	bool unsure : 1;   /* nor is it sure that it was as it is known to be then */
	bool cut : 1;	   /* generations that came before those that are known may be forgotten */
	bool uneven : 1;   /* one that is forgotten was not wholly seen (generation_was_seen()) */
	bool shared : 1;   /* its generations may be other numbers' as well */
	bool borrowed : 1; /* they were another number's first */
	bool inherits : 1; /* that one's table is a parent process's */
};

struct use;		/* table_users.h */
struct pending_finding; /* pending.h */

/* Numbers min..max; none if max < min. */
struct span {
	int32_t min, max;
};

struct table {
	UT_hash_handle hh;
	struct store *store;
	uint64_t address; /* 0: not known yet */
	struct slot_index numbers;
	struct use *uses;
	struct table *source; /* what it was copied from, while that matters (table_copy.h) */
	struct table *copy;   /* what was copied from it last */
	struct coverage coverage;
	uint64_t copied_ns;
	uint64_t snapshot_ns;	    /* calls that returned until then may be part of the snapshot */
	uint32_t max_fds;	    /* no number from it on was in use at attach; 0: not known */
	unsigned int gaps;	    /* the store's, when the table began */
	unsigned int waiting_count; /* calls that failed in it, and wait */
	bool unsure;		    /* numbers never seen may have been open when it was copied */
	bool whole;		    /* seen since the program's first instruction */
	bool traced;		    /* it was made by a call that was seen, as a copy of another */
	bool snapshot;		    /* the snapshot is complete */
	bool alone;		    /* one thread alone used it when it was listed */
	bool relisted;		    /* it was taken, or taken again, after a gap */
	bool cut;		    /* numbers cut_min..cut_max may have been forgotten */
	bool foreign; /* one was open here whose making was not seen, or may have been */
	int32_t cut_min, cut_max;
	uint64_t cut_ns;   /* what was forgotten had happened until then */
	bool swept_early;  /* one that may have come before what is open was listed, or told */
	struct span swept; /* close_range covered them, whether they were open or not */
	uint64_t swept_ns; /* the last time that one did; 0: none has */
};

struct store {
	struct fd_limits limits;
	struct table *tables; /* by address */
	struct unmet *unmet;  /* coverage.h, as is unmet_ways */
	uint32_t unmet_ways;
	struct slot *numbers;
	unsigned int ntables; /* those without an address too */
	unsigned int nnumbers;
	unsigned int gaps; /* counts up from 1; 0 marks what is in doubt from the beginning */
	uint64_t live;
	uint64_t forgotten;
	uint64_t gap_ns; /* when the last gap was told; 0: there was none */
	uint64_t generations;
	size_t text_bytes;
	size_t bytes;	       /* of all that is kept, as the heap has it */
	uint64_t now_ns;       /* the time of the record at hand */
	uint64_t after_ns;     /* its call was entered after this; 0: not known */
	uint64_t traced_ns;    /* so it was after this, when its thread was traced; 0: not known */
	uint64_t installed_ns; /* and what its thread has installed since was in it; 0: nothing */
	void (*forget)(void *arg, struct slot *slot); /* called before one is forgotten */
	void *forget_arg;
};

/* size bytes; NULL without memory or when the texts kept have reached their bound. */
struct text *text_new(struct store *store, const char *bytes, size_t size);
struct text *text_ref(struct text *text);
void text_unref(struct store *store, struct text *text);

void store_init(struct store *store, const struct fd_limits *limits);
/*
 * Forgets the least recently touched numbers until what is kept, and so many bytes more, fit the
 * limit. Nobody may have a pointer to a number or a generation.
 */
void store_trim(struct store *store, size_t more);
/* Memory from the heap is taken, or given back: counted as the heap does. */
void store_count(struct store *store, size_t size);
void store_discount(struct store *store, size_t size);

struct table *table_find(const struct store *store, uint64_t address);
/* address 0: to be placed later. NULL without memory or at the limit. */
struct table *table_new(struct store *store, uint64_t address);
void table_place(struct store *store, struct table *table, uint64_t address);
void table_free(struct store *store, struct table *table);
/*
 * What dup_fd() does in the kernel: a new table at address that holds what `from` holds,
 * history included. inherited: by fork. NULL as table_new(); numbers that do not fit are
 * forgotten.
 */
struct table *table_copy(struct store *store, const struct table *from, uint64_t address,
			 bool inherited);
/* exec: close-on-exec numbers are closed, what is over is another program's. */
void table_exec(struct store *store, struct table *table);
/* Nothing in the table is certain until it is seen again. */
void table_doubt(struct table *table);
/* What is open has been listed after a gap: whatever has not been seen since is over. */
void table_relisted(struct store *store, struct table *table);
/* Records were lost since the table began. */
bool table_gap(const struct store *store, const struct table *table);
/* The number may have been forgotten. */
bool table_cut(const struct table *table, int32_t fd);

/*
 * What is known of the number (NULL: nothing) may be older or newer than the copy that the table is
 * (table_copy.h).
 */
bool table_unsure(const struct table *table, const struct slot *slot);
/* Numbers min..max have been forgotten: what had been known of them had happened by time_ns. */
void table_mark_cut(struct table *table, int32_t min, int32_t max, uint64_t time_ns);
/* close_range has covered min..max; time_ns: when, if it was in this table. */
void table_sweep(struct table *table, int32_t min, int32_t max, uint64_t time_ns);
/* A close_range has covered the number. */
bool table_swept(const struct table *table, int32_t fd);
/* Numbers are opened or closed here in ways that are not seen. */
bool table_hides(const struct table *table);

/* Its generations are its own then, and may be changed. NULL: it is not known; or no memory. */
struct slot *slot_find(const struct table *table, int32_t fd);
/*
 * Makes its generations its own, of a number that was not found by slot_find(): needed before one
 * of them is changed, or pointed to. False: without memory, they are another number's as well.
 */
bool slot_own(struct slot *slot);
/* The numbers of a table, one by one; at: see slot_index_next(). Their generations may be shared.
 */
#define EACH_SLOT(table, at, slot) \
	for (uint32_t at = 0; ((slot) = slot_index_next(&(table)->numbers, &at));)
/* Finds or creates, at the cost of the least recently touched number. NULL without memory. */
struct slot *slot_get(struct store *store, struct table *table, int32_t fd);
/* Records were lost since the number was last touched. */
bool slot_stale(const struct store *store, const struct slot *slot);
/* The number was seen: what the next verdict needs is certain again. */
void slot_touch(struct store *store, struct slot *slot);
bool slot_live(const struct slot *slot);
/* It goes, with what is known of it; nothing waits for it. */
void slot_free(struct store *store, struct slot *slot);
/* The same number in another table; false: it does not fit, or there is no memory. */
bool slot_copy(struct store *store, struct table *to, struct slot *from, bool inherited);
/* So many numbers are about to be copied: the least recently touched make room. */
void slot_make_room(struct store *store, size_t count);
/* The generations before its newest are another program's; they are its own. */
void slot_drop_older(struct store *store, struct slot *slot);
/* The generation of this id that the number has or had; NULL: it has been forgotten. */
struct generation *slot_generation(const struct slot *slot, uint64_t id);

/*
 * A new newest generation, live, with nothing known of it; the number must not be live. NULL
 * without memory. A history beyond its limit loses its oldest generation.
 */
struct generation *generation_push(struct store *store, struct slot *slot);
/* What waits for its owner waits no more. */
void generation_drop_waiting(struct store *store, struct generation *gen);
void generation_over(struct store *store, struct generation *gen, const struct fd_site *ended);
/* A call that was seen had opened it, and a close ended it. */
bool generation_was_seen(const struct generation *gen);
/* It has never had its newest generation, one of its own. */
void slot_drop_newest(struct store *store, struct slot *slot);
/* The generation was opened, and is what, in a way that was not seen. */
void generation_unknown(struct store *store, struct generation *gen, enum site_missing missing);
/* Takes over what `from` is. */
void generation_set_what(struct store *store, struct generation *gen, const struct fd_what *what,
			 struct text *text);

#endif
