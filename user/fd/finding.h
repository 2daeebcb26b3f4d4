/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A finding: what a verdict produces.
 *
 * Owns: the words (certainty, what a descriptor was; the kinds are finding_kinds.h's) and the plain
 * data of a finding, sites as stack ids. Never: resolves a stack, reads a file, formats a report.
 */
#ifndef FDTRACE_FD_FINDING_H
#define FDTRACE_FD_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"
#include "fd/finding_kinds.h"

enum certainty {
	CERTAINTY_FACT,
	CERTAINTY_SUSPECTED,
};

enum culprit {
	CULPRIT_UNKNOWN,
	CULPRIT_BAD,
	CULPRIT_CLOSED,
};

/* What a descriptor was, as far as the call that made it (or /proc at attach) tells. */
enum fd_type {
	FD_UNKNOWN,
	FD_FILE, /* anything with a path: file, directory, device, FIFO */
	FD_SOCKET,
	FD_PIPE,
	FD_EPOLL,
	FD_EVENTFD,
	FD_TIMERFD,
	FD_SIGNALFD,
	FD_INOTIFY,
	FD_MEMFD,
	FD_PIDFD,
	FD_OTHER, /* made by a call that names it: see fd_what.call */
	FD_TYPES,
};

struct fd_what {
	/* NULL: none, or not known. Read by what_path() and what_socket(). */
	union {
		const char *path; /* as the program gave it, or /proc's text; hostile bytes */
		/* FD_SOCKET: its addresses, as they were when last seen to change. */
		const struct record_socket *socket;
	};
	uint32_t flags; /* as that call got them */
	uint32_t arg;	/* socket: domain; pidfd: pid */
	int32_t other;	/* pipe, pipe2, socketpair: the number that the other end was made with */
	uint16_t call;	/* the call that made the object, 0: not seen (then dup'ed, inherited…) */
	enum fd_type type : 8;
	bool path_from_proc; /* read from /proc/PID/fd at attach: absolute */
};

static inline const char *what_path(const struct fd_what *what)
{
	return what->type == FD_SOCKET ? NULL : what->path;
}

static inline const struct record_socket *what_socket(const struct fd_what *what)
{
	return what->type == FD_SOCKET ? what->socket : NULL;
}

/* Who made a close, as far as Python's own objects and os.close() tell. */
enum site_origin {
	ORIGIN_UNKNOWN,
	ORIGIN_OTHER,	  /* C code that is not os.close(), nor an object that is known */
	ORIGIN_OS_CLOSE,  /* os.close() */
	ORIGIN_METHOD,	  /* the close() of the object that has the number */
	ORIGIN_FINALIZER, /* that object's finalizer: its last reference is gone, or the garbage
			     collector came; the Python frame is whoever ran just then */
};

/* Why a site is not there. */
enum site_missing {
	SITE_SEEN,	     /* it is there */
	SITE_BEFORE_ATTACH,  /* before fdtrace attached to this process */
	SITE_LOST,	     /* in a gap: records were lost */
	SITE_HISTORY_CUT,    /* the history kept for this number is too short */
	SITE_OTHER_WAY,	     /* by a way that the attached hooks do not see */
	SITE_BEFORE_EXEC,    /* by the program that ran before exec */
	SITE_NOT_APPLICABLE, /* this kind of finding has no such site */
};

/* One call, as a finding shows it. Millions of them are kept: no byte is wasted. */
struct fd_site {
	uint64_t time_ns; /* CLOCK_BOOTTIME, when the call returned */
	uint64_t stack_id;
	uint64_t native_id;
	int32_t ret;
	uint32_t tgid;
	uint32_t tid;
	uint16_t call; /* enum call_id */
	uint16_t nr;
	enum site_missing missing : 8; /* unless SITE_SEEN, nothing else here holds */
	bool inherited;		       /* made by the parent, before fork: tgid is the parent's */
	uint8_t python;		       /* enum python_status */
	uint8_t origin;		       /* enum site_origin */
	uint8_t native;		       /* enum native_taken */
};

/* How surely it is known which generation of the number the caller meant. */
enum attribution {
	ATTRIBUTION_NONE,   /* it was not asked */
	ATTRIBUTION_PROVEN, /* by evidence that has no known exception */
	ATTRIBUTION_LIKELY,
	ATTRIBUTION_OPEN, /* one of the candidates, which are listed: nobody is accused */
};

/* A generation that the call may have meant. */
struct fd_candidate {
	struct fd_what what;
	struct fd_site opened, closed;
};

#define FINDING_CANDIDATES 3
#define FINDING_SUSPECTS   6

/* The Python object that had a descriptor. */
struct fd_owner {
	uint8_t type;  /* enum owner_type; OWNER_NONE: not known */
	uint8_t flags; /* enum claim_flag */
	/* What Python calls its type, "ssl.SSLSocket"; hostile bytes; "": not known. */
	char name[RECORD_TYPE_NAME_MAX];
};

/* reused_close: whose descriptor was taken; misdirected_io: whose was used. */
struct fd_victim {
	bool known;
	struct fd_owner owner; /* the object that had it */
	struct fd_what what;
	struct fd_site opened; /* the generation that was ended, or used */
	struct fd_site failed; /* the call that met it; SITE_NOT_APPLICABLE: none so far */
};

/* What a finding rests on beyond the calls themselves: bits of finding.proofs. */
enum finding_proof {
	PROOF_OWNER = 1 << 0,	    /* the object had taken another generation of the number */
	PROOF_OWNER_LIVES = 1 << 1, /* at the call, its object lived and had the number */
	PROOF_BEHIND = 1 << 2,	    /* `closed` was an owned_close */
	PROOF_STOLEN = 1 << 3,	    /* `closed` was a reused_close */
	PROOF_SAME_SITE = 1 << 4,
	PROOF_SAME_THREAD = 1 << 5,
	PROOF_VICTIM_FAILED = 1 << 6,
	PROOF_RECEIVER = 1 << 7,   /* the Python object that made the call had opened the number */
	PROOF_ACTIVATION = 1 << 8, /* the same activation of a function had opened the number */
	PROOF_PAIR = 1 << 9,	   /* this function closes what that function opens */
	PROOF_AT_WORK = 1 << 10,   /* the object is at work in the call: its method was called */
	PROOF_METHOD =
		1 << 11, /* an object's method made the call, and `closed` none (intruder.h) */
	PROOF_ONE_OBJECT = 1 << 12, /* a method of one Python object made both calls */
	PROOF_KEPT = 1 << 13,	    /* the object had the number still as it was opened anew */
};

/* Facts that a verdict rests on, and remarks a reader must know: bits of finding.notes. */
enum finding_note {
	NOTE_GAP = 1 << 0,	       /* records were lost where it matters */
	NOTE_ORDER_UNCERTAIN = 1 << 1, /* two orders of racing calls fit */
	NOTE_INHERITED = 1 << 2,       /* the descriptor came from the parent by fork */
	NOTE_VFORK_CHILD = 1 << 3,     /* the bad call was made in a vfork child */
	NOTE_OPEN_BEFORE_ATTACH = 1 << 4,
	NOTE_DIFFERENT_THREADS = 1 << 5, /* the closes come from two threads */
	NOTE_REOPENED_SINCE = 1 << 6,	 /* the number has been opened again before the bad call */
	NOTE_PENDING_CLOSE = 1 << 7, /* the earlier close was recorded after the bad call: a race */
	NOTE_COPIED = 1 << 8,	     /* made by dup: other numbers name the same open file */
	NOTE_SHELL = 1 << 9,	     /* a shell closed: they close what they may not have */
	NOTE_SWEPT = 1 << 12,	     /* a close_range in between may have closed it, too */
	NOTE_FLUSH = 1 << 13,	     /* the number may have been open, EBADF a file system's */
	NOTE_ANOTHERS =
		1 << 16, /* a stale object may have made the call, which meant another generation */
	NOTE_OWNER_BEFORE = 1 << 14, /* its object was made before fdtrace attached */
	NOTE_OWNER_LATE = 1 << 15,   /* its object was not seen to take the number */
	/* Something may have opened and closed the number meanwhile, unseen: */
	NOTE_SHARED_TABLE = 1 << 17,	/* a process that is not traced and shares the table */
	NOTE_RING = 1 << 18,		/* an io_uring */
	NOTE_COMPAT = 1 << 19,		/* 32-bit calls that are not decoded */
	NOTE_STANDARD_STREAM = 1 << 20, /* programs ask whether 0, 1 and 2 are there */
	NOTE_QUESTION = 1 << 21,	/* the call asked what the number is, and did nothing */
	NOTE_LISTING = 1 << 22,		/* the number was that of the list of numbers itself */
	NOTE_LOOP = 1 << 23, /* a loop closed what others had opened and closed (run.h) */
};

struct finding {
	enum finding_kind kind;
	enum certainty certainty;
	enum severity severity;
	enum culprit culprit;
	uint32_t tgid; /* of the bad call */
	int32_t fd;
	int32_t last_fd; /* close_sweep: the last number of the run; else == fd */
	uint32_t calls;	 /* close_sweep: how many closes failed; else 1 */
	uint64_t table;
	struct fd_what
		what; /* of the generation that `closed` ended; type FD_UNKNOWN if not known */
	struct fd_site bad, closed, opened;
	uint32_t notes;	       /* enum finding_note */
	uint32_t proofs;       /* enum finding_proof */
	struct fd_owner owner; /* the object that had the number */
	struct fd_victim victim;
	enum attribution attribution : 8;
	uint8_t candidate_count; /* ATTRIBUTION_OPEN: of candidates */
	struct fd_candidate candidates[FINDING_CANDIDATES];
	/* The finding may follow from one of these closes (suspects.h). */
	uint8_t suspect_count;
	bool suspects_cut; /* or from one of the number that is not known any more */
	struct fd_site suspects[FINDING_SUSPECTS];
};

/* It is there: what it says holds. */
bool site_seen(const struct fd_site *site);

/* Whoever made the close did not stand where its stack stands: a finalizer ran there. */
bool site_finalizer(const struct fd_site *site);

/* Which generation was meant is open, and there are candidates. */
bool finding_is_open(const struct finding *finding);

/* Of this kind from here on, and of its severity. */
void finding_set_kind(struct finding *finding, enum finding_kind kind);

const char *finding_kind_name(enum finding_kind kind);
const char *certainty_name(enum certainty certainty);
const char *severity_name(enum severity severity);
const char *culprit_name(enum culprit culprit);
const char *fd_type_name(enum fd_type type);
/* "proven", "likely", "open"; NULL: not asked. */
const char *attribution_name(enum attribution attribution);
/* "os.close", "close", "finalizer"; NULL: not known. */
const char *site_origin_name(enum site_origin origin);
/* "_io.FileIO"; NULL: not known. */
const char *owner_type_name(enum owner_type type);
/* "before fdtrace attached", for a sentence "not seen (…)"; "" for SITE_SEEN. */
const char *site_missing_text(enum site_missing missing);

/* Called for each finding, in order of their bad calls. The finding is lent. */
typedef void (*finding_fn)(void *arg, const struct finding *finding);

#endif
