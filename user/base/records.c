/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/syscalls.h"

_Static_assert(sizeof(struct record_process) == 72, "records are a contract");
_Static_assert(sizeof(struct record_runtime) == 40, "records are a contract");
_Static_assert(sizeof(struct record_open_fd) == 40, "records are a contract");
_Static_assert(sizeof(struct record_snapshot) == 40, "records are a contract");
_Static_assert(sizeof(struct record_rights) == 64, "records are a contract");
_Static_assert(sizeof(struct record_source) == 40, "records are a contract");
_Static_assert(sizeof(struct record_end) == 48, "records are a contract");
_Static_assert(sizeof(struct record_claim) == 32, "records are a contract");
_Static_assert(sizeof(struct record_owner_type) == 48, "records are a contract");
_Static_assert(sizeof(struct record_native_frame) == 16, "records are a contract");
_Static_assert(sizeof(struct record_native_stack) == 56, "records are a contract");
_Static_assert(sizeof(struct record_caller) == 48, "records are a contract");
_Static_assert(sizeof(struct record_first_local) == 40, "records are a contract");

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

void record_own(struct record_header *h, enum record_type type, size_t size, uint32_t tgid,
		uint64_t time_ns)
{
	*h = (struct record_header){
		.size = size,
		.type = type,
		.cpu = RECORD_NO_CPU,
		.time_ns = time_ns,
		.tgid = tgid,
		.tid = tgid,
	};
}

/* Bytes behind a call's fixed part up to its native stack's number, and with it. */
static size_t before_native(const struct record_call *call)
{
	return call->name_size + record_call_claims(call) * sizeof(struct record_claim);
}

static size_t with_native(const struct record_call *call)
{
	return before_native(call) + (call->native == NATIVE_TAKEN ? sizeof(uint64_t) : 0);
}

uint64_t record_call_native(const struct record_call *call)
{
	uint64_t id = 0;

	if (call->native == NATIVE_TAKEN)
		memcpy(&id, call->name + before_native(call), sizeof(id));
	return id;
}

bool record_call_caller(const struct record_call *call, struct record_caller *ret)
{
	if (call->still_open & CALL_CALLER)
		memcpy(ret, call->name + with_native(call), sizeof(*ret));
	else
		memset(ret, 0, sizeof(*ret));
	return call->still_open & CALL_CALLER;
}

bool record_code_first_local(const struct record_code *code, struct record_first_local *ret)
{
	size_t at = (size_t)code->file_bytes + code->name_bytes + code->table_bytes;

	if (code->first_local)
		memcpy(ret, code->data + at, sizeof(*ret));
	else
		memset(ret, 0, sizeof(*ret));
	ret->type_name[sizeof(ret->type_name) - 1] = '\0';
	return code->first_local;
}

struct record_native_stack *record_native_stack_new(const struct record_native *native,
						    const struct record_native_stack *found,
						    uint64_t time_ns)
{
	struct record_native_stack nothing = {.h.size = sizeof(nothing), .end = NATIVE_FAILED};
	size_t size;
	struct record_native_stack *record;

	found = found ? found : &nothing;
	size = found->h.size;
	record = malloc(size);
	if (!record)
		return NULL;
	memcpy(record, found, size);
	record_own(&record->h, RECORD_NATIVE_STACK, size, native->h.tgid, time_ns);
	record->hash = native->hash;
	record->nr = native->nr;
	record->cpu = native->cpu;
	return record;
}

struct record_end *record_end_new(const uint64_t *lost, uint64_t compat_calls,
				  const char *const *unseen, const char *hooks, uint64_t time_ns)
{
	size_t counters = LOSS_CAUSES * sizeof(*lost), size = sizeof(struct record_end) + counters;
	struct record_end *record;
	char *text;

	for (size_t i = 0; unseen && unseen[i]; i++)
		size += strlen(unseen[i]) + 1;
	size += hooks ? strlen(hooks) + 1 : 0;
	record = calloc(1, size);
	if (!record)
		return NULL;
	record_own(&record->h, RECORD_END, size, 0, time_ns);
	record->compat_calls = compat_calls;
	record->causes = LOSS_CAUSES;
	record->unseen_size = size - sizeof(*record) - counters;
	memcpy(record->data, lost, counters);
	text = (char *)record->data + counters;
	for (size_t i = 0; unseen && unseen[i]; i++) {
		text = stpcpy(text, unseen[i]) + 1;
		record->unseen++;
	}
	if (hooks)
		stpcpy(text, hooks);
	return record;
}

