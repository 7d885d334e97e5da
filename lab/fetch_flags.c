/*
 * The quality flags of a fetch run that its own figures tell: what its host or the generator, and
 * not the model, made of it. The words and their meaning are in results/flags.def.
 */
#include <math.h>
#include <sched.h>

#include "lab/fetch_report.h"
#include "results/flags.h"
#include "topology/cpulist.h"

/* An open loop whose client is so busy, and so late, could not have kept its rate. */
#define GENERATOR_BUSY 0.97
#define GENERATOR_LATE 0.01

/* Connections against throughput times latency, and the fewest rounds that tell them apart. */
#define LITTLE_OFF    0.05
#define LITTLE_ROUNDS 50

/* A wake-up counts as waiting until the worker runs: so much is no other task's doing. */
#define WAKE_NS 5000
/* Beyond that, so large a share of the time ready and not running is. */
#define WAITING_MOST   0.05
#define WAITING_FEW_NS 2e6 /* and in what is short, less than a time slice */

/* How many CPUs the workers have between them. */
static unsigned cpus_of(const struct fetch_outcome *o)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	char why[128];
	cpu_set_t allowed;
	int count = 0;

	if (*o->cpus && cpus && cpulist_parse(o->cpus, cpus, why, sizeof(why)) == 0)
		count = hwloc_bitmap_weight(cpus);
	else if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		count = CPU_COUNT(&allowed);
	hwloc_bitmap_free(cpus);
	return count > 0 ? (unsigned)count : 1;
}

/* Workers that share a CPU preempt each other: what others did to them cannot be told. */
static bool is_preempted(const struct fetch_merged *m, unsigned cpus, unsigned workers)
{
	const struct usage *u = &m->usage;
	double time_ns = (double)u->at_ns;
	double waiting_ns = (double)u->waiting_ns - (double)u->helper_ns -
			    WAKE_NS * (double)u->voluntary_switches;

	if (workers > cpus)
		return false;
	return flags_preempted(u->involuntary_switches, time_ns / 1e9) ||
	       (u->scheduler_known && waiting_ns > WAITING_MOST * time_ns + WAITING_FEW_NS);
}

static bool is_generator_saturated(const struct fetch_merged *m, const struct fetch_outcome *o,
				   unsigned cpus)
{
	const struct usage *u = &m->usage;
	unsigned used = o->run.count < cpus ? o->run.count : cpus;
	double room_ns = (double)u->at_ns / o->run.count * used;
	double busy_ns = (double)(u->user_ns + u->system_ns + u->helper_ns);
	double due = (double)(m->completed + m->errors + m->unsent);

	return o->options->rate && busy_ns >= GENERATOR_BUSY * room_ns &&
	       (double)(m->late + m->unsent) > GENERATOR_LATE * due;
}

/*
 * L = lambda W (Little 1961): in a closed loop every connection has a fetch in flight all the time,
 * so that the three are measured apart and must agree. A fetch cut off or failed is in L only; one
 * at either end may be in W and not in lambda, by as much as the longest one is long.
 */
static bool is_little_broken(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	double connections = (double)o->options->connections;
	double mean_s = histogram_mean(m->histograms[BENCH_LATENCY]) / 1e9;
	double in_flight = fetch_throughput_rps(m, o) * mean_s;
	double ends = (double)m->histograms[BENCH_LATENCY]->max_ns / 1e9 / fetch_duration_s(m, o);

	if (o->options->rate || !o->options->benchmark || o->model->yardstick || m->errors ||
	    m->cut_short || (double)m->completed < LITTLE_ROUNDS * connections)
		return false;
	return !(fabs(connections / in_flight - 1) <= LITTLE_OFF + ends);
}

void fetch_flag_row(struct record *r, const struct fetch_merged *m, const struct fetch_outcome *o)
{
	unsigned cpus = cpus_of(o);
	const struct {
		enum flag flag;
		bool raised;
	} rows[] = {
		{FLAG_OVERFLOW, m->calls.cq_overflows != 0},
		{FLAG_UNANSWERED, m->unanswered && !o->run.interrupted},
		{FLAG_ERRORS, m->errors != 0},
		{FLAG_RATE, fetch_rate_missed(m, o)},
		{FLAG_GENERATOR, is_generator_saturated(m, o, cpus)},
		{FLAG_LITTLE, is_little_broken(m, o)},
		{FLAG_PREEMPTED, is_preempted(m, cpus, o->run.count)},
		{FLAG_MOVED, m->moved},
		{FLAG_WINDOW, fetch_above_window(m, o)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].raised)
			flags_add(r, rows[i].flag);
	host_watch_flag(&o->run.watch, r);
}
