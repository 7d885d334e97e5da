/* The sections about fetching and its servers: see bench.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/status.h"
#include "tests/bench/bench.h"

/* A port that the system does not give away by itself. */
#define NGINX_ADDRESS "127.0.0.1:18765"

#define LAB_RATE  "\"throughput_rps\": ?([0-9.e+]+)"
#define LAB_COUNT "\"requests\": ?([0-9]+)"
#define LAB_RSS	  "\"max_rss_kib\": ?([0-9]+)"
#define LAB_CPU	  "\"cpu_us_per_request\": ?([0-9.e+]+)" /* of the interval: no start, no warm-up */
#define WRK_RATE  "Requests/sec: *([0-9.]+)"
#define WRK_COUNT "^ *([0-9]+) requests in"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The lab's, wrk's and h2load's way of saying the same; 64 connections. */
#define LAB(label, model, seconds, ...)                                                            \
	{                                                                                          \
		.name = (label),                                                                   \
		.argv = {"fetch-" model, "--json", "-c64", "-d" seconds "s", __VA_ARGS__},         \
		.rate = LAB_RATE, .count = LAB_COUNT                                               \
	}
#define WRK(seconds, url)                                                                          \
	{                                                                                          \
		.name = "wrk", .argv = {"/usr/bin/wrk", "-t1", "-c64", "-d" seconds "s", url},     \
		.rate = WRK_RATE, .count = WRK_COUNT                                               \
	}
#define H2LOAD(seconds, url)                                                                       \
	{                                                                                          \
		.name = "h2load",                                                                  \
		.argv = {"/usr/bin/h2load", "--h1", "-t1", "-c64", "-D" seconds, url},             \
		.rate = "finished in [^,]*, ([0-9.]+) req/s", .count = "requests: ([0-9]+) total"  \
	}

static void start_server(struct bench *b, const char *const *argv, int cpu)
{
	struct server *server = &b->servers[0];

	bench_start(&server->process, argv, cpu);
	if (subprocess_expect(&server->process, UINT64_C(5000000000), "http", server->url,
			      sizeof(server->url)))
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&server->process));
}

static void start_origin(struct bench *b)
{
	static const char *const argv[] = {"origin", NULL};

	start_server(b, argv, b->server_cpu);
}

static void stop_server(struct server *server)
{
	int status;

	subprocess_signal(&server->process, SIGTERM);
	subprocess_wait(&server->process, UINT64_C(5000000000), &status);
}

void bench_fetch(struct bench *b)
{
	static const struct contender contenders[] = {
		LAB("fetch-epoll", "epoll", "2", "URL"),
		LAB("fetch-uring", "uring", "2", "URL"),
		LAB("floor", "floor", "2", "URL"),
		LAB("floor-spin", "floor", "2", "--wait=spin", "URL"),
		WRK("2", "URL"),
		H2LOAD("2", "URL"),
	};
	static const struct target targets[] = {
		{"fetch-epoll", "wrk", BENCH_RATE, 1.30, 0},
		{"fetch-uring", "wrk", BENCH_RATE, 1.30, 0},
		{"fetch-epoll", "h2load", BENCH_RATE, 1.40, 0},
		{"fetch-uring", "h2load", BENCH_RATE, 1.40, 0},
		{"fetch-epoll", "wrk", BENCH_CPU, 0, 0.75},
		{"fetch-uring", "wrk", BENCH_CPU, 0, 0.75},
		{"fetch-epoll", "floor", BENCH_CPU, 0, 1.08},
		{"fetch-uring", "floor", BENCH_CPU, 0, 1.08},
		{"fetch-epoll", "floor-spin", BENCH_CPU, 0, 1.08},
		{"fetch-uring", "floor-spin", BENCH_CPU, 0, 1.08},
		{"fetch-uring", "fetch-epoll", BENCH_RATE, 1, 0},
	};

	start_origin(b);
	bench_section(b, "64 connections, 24-byte bodies, keep-alive", "fetch", contenders,
		      COUNT(contenders), targets, COUNT(targets));
	stop_server(&b->servers[0]);
}

