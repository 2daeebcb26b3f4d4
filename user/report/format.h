/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The small words that every output shares: names of errors and states, durations, times,
 * where in the program a site is.
 *
 * Owns: wording. Pure. Names in it come from layout_name(): escaped, their spaces solid.
 * Never: wraps, or judges.
 */
#ifndef FDTRACE_REPORT_FORMAT_H
#define FDTRACE_REPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/sink.h"
#include "stack/merge.h"

#define WORD_SIZE      64
/* A file's base name and a function, each shortened to 60 columns of up to 4 bytes. */
#define PLACE_SIZE     640
/* A class's name, shortened to 60 columns, and "object". */
#define OWNER_SIZE     256
/* That, a place, and the words around them. */
#define FINALIZER_SIZE (PLACE_SIZE + OWNER_SIZE + WORD_SIZE)
/* Two paths shortened to 60 columns, and the words around them. */
#define WHAT_SIZE      640

/* ret is negative: "EBADF"; "errno 4095" for a number that has no name here. */
const char *format_errno(int64_t ret, char buf[WORD_SIZE]);

/* What a call returned: "7", or its error's name. */
const char *format_result(int64_t ret, char buf[WORD_SIZE]);

/* "850 ns", "1.3 ms", "2.1 s", "3 min 5 s", "4 h 10 min", "2 d 3 h". */
const char *format_duration(uint64_t ns, char buf[WORD_SIZE]);

/* 14200: "14,200". */
const char *format_count(uint64_t n, char buf[WORD_SIZE]);

/* "2026-11-24T10:00:00.123456Z" (RFC 3339); people: "2026-11-24 10:00:00.123456 UTC". */
const char *format_time(int64_t unix_nano, bool people, char buf[WORD_SIZE]);

/* "AF_INET", "SOCK_STREAM"; NULL if it has no name here. */
const char *format_domain(uint32_t domain);
const char *format_socket_type(uint32_t type);

/*
 * "app.py:12 in main", shortened; where there is no Python, of native frames the innermost outside
 * the C library: "outer (program)"; "" where no frame is known.
 */
const char *format_place(const struct stack *stack, char buf[PLACE_SIZE]);

/* Of one Python frame: the same. */
const char *format_frame(const struct stack_frame *frame, char buf[PLACE_SIZE]);

/*
 * `file "/etc/hostname"`, `AF_INET SOCK_STREAM socket`, "tcp 127.0.0.1:5000 -> 127.0.0.1:6379"; ""
 * if nothing is known of it.
 */
const char *format_what(const struct fd_what *what, char buf[WHAT_SIZE]);

/* For a sentence: `the file "/etc/hostname"`, "the tcp socket 127.0.0.1:5000 -> …"; or "". */
const char *format_the(const struct fd_what *what, char buf[WHAT_SIZE]);

/* "complete" … "parent"; "lost" where the call had a stack that is not here. */
const char *format_python_status(const struct stack *stack, uint64_t stack_id, uint8_t python);

/* Why a stack is not whole, as the end of "Python stack: …"; NULL: it is. buf: for that text. */
const char *format_python_remark(const struct stack *stack, uint64_t stack_id, uint8_t python,
				 char buf[WORD_SIZE]);

/* Of a stack of which only so many frames were taken: the same. */
const char *format_cut(size_t frames, char buf[WORD_SIZE]);

/* "complete" … "limited"; "lost" where its records are not here. */
const char *format_native_status(const struct native_stack *native);

/* Why a native stack is not whole, as the end of "C stack: …"; NULL: it is. buf: for that text. */
const char *format_native_remark(const struct native_stack *native, char buf[WORD_SIZE]);

/* `close (libc.so.6)`, `python3.11+0x1f2e40`, `0x7f1200340010`. Raw. */
const char *format_native_frame(const struct native_frame *frame, char buf[PLACE_SIZE]);

/*
 * Of a close: "os.close", "close", "finalizer", by what its site says, or else its C frames; NULL:
 * not known, or no close. origin: the site's.
 */
const char *format_origin(enum site_origin origin, const struct stack *stack, uint16_t call);

/* The call's name; buf backs it where there is none in the tables. */
const char *format_site_call(const struct fd_site *site, char buf[WORD_SIZE]);

/* Both seen, and made by different threads. */
bool format_other_thread(const struct fd_site *a, const struct fd_site *b);

/*
 * "file object", "socket object", "epoll object"; of a class derived from these "ssl.SSLSocket
 * object"; "object" where its type is not known.
 */
const char *format_owner(const struct fd_owner *owner, char buf[OWNER_SIZE]);

/* For which standard stream, "standard input", the use asked; NULL: it is no such finding. */
const char *format_stream(const struct finding *finding);

/*
 * Whose finalizer made this call of the finding, closed or bad: "the finalizer of the file object
 * opened at app.py:9 in main"; "a finalizer" where it may be another object's than the one that is
 * known.
 */
const char *format_finalizer(const struct finding_view *view, const struct fd_site *site,
			     char buf[FINALIZER_SIZE]);

/* "code_objects": what a loss counter counts; people: "code objects". */
const char *format_loss(enum loss_cause cause, bool people);

#endif
