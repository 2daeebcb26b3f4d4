/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utlist.h>

#include "agent/candidate.h"
#include "agent/host.h"
#include "agent/otel_context.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "process/cgroup_names.h"
#include "process/proc.h"
#include "report/format.h"

/* Of an environment, of a command line: what lies beyond is not looked at. */
#define ENVIRONMENT_MAX (256u << 10)
#define COMMAND_MAX	4096

/* What one program said; its children have it too until they run another. */
struct program {
	unsigned int refs;
	size_t bytes;
	struct service service;
	uint32_t uid; /* UINT32_MAX: not known */
};

struct entry {
	uint32_t pid;
	uint64_t start_ns;
	struct program *program; /* NULL: nothing is known */
	struct coverage_watch watch;
	bool unread; /* the program is that of before an exec */
	bool exited;
	uint64_t look_ns; /* CLOCK_BOOTTIME, when it is to be looked at again; 0: not */
	UT_hash_handle hh;
	struct entry *prev, *next; /* of those to look at, or of those that have exited */
};

struct identities {
	struct entry *entries; /* by pid */
	struct entry *waiting; /* to be looked at again, the next first */
	struct entry *exited;  /* oldest first */
	size_t exited_count;
	dev_t memfd_dev; /* see otel_context.h */
	size_t bytes;	 /* of all programs */
	struct coverage coverage;
	struct host host;
	/* What was said last, and what its texts lie in. */
	struct attributes attributes;
	char *exe, *runtime, *container;
	char pod[CGROUP_POD_SIZE], time[WORD_SIZE];
};

struct identity_sink {
	struct sink sink;
	struct identities *identities;
};

/* --- programs --------------------------------------------------------------------------------- */

static void program_drop(struct identities *identities, struct program **program)
{
	struct program *held = *program;

	*program = NULL;
	if (!held || --held->refs)
		return;
	identities->bytes -= held->bytes;
	service_free(&held->service);
	free(held);
}

static struct program *program_share(struct program *program)
{
	if (program)
		program->refs++;
	return program;
}

static void ask_environment(const struct process *process, struct service *service)
{
	_cleanup_free_ char *block = malloc(ENVIRONMENT_MAX);
	ssize_t got = block ? proc_read(process->pid, "environ", block, ENVIRONMENT_MAX) : -1;

	if (got > 0 && proc_same_process(process->pid, process->start_ns))
		service_add_environment(service, block, got);
	if (got > 0)
		explicit_bzero(block, got);
}

static void ask_program(const struct process *process, struct service *service)
{
	char command[COMMAND_MAX];
	ssize_t got = proc_read(process->pid, "cmdline", command, sizeof(command));

	if (got < 0 || !proc_same_process(process->pid, process->start_ns))
		got = 0;
	service_add_program(service, process->exe, command, got);
}

static void ask_context(const struct identities *identities, const struct process *process,
			struct service *service)
{
	_cleanup_free_ char *message = NULL;
	size_t size;

	if (!otel_context_read(process->pid, identities->memfd_dev, &message, &size) &&
	    proc_same_process(process->pid, process->start_ns))
		service_add_context(service, message, size);
}

/* living: it can be asked; context: for that, too. NULL: no room, or no memory. */
static struct program *program_new(struct identities *identities, const struct process *process,
				   bool living, bool context)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return NULL;
	program->refs = 1;
	program->uid = living ? candidate_user(process->pid) : UINT32_MAX;
	program->service = SERVICE_NONE;
	if (context)
		ask_context(identities, process, &program->service);
	if (living)
		ask_environment(process, &program->service);
	if (process->cgroup)
		service_add_unit(&program->service, process->cgroup);
	if (living)
		ask_program(process, &program->service);
	else
		service_add_program(&program->service, process->exe, NULL, 0);
	program->bytes = sizeof(*program);
	for (size_t i = 0; i < SERVICE_FIELDS; i++)
		if (program->service.values[i])
			program->bytes += strlen(program->service.values[i]) + 1;
	identities->bytes += program->bytes;
	if (identities->bytes > IDENTITY_BYTES_MAX)
		program_drop(identities, &program);
	return program;
}

