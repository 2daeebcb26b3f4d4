/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Reads and writes that succeed on somebody else's descriptor: misdirected_io.
 *
 * An object whose number was closed behind its back has it still. Once the number is open again,
 * what the object reads and writes there is another's, and no call fails. The record of such a call
 * tells of the objects that claim the number (struct record_claim), what shows each of them at
 * work, and whose code made the call. An object is shown
 *
 *   beside the bytes   by lying just before what holds them, as the arguments of one call do
 *                      (CLAIM_RECEIVER);
 *   at hand            (CLAIM_AT_HAND) by its address near the call, where what is left of earlier
 *                      calls may lie, too. A socket object is needed again behind its call
 *                      (Modules/socketmodule.c: sock_call_ex()), so one that made it is always at
 *                      hand; a file object is not. Or, where OpenSSL may have made the call, by its
 *                      TLS layer in the innermost Python frame.
 *
 * The rules, if one object alone is shown so, and is stale:
 *
 *   it is                      and the code is      then it is
 *   beside the bytes           its type's           misdirected_io, a fact
 *   at hand, a socket object   its type's           a fact, if a socket object is known that has
 *                                                   the number by right, and is not at hand; else
 *                                                   suspected
 *   at hand, a socket object   not known            suspected
 *   anything else, or the code is another's (os.write(), say): nothing
 *
 * Who is at hand counts for nothing beside one that lies beside the bytes.
 *
 * An object that only keeps the number, as an int among its attributes, is no owner. Suspected is
 *
 *   a call by os.read() or os.write(), by a method of an object which opened the number, kept it
 *   when it was opened anew, and takes it from an attribute (CALL_KEPT; kept.bpf.h), where
 *   nothing shows that it may mean what is there now: nobody opened the number for it since, an
 *   object owns it, which the first one does not refer to, and what was seen of it has no gap.
 *
 * It may have been given the number anew all the same, and nothing would show: so it is no fact.
 *
 * A call that may have begun before the number was opened anew used the descriptor that it meant:
 * a read waits for as long as it takes, so nothing is said of it; a write is suspected.
 *
 * Owns: those rules. Never: reads an object.
 */
#ifndef FDTRACE_FD_MISDIRECTED_H
#define FDTRACE_FD_MISDIRECTED_H

#include "fd/pending.h"

/* A call moved bytes through a number that a stale object claims (SHAPE_TRANSFER). 0 or -ENOMEM. */
int transfer_done(struct pending *pending, const struct call_context *ctx);

#endif
