/*
 * Measures the lab against the tools people use and against bare loops, in interleaved rounds:
 * every round runs every contender once, in turn, on the same pinned CPUs and against the same
 * server, so that what drifts, drifts for all. Prints medians, and ratios with their intervals.
 * Nothing here passes or fails: a target that is missed is marked, for a person to look at.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/status.h"
#include "results/statistics.h"
#include "tests/bench/bench.h"
#include "topology/together.h"

#define PATIENCE_NS UINT64_C(60000000000)
/* A port that the system does not give away by itself. */
#define NGINX_ADDRESS "127.0.0.1:18765"

/* How long to wait for two cores, and how often to run again what lost them. */
#define CORES_PATIENCE 60
#define CORES_TRIES    4

struct measured {
	double figure[3][BENCH_ROUNDS_MAX]; /* by enum bench_figure; NAN when not looked for */
};

static double find_number(const char *text, const char *expression)
{
	regmatch_t match[2];
	regex_t regex;
	double value = NAN;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NEWLINE))
		status_exit(STATUS_FAILED, "the expression %s is wrong", expression);
	if (regexec(&regex, text, 2, match, 0) == 0)
		value = strtod(text + match[1].rm_so, NULL);
	regfree(&regex);
	return value;
}

/* To that CPU, or to all of them when it is negative. */
static void pin_self(int cpu)
{
	long last = sysconf(_SC_NPROCESSORS_CONF) - 1;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (long i = cpu < 0 ? 0 : cpu; i <= (cpu < 0 ? last : cpu); i++)
		CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		status_exit(STATUS_UNABLE, "cannot pin to CPU %d: %m", cpu);
}