/* --- processes -------------------------------------------------------------------------------- */

static const struct service *service_of(const struct entry *entry)
{
	static const struct service none = {.source = SERVICE_NOWHERE};

	return entry && entry->program ? &entry->program->service : &none;
}

static struct entry *find_known_process(const struct identities *identities, uint32_t pid)
{
	struct entry *entry = NULL;

	HASH_FIND(hh, identities->entries, &pid, sizeof(pid), entry);
	return entry;
}

static void look_no_more(struct identities *identities, struct entry *entry)
{
	if (entry->look_ns)
		DL_DELETE(identities->waiting, entry);
	entry->look_ns = 0;
}

/* An SDK publishes its context some time after the program's start. */
static void look_later(struct identities *identities, struct entry *entry)
{
	look_no_more(identities, entry);
	entry->look_ns = clock_boot_ns() + IDENTITY_LOOK_NS;
	DL_APPEND(identities->waiting, entry);
}

static void drop_entry(struct identities *identities, struct entry *entry)
{
	look_no_more(identities, entry);
	HASH_DEL(identities->entries, entry);
	if (entry->exited) {
		DL_DELETE(identities->exited, entry);
		identities->exited_count--;
	}
	program_drop(identities, &entry->program);
	free(entry);
}

/* process: NULL: of its calls no more is known than was before. */
static void sum_up(struct identities *identities, struct entry *entry,
		   const struct process *process, uint64_t now_ns)
{
	bool same = process && process->start_ns == entry->start_ns;

	coverage_add(&identities->coverage, service_of(entry), &entry->watch, now_ns,
		     same ? process->calls : entry->watch.calls);
}

/* In place of what had its number before. NULL: no memory. */
static struct entry *add_entry(struct identities *identities, const struct process *process)
{
	struct entry *old = find_known_process(identities, process->pid);
	struct entry *entry = calloc(1, sizeof(*entry));

