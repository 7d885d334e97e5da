/*
 * The lab's side of a worker: which fetch comes next (fetch_driver.c), what is stamped and counted
 * when one ends (fetch_observer.c), and the interval that is measured (fetch_bench.c). All clocks,
 * histograms and printing of a fetch run are in these three; models and protocol have none.
 *
 * A worker warms up, is measured, and is over. The measured interval begins with the first
 * completion after the warm-up (or with the run) and ends when the last fetch begun in its time
 * has ended; the usage read at both ends belongs to the very same interval as the fetches
 * counted. Throughput goes by each lane's own interval within it, see lane_ended().
 */
#ifndef LAB_FETCH_BENCH_H
#define LAB_FETCH_BENCH_H

#include "kernels/fetch/model.h"
#include "kernels/sumsq/sumsq.h"
#include "lab/counters.h"
#include "lab/energy.h"
#include "lab/fetch_options.h"
#include "lab/fetch_samples.h"
#include "lab/fetch_schedule.h"
#include "lab/fetch_targets.h"
#include "lab/host_watch.h"
#include "lab/usage.h"
#include "results/histogram.h"

enum bench_phase { BENCH_WARMING, BENCH_MEASURING, BENCH_OVER };

struct bench_lane {
	uint64_t from_ns;	      /* 0: not begun */
	uint64_t until_ns;	      /* 0: nothing ended in it */
	uint64_t begun_ns;	      /* the fetch under way, its redirects included */
	const struct request *asked;  /* what it began with */
	const struct request *follow; /* where it was redirected to; NULL: it is over */
	uint32_t hops;		      /* redirects followed */
	bool busy;		      /* a fetch is under way */
};

/* What a fetch's life is told by, in ns. The first four count from when it was begun. */
enum bench_histogram {
	BENCH_CONNECT,	   /* to a connected socket */
	BENCH_FIRST_BYTE,  /* to the first byte of the response */
	BENCH_UNCORRECTED, /* to the last */
	BENCH_TLS,	   /* the handshake alone */
	BENCH_LATENCY,	   /* from due to the last byte */
	BENCH_SEND_DELAY,  /* open loop: from due to begun */
	BENCH_HISTOGRAMS
};

/* What all workers of a run draw from, each part in cache lines of its own. */
struct bench_shared {
	_Alignas(128) atomic_bool stop;
	_Alignas(128) atomic_uint_fast64_t tickets; /* fetches handed out, --schedule shared */
};

/*
 * One a worker, in memory that the process which reports can read; so is all that the pointers
 * after `results` lead to.
 */
struct bench {
	struct observer observer; /* what the connections know of this struct */
	struct worker worker;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	struct bench_shared *shared;
	struct tls_context *tls;
	unsigned scopes; /* of usage, that this worker reads for all */
	enum bench_phase phase;
	unsigned cursor; /* the next request in the list */
	uint64_t left;	 /* fetches still to be begun */
	uint64_t share;	 /* fetches this worker is to do in the measured interval */
	uint64_t total;	 /* with --schedule shared: fetches of all workers */
	uint64_t now_ns; /* the latest stamp */
	uint64_t measure_from_ns;
	uint64_t measure_until_ns;
	struct schedule_state schedule; /* open loop */
	unsigned *parked;		/* lanes that wait for a fetch to fall due, as a stack */
	unsigned parked_count;
	const struct sumsq_core *overlap_core;
	uint64_t overlap_elements;
	const volatile uint64_t *soaked; /* --overlap core: squares of the soaker so far */

