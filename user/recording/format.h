/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The file of a recording: a header, then blocks of records (docs/recording.md).
 *
 * Owns: its byte layout. Numbers are in the recording machine's byte order, as in the records.
 */
#ifndef FDTRACE_RECORDING_FORMAT_H
#define FDTRACE_RECORDING_FORMAT_H

#include <stdint.h>

/* No text, and damaged visibly by whatever translates line ends. */
#define RECORDING_MAGIC \
	"\x89"          \
	"fdt\r\n\x1a\n"
#define RECORDING_MAGIC_SIZE 8
#define RECORDING_VERSION    1
#define RECORDING_BYTE_ORDER 0x01020304u

/* What makes a replay the same beside the records. */
struct recording_parameters {
	uint64_t started_ns;	/* CLOCK_BOOTTIME: when tracing began */
	int64_t wall_offset_ns; /* CLOCK_REALTIME less CLOCK_BOOTTIME then */
	uint64_t settle_ns;	/* these and below: struct session_options; 0: the default */
	uint64_t max_stacks;
	uint32_t history;
	uint32_t tables;
	uint32_t memory_kib;
	uint32_t sweep;
};

struct recording_header {
	char magic[RECORDING_MAGIC_SIZE];
	uint32_t version;    /* RECORDING_VERSION */
	uint32_t byte_order; /* RECORDING_BYTE_ORDER */
	uint16_t machine;    /* ELF's number of the architecture: system calls have its numbers */
	uint16_t record_version; /* RECORD_VERSION */
	uint32_t unused;
	struct recording_parameters parameters;
	char tool[36]; /* fdtrace's version, for people */
	uint32_t crc;  /* CRC-32 of all before */
};

_Static_assert(sizeof(struct recording_header) == 112, "the format is a contract");

#define BLOCK_MAGIC   0x42544446u /* "FDTB" */
/* Bytes of records in a block, at most; a writer ends a block when it has this many less one. */
#define BLOCK_RAW_MAX (512u << 10)

/*
 * Then `stored` bytes: a zlib stream of `raw` bytes. Those are records, each as bpf/abi/record.h
 * has it, with zeros up to the next multiple of 8.
 */
struct recording_block {
	uint32_t magic;
	uint32_t stored;
	uint32_t raw;
	uint32_t crc; /* CRC-32 of the three numbers before and of the stored bytes */
};

#if defined(__x86_64__)
#define RECORDING_MACHINE 62 /* EM_X86_64 */
#elif defined(__aarch64__)
#define RECORDING_MACHINE 183 /* EM_AARCH64 */
#endif

#endif
