/* fetch-MODEL: fetches URLs by one model. Compiled once a model, see the Makefile. */
#include "lab/fetch_options.h"
#include "lab/fetch_report.h"
#include "lab/fetch_targets.h"
#include "lab/fetch_workers.h"

int main(int argc, char **argv)
{
	struct fetch_outcome outcome = {.model = &FETCH_MODEL};
	uint64_t started_ns = usage_now_ns();
	struct fetch_options options;
	struct fetch_targets targets;
	struct pinning pinning;

	fetch_options_parse(&options, &FETCH_MODEL, argc, argv);
	fetch_targets_make(&targets, &options);
	pinning_decide(&pinning, &(struct pinning_request){.place = options.place,
							   .policy = PLACE_NONE,
							   .cpus = options.cpus,
							   .workers = options.workers});
	fetch_workers_run(&FETCH_MODEL, &options, &targets, &pinning, started_ns, &outcome.run);
	outcome.options = &options;
	outcome.targets = &targets;
	outcome.placement = pinning.placement;
	outcome.cpus = pinning.cpus;
	enum status status = fetch_report(&outcome);

	fetch_workers_release(&outcome.run);
	pinning_release(&pinning);
	fetch_targets_release(&targets);
	return (int)status;
}