void bench_bodies(struct bench *b)
{
	static const struct contender small[] = {
		LAB("fetch-epoll", "epoll", "1", "URLbytes/1k"),
		LAB("fetch-uring", "uring", "1", "URLbytes/1k"),
		WRK("1", "URLbytes/1k"),
		H2LOAD("1", "URLbytes/1k"),
	};
	static const struct contender large[] = {
		LAB("fetch-epoll", "epoll", "1", "URLbytes/100k"),
		LAB("fetch-uring", "uring", "1", "URLbytes/100k"),
		/* What is left when one receive ends with each answer, and epoll without its one
		 * buffer that stays in the caches. */
		LAB("uring linked", "uring", "1", "--uring=defer,fixed,linked,huge-pages",
		    "URLbytes/100k"),
		LAB("epoll, 64 buffers", "epoll", "1", "--epoll=edge,buffers:64", "URLbytes/100k"),
		WRK("1", "URLbytes/100k"),
		H2LOAD("1", "URLbytes/100k"),
	};
	static const struct target small_targets[] = {
		{"fetch-epoll", "wrk", BENCH_RATE, 1.30, 0},
		{"fetch-uring", "wrk", BENCH_RATE, 1.30, 0},
		{"fetch-uring", "fetch-epoll", BENCH_RATE, 1, 0},
	};
	static const struct target large_targets[] = {
		{"fetch-epoll", "wrk", BENCH_RATE, 1, 0},
		{"fetch-uring", "wrk", BENCH_RATE, 1, 0},
		{"fetch-epoll", "wrk", BENCH_CPU, 0, 1},
		{"fetch-uring", "wrk", BENCH_CPU, 0, 1},
		{"fetch-uring", "fetch-epoll", BENCH_RATE, 1, 0},
		{"uring linked", "fetch-epoll", BENCH_RATE, 1, 0},
		{"fetch-uring", "epoll, 64 buffers", BENCH_RATE, 1, 0},
		{"uring linked", "epoll, 64 buffers", BENCH_RATE, 1, 0},
	};

	start_origin(b);
	bench_section(b, "64 connections, 1 KiB bodies", "fetch", small, COUNT(small),
		      small_targets, COUNT(small_targets));
	bench_section(b, "64 connections, 100 KiB bodies", "fetch", large, COUNT(large),
		      large_targets, COUNT(large_targets));
	stop_server(&b->servers[0]);
}

/* wrk and h2load do not verify the certificate; the lab does. */
void bench_tls(struct bench *b)
{
	static const char *const argv[] = {"origin", "--tls", "--ca-out", "/tmp/iolab-bench-ca.pem",
					   NULL};
#define CA "--cacert=/tmp/iolab-bench-ca.pem"
	static const struct contender small[] = {
		LAB("fetch-epoll", "epoll", "1", CA, "URLbytes/1k"),
		LAB("fetch-uring", "uring", "1", CA, "URLbytes/1k"),
		LAB("conventional", "epoll", "1", CA, "--tls-io=conventional", "URLbytes/1k"),
		WRK("1", "URLbytes/1k"),
		H2LOAD("1", "URLbytes/1k"),
	};
	static const struct contender large[] = {
		LAB("fetch-epoll", "epoll", "1", CA, "URLbytes/100k"),
		LAB("fetch-uring", "uring", "1", CA, "URLbytes/100k"),
		WRK("1", "URLbytes/100k"),
		H2LOAD("1", "URLbytes/100k"),
	};
	static const struct target small_targets[] = {
		{"fetch-epoll", "wrk", BENCH_CPU, 0, 0.80},
		{"fetch-uring", "wrk", BENCH_CPU, 0, 0.80},
		{"fetch-uring", "fetch-epoll", BENCH_CPU, 0, 1},
	};
	static const struct target large_targets[] = {
		{"fetch-epoll", "wrk", BENCH_RATE, 1, 0},
		{"fetch-uring", "wrk", BENCH_RATE, 1, 0},
		{"fetch-uring", "fetch-epoll", BENCH_CPU, 0, 1},
	};

	start_server(b, argv, b->server_cpu);
	bench_section(b, "TLS, 64 connections, 1 KiB bodies", "fetch", small, COUNT(small),
		      small_targets, COUNT(small_targets));
	bench_section(b, "TLS, 64 connections, 100 KiB bodies", "fetch", large, COUNT(large),
		      large_targets, COUNT(large_targets));
	stop_server(&b->servers[0]);
	unlink("/tmp/iolab-bench-ca.pem");
#undef CA
}

