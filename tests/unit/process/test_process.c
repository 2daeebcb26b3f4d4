/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The table of processes: real ones, with the records that are made of them, and that they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/records.h"
#include "process/facts.h"
#include "process/proc.h"
#include "process/process.h"

#define NO_PID (1 << 30)

/* A child that goes by the name "another", and waits; ended by end_child(). */
static pid_t start_child(void)
{
	int ready[2];
	char byte = 0;
	pid_t pid = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "another");
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct process_table *new_table(void)
{
	struct process_table *table = NULL;

	assert_int_equal(process_table_new(&table), 0);
	return table;
}

/* What /proc says goes into the table. NULL: that process is not there, or not known. */
static struct process *learn(struct process_table *table, pid_t pid, unsigned int wanted,
			     enum process_since since)
{
	_cleanup_free_ struct record_process *record = NULL;

	if (facts_read(pid, 0, wanted, &record))
		return NULL;
	assert_true(record_valid(&record->h));
	assert_int_equal(record->facts, wanted);
	record->since = since;
	return process_learned(table, record);
}

static void runs(struct process_table *table, pid_t pid, const char *name)
{
	struct record_runtime *record = calloc(1, sizeof(*record) + strlen(name));

	assert_non_null(record);
	record_own(&record->h, RECORD_RUNTIME, sizeof(*record) + strlen(name), pid, 1);
	record->name_size = strlen(name);
	memcpy(record->name, name, strlen(name));
	assert_non_null(process_runs(table, record));
	free(record);
}

static struct process *add(struct process_table *table, pid_t pid)
{
	return learn(table, pid, FACTS_ALL, PROCESS_FROM_ATTACH);
}

static void test_add(void **state)
{
	struct process_table *table = new_table();
	struct process *process = add(table, getpid());
	char exe[PATH_MAX] = "";
	uint64_t start_ns = 0;

	assert_non_null(process);
	assert_int_equal(proc_start_ns(getpid(), &start_ns), 0);
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(process->pid, getpid());
	assert_true(process->start_ns == start_ns);
	assert_string_equal(process->exe, exe);
	assert_string_equal(process->comm, "test_process");
	assert_non_null(process->cgroup);
	assert_true(process->ns_pid > 0);
	assert_true(process->same_root);
	assert_false(process->exited);
	assert_null(process->runtime);
	assert_ptr_equal(process_find(table, getpid()), process);

	/* Again: filled anew, and still the same process. */
	runs(table, process->pid, "CPython 3.11.2");
	prctl(PR_SET_NAME, "an \n\x1b[1m name of 15");
	assert_ptr_equal(add(table, getpid()), process);
	assert_string_equal(process->comm, "an \n\x1b[1m name o");
	assert_string_equal(process->runtime, "CPython 3.11.2");
	prctl(PR_SET_NAME, "test_process");

	assert_null(add(table, NO_PID));
	assert_null(process_find(table, NO_PID));
	process_remove(table, getpid());
	process_remove(table, getpid());
	assert_null(process_find(table, getpid()));
	process_table_free(table);
	process_table_free(NULL);
}

/* Facts are of the process that started then, or of none. */
static void test_facts_of_another(void **state)
{
	struct process_table *table = new_table();
	struct record_process *record = NULL;
	uint64_t start_ns = 0;

	assert_int_equal(proc_start_ns(getpid(), &start_ns), 0);
	assert_int_equal(facts_read(getpid(), start_ns - 1000000000, FACTS_ALL, &record), -ESRCH);
	assert_int_equal(facts_read(getpid(), start_ns + 1234567, FACTS_PLACE, &record), 0);
	errno = 0;
	assert_null(process_learned(table, record)); /* facts, but nobody traces it */
	assert_int_equal(errno, ESRCH);
	record->since = PROCESS_FROM_START;
	assert_non_null(process_learned(table, record));
	assert_string_equal(process_find(table, getpid())->comm, ""); /* was not asked for */
	record->since = PROCESS_KNOWN;
	record->start_ns += 1000000000;
	assert_null(process_learned(table, record));
	free(record);
	process_table_free(table);
}

struct snapshot {
	int fds, ends, stop;
	bool seen_link;
};

static int on_snapshot(void *arg, const struct record_header *record)
{
	const struct record_open_fd *open_fd = (const void *)record;
	struct snapshot *snapshot = arg;

	assert_true(record_valid(record));
	assert_int_equal(record->tgid, getpid());
	assert_int_equal(record->cpu, RECORD_NO_CPU);
	if (record->type == RECORD_SNAPSHOT) {
		assert_true(((const struct record_snapshot *)(const void *)record)->max_fds > 0);
		snapshot->ends++;
		return 0;
	}
	assert_int_equal(record->type, RECORD_OPEN_FD);
	if (open_fd->link_size == strlen("/dev/full") && open_fd->cloexec)
		snapshot->seen_link |= !memcmp(open_fd->link, "/dev/full", open_fd->link_size);
	snapshot->fds++;
	return snapshot->stop;
}