/* Whether so many bytes lie behind a record's fixed part. */
#define HOLDS(r, bytes) ((uint64_t)(bytes) <= (r)->h.size - sizeof(*(r)))

/* What objects say of a number: where they lie behind the name, they make sense. */
static bool claims_valid(const struct record_call *r)
{
	struct record_claim claim;

	for (unsigned int i = 0; i < record_call_claims(r); i++) {
		memcpy(&claim, r->name + r->name_size + i * sizeof(claim), sizeof(claim));
		if (!claim.object && claim.flags & CLAIM_MORE)
			continue; /* says no more than that */
		if (!claim.object || !claim.kind || claim.kind >= OWNER_TYPES ||
		    claim.state > OWNER_GONE || claim.since_ns > RECORD_TIME_MAX)
			return false;
	}
	return true;
}

/* What the kernel side can say of a call's Python frames. */
static bool python_valid(unsigned int status)
{
	return status <= PYTHON_MOVED && status != PYTHON_UNSOUND;
}

static bool call_valid(const struct record_call *r)
{
	return record_call_claims(r) <= RECORD_CLAIMS_MAX &&
	       HOLDS(r, with_native(r) +
				(r->still_open & CALL_CALLER ? sizeof(struct record_caller) : 0)) &&
	       claims_valid(r) && r->ret >= -ERRNO_MAX && r->enter_ns <= RECORD_TIME_MAX &&
	       r->thread_ns <= RECORD_TIME_MAX && python_valid(r->python) &&
	       r->native <= NATIVE_UNREADABLE;
}

static bool stack_valid(const struct record_stack *r)
{
	return HOLDS(r, r->depth * sizeof(r->frames[0])) && r->depth <= RECORD_FRAMES_MAX &&
	       r->python <= PYTHON_PARENT;
}

static bool code_valid(const struct record_code *r)
{
	return HOLDS(r, (uint64_t)r->file_bytes + r->name_bytes + r->table_bytes +
				(r->first_local ? sizeof(struct record_first_local) : 0));
}

static bool code_table_valid(const struct record_code_table *r)
{
	return HOLDS(r, r->bytes);
}

static bool owner_valid(const struct record_owner *r)
{
	return r->type < OWNER_TYPES && r->point > 0 && r->point < OWNER_POINTS &&
	       (r->fd >= 0 || r->point > OWNER_FROMFD);
}

static bool owner_type_valid(const struct record_owner_type *r)
{
	return HOLDS(r, r->name_size) && r->kind < OWNER_TYPES;
}

static bool fork_valid(const struct record_fork *r)
{
	return r->child_start_ns <= RECORD_TIME_MAX;
}

static bool exec_valid(const struct record_exec *r)
{
	return HOLDS(r, r->name_size) && r->start_ns <= RECORD_TIME_MAX;
}

static bool unseen_valid(const struct record_unseen *r)
{
	return r->table != 0;
}

static bool process_valid(const struct record_process *r)
{
	return HOLDS(r, (uint64_t)r->exe_size + r->cgroup_size + r->container_size) &&
	       r->start_ns <= RECORD_TIME_MAX && r->since <= PROCESS_FROM_ATTACH;
}

static bool runtime_valid(const struct record_runtime *r)
{
	return HOLDS(r, r->name_size);
}

static bool open_fd_valid(const struct record_open_fd *r)
{
	return HOLDS(r, r->link_size) && r->link_size <= RECORD_NAME_MAX;
}

static bool source_valid(const struct record_source *r)
{
	return HOLDS(r, (uint64_t)r->file_size + r->text_size);
}

