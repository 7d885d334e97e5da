/* nap-MODEL: the timer exercise by one model. Compiled once a model, see the Makefile. */
#include "lab/nap_options.h"
#include "lab/nap_run.h"
#include "lab/usage.h"

int main(int argc, char **argv)
{
	uint64_t started_ns = usage_now_ns();
	struct nap_options options;
	enum status status;

	nap_options_parse(&options, &NAP_MODEL, argc, argv);
	status = nap_run(&NAP_MODEL, &options, started_ns);
	nap_tasks_release(options.tasks, options.task_count);
	return (int)status;
}
