/*
 * What the sections of the benchmark share: commands that are run in turn, round after round, what
 * is read from their output, and targets between two of them. bench.c runs and prints; a section
 * is a table of contenders and a table of targets.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>

#include "lab/subprocess.h"

#define BENCH_ROUNDS_MAX     64
#define BENCH_CONTENDERS_MAX 12
#define BENCH_WORDS	     16

/* What is compared: what the command printed, its CPU per count, or its time from fork to exit. */
enum bench_figure { BENCH_RATE, BENCH_CPU, BENCH_WALL };

/* A command, and where in its output its figures are: the first group of each expression. */
struct contender {
	const char *name;
	const char *argv[BENCH_WORDS]; /* argv[0] without a slash in front: one of the lab's */
	const char *rate;	       /* the figure; NULL when it is not looked for */
	const char *count;	       /* what the CPU is divided by; NULL when it is not */
	int server;		       /* index of the server whose URL replaces URL in URLpath */
	bool cpu_of_server;	       /* bill the server's CPU instead of the command's */
	bool on_all_cpus;	       /* else on the client's */
	const char *unit;	       /* of the figure; NULL: "/s" */
};

struct server {
	struct subprocess process;
	char url[256];
};

struct bench {
	unsigned rounds;
	int client_cpu;
	int server_cpu;
	struct server servers[2]; /* started by the sections */
	unsigned again, without;  /* runs of this section that lost a core: repeated, or not */
	bool failed;		  /* a section could not be measured */
};

/*
 * "less than LEAST times is a miss", or more than MOST: whichever is not 0. Without `against` it
 * is the figure itself that must be so.
 */
struct target {
	const char *side, *against;
	enum bench_figure figure;
	double least, most;
};

/*
 * Runs every contender once a round, each round beginning with another one, and prints medians
 * and targets. `unit` is what the CPU is per, NULL to leave the CPU out.
 */
void bench_section(struct bench *b, const char *title, const char *unit,
		   const struct contender *contenders, unsigned count, const struct target *targets,
		   unsigned target_count);

/* Starts a command, one of the lab's where there is no slash in front, on a CPU; -1: on all. */
void bench_start(struct subprocess *child, const char *const *argv, int cpu);

/* The models at 24 bytes against wrk, h2load and the bare calls (sections_fetch.c). */
void bench_fetch(struct bench *b);
/* 1 KiB and 100 KiB. */
void bench_bodies(struct bench *b);
/* The same over TLS. */
void bench_tls(struct bench *b);
/* 10,000 connections, and what the harness itself costs. */
void bench_many(struct bench *b);
/* Memory at 10,000 connections over TLS. */
void bench_many_tls(struct bench *b);
/* Two workers on two cores against one on one. */
void bench_workers(struct bench *b);
/* fetch-xdp against sockets over the same veth link (sections_bypass.c). Needs root. */
void bench_bypass(struct bench *b);
/* The origin's CPU against nginx's. */
void bench_origin(struct bench *b);

/* The sum of squares and its pools (sections_sumsq.c). */
void bench_sumsq(struct bench *b);

/* What iolab run costs beside its cells, and a compare of a million rows (sections_experiment.c). */
void bench_experiment(struct bench *b);

#endif
