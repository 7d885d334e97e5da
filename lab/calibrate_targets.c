/* What a lab has to show on a host to be believed there: three figures, each against its target. */
#include <stdio.h>

#include "lab/calibrate.h"

/* Of so many comparisons of equal cells at least, so large a share may be claimed to differ. */
#define ALARM_TRIES 40
#define ALARM_SHARE 0.05

/* So large a slowdown is to be found in so large a share of at least so many tries. */
#define SLOWDOWN       2 /* of calibrate_slowdowns[]: 5 % */
#define SLOWDOWN_TRIES 10
#define SLOWDOWN_SHARE 0.9

static enum calibrate_verdict verdict_of(size_t tries, size_t least, bool met)
{
	if (tries < least)
		return CALIBRATE_TOO_FEW;
	return met ? CALIBRATE_MET : CALIBRATE_MISSED;
}

const char *calibrate_verdict_text(enum calibrate_verdict verdict)
{
	static const char *const texts[] = {[CALIBRATE_MET] = "met",
					    [CALIBRATE_MISSED] = "missed",
					    [CALIBRATE_TOO_FEW] = "too few tries to tell"};

	return texts[verdict];
}

void calibrate_targets(const struct calibrate_findings *f,
		       struct calibrate_target targets[CALIBRATE_TARGETS])
{
	const struct calibrate_rate *alarms = &f->alarms[CALIBRATE_KINDS];
	const struct calibrate_rate *found = &f->slowdowns[SLOWDOWN].found;
	size_t good = 0;

	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++)
		good += f->delays[i].good;
	targets[0].name = "false alarms";
	targets[0].wanted = "at most 5 % of 40 or more";
	targets[0].verdict =
		verdict_of(alarms->tries, ALARM_TRIES,
			   (double)alarms->seen <= ALARM_SHARE * (double)alarms->tries);
	snprintf(targets[0].shown, sizeof(targets[0].shown),
		 "%zu of %zu, exact 95 %% interval [%.1f, %.1f] %%", alarms->seen, alarms->tries,
		 100 * alarms->low, 100 * alarms->high);
	targets[1].name = "a 5 % slowdown";
	targets[1].wanted = "found in 9 of 10 or more";
	targets[1].verdict =
		verdict_of(found->tries, SLOWDOWN_TRIES,
			   (double)found->seen >= SLOWDOWN_SHARE * (double)found->tries);
	snprintf(targets[1].shown, sizeof(targets[1].shown), "%zu of %zu", found->seen,
		 found->tries);
	targets[2].name = "injected latencies";
	targets[2].wanted = "all within 3 % or 30 µs";
	targets[2].verdict = good == CALIBRATE_DELAYS ? CALIBRATE_MET : CALIBRATE_MISSED;
	snprintf(targets[2].shown, sizeof(targets[2].shown), "%zu of %d", good, CALIBRATE_DELAYS);
}
