/*
 * The lab measured by itself: what it says of cells that are known to be equal, of cells that are
 * known to do more, and of latencies that are known because the origin injected them.
 *
 * An experiment is what a plan's is: blocks in which each of its cells runs once, as a fresh
 * process, in random order, the first cell entered twice. Its verdicts are the lab's: paired by
 * block, sign-flip test, interval, and nothing within the experiment's own noise floor. All
 * experiments are interleaved, a block of each in turn, in an order drawn for each block.
 */
#ifndef LAB_CALIBRATE_H
#define LAB_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/place.h"

#define CALIBRATE_SLOWDOWNS 4
#define CALIBRATE_DELAYS    4

/* Of a reported latency: good within this share of the injected one, or so many microseconds. */
#define CALIBRATE_DELAY_SHARE 0.03
#define CALIBRATE_DELAY_US    30.0

/* 0.01, 0.02, 0.05, 0.10 */
extern const double calibrate_slowdowns[CALIBRATE_SLOWDOWNS];
/* How surely a difference is to be found that a host is said to show. */
#define CALIBRATE_POWER 0.8

/* In microseconds: 200, 1000, 5000, 20000 */
extern const double calibrate_delays_us[CALIBRATE_DELAYS];

/*
 * How the client of a known latency waits. What is judged is the lab's own error: awake, since a
 * CPU that slept for long wakes late, and that is the host's latency and not a wrong report. Where
 * client and origin share a CPU, a client awake would keep the origin from it: there, asleep.
 */
enum calibrate_wait { CALIBRATE_AWAKE, CALIBRATE_ASLEEP, CALIBRATE_WAITS };

/* The cells of an experiment; on fetches only the first three. */
enum calibrate_cell {
	CALIBRATE_BASE,
	CALIBRATE_CONTROL, /* the second entry of the A/A pair: the floor */
	CALIBRATE_EQUAL,   /* a third one of the same: what is claimed of it is a false alarm */
	CALIBRATE_SLOWED,  /* and those behind: one a slowdown */
	CALIBRATE_CELLS = CALIBRATE_SLOWED + CALIBRATE_SLOWDOWNS
};

enum calibrate_kind { CALIBRATE_SUMS, CALIBRATE_FETCHES, CALIBRATE_KINDS };

struct calibrate_options {
	size_t experiments[CALIBRATE_KINDS];
	size_t blocks;
	uint64_t budget_ns; /* no block is begun that would go beyond */
	uint64_t seed;
	uint64_t cell_ns[CALIBRATE_KINDS]; /* how long a cell of the kind runs */
	uint64_t delay_cell_ns;		   /* a latency's, and four delays more */
};

/* What was measured. */
struct calibrate_data {
	struct calibrate_options options;
	/*
	 * By kind, then [(experiment * CALIBRATE_CELLS + cell) * options.blocks + block]: seconds
	 * for the sums, fetches per second.
	 */
	double *values[CALIBRATE_KINDS];
	/*
	 * [(wait * (CALIBRATE_DELAYS + 1) + delay) * options.blocks + block], us; the last delay
	 * is none.
	 */
	double *latencies_us;
	double truth[CALIBRATE_SLOWDOWNS]; /* the slowed sides' work over the base's */
	size_t blocks;			   /* whole ones */
	bool interrupted;
	double elapsed_s;
	char client[64];
	char origin[64];
	char note[PLACE_NOTE_SIZE]; /* who shares a CPU, "" when nobody does */
};

/*
 * Measures. Ends the program with one line when a cell fails (STATUS_FAILED) or this host cannot
 * place the lab (STATUS_UNABLE). Release with calibrate_release().
 */
void calibrate_measure(const struct calibrate_options *options, struct calibrate_data *data);
void calibrate_release(struct calibrate_data *data);

/* How long that takes, in seconds; an estimate. */
double calibrate_expected_s(const struct calibrate_options *options);

struct calibrate_rate {
	size_t seen;
	size_t tries;
	double low; /* exact 95 % interval */
	double high;
};

struct calibrate_findings {
	struct calibrate_rate alarms[CALIBRATE_KINDS + 1]; /* the last: of both kinds */
	struct {
		double truth;
		struct calibrate_rate found; /* claimed to be slower */
		size_t wrong;		     /* claimed to be faster */
		size_t held;		     /* the 95 % interval had the truth in it */
		double estimate;	     /* median over the experiments */
	} slowdowns[CALIBRATE_SLOWDOWNS];
	/* Half width of the equal cells' 95 % intervals, a factor above 1, median; NAN: unknown */
	double half_width[CALIBRATE_KINDS];
	/*
	 * The difference that is claimed in CALIBRATE_POWER of experiments, a factor above 1; NAN:
	 * none was in so many. Half an interval is claimed in fewer than half of them.
	 */
	double detectable[CALIBRATE_KINDS];
	size_t blocks_for_1[CALIBRATE_KINDS]; /* for one of 1 %; 0: cannot be told */
	struct {
		double injected_us;
		/* By enum calibrate_wait; less the same wait's round trip, median of the blocks */
		double reported_us[CALIBRATE_WAITS];
		bool good; /* the one that is judged */
	} delays[CALIBRATE_DELAYS];
	double round_trip_us[CALIBRATE_WAITS];
	enum calibrate_wait judged;
	const char *distrust; /* why the figures of this host cannot be trusted, NULL: they can */
};

/* Works out what the whole blocks show; 0, -EINVAL with fewer than two of them, or -ENOMEM. */
int calibrate_find(const struct calibrate_data *data, struct calibrate_findings *findings);

#define CALIBRATE_TARGETS 3

enum calibrate_verdict { CALIBRATE_MET, CALIBRATE_MISSED, CALIBRATE_TOO_FEW };

struct calibrate_target {
	const char *name;
	const char *wanted;
	char shown[80];
	enum calibrate_verdict verdict;
};

/* What is expected of a lab that is to be believed: false alarms, slowdowns found, latencies. */
void calibrate_targets(const struct calibrate_findings *findings,
		       struct calibrate_target targets[CALIBRATE_TARGETS]);
/* "met", "missed", "too few tries to tell" */
const char *calibrate_verdict_text(enum calibrate_verdict verdict);

#endif