	if (old) {
		sum_up(identities, old, NULL, clock_boot_ns());
		drop_entry(identities, old);
	}
	if (!entry)
		return NULL;
	entry->pid = process->pid;
	entry->start_ns = process->start_ns;
	HASH_ADD(hh, identities->entries, pid, sizeof(entry->pid), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	coverage_watch(&entry->watch, clock_boot_ns(), process->calls);
	return entry;
}

/*
 * What it was until now is summed up. One process counts once for one service, though it has run
 * several programs. Takes the program.
 */
static void set_program(struct identities *identities, struct entry *entry,
			const struct process *process, struct program *program)
{
	struct program *before = entry->program;
	uint64_t now_ns = clock_boot_ns();
	bool counted;

	sum_up(identities, entry, process, now_ns);
	counted = entry->watch.counted;
	entry->program = program;
	coverage_watch(&entry->watch, now_ns, process->calls);
	entry->watch.counted =
		counted && program && before && service_equals(&program->service, &before->service);
	program_drop(identities, &before);
}

static bool has_context(const struct entry *entry)
{
	return service_of(entry)->source == SERVICE_OTEL_CONTEXT;
}

/* Too young to have published anything: short scripts are not looked through for it. */
static bool is_young(const struct process *process)
{
	return clock_boot_ns() < process->start_ns + IDENTITY_YOUNG_NS;
}

static void process_is_new(struct identities *identities, const struct process *process)
{
	struct entry *entry = add_entry(identities, process);

	if (!entry)
		return;
	entry->program = program_new(identities, process, true, !is_young(process));
	if (!has_context(entry))
		look_later(identities, entry);
}

static void process_is_forked(struct identities *identities, const struct process *process,
			      uint32_t parent)
{
	struct entry *entry = add_entry(identities, process);
	const struct entry *of = find_known_process(identities, parent);

	if (!entry)
		return;
	if (of && of != entry)
		entry->program = program_share(of->program);
	look_later(identities, entry);
}

/* Whether it has published anything by now. */
static void look_again(struct identities *identities, struct entry *entry,
		       const struct process *process)
{
	struct program *program;

	look_no_more(identities, entry);
	program = program_new(identities, process, true, true);
	if (program && program->service.source == SERVICE_OTEL_CONTEXT)
		set_program(identities, entry, process, program);
	else
		program_drop(identities, &program);
}

/* What it runs is read as soon as /proc has been (process_is_read), if it has not gone by then. */
static void process_is_execed(struct identities *identities, struct entry *entry,
			      const struct process *process)
{
	entry->start_ns = process->start_ns;
	entry->unread = true;
}

/* The program is what little is known without a look at it. */
static void settle_unread(struct identities *identities, struct entry *entry,
			  const struct process *process)
{
	if (!entry->unread)
		return;
	entry->unread = false;
	set_program(identities, entry, process, program_new(identities, process, false, false));
}

static void process_is_read(struct identities *identities, struct entry *entry,
			    const struct process *process)
{
	struct program *program =
		program_new(identities, process, true, !entry->unread && !is_young(process));

	look_later(identities, entry);
	if (!program || !proc_same_process(process->pid, process->start_ns)) {
		program_drop(identities, &program);
		settle_unread(identities, entry, process);
		return;
	}
	entry->unread = false;
	set_program(identities, entry, process, program);
}

static void process_is_over(struct identities *identities, struct entry *entry,
			    const struct process *process)
{
	settle_unread(identities, entry, process);
	sum_up(identities, entry, process, clock_boot_ns());
	entry->watch.since_ns = 0;
	if (entry->exited)
		return;
	look_no_more(identities, entry);
	entry->exited = true;
	DL_APPEND(identities->exited, entry);
	if (++identities->exited_count > IDENTITY_EXITED_MAX)
		drop_entry(identities, identities->exited);
}

static int on_change(struct sink *sink, const struct process_view *view)
{
	struct identities *identities = ((struct identity_sink *)sink)->identities;
	struct entry *entry = find_known_process(identities, view->process->pid);

	if (view->change == CHANGE_NEW)
		process_is_new(identities, view->process);
	else if (view->change == CHANGE_FORK)
		process_is_forked(identities, view->process, view->parent);
	else if (entry && view->change == CHANGE_EXEC)
		process_is_execed(identities, entry, view->process);
	else if (entry && view->change == CHANGE_PROGRAM)
		process_is_read(identities, entry, view->process);
	else if (entry && view->change == CHANGE_EXIT)
		process_is_over(identities, entry, view->process);
	else if (entry && view->change == CHANGE_FORGET)
		drop_entry(identities, entry);
	return 0;
}

/* NULL: it is not known. */
static const struct entry *entry_of(struct identities *identities, const struct process *process)
{
	struct entry *entry = find_known_process(identities, process->pid);

	if (!entry || entry->start_ns != process->start_ns)
		return NULL;
	settle_unread(identities, entry, process);
	if (entry->look_ns)
		look_again(identities, entry, process);
	return entry;
}

static int on_finding_of(struct sink *sink, const struct finding_view *view)
{
	struct identities *identities = ((struct identity_sink *)sink)->identities;

	coverage_add_finding(&identities->coverage,
			     service_of(entry_of(identities, view->process)));
	return 0;
}

/* --- attributes ------------------------------------------------------------------------------- */

/* In *held until the next time. NULL: there is none, or no memory. */
static const char *clean(char **held, const char *text)
{
	free(*held);
	*held = text ? text_for_terminal(text, strlen(text)) : NULL;
	return *held;
}

void identity_host(const struct identities *identities, struct attributes *list)
{
	attributes_add_text(list, "host.id", identities->host.id);
	attributes_add_text(list, "host.name", identities->host.name);
}

static void add_whereabouts(struct identities *identities, const struct process *process)
{
	struct attributes *list = &identities->attributes;
	char name[CGROUP_UNIT_SIZE];

	if (process->container_id)
		attributes_add_text(list, "container.id", process->container_id);
	if (process->cgroup && cgroup_container_name(process->cgroup, name))
		attributes_add_text(list, "container.name", clean(&identities->container, name));
	if (process->cgroup && cgroup_pod(process->cgroup, identities->pod))
		attributes_add_text(list, "k8s.pod.uid", identities->pod);
	identity_host(identities, list);
}

/* "CPython 3.11.2": as Python's SDK names it, and the version. */
static void add_runtime(struct identities *identities, const struct process *process)
{
	static const char cpython[] = "CPython ";
	const char *runtime = clean(&identities->runtime, process->runtime);

	if (!runtime || strncmp(runtime, cpython, strlen(cpython)))
		return;
	attributes_add_text(&identities->attributes, "process.runtime.name", "cpython");
	attributes_add_text(&identities->attributes, "process.runtime.version",
			    runtime + strlen(cpython));
}

const struct attributes *identity_of(struct identities *identities, const struct process *process,
				     int64_t wall_offset_ns)
{
	const struct entry *entry = entry_of(identities, process);
	struct attributes *list = &identities->attributes;
	const char *exe = clean(&identities->exe, process->exe);

	list->count = 0;
	service_attributes(service_of(entry), list);
	add_whereabouts(identities, process);
	attributes_add_number(list, "process.pid", process->pid);
	if (process->start_ns)
		attributes_add_text(list, "process.creation.time",
				    format_time((int64_t)process->start_ns + wall_offset_ns, false,
						identities->time));
	if (exe) {
		attributes_add_text(list, "process.executable.name", text_basename(exe));
		attributes_add_text(list, "process.executable.path", exe);
	}
	if (entry && entry->program && entry->program->uid != UINT32_MAX)
		attributes_add_number(list, "process.user.id", entry->program->uid);
	add_runtime(identities, process);
	return list;
}

void identities_step(struct identities *identities, uint64_t now_ns, identity_find_fn find,
		     void *arg)
{
	struct entry *entry = identities->waiting;
	const struct process *process = entry ? find(arg, entry->pid) : NULL;

	if (!entry || now_ns < entry->look_ns)
		return;
	if (process && process->start_ns == entry->start_ns)
		look_again(identities, entry, process);
	else
		look_no_more(identities, entry);
}

/* --- periods ---------------------------------------------------------------------------------- */

bool identities_sum_up(struct identities *identities, uint64_t now_ns, identity_find_fn find,
		       void *arg)
{
	for (struct entry *entry = identities->entries; entry; entry = entry->hh.next) {
		const struct process *process = find(arg, entry->pid);

		if (process && process->start_ns == entry->start_ns)
			settle_unread(identities, entry, process);
		sum_up(identities, entry, process, now_ns);
		entry->watch.counted = false;
	}
	return identities->coverage.missing;
}

size_t identities_each_service(struct identities *identities,
			       void (*fn)(void *arg, const struct coverage_row *row), void *arg)
{
	size_t count = 0;

	for (const struct coverage_row *row = identities->coverage.rows; row; row = row->hh.next) {
		fn(arg, row);
		count++;
	}
	coverage_clear(&identities->coverage);
	return count;
}

/* ---------------------------------------------------------------------------------------------- */

static dev_t find_memfd_dev(void)
{
	_cleanup_close_ int fd = memfd_create("fdtrace", MFD_CLOEXEC);
	struct stat st;

	return fd < 0 || fstat(fd, &st) ? 0 : st.st_dev;
}

static void free_identity_sink(struct sink *sink)
{
	free(sink);
}

int identities_new(struct identities **ret_identities, struct sink **ret_sink)
{
	struct identities *identities = calloc(1, sizeof(*identities));
	struct identity_sink *sink = calloc(1, sizeof(*sink));

	if (!identities || !sink) {
		free(identities);
		free(sink);
		return -ENOMEM;
	}
	host_read(&identities->host);
	identities->memfd_dev = find_memfd_dev();
	sink->identities = identities;
	sink->sink.process = on_change;
	sink->sink.finding = on_finding_of;
	sink->sink.free = free_identity_sink;
	*ret_identities = identities;
	*ret_sink = &sink->sink;
	return 0;
}

void identities_free(struct identities *identities)
{
	if (!identities)
		return;
	while (identities->entries)
		drop_entry(identities, identities->entries);
	coverage_clear(&identities->coverage);
	free(identities->exe);
	free(identities->runtime);
	free(identities->container);
	free(identities);
}