static void test_snapshot(void **state)
{
	struct snapshot snapshot = {0};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(facts_snapshot(getpid(), 0, on_snapshot, &snapshot), 0);
	assert_int_equal(snapshot.ends, 1);
	assert_true(snapshot.fds > 3 && snapshot.seen_link);
	snapshot = (struct snapshot){.stop = -ENOMEM};
	assert_int_equal(facts_snapshot(getpid(), 0, on_snapshot, &snapshot), -ENOMEM);
	assert_int_equal(snapshot.fds, 1);
	assert_int_equal(snapshot.ends, 0);
	close(fd);
}

static struct record_fork fork_record(pid_t parent, pid_t child, uint64_t start_ns)
{
	return (struct record_fork){
		.h = {.size = sizeof(struct record_fork), .type = RECORD_FORK, .tgid = parent},
		.child_start_ns = start_ns,
		.child_tgid = child,
		.child_tid = child,
	};
}

static struct record_exec *exec_record(pid_t pid, uint64_t start_ns, const char *comm,
				       const char *name)
{
	struct record_exec *record = calloc(1, sizeof(*record) + strlen(name));

	assert_non_null(record);
	record->h.size = sizeof(*record) + strlen(name);
	record->h.type = RECORD_EXEC;
	record->h.tgid = pid;
	record->start_ns = start_ns;
	record->name_size = strlen(name);
	memcpy(record->name, name, strlen(name));
	memcpy(record->comm, comm, strlen(comm));
	return record;
}

/* However long and many the names are that processes give themselves. */
static void test_names_are_bounded(void **state)
{
	struct process_table *table = new_table();
	char name[4000];
	unsigned int known = 0;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 1; i <= 4000; i++) {
		struct record_process record = {.start_ns = i, .since = PROCESS_FROM_START};

		record_own(&record.h, RECORD_PROCESS, sizeof(record), i, i);
		assert_non_null(process_learned(table, &record));
		memcpy(name, &i, sizeof(i));
		memset(name + 3, 'y', 1);
		name[0] |= 1;
		name[1] |= 1;
		name[2] |= 1;
		runs(table, i, name);
		known += process_find(table, i)->runtime != NULL;
	}
	assert_true(known > 1000 && known < 2200);
	process_table_free(table);
}

/* The child lives, but under another name: what it was at fork is what its parent was. */
static void test_fork(void **state)
{
	struct process_table *table = new_table();
	struct process *parent = add(table, getpid());
	pid_t pid = start_child();
	struct process *child = NULL;
	struct record_fork record;
	uint64_t start_ns = 0;

	assert_int_equal(proc_start_ns(pid, &start_ns), 0);
	record = fork_record(getpid(), pid, start_ns + 1234567);
	runs(table, getpid(), "CPython 3.11.2");
	child = process_forked(table, &record);
	assert_non_null(child);
	assert_true(child->start_ns == start_ns + 1234567);
	assert_string_equal(child->comm, parent->comm);
	assert_string_equal(child->exe, parent->exe);
	assert_string_equal(child->cgroup, parent->cgroup);
	assert_string_equal(child->runtime, "CPython 3.11.2");
	assert_ptr_equal(child->exe, parent->exe); /* kept once, for as long as both are */
	assert_int_equal(child->ns_pid, 0);

	/* Where it is, it tells itself; it is the same process. */
	assert_ptr_equal(learn(table, pid, FACTS_PLACE, PROCESS_KNOWN), child);
	assert_true(child->ns_pid > 0 && child->ns_pid != parent->ns_pid);
	assert_true(child->start_ns == start_ns + 1234567);
	assert_string_equal(child->comm, parent->comm);
	assert_string_equal(child->runtime, "CPython 3.11.2");

	/* Of a parent that is not known, it tells all. */
	record.h.tgid = NO_PID;
	child = process_forked(table, &record);
	assert_string_equal(child->comm, "");
	assert_null(child->exe);
	assert_ptr_equal(learn(table, pid, FACTS_ALL, PROCESS_KNOWN), child);
	assert_string_equal(child->comm, "another");
	assert_null(child->runtime);
	end_child(pid);

	/* A record that makes no sense. */
	record.h.tgid = pid;
	assert_non_null(process_forked(table, &record));
	process_table_free(table);
}

