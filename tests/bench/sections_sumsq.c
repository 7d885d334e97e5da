/* The sections about the sum of squares and its pools: see bench.h. */
#include "tests/bench/bench.h"

#define LAB_RATE "\"elements_per_s\": ?([0-9.e+]+)"

/* Enough for a ratio of hundreds, at seconds a run. */
#define PYTHON_ROUNDS 3

static void bench_cores(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "sumsq-serial",
		 .argv = {"sumsq-serial", "--json", "--duration=500ms"},
		 .rate = LAB_RATE},
		{.name = "bare loop",
		 .argv = {"bench/sumsq_floor"},
		 .rate = "([0-9.]+) squares per second"},
		{.name = "scalar",
		 .argv = {"sumsq-serial", "--core=scalar", "--json", "--duration=500ms"},
		 .rate = LAB_RATE},
	};
	static const struct target targets[] = {
		{"sumsq-serial", "bare loop", BENCH_RATE, 1 / 1.05, 0},
		{"sumsq-serial", "scalar", BENCH_RATE, 12, 0},
	};

	bench_section(b, "The thirty sums of squares, warm", NULL, contenders, 3, targets, 2);
}

/* See pools_of_two.c: a virtual machine's CPUs are not always two cores. */
static void bench_pools_of_two(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "threads",
		 .argv = {"bench/pools_of_two", "threads"},
		 .rate = "([0-9.]+) times one CPU in the",
		 .on_all_cpus = true,
		 .unit = "times one CPU"},
		{.name = "processes",
		 .argv = {"bench/pools_of_two", "processes"},
		 .rate = "([0-9.]+) times one CPU in the",
		 .on_all_cpus = true,
		 .unit = "times one CPU"},
		{.name = "threads, all turns",
		 .argv = {"bench/pools_of_two", "threads"},
		 .rate = "in all [0-9]+ turns ([0-9.]+)",
		 .on_all_cpus = true,
		 .unit = "times one CPU"},
		{.name = "no pool, all turns",
		 .argv = {"bench/pools_of_two", "threads"},
		 .rate = "two loops without a pool ([0-9.]+)$",
		 .on_all_cpus = true,
		 .unit = "times one CPU"},
	};
	static const struct target targets[] = {
		{"threads", NULL, BENCH_RATE, 1.9, 0},
		{"processes", NULL, BENCH_RATE, 1.9, 0},
	};

	bench_section(b, "Warm pools of two on two CPUs, where they are two cores", NULL,
		      contenders, 4, targets, 2);
}

static void bench_dispatch(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "threads",
		 .argv = {"bench/dispatch", "empty", "threads"},
		 .rate = "([0-9.]+) ns a job",
		 .on_all_cpus = true,
		 .unit = "ns"},
		{.name = "processes",
		 .argv = {"bench/dispatch", "empty", "processes"},
		 .rate = "([0-9.]+) ns a job",
		 .on_all_cpus = true,
		 .unit = "ns"},
		{.name = "OpenMP dynamic,1",
		 .argv = {"bench/dispatch", "empty", "openmp"},
		 .rate = "([0-9.]+) ns a job",
		 .on_all_cpus = true,
		 .unit = "ns"},
	};
	static const struct target targets[] = {
		{"threads", "OpenMP dynamic,1", BENCH_RATE, 0, 1.5},
		{"processes", "threads", BENCH_RATE, 0, 1.5},
	};

	bench_section(b, "Dispatch of an empty job, two warm workers", NULL, contenders, 3, targets,
		      2);
}

static void bench_wake(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "threads",
		 .argv = {"bench/dispatch", "wake", "threads"},
		 .rate = "([0-9.]+) of OpenMP",
		 .on_all_cpus = true,
		 .unit = "of OpenMP passive"},
		{.name = "processes",
		 .argv = {"bench/dispatch", "wake", "processes"},
		 .rate = "([0-9.]+) of OpenMP",
		 .on_all_cpus = true,
		 .unit = "of OpenMP passive"},
		{.name = "threads' time",
		 .argv = {"bench/dispatch", "wake", "threads"},
		 .rate = "([0-9.]+) us; OpenMP",
		 .on_all_cpus = true,
		 .unit = "us"},
	};
	static const struct target targets[] = {
		{"threads", NULL, BENCH_RATE, 0, 1.0},
		{"processes", NULL, BENCH_RATE, 0, 1.0},
	};

	bench_section(b, "Waking a sleeping pool: a job for each of two workers, in pairs", NULL,
		      contenders, 3, targets, 2);
}

/* The study's programs 6 and 7. */
#define PYTHON_SERIAL                                                                              \
	"sums = [sum(i * i for i in range(n)) for n in range(3000000, 3000030)]\n"                 \
	"print(sums, sum(sums))\n"
#define PYTHON_PER_JOB                                                                             \
	"import multiprocessing as m\n"                                                            \
	"def job(n, sums):\n"                                                                      \
	"    print(m.current_process().pid, m.current_process().name)\n"                           \
	"    sums.append(sum(i * i for i in range(n)))\n"                                          \
	"m.set_start_method('fork')\n"                                                             \
	"with m.Manager() as manager:\n"                                                           \
	"    sums = manager.list()\n"                                                              \
	"    jobs = [m.Process(target=job, args=(n, sums)) for n in range(3000000, 3000030)]\n"    \
	"    [j.start() for j in jobs]\n"                                                          \
	"    [j.join() for j in jobs]\n"                                                           \
	"    print(list(sums), sum(sums))\n"

/* Whole commands, from their start to their end. */
static void bench_commands(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "sumsq-serial", .argv = {"sumsq-serial"}, .on_all_cpus = true},
		{.name = "sumsq-threads", .argv = {"sumsq-threads"}, .on_all_cpus = true},
		{.name = "sumsq-processes", .argv = {"sumsq-processes"}, .on_all_cpus = true},
		{.name = "processes per job",
		 .argv = {"sumsq-processes", "--per-job"},
		 .on_all_cpus = true},
		{.name = "Python serial",
		 .argv = {"/usr/bin/env", "python3", "-c", PYTHON_SERIAL},
		 .on_all_cpus = true},
		{.name = "Python per job",
		 .argv = {"/usr/bin/env", "python3", "-c", PYTHON_PER_JOB},
		 .on_all_cpus = true},
	};
	static const struct target targets[] = {
		{"Python serial", "sumsq-threads", BENCH_WALL, 250, 0},
		{"Python per job", "processes per job", BENCH_WALL, 100, 0},
	};
	unsigned rounds = b->rounds;

	if (b->rounds > PYTHON_ROUNDS)
		b->rounds = PYTHON_ROUNDS;
	bench_section(b, "Whole commands, the thirty sums", NULL, contenders, 6, targets, 2);
	b->rounds = rounds;
}

void bench_sumsq(struct bench *b)
{
	bench_cores(b);
	bench_pools_of_two(b);
	bench_dispatch(b);
	bench_wake(b);
	bench_commands(b);
}
