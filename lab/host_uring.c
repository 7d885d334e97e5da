/*
 * io_uring feature by feature: for each option of fetch-uring a worker with nothing to fetch makes
 * its ring and tries its operations, as before a run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/model.h"
#include "lab/host_facts.h"

/* For an option that must have a time. */
#define SOME_TIME_NS 50000

#define TEXT 256

/* Into `text` "yes", or why not. */
static void attempt(const struct model_choices *choices, char text[TEXT])
{
	static const struct endpoint nowhere;
	static const atomic_bool stop;
	struct connection *connection = aligned_alloc(64, sizeof(*connection));
	struct worker worker = {
		.lanes = 1,
		.endpoints_count = 1,
		.endpoints = &nowhere,
		.connections = connection,
		.wait = WAIT_BLOCK,
		.stop = &stop,
		.choices = choices,
	};
	int err;

	if (!connection) {
		snprintf(text, TEXT, "out of memory");
		return;
	}
	connection_init(connection, 0, NULL);
	err = model_uring.check(choices, worker.wait, text, TEXT);
	if (!err) {
		err = model_uring.prepare(&worker, text, TEXT);
		model_uring.release(&worker);
	}
	if (!err)
		snprintf(text, TEXT, "yes");
	free(connection);
}

json_t *host_uring(void)
{
	json_t *features = json_object(), *answer;
	char text[TEXT], first[TEXT] = "";
	bool works = false;

	for (const struct model_option *o = model_uring.options; o->name; o++) {
		struct model_choices choices = {.count = 1};

		choices.list[0] = (struct model_choice){
			.option = o, .has_value = o->required, .value = SOME_TIME_NS};
		attempt(&choices, text);
		if (!first[0])
			memcpy(first, text, sizeof(first));
		works |= strcmp(text, "yes") == 0;
		(void)json_object_set_new(features, o->name, json_string(text));
	}
	/* Where nothing works at all it is not the features that are at fault. */
	answer = works ? json_pack("{s:s, s:O}", "ring", "yes", "features", features)
		       : json_pack("{s:s}", "ring", first);
	json_decref(features);
	return answer;
}