static void test_exec(void **state)
{
	struct process_table *table = new_table();
	pid_t pid = start_child();
	struct process *process = add(table, pid);
	struct record_exec *record = NULL;
	struct record_process *facts = NULL;
	struct record_runtime *runtime = calloc(1, sizeof(*runtime) + 16);
	char exe[PATH_MAX] = "";

	assert_non_null(process);
	assert_non_null(runtime);
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	runtime->h.tgid = pid;
	runtime->name_size = 14;
	memcpy(runtime->name, "CPython 3.11.2xx", 16);
	assert_ptr_equal(process_runs(table, runtime), process);
	assert_string_equal(process->runtime, "CPython 3.11.2");

	/* The record knows the path alone, if it needs no directory; /proc knows more. */
	record = exec_record(pid, process->start_ns + 5, "another", "./relative");
	assert_ptr_equal(process_execed(table, record), process);
	assert_string_equal(process->comm, "another");
	assert_null(process->exe);
	assert_null(process->runtime);
	assert_ptr_equal(learn(table, pid, FACTS_ALL, PROCESS_KNOWN), process);
	assert_string_equal(process->exe, exe);
	assert_non_null(process->cgroup);
	assert_true(process->same_root);
	free(record);

	/* What the record says of the root holds; of a process that has ended /proc cannot say. */
	record = exec_record(pid, process->start_ns, "0123456789abcdef", "/usr/bin/env");
	process_execed(table, record);
	assert_false(process->same_root);
	record->same_root = 1;
	kill(pid, SIGKILL);
	while (proc_living_thread(pid) > 0)
		usleep(1000);
	assert_int_equal(facts_read(pid, 0, FACTS_PLACE, &facts), 0);
	assert_int_equal(facts->facts, PROCESS_STATUS | PROCESS_CGROUP);
	process_execed(table, record);
	assert_ptr_equal(process_learned(table, facts), process);
	assert_true(process->same_root);
	free(facts);
	assert_string_equal(process->comm, "0123456789abcde");
	assert_string_equal(process->exe, "/usr/bin/env");
	end_child(pid);

	/* More bytes said than there are. */
	record->name_size = 4000;
	assert_false(record_valid(&record->h));
	process_execed(table, record);
	assert_null(process->exe);
	record->h.tgid = runtime->h.tgid = NO_PID;
	assert_null(process_execed(table, record));
	assert_null(process_runs(table, runtime));
	free(record);
	free(runtime);
	process_table_free(table);
}

static struct record_exit exit_record(pid_t pid)
{
	return (struct record_exit){
		.h = {.size = sizeof(struct record_exit), .type = RECORD_EXIT, .tgid = pid},
		.comm = "at the end",
	};
}

static void test_exit(void **state)
{
	struct process_table *table = new_table();
	struct record_fork forked = fork_record(NO_PID, NO_PID + 1, 5);
	struct record_exit exited = exit_record(NO_PID + 1);
	struct process *process = process_forked(table, &forked);

	assert_ptr_equal(process_exited(table, &exited), process);
	assert_true(process->exited);
	assert_string_equal(process->comm, "at the end");
	assert_ptr_equal(process_exited(table, &exited), process);
	/* The number is used again. */
	process = process_forked(table, &forked);
	assert_false(process->exited);
	exited = exit_record(NO_PID);
	assert_null(process_exited(table, &exited));
	process_table_free(table);
}

/* The dead are remembered for a while, so that memory stays bounded; the living, all. */
static void test_exited_are_forgotten(void **state)
{
	struct process_table *table = new_table();
	struct record_fork alive = fork_record(1, NO_PID, 5);

	assert_non_null(process_forked(table, &alive));
	for (int i = 1; i <= 3 * PROCESS_EXITED_MAX; i++) {
		struct record_fork forked = fork_record(1, NO_PID + i, 5);
		struct record_exit exited = exit_record(NO_PID + i);

		assert_non_null(process_forked(table, &forked));
		assert_non_null(process_exited(table, &exited));
	}
	assert_non_null(process_find(table, NO_PID));
	assert_non_null(process_find(table, NO_PID + 3 * PROCESS_EXITED_MAX));
	assert_non_null(process_find(table, NO_PID + 2 * PROCESS_EXITED_MAX + 1));
	assert_null(process_find(table, NO_PID + 2 * PROCESS_EXITED_MAX));
	assert_null(process_find(table, NO_PID + 1));
	process_table_free(table);
}

/* A recording may claim any number of processes: of those beyond the limit only that is known. */
static void test_the_living_are_bounded(void **state)
{
	struct process_table *table = new_table();

	for (int i = 0; i < PROCESS_LIVING_MAX; i++) {
		struct record_fork forked = fork_record(1, 2 + i, 5);

		assert_non_null(process_forked(table, &forked));
	}
	struct record_fork forked = fork_record(1, NO_PID, 5);
	struct record_exit exited = exit_record(2);

	assert_null(process_forked(table, &forked));
	assert_int_equal(errno, ENOSPC);
	assert_non_null(process_exited(table, &exited));
	assert_non_null(process_forked(table, &forked));
	process_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_facts_of_another),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_exited_are_forgotten),
		cmocka_unit_test(test_the_living_are_bounded),
	};

	prctl(PR_SET_NAME, "test_process");
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