#define MANY(label, model, figure, unit_, ...)                                                     \
	{                                                                                          \
		.name = (label), .argv = {"fetch-" model, "--json", "-c10000", __VA_ARGS__},       \
		.rate = (figure), .unit = (unit_)                                                  \
	}

void bench_many(struct bench *b)
{
	static const struct contender cpu[] = {
		MANY("fetch-epoll", "epoll", LAB_CPU, "us CPU", "-d4s", "--warmup=1s", "URL"),
		MANY("fetch-uring", "uring", LAB_CPU, "us CPU", "-d4s", "--warmup=1s", "URL"),
		MANY("floor", "floor", LAB_CPU, "us CPU", "-d4s", "--warmup=1s", "URL"),
	};
	static const struct contender memory[] = {
		MANY("fetch-epoll", "epoll", LAB_RSS, "KiB", "-n20000", "URL"),
		MANY("fetch-uring", "uring", LAB_RSS, "KiB", "-n20000", "URL"),
	};
	static const struct contender none[] = {
		{.name = "fetch-none",
		 .argv = {"fetch-none", "--json", "-c64", "-d1s", "http://127.0.0.1:1/"},
		 .rate = LAB_CPU,
		 .unit = "us CPU"},
	};
	static const struct target cpu_targets[] = {
		{"fetch-epoll", "floor", BENCH_RATE, 0, 1.15},
		{"fetch-uring", "floor", BENCH_RATE, 0, 1.15},
	};
	static const struct target memory_targets[] = {
		{"fetch-epoll", NULL, BENCH_RATE, 0, 8 * 10000},
		{"fetch-uring", NULL, BENCH_RATE, 0, 8 * 10000},
	};
	static const struct target none_targets[] = {
		{"fetch-none", NULL, BENCH_RATE, 0, 0.15},
	};

	start_origin(b);
	bench_section(b, "10,000 connections, 24-byte bodies: CPU a fetch", NULL, cpu, COUNT(cpu),
		      cpu_targets, COUNT(cpu_targets));
	bench_section(b, "10,000 connections: resident memory of the client", NULL, memory,
		      COUNT(memory), memory_targets, COUNT(memory_targets));
	stop_server(&b->servers[0]);
	bench_section(b, "No I/O: the harness alone, CPU a fetch", NULL, none, COUNT(none),
		      none_targets, COUNT(none_targets));
}

/* The same over TLS; the origin's certificate is verified. */
void bench_many_tls(struct bench *b)
{
	static const char *const argv[] = {"origin", "--tls", "--ca-out", "/tmp/iolab-bench-ca.pem",
					   NULL};
#define CA "--cacert=/tmp/iolab-bench-ca.pem"
	static const struct contender memory[] = {
		MANY("fetch-epoll", "epoll", LAB_RSS, "KiB", "-n20000", CA, "URL"),
		MANY("fetch-uring", "uring", LAB_RSS, "KiB", "-n20000", CA, "URL"),
	};
	static const struct target targets[] = {
		{"fetch-epoll", NULL, BENCH_RATE, 0, 48 * 10000},
		{"fetch-uring", NULL, BENCH_RATE, 0, 48 * 10000},
	};
	unsigned rounds = b->rounds;

	/* Ten thousand handshakes take seconds, and memory does not vary. */
	b->rounds = 1;
	start_server(b, argv, b->server_cpu);
	bench_section(b, "10,000 connections over TLS: resident memory of the client", NULL, memory,
		      COUNT(memory), targets, COUNT(targets));
	stop_server(&b->servers[0]);
	unlink("/tmp/iolab-bench-ca.pem");
	b->rounds = rounds;
#undef CA
}