	/* Results, of the measured interval. */
	struct histogram *histograms[BENCH_HISTOGRAMS]; /* BENCH_CONNECT, _TLS: of the whole run */
	struct body_reference *references;		/* one a request */
	struct bench_lane *lanes;
	struct samples samples;
	size_t memory_size; /* of the block that these are in */
	void *memory;
	uint64_t ended; /* fetches that came to an end, good or bad */
	uint64_t completed;
	uint64_t lane_completed; /* of which within their lanes' intervals */
	uint64_t errors;
	uint64_t unanswered; /* in flight when the run was cut off */
	uint64_t unsent;     /* open loop: due before the end and never begun */
	uint64_t due_ns;     /* open loop: since its start, when the last fetch begun fell due */
	uint64_t lag_ns;     /* open loop: by how much that was begun later */
	uint64_t late;	     /* open loop: begun more than BENCH_LATE_NS after they were due */
	uint64_t received_bytes;
	uint64_t body_bytes;
	uint64_t last_body_bytes; /* of the latest whole response, for a model that sees few */
	uint64_t handshakes;	  /* of the whole run */
	uint64_t resumed;	  /* of which went on with a session */
	const char *tls_version, *tls_cipher;
	struct usage begin, end;
	struct counters counters;
	struct counters_reading counted_begin, counted_end;
	struct host_watch *watch; /* worker 0's, NULL of the others */
	struct energy energy;	  /* likewise */
	struct energy_reading energy_begin, energy_end;
	struct calls calls_begin, calls_end;
	uint64_t overlap_begin, overlap_end;
	bool moved;		 /* at the end it was not where it had been pinned */
	bool answered;		 /* some fetch, warm-up included, succeeded */
	unsigned refused;	 /* fetches that failed before any succeeded */
	char first_failure[512]; /* "" when nothing failed */
	char variant[256];	 /* of the model, in effect */
	int model_error;	 /* what run() returned */
	uint64_t peak_kib;	 /* resident size of its process */
} __attribute__((aligned(128))); /* no two workers write into one cache line or its neighbour */

/* A fetch of an open loop that began later than this after it was due was begun late. */
#define BENCH_LATE_NS UINT64_C(1000000)

/*
 * Sets aside the memory of worker `index`'s results, without touching it. Called before workers
 * start, by the process that will report. Returns 0 or -ENOMEM.
 */
int bench_reserve(struct bench *bench, unsigned index, const struct fetch_options *options,
		  const struct fetch_targets *targets, struct bench_shared *shared);
/* Frees that. */
void bench_release(struct bench *bench);

/*
 * Makes connections, buffers, TLS; touches all memory. Called on the worker's own thread, once it
 * is pinned. Returns 0 or -errno with one line in why. Free with bench_free() in either case, in
 * the same process.
 */
int bench_make(struct bench *bench, char *why, size_t why_size);
void bench_free(struct bench *bench);

/* Runs the model from the start of the clock to its end, and closes the interval. */
void bench_run(struct bench *bench, const struct model *model);

/* --- between the three files ---------------------------------------------------------------- */

static inline struct bench *bench_of_worker(struct worker *worker)
{
	return (struct bench *)((char *)worker - offsetof(struct bench, worker));
}

static inline struct bench *bench_of_observer(struct observer *observer)
{
	return (struct bench *)((char *)observer - offsetof(struct bench, observer));
}

static inline struct bench_lane *bench_lane(struct bench *bench, const struct connection *c)
{
	return &bench->lanes[c->index / bench->worker.endpoints_count];
}

/* Whether the model gave up before its lanes were at their ends: it broke down, or cannot go on. */
static inline bool bench_broke_off(const struct bench *bench)
{
	return bench->model_error || bench->worker.unable;
}

/* in_flight: fetches begun before that will end in the interval. */
void bench_measure_begin(struct bench *bench, unsigned in_flight);

/* Before the clock: unless this is said again, the run is given up after what unanswered fetches
 * are waited for; where it has a duration. */
void bench_allow_grace(const struct bench *bench);

/* The fetch under way on c has no answer at the end of the run, which the caller counts. */
void bench_unanswered(struct bench *bench, struct bench_lane *lane, struct connection *c);

extern const struct driver bench_driver;
extern const struct observer bench_observer;

#endif
