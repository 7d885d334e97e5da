/*
 * Kernel bypass against the kernel's sockets, over one veth link and its offloads: see bench.h. Only
 * the client's CPU is compared; a link's end is worked for by whoever sends to it, in every case.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/link.h"
#include "lab/status.h"
#include "tests/bench/bench.h"

/* CPU of the interval: neither start nor warm-up, and of a worker that spins all of its core. */
#define LAB_CPU "\"cpu_us_per_request\": ?([0-9.e+]+)"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OVER_LINK(model)                                                                           \
	{                                                                                          \
		.name = "fetch-" model, .argv = {"fetch-" model,   "--json",   "-c64", "-d1500ms", \
						 "--warmup=200ms", "--cpus=0", "URL"},             \
		.rate = LAB_CPU, .unit = "us CPU"                                                  \
	}

/* The section goes on without it, but it has failed. */
static void fail(struct bench *b, const char *why)
{
	printf("  MISSED: %s\n", why);
	b->failed = true;
}

static bool is_built(const char *name)
{
	const char *build = getenv("BUILD");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
	return access(path, X_OK) == 0;
}

static void enter(const struct link *link, enum link_end end)
{
	int err = link_enter(link, end);

	if (err)
		status_exit(STATUS_UNABLE, "cannot enter the link: %s", strerror(-err));
}

static void start_origin(struct bench *b, const struct link *link)
{
	struct server *server = &b->servers[0];
	char listen[64];
	const char *const argv[] = {"origin", listen, NULL};

	snprintf(listen, sizeof(listen), "--listen=%s:0", link->address[LINK_ORIGIN]);
	bench_start(&server->process, argv, b->server_cpu);
	if (subprocess_expect(&server->process, UINT64_C(5000000000), "http", server->url,
			      sizeof(server->url)))
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&server->process));
}

static void measure(struct bench *b, const struct link *link)
{
	static const struct contender contenders[] = {OVER_LINK("epoll"), OVER_LINK("uring"),
						      OVER_LINK("xdp")};
	/* Both held is the better of the two held. */
	static const struct target targets[] = {
		{"fetch-xdp", "fetch-epoll", BENCH_RATE, 0, 0.80},
		{"fetch-xdp", "fetch-uring", BENCH_RATE, 0, 0.80},
	};
	bool built = is_built("fetch-xdp");
	int status;

	/* Each child is at the end at which this process is when it is started. */
	enter(link, LINK_ORIGIN);
	start_origin(b, link);
	enter(link, LINK_CLIENT);
	bench_section(b, "Over veth, 64 connections, 24-byte bodies: CPU a fetch", NULL, contenders,
		      built ? COUNT(contenders) : COUNT(contenders) - 1, targets,
		      built ? COUNT(targets) : 0);
	if (!built)
		fail(b, "fetch-xdp is not built, and what it needs cannot be compared");
	subprocess_signal(&b->servers[0].process, SIGTERM);
	subprocess_wait(&b->servers[0].process, UINT64_C(5000000000), &status);
}

void bench_bypass(struct bench *b)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct link link;
	char why[512];

	if (link_up(&link, LINK_VETH, 1, 0, why, sizeof(why))) {
		printf("\nOver veth: not measured\n");
		fail(b, why);
		close(home);
		return;
	}
	measure(b, &link);
	if (home < 0 || setns(home, CLONE_NEWNET))
		status_exit(STATUS_UNABLE, "cannot go back to the host's network: %m");
	close(home);
	link_down(&link);
}
