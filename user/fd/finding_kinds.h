/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The kinds of findings, one row each.
 *
 * Owns: all that differs from kind to kind but what takes code to say: that is a function each,
 * explain_NAME() of report/explain.c and advise_NAME() of report/advice.c. A kind without one of
 * them, or a row without a column, does not compile. docs/howto-finding-kind.md.
 */
#ifndef FDTRACE_FD_FINDING_KINDS_H
#define FDTRACE_FD_FINDING_KINDS_H

/*
 * X(ID, name, severity, in_shell, about, headline, site, finalizer)
 *   name       in JSON, in the text and in fingerprints: never changed
 *   severity   enum severity; in_shell: where a shell made the call, which may be of little weight
 *   about      enum finding_about
 *   headline   behind "fd 7 "; %s: "probably ", or nothing
 *   site       what the call is called in the text; finalizer: if an object's finalizer made it
 *
 * The order is that of the summary. Kinds are counted by it and by nothing else.
 */
#define FINDING_KIND_ROWS(X)                                                                       \
	X(DOUBLE_CLOSE, double_close, ERROR, INFO, DESCRIPTOR, "was %sclosed twice",               \
	  "closed again", "closed again")                                                          \
	X(DOUBLE_CLOSE_UNSEEN, double_close_unseen, WARNING, INFO, DESCRIPTOR,                     \
	  "was closed although %snot open any more", "closed", "closed again")                     \
	X(USE_AFTER_CLOSE, use_after_close, ERROR, ERROR, DESCRIPTOR,                              \
	  "was %sused after its close", "used", "closed again")                                    \
	X(REUSED_CLOSE, reused_close, ERROR, ERROR, DESCRIPTOR,                                    \
	  "was closed, but %sbelonged to somebody else", "closed again", "closed again")           \
	X(OWNED_CLOSE, owned_close, ERROR, ERROR, DESCRIPTOR,                                      \
	  "was closed, but a Python object %sowned it", "closed", "closed")                        \
	X(MISDIRECTED_IO, misdirected_io, ERROR, ERROR, DESCRIPTOR,                                \
	  "was used by an object that %sdoes not have it any more", "used", "used")                \
	X(BAD_FD, bad_fd, INFO, INFO, NUMBER, "was used, but was %snever open", "used",            \
	  "closed again")                                                                          \
	X(CLOSE_SWEEP, close_sweep, INFO, INFO, RUN, "were closed, but were %snot open", "closed", \
	  "closed again")

enum finding_kind {
#define X(ID, ...) FINDING_##ID,
	FINDING_KIND_ROWS(X)
#undef X
};

/* How many there are. */
#define FINDING_KIND_ONE(...) +1
#define FINDING_KINDS	      (FINDING_KIND_ROWS(FINDING_KIND_ONE))

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
	SEVERITY_INFO,
};

/* What a finding speaks of. */
enum finding_about {
	ABOUT_DESCRIPTOR, /* one that there was, and that some call had made */
	ABOUT_NUMBER,	  /* one that never was a descriptor */
	ABOUT_RUN,	  /* many of those, from one site: counted, and not shown by default */
};

struct finding_kind_row {
	const char *name;
	enum severity severity, in_shell;
	enum finding_about about;
	const char *site, *finalizer;
};

const struct finding_kind_row *finding_kind_row(enum finding_kind kind);

#endif