static bool native_valid(const struct record_native *r)
{
	return HOLDS(r, r->bytes) && r->bytes <= RECORD_STACK_MAX;
}

static bool module_valid(const struct record_module *r)
{
	return HOLDS(r, r->names_size) && r->names_size <= RECORD_NAMES_MAX;
}

static bool rights_valid(const struct record_rights *r)
{
	uint32_t groups = r->group_count < RECORD_GROUPS_MAX ? r->group_count : RECORD_GROUPS_MAX;

	return HOLDS(r, groups * sizeof(r->groups[0]));
}

/* Every name ends within the text. */
static bool native_stack_valid(const struct record_native_stack *r)
{
	const char *text = (const char *)(r->frames + r->depth);

	if (!HOLDS(r, (uint64_t)r->depth * sizeof(r->frames[0]) + r->text_size) ||
	    r->depth > RECORD_NATIVES_MAX || r->end > NATIVE_FAILED)
		return false;
	if (!r->depth)
		return true;
	if (!r->text_size || text[0] || text[r->text_size - 1])
		return false;
	for (size_t i = 0; i < r->depth; i++)
		if (r->frames[i].symbol >= r->text_size || r->frames[i].module >= r->text_size)
			return false;
	return true;
}

static bool end_valid(const struct record_end *r)
{
	return HOLDS(r, (uint64_t)r->causes * sizeof(uint64_t) + r->unseen_size);
}

#define VALID(type, record, check) \
	((record)->size >= sizeof(type) && check((const type *)(const void *)(record)))

bool record_valid(const struct record_header *record)
{
	if (record->size < sizeof(*record) || record->size > RECORD_SIZE_MAX ||
	    record->time_ns > RECORD_TIME_MAX)
		return false;
	switch (record->type) {
	case RECORD_CALL:
		return VALID(struct record_call, record, call_valid);
	case RECORD_STACK:
		return VALID(struct record_stack, record, stack_valid);
	case RECORD_CODE:
		return VALID(struct record_code, record, code_valid);
	case RECORD_CODE_TABLE:
		return VALID(struct record_code_table, record, code_table_valid);
	case RECORD_OWNER:
		return VALID(struct record_owner, record, owner_valid);
	case RECORD_OWNER_TYPE:
		return VALID(struct record_owner_type, record, owner_type_valid);
	case RECORD_FORK:
		return VALID(struct record_fork, record, fork_valid);
	case RECORD_EXEC:
		return VALID(struct record_exec, record, exec_valid);
	case RECORD_EXIT:
		return record->size >= sizeof(struct record_exit);
	case RECORD_UNSEEN:
		return VALID(struct record_unseen, record, unseen_valid);
	case RECORD_MAP:
		return record->size >= offsetof(struct record_map, changed_ns);
	case RECORD_PROCESS:
		return VALID(struct record_process, record, process_valid);
	case RECORD_RUNTIME:
		return VALID(struct record_runtime, record, runtime_valid);
	case RECORD_OPEN_FD:
		return VALID(struct record_open_fd, record, open_fd_valid);
	case RECORD_SNAPSHOT:
		return record->size >= sizeof(struct record_snapshot);
	case RECORD_SOURCE:
		return VALID(struct record_source, record, source_valid);
	case RECORD_END:
		return VALID(struct record_end, record, end_valid);
	case RECORD_NATIVE:
		return VALID(struct record_native, record, native_valid);
	case RECORD_RIGHTS:
		return VALID(struct record_rights, record, rights_valid);
	case RECORD_MODULE:
		return VALID(struct record_module, record, module_valid);
	case RECORD_NATIVE_STACK:
		return VALID(struct record_native_stack, record, native_stack_valid);
	}
	return true;
}

bool record_call_is_sane(const struct record_call *call)
{
	return call->h.size >= sizeof(*call) && call_shape(call->call) && call->table &&
	       call->name_size <= call->h.size - sizeof(*call) && call->ret == (int32_t)call->ret;
}
