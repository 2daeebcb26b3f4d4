/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whatever the load, what is spent in the long run is what comes in, and all get their turn. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include "agent/budget.h"

#define SECOND 1000000000ull
#define MOST   2000

/* A host, second by second. */
struct host {
	struct budget budget;
	uint64_t now_ns, agent_ns, spent_ns;
	double agent_share; /* of what the hooks cost, the agent costs as much again */
	uint64_t agent_idle_ns;
	int count;
	struct {
		uint64_t each_second; /* CPU ns, while it is traced */
		uint64_t cost_ns;
		uint64_t program;
		bool traced;
		unsigned int seconds; /* so long has it been traced */
	} processes[MOST];
};

static void begin(struct host *host, double limit, int count, uint64_t each_second)
{
	memset(host, 0, sizeof(*host));
	host->now_ns = 100 * SECOND;
	host->count = count;
	for (int i = 0; i < count; i++) {
		host->processes[i].each_second = each_second;
		host->processes[i].traced = true;
		host->processes[i].program = 1;
	}
	budget_init(&host->budget, limit, host->now_ns, 0);
}

static void run(struct host *host)
{
	for (int i = 0; i < host->count; i++) {
		if (!host->processes[i].traced)
			continue;
		host->processes[i].cost_ns += host->processes[i].each_second;
		host->processes[i].seconds++;
		host->spent_ns += host->processes[i].each_second;
		host->agent_ns += host->processes[i].each_second * host->agent_share;
		assert_int_equal(budget_note(&host->budget, i + 1, host->processes[i].program,
					     host->processes[i].cost_ns),
				 0);
	}
	host->agent_ns += host->agent_idle_ns;
	host->now_ns += SECOND;
	budget_close(&host->budget, host->now_ns, host->agent_ns);
}

static void second(struct host *host)
{
	pid_t pid;

	run(host);
	while ((pid = budget_pause(&host->budget))) {
		assert_true(host->processes[pid - 1].traced);
		assert_true(budget_is_paused(&host->budget, pid));
		host->processes[pid - 1].traced = false;
	}
	while ((pid = budget_resume(&host->budget))) {
		assert_false(host->processes[pid - 1].traced);
		assert_false(budget_is_paused(&host->budget, pid));
		host->processes[pid - 1].traced = true;
		host->processes[pid - 1].program++;
		host->processes[pid - 1].cost_ns = 0;
	}
}

static void seconds(struct host *host, int count)
{
	for (int i = 0; i < count; i++)
		second(host);
}

/* All that was spent, as a part of one CPU. */
static double mean_cost(const struct host *host)
{
	return (double)(host->spent_ns + host->agent_ns) / (host->now_ns - 100 * SECOND);
}

static void test_little(void **state)
{
	static struct host host;

	begin(&host, 0.01, 50, SECOND / 10000);
	seconds(&host, 1000);
	assert_int_equal(host.budget.pauses, 0);
	assert_int_equal(host.processes[7].seconds, 1000);
	assert_false(budget_is_spent(&host.budget));
	assert_in_range(host.budget.rate * 1e6, 4999, 5001);
	assert_int_equal(host.budget.hooks_ns, host.spent_ns);
	budget_free(&host.budget);
}

/* One that costs five times the limit is traced for a fifth of the time. */
static void test_one_costs_much(void **state)
{
	static struct host host;

	begin(&host, 0.01, 3, 0);
	host.processes[1].each_second = SECOND / 20;
	seconds(&host, 10000);
	assert_int_equal(host.processes[0].seconds, 10000);
	assert_in_range(host.processes[1].seconds, 1500, 2100);
	assert_true(mean_cost(&host) < 0.0105);
	budget_free(&host.budget);
}

/* With it goes what the agent has to do for it. */
static void test_the_agent_counts(void **state)
{
	static struct host host;

	begin(&host, 0.01, 1, SECOND / 50);
	host.agent_share = 3;
	host.agent_idle_ns = SECOND / 1000;
	seconds(&host, 10000);
	assert_in_range(host.processes[0].seconds, 900, 1300);
	assert_true(mean_cost(&host) < 0.0105);
	budget_free(&host.budget);
}

/* Each of them is cheap, all together are not: every one of them has its turn. */
static void test_many(void **state)
{
	static struct host host;

	begin(&host, 0.01, MOST, SECOND / 50000);
	seconds(&host, 20000);
	assert_true(mean_cost(&host) < 0.0105);
	for (int i = 0; i < MOST; i++)
		assert_true(host.processes[i].seconds > 3000);
	budget_free(&host.budget);
}

/* What pauses cannot help: nobody is paused, and nobody new begins. */
static void test_the_agent_alone(void **state)
{
	static struct host host;

	begin(&host, 0.01, 10, SECOND / 1000000);
	host.agent_idle_ns = SECOND / 20;
	seconds(&host, 100);
	assert_int_equal(host.budget.pauses, 0);
	assert_true(budget_is_spent(&host.budget));
	host.agent_idle_ns = 0;
	seconds(&host, 100);
	assert_false(budget_is_spent(&host.budget));
	budget_free(&host.budget);
}

static void test_no_limit(void **state)
{
	static struct host host;

	begin(&host, 0, 10, SECOND);
	seconds(&host, 100);
	assert_int_equal(host.budget.pauses, 0);
	assert_false(budget_is_spent(&host.budget));
	assert_true(host.budget.rate > 9);
	budget_free(&host.budget);
}

static bool nobody_lives(pid_t pid)
{
	return false;
}

/* Another program of the number, or none any more. */
static void test_those_that_are_gone(void **state)
{
	static struct host host;

	begin(&host, 0.01, 2, SECOND);
	while (host.budget.paused < 2)
		second(&host);
	budget_forget(&host.budget, 1);
	assert_false(budget_is_paused(&host.budget, 1));
	assert_true(budget_is_paused(&host.budget, 2));
	budget_sweep(&host.budget, nobody_lives);
	assert_int_equal(host.budget.paused, 0);
	budget_forget(&host.budget, 77);
	/* A new program begins at 0: what it cost before is no part of it, nor is a lesser number.
	 */
	begin(&host, 0.01, 1, 1000);
	seconds(&host, 10);
	host.processes[0].program = 9;
	host.processes[0].cost_ns = 0;
	seconds(&host, 10);
	assert_int_equal(host.budget.hooks_ns, 20 * 1000);
	host.processes[0].cost_ns = 0;
	second(&host);
	assert_int_equal(host.budget.hooks_ns, 20 * 1000);
	budget_free(&host.budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_one_costs_much),
		cmocka_unit_test(test_the_agent_counts),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_the_agent_alone),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_those_that_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
