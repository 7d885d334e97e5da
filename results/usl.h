/*
 * The universal scalability law: how a rate X grows with the number of workers N,
 *
 *	X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))
 *
 * lambda is what one worker does, sigma the share of the work that only one at a time can do
 * (contention), kappa what each pair of workers costs by having to agree (coherency).
 *
 * Sources: the law, Gunther, Guerrilla Capacity Planning, Springer 2007. Fit: least squares on X,
 * none of the three negative, by Marquardt's method (SIAM J. 11, 1963) on each set of coefficients
 * that may be 0, of which the best that is allowed is taken. Intervals: the fit done again for the
 * medians of blocks drawn with replacement, cut as statistics.h does.
 */
#ifndef RESULTS_USL_H
#define RESULTS_USL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/flags.h"
#include "results/record.h"
#include "results/statistics.h"

/* Three coefficients: fewer counts leave them undetermined. */
#define USL_COUNTS_LEAST 3
#define USL_COUNTS_MAX	 32 /* of a line, the smallest ones */

struct usl_fit {
	double lambda, sigma, kappa;
	double worst; /* the largest |X - law| / law */
};

/*
 * Fits the law to `count` points. 0; -EDOM with fewer than USL_COUNTS_LEAST different counts, or
 * a count below 1 or a rate that is not positive.
 */
int usl_fit(const double *workers, const double *rates, size_t count, struct usl_fit *fit);
/* What the law says of so many workers. */
double usl_rate(const struct usl_fit *fit, double workers);
/* The number of workers with the highest rate; INFINITY when kappa is 0, never below 1. */
double usl_peak(const struct usl_fit *fit);

struct usl_point {
	double workers;
	unsigned cpus;			 /* that they had; 0: not pinned */
	struct statistics_interval rate; /* median */
	struct statistics_effect effect; /* against the line's fewest workers */
	flag_set spoiled;		 /* flags that spoil rows of it */
	double p_adjusted;		 /* Holm, over all of *usl */
	enum statistics_verdict verdict;
};

/* Cells that differ in the number of their workers only. */
struct usl_line {
	const struct record *sample; /* of the fewest workers; borrowed */
	size_t blocks;
	struct usl_point points[USL_COUNTS_MAX];
	size_t count;	     /* two at least */
	bool oversubscribed; /* some counts are above the CPUs that they had */
	bool fitted;	     /* false: fewer than USL_COUNTS_LEAST counts */
	struct usl_fit fit;
	/* 95 % intervals, NAN with one block; the estimates are those of `fit`. */
	struct statistics_interval lambda, sigma, kappa, peak;
};

struct usl {
	struct usl_line *lines;
	size_t count;
	size_t mixed;		    /* lines left out: two cells have as many workers */
	double floor[RECORD_KINDS]; /* what A/A controls showed, a factor; NAN without one */
};

/*
 * Finds the lines among rows of kind SUMSQ and FETCH (others are passed over), which must outlive
 * *usl. 0 or -ENOMEM. Release with usl_release().
 */
int usl_make(const struct record *records, size_t count, uint64_t seed, struct usl *usl);
/* Also takes a zeroed struct. */
void usl_release(struct usl *usl);

/* A table and the coefficients in words for each line. 0, -ENOMEM or -EIO. */
int usl_print(const struct usl *usl, FILE *file, bool color);

#endif
