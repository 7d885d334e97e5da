/*
 * The embedded HTTP/1.1 origin: what the fetch models fetch from. It is made to cost as little CPU
 * as a server can, so that what is measured is the client; and it waits as long as it is told,
 * never shorter. It also answers as real sites do, and wrongly where it is asked to: what paths
 * there are is in origin_http.h, the faults are in origin_fault.c. Every body is that of
 * body_pattern.h.
 */
#ifndef LAB_ORIGIN_H
#define LAB_ORIGIN_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lab/latency.h"
#include "lab/origin_tls.h"

#define ORIGIN_THREADS_MAX 1024

struct origin;

#define ORIGIN_LISTENS_MAX 16

struct origin_listen {
	struct sockaddr_storage address; /* port 0: any that is free */
	bool tls;
};

struct origin_config {
	struct origin_listen listens[ORIGIN_LISTENS_MAX];
	unsigned listen_count;
	SSL_CTX *tls; /* from origin_tls_context(), the caller's; NULL: no listen wants it */
	struct latency latency; /* of every answer, except /delay/T's own */
	uint64_t body_size;	/* of / */
	unsigned threads;
	hwloc_const_bitmap_t cpus; /* thread i is bound to the i-th of them; NULL: not bound */
	bool busy;		   /* look for events without sleeping */
};

/* A thread gets every threads-th connection, in the order in which they come. */
struct origin_totals {
	uint64_t requests, connections, bytes_sent;
	struct origin_handshakes {
		uint64_t full, resumed;
		uint64_t failed; /* of clients that sent something */
	} handshakes;
};

/*
 * Reads "127.0.0.1:8080", "[::1]:0": numeric addresses only. Returns 0, or -EINVAL with a line in
 * `why`.
 */
int origin_address(const char *text, struct sockaddr_storage *address, char *why, size_t why_size);

/*
 * Listens, starts all threads but the first, and returns 0; the first is the caller's, which is
 * bound to its CPU here and serves in origin_run(). (A process of one thread pays less for its
 * system calls: neither the kernel nor the C library has to count or lock for others.) Or returns
 * -errno with a line in `why`: -EADDRINUSE and -EADDRNOTAVAIL of an address, what binding a
 * thread gave. `cpus` is used by this call only. Raises
 * the process's limit of open files to what it may be.
 */
int origin_start(const struct origin_config *config, struct origin **origin, char *why,
		 size_t why_size);

/* Serves until origin_stop() was called; all threads have ended when it returns. */
void origin_run(struct origin *origin);

/* May be called by any thread and by a signal handler. Open connections are left where they are. */
void origin_stop(struct origin *origin);

/* "http://127.0.0.1:8080/" of a started origin's listens[at]. */
void origin_url(const struct origin *origin, unsigned at, char *url, size_t size);

/* Totals of one thread, or of all when `thread` is negative. Only after origin_run(). */
void origin_count(const struct origin *origin, int thread, struct origin_totals *totals);

/* Closes all connections. */
void origin_free(struct origin *origin);

#endif