void bench_start(struct subprocess *child, const char *const *argv, int cpu)
{
	const char *build = getenv("BUILD");
	const char *words[BENCH_WORDS] = {NULL};
	char why[256], program[512];

	if (argv[0][0] == '/' && access(argv[0], X_OK))
		status_exit(STATUS_UNABLE, "%s is not there; make deps installs it", argv[0]);
	for (unsigned i = 0; argv[i] && i < BENCH_WORDS - 1; i++)
		words[i] = argv[i];
	if (argv[0][0] != '/') {
		snprintf(program, sizeof(program), "%s/%s", build ? build : "build", argv[0]);
		words[0] = program;
	}
	pin_self(cpu);
	if (subprocess_start(child, (char *const *)words, NULL, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
}

static double children_cpu_s(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* "URLpath" becomes the server's URL and the path. */
static const char *with_url(const char *word, const char *url)
{
	static char text[512];

	if (!word || strncmp(word, "URL", 3) != 0)
		return word;
	snprintf(text, sizeof(text), "%s%s", url, word + 3);
	return text;
}

static void run_once(struct bench *b, const struct contender *c, struct measured *m, unsigned round)
{
	static struct subprocess child;
	double cpu_s = children_cpu_s();
	struct server *server = &b->servers[c->server];
	uint64_t server_ns = c->cpu_of_server ? subprocess_cpu_ns(&server->process) : 0;
	const char *argv[BENCH_WORDS];
	double begun_s = now_s();
	int status;

	for (unsigned i = 0; i < BENCH_WORDS; i++)
		argv[i] = with_url(c->argv[i], server->url);
	bench_start(&child, argv, c->on_all_cpus ? -1 : b->client_cpu);
	if (subprocess_wait(&child, PATIENCE_NS, &status) || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		status_exit(STATUS_FAILED, "%s failed: %s", c->name, subprocess_last_error(&child));
	m->figure[BENCH_WALL][round] = now_s() - begun_s;
	cpu_s = children_cpu_s() - cpu_s;
	if (c->cpu_of_server)
		cpu_s = (double)(subprocess_cpu_ns(&server->process) - server_ns) / 1e9;
	m->figure[BENCH_RATE][round] = c->rate ? find_number(child.out.text, c->rate) : NAN;
	m->figure[BENCH_CPU][round] =
		c->count ? 1e6 * cpu_s / find_number(child.out.text, c->count) : NAN;
	if ((c->rate && isnan(m->figure[BENCH_RATE][round])) ||
	    (c->count && isnan(m->figure[BENCH_CPU][round])))
		status_exit(STATUS_FAILED, "%s printed no figure that is understood: %.200s",
			    c->name, child.out.text);
}

/*
 * Whether both CPUs have a core. A hypervisor takes one away for seconds, and then whatever a
 * client and a server do changes by half, in favour of whom it happens not to hit.
 */
static bool have_two_cores(const struct bench *b)
{
	struct together t;

	return together_look((unsigned)b->client_cpu, (unsigned)b->server_cpu, 1, &t) ||
	       t.least >= TOGETHER_TWO_CORES;
}

static void run_on_two_cores(struct bench *b, const struct contender *c, struct measured *m,
			     unsigned round)
{
	bool had = false;

	for (unsigned tries = 0; !had && tries < CORES_TRIES; tries++) {
		for (unsigned looks = 0; looks < CORES_PATIENCE && !have_two_cores(b); looks++)
			usleep(200000);
		b->again += tries > 0;
		run_once(b, c, m, round);
		had = have_two_cores(b);
	}
	b->without += !had;
}

static double median(const double *values, unsigned count)
{
	double sorted[BENCH_ROUNDS_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	statistics_sort(sorted, count);
	return statistics_quantile(sorted, count, 0.5);
}

static unsigned place_of(const struct contender *contenders, unsigned count, const char *name)
{
	unsigned i = 0;

	while (i < count && strcmp(contenders[i].name, name) != 0)
		i++;
	return i;
}

/* A target that is a figure of its own. */
static void print_limit(const struct bench *b, const double *values, const char *figure,
			const struct target *t)
{
	double value = median(values, b->rounds);
	bool met = t->least > 0 ? value >= t->least : value <= t->most;

	printf("  %-6s %-18s   %-18s %.4g  target %s %.4g  %s\n", figure, t->side, "", value,
	       t->least > 0 ? "at least" : "at most", t->least > 0 ? t->least : t->most,
	       met ? "met" : "MISSED");
}

static void print_target(const struct bench *b, const struct contender *contenders, unsigned count,
			 const struct measured *measured, const struct target *t)
{
	const struct measured *side = &measured[place_of(contenders, count, t->side)];
	const struct measured *against;
	struct statistics_effect effect;
	static const char *const figures[] = {
		[BENCH_RATE] = "figure", [BENCH_CPU] = "CPU", [BENCH_WALL] = "time"};
	const char *verdict;
	double target = t->least > 0 ? t->least : t->most;
	bool met, open;

	if (!t->against) {
		print_limit(b, side->figure[t->figure], figures[t->figure], t);
		return;
	}
	against = &measured[place_of(contenders, count, t->against)];
	if (statistics_compare(side->figure[t->figure], against->figure[t->figure], b->rounds, 1,
			       &effect))
		status_exit(STATUS_UNABLE, "out of memory");
	met = t->least > 0 ? effect.ratio >= target : effect.ratio <= target;
	open = effect.low < target && target < effect.high;
	verdict = met ? (open ? "met, but the interval holds it" : "met")
		      : (open ? "missed, but the interval holds it" : "MISSED");
	printf("  %-6s %-18s / %-18s %.4g [%.4g, %.4g]  target %s %.4g  %s\n", figures[t->figure],
	       t->side, t->against, effect.ratio, effect.low, effect.high,
	       t->least > 0 ? "at least" : "at most", target, verdict);
}

void bench_section(struct bench *b, const char *title, const char *unit,
		   const struct contender *contenders, unsigned count, const struct target *targets,
		   unsigned target_count)
{
	static struct measured measured[BENCH_CONTENDERS_MAX];

	printf("\n%s, %u rounds\n", title, b->rounds);
	b->again = b->without = 0;
	for (unsigned round = 0; round < b->rounds; round++)
		/* Each round begins with another contender: none always follows the same one. */
		for (unsigned i = 0; i < count; i++) {
			unsigned which = (i + round) % count;

			run_on_two_cores(b, &contenders[which], &measured[which], round);
		}
	for (unsigned i = 0; i < count; i++) {
		const struct contender *c = &contenders[i];
		const double(*figure)[BENCH_ROUNDS_MAX] = measured[i].figure;

		printf("  %-18s", c->name);
		if (c->rate)
			printf(" %10.*f %s", c->unit ? 2 : 0, median(figure[BENCH_RATE], b->rounds),
			       c->unit ? c->unit : "/s");
		if (unit && c->count)
			printf(" %10.3f us CPU per %s", median(figure[BENCH_CPU], b->rounds), unit);
		if (!c->rate && !c->count)
			printf(" %10.3f ms", 1e3 * median(figure[BENCH_WALL], b->rounds));
		putchar('\n');
	}
	if (b->again || b->without)
		printf("  (%u runs repeated because the two CPUs were not two cores at their end; "
		       "%u kept all the same)\n",
		       b->again, b->without);
	for (unsigned i = 0; i < target_count; i++)
		print_target(b, contenders, count, measured, &targets[i]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct bench *b);
	} sections[] = {{"fetch", bench_fetch},	      {"bodies", bench_bodies},
			{"tls", bench_tls},	      {"many", bench_many},
			{"many-tls", bench_many_tls}, {"workers", bench_workers},
			{"origin", bench_origin},     {"bypass", bench_bypass},
			{"sumsq", bench_sumsq},	      {"experiment", bench_experiment}};
	static struct bench b = {.rounds = 9, .client_cpu = 0, .server_cpu = 1};
	const char *only = argc > 2 ? argv[2] : NULL;
	bool found = false;

	if (argc > 1)
		b.rounds = (unsigned)atoi(argv[1]);
	if (b.rounds < 1 || b.rounds > BENCH_ROUNDS_MAX)
		status_exit(STATUS_USAGE, "rounds: from 1 to %d", BENCH_ROUNDS_MAX);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		status_exit(STATUS_UNABLE,
			    "two CPUs are needed to measure a client against a server");
	printf("Clients on CPU %d, servers on CPU %d, pools on all\n", b.client_cpu, b.server_cpu);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (only && strcmp(only, sections[i].name) != 0)
			continue;
		found = true;
		sections[i].run(&b);
	}
	if (!found)
		status_exit(STATUS_USAGE,
			    "no section named %s; there are fetch, bodies, tls, "
			    "many, many-tls, workers, origin, bypass, sumsq and experiment",
			    only);
	return b.failed ? STATUS_UNABLE : STATUS_DONE;
}
