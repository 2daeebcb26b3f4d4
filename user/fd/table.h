/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The store: tables, the numbers in them, the lives of each number.
 *
 * Owns: that memory and its bounds, and what a loss of records (a gap) leaves in doubt.
 * Never: knows a process, decides which life a call ended (life.h) or what is wrong
 * (verdict.h). Nothing here is sized by a number's value.
 */
#ifndef FDTRACE_FD_TABLE_H
#define FDTRACE_FD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "fd/lifecycle.h"

/* A path or name, shared by all lives that came from one open file. */
struct text {
	unsigned int refs;
	uint32_t size;
	char bytes[];
};

/* One generation of a number. */
struct life {
	struct life *older;
	uint64_t id; /* never reused */
	struct fd_site opened;
	struct fd_site ended; /* of a life that is over */
	struct fd_what what;  /* path: of text */
	struct text *text;
	bool live;
	bool cloexec;
	bool copied;	/* made by a call of the dup family */
	bool inherited; /* began in the parent, before fork */
	bool listed;	/* known from the snapshot; its open may still be on its way */
	bool awaited;	/* over because the number was opened again: its close is on its way */
	bool raced;	/* began while the number was believed open */
	bool uncertain; /* another order of the calls fits as well */

	/* owners.h */
	bool given;		 /* the owner has given it up */
	bool lent;		 /* the owner is a copy of the parent's object, by fork */
	bool behind;		 /* over by a close that its living owner did not make */
	bool stolen;		 /* over by a close that meant an earlier life */
	uint8_t owner_type;	 /* enum owner_type */
	uint32_t giver;		 /* the thread that gave it up: it makes the close, if any */
	uint32_t proofs;	 /* of the close that ended it: enum finding_proof (reuse.h) */
	unsigned int owner_gaps; /* the store's, when it was taken */
	uint64_t owner;		 /* the object that took it, its address; 0: none known */
	struct finding *waiting; /* for the owner's next call */
};

struct number {
	UT_hash_handle hh;	    /* in its table */
	struct number *prev, *next; /* of all tables, least recently touched first */
	struct table *table;
	struct life *newest;
	unsigned int gaps;    /* the store's, when the number was last touched */
	unsigned int waiting; /* bad closes that wait for the close that explains them */
	int32_t fd;
};

struct use; /* users.h */

struct table {
	UT_hash_handle hh;
	uint64_t address; /* 0: not known yet */
	struct number *numbers;
	struct use *uses;
	uint64_t snapshot_ns; /* calls that returned until then may be part of the snapshot */
	uint32_t max_fds;     /* no number from it on was in use at attach; 0: not known */
	unsigned int gaps;    /* the store's, when the table began */
	unsigned int held;    /* bad closes in it that wait */
	bool whole;	      /* seen since the program's first instruction */
	bool snapshot;	      /* the snapshot is complete */
	bool cut;	      /* numbers cut_min..cut_max may have been forgotten */
	int32_t cut_min, cut_max;
};

struct store {
	struct fd_limits limits;
	struct table *tables; /* by address */
	struct number *numbers;
	unsigned int ntables; /* those without an address too */
	unsigned int nnumbers;
	unsigned int gaps; /* counts up from 1; 0 marks what is in doubt from the beginning */
	uint64_t live;
	uint64_t forgotten;
	uint64_t lives;
	size_t text_bytes;
};

/* size bytes; NULL without memory or when the texts kept have reached their bound. */
struct text *text_new(struct store *store, const char *bytes, size_t size);
struct text *text_ref(struct text *text);
void text_unref(struct store *store, struct text *text);

void store_init(struct store *store, const struct fd_limits *limits);

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
/* Records were lost since the table began. */
bool table_gap(const struct store *store, const struct table *table);
/* The number may have been forgotten. */
bool table_cut(const struct table *table, int32_t fd);

struct number *number_find(const struct table *table, int32_t fd);
/* Finds or creates, at the cost of the least recently touched number. NULL without memory. */
struct number *number_get(struct store *store, struct table *table, int32_t fd);
/* Records were lost since the number was last touched. */
bool number_stale(const struct store *store, const struct number *number);
/* The number was seen: what the next verdict needs is certain again. */
void number_touch(struct store *store, struct number *number);
bool number_live(const struct number *number);

/*
 * A new newest life, live, with nothing known of it; the number must not be live. NULL
 * without memory. A history beyond its limit loses its oldest life.
 */
struct life *life_push(struct store *store, struct number *number);
void life_over(struct store *store, struct life *life, const struct fd_site *ended);
/* The life was opened, and is what, in a way that was not seen. */
void life_unknown(struct store *store, struct life *life, enum site_missing missing);
/* Takes over what `from` is. */
void life_set_what(struct store *store, struct life *life, const struct fd_what *what,
		   struct text *text);

#endif