/*
 * A client on one of two cores against one on both, an origin thread on each core in either case.
 * With client and origin on the same two cores throughput cannot double; what shared state would
 * cost shows in CPU a fetch: at most 1 / 0.9 of one worker's is 1.8 times the throughput for twice
 * the CPU.
 */
void bench_workers(struct bench *b)
{
	static const char *const argv[] = {"origin", "--threads=2", "--cpus=0,1", NULL};
	static const struct contender contenders[] = {
		{.name = "one",
		 .argv = {"fetch-epoll", "--json", "-c64", "-d2s", "--cpus=0", "URL"},
		 .rate = LAB_CPU,
		 .on_all_cpus = true,
		 .unit = "us CPU"},
		{.name = "two threads",
		 .argv = {"fetch-epoll", "--json", "-c128", "-t2", "-d2s", "--cpus=0,1", "URL"},
		 .rate = LAB_CPU,
		 .on_all_cpus = true,
		 .unit = "us CPU"},
		{.name = "two processes",
		 .argv = {"fetch-epoll", "--json", "-c128", "-p2", "-d2s", "--cpus=0,1", "URL"},
		 .rate = LAB_CPU,
		 .on_all_cpus = true,
		 .unit = "us CPU"},
	};
	static const struct target targets[] = {
		{"two threads", "one", BENCH_RATE, 0, 1 / 0.9},
		{"two processes", "one", BENCH_RATE, 0, 1 / 0.9},
	};

	start_server(b, argv, -1);
	bench_section(b, "Workers: CPU a fetch of one and of two, an origin thread on each core",
		      NULL, contenders, COUNT(contenders), targets, COUNT(targets));
	stop_server(&b->servers[0]);
}

static void start_nginx(struct bench *b, char *folder)
{
	const char *const argv[] = {"/usr/sbin/nginx", "-p", folder, "-c", "nginx.conf", NULL};
	struct server *server = &b->servers[1];
	char path[128];
	FILE *file;

	if (!mkdtemp(folder))
		status_exit(STATUS_FAILED, "cannot make %s: %m", folder);
	snprintf(path, sizeof(path), "%s/nginx.conf", folder);
	file = fopen(path, "we");
	if (!file)
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
	fprintf(file,
		"daemon off; master_process off; worker_processes 1; pid nginx.pid;\n"
		"error_log error.log; events { worker_connections 1024; }\n"
		"http { access_log off; keepalive_requests 1000000000; tcp_nodelay on;\n"
		"  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;\n"
		"  uwsgi_temp_path t; scgi_temp_path t; server { listen %s; location / {\n"
		"  return 200 'abcdefghijklmnopqrstuvwx'; } } }\n",
		NGINX_ADDRESS);
	fclose(file);
	bench_start(&server->process, argv, b->server_cpu);
	snprintf(server->url, sizeof(server->url), "http://%s/", NGINX_ADDRESS);
	usleep(500000); /* it says nothing when it is ready */
}

/* The servers' CPU, under the same load from the other core. */
void bench_origin(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "origin",
		 .argv = {"/usr/bin/wrk", "-t1", "-c64", "-d2s", "URL"},
		 .rate = WRK_RATE,
		 .count = WRK_COUNT,
		 .cpu_of_server = true},
		{.name = "nginx",
		 .argv = {"/usr/bin/wrk", "-t1", "-c64", "-d2s", "URL"},
		 .rate = WRK_RATE,
		 .count = WRK_COUNT,
		 .server = 1,
		 .cpu_of_server = true},
	};
	static const struct target targets[] = {{"origin", "nginx", BENCH_CPU, 0, 0.85}};
	char folder[] = "/tmp/iolab-bench-XXXXXX", command[64];

	start_origin(b);
	start_nginx(b, folder);
	bench_section(b, "Servers under wrk, 64 connections, 24-byte bodies", "request", contenders,
		      COUNT(contenders), targets, COUNT(targets));
	stop_server(&b->servers[0]);
	stop_server(&b->servers[1]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		status_warn("cannot remove %s", folder);
}
