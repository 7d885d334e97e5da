/*
 * Which model wins where: a map over the origin's latency and the number of connections, by
 * throughput and by CPU per fetch, and what it makes of the rule of thumb "fast I/O and few
 * connections: threads; slow I/O and many connections: asynchronous I/O".
 *
 * At each point the model with the best median is held against every other, paired by block
 * (sign-flip test). As the best was chosen by looking at the same figures, each p is multiplied by
 * half the number of models (Bonferroni over who it could have been, each on one side); then Holm
 * over all comparisons of the map. The best wins alone when it beats all others; those that it
 * does not beat share the point with it; when it beats nobody there is no difference shown.
 */
#ifndef RESULTS_REGIMES_H
#define RESULTS_REGIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/flags.h"
#include "results/record.h"
#include "results/statistics.h"

#define REGIMES_MODELS_MAX 16

enum regimes_measure { REGIMES_THROUGHPUT, REGIMES_CPU, REGIMES_MEASURES };

struct regimes_point {
	double latency_us, connections;
	double medians[REGIMES_MODELS_MAX];   /* by model, NAN: it did not run there */
	flag_set spoiled[REGIMES_MODELS_MAX]; /* flags that spoil rows of it */
	size_t models;			      /* that ran */
	size_t best;			      /* REGIMES_MODELS_MAX: nobody ran */
	struct statistics_effect effects[REGIMES_MODELS_MAX]; /* best / that one */
	enum statistics_verdict verdicts[REGIMES_MODELS_MAX]; /* FASTER: it is beaten */
	double p_adjusted[REGIMES_MODELS_MAX];
	double floor; /* by the point's A/A control, or the largest of the map; NAN without one */
};

/* Points are ordered by latency, then connections; all have the same models. */
struct regimes {
	char names[REGIMES_MODELS_MAX][48];
	bool synchronous[REGIMES_MODELS_MAX]; /* the program asks: threads, in the rule's words */
	size_t model_count;
	struct regimes_point *points[REGIMES_MEASURES];
	size_t point_count;
	/* Two cells of one model and point: they differ in what no map shows. Borrowed; or NULL. */
	const struct record *twins[2];
	size_t comparisons[REGIMES_MEASURES];
};

/* Whose rows count: everybody's, or those of the two sides of the rule of thumb. */
enum regimes_who { REGIMES_ALL, REGIMES_RULE };

/*
 * Makes the maps of the rows of kind FETCH that no rate was set for (others are passed over).
 * The rule is about threads that sleep in their calls (sync-blocking) and asynchronous models that
 * do; those that spin are of neither side. Models beyond REGIMES_MODELS_MAX are left out. 0 or
 * -ENOMEM. Release with regimes_release().
 */
int regimes_make(const struct record *records, size_t count, enum regimes_who who, uint64_t seed,
		 struct regimes *regimes);
/* Also takes a zeroed struct. */
void regimes_release(struct regimes *regimes);

/* Whether the model is not shown to be worse than the best there. */
bool regimes_stands(const struct regimes_point *point, size_t model);

enum regimes_rule {
	REGIMES_HOLDS,
	REGIMES_BROKEN,
	REGIMES_OPEN,
	REGIMES_NO_SYNCHRONOUS,
	REGIMES_NO_ASYNCHRONOUS
};

/*
 * What a point says of "here synchronous (or asynchronous) models win": nothing where only one side
 * has a model that ran.
 */
enum regimes_rule regimes_test(const struct regimes *regimes, const struct regimes_point *point,
			       bool synchronous);

/* The maps of `all`, the points in words, and what `rule` says of the rule. 0, -ENOMEM or -EIO. */
int regimes_print(const struct regimes *all, const struct regimes *rule, FILE *file, bool color);

#endif
