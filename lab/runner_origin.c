/* The origin that a plan's cells load: its command line, its addresses, its end. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/runner_inside.h"
#include "lab/status.h"

static char *option(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "--%s%s%s", name, value ? "=" : "", value ? value : "") < 0)
		status_exit(STATUS_UNABLE, "out of memory");
	return text;
}

/* Waits for the line in which the origin names an address; the '/' at its end goes. */
static int listening(struct runner *r, const char *scheme, char url[static 256])
{
	int err = subprocess_expect(&r->origin, UINT64_C(5000000000), scheme, url, 256);

	if (!err)
		url[strcspn(url + strlen(scheme), "/") + strlen(scheme)] = '\0';
	return err;
}

/* The origin's command line: its seat, TLS where a cell needs it, and the plan's [origin]. */
static void make_origin_command(const struct runner *r, char **argv, size_t most)
{
	const struct plan_section *section = &r->plan->origin;
	const char *address = r->link->address[LINK_ORIGIN];
	bool tls = plan_needs_tls(r->plan);
	char listen[64], latency[64];
	size_t count = 0;

	snprintf(listen, sizeof(listen), "%s:0", address);
	snprintf(latency, sizeof(latency), "%" PRIu64 "ns", r->world.origin_latency_ns);
	argv[count++] = cell_program("origin");
	argv[count++] = option("listen", listen);
	argv[count++] = option("cpus", r->world.origin);
	argv[count++] = option("latency", latency);
	if (tls) {
		argv[count++] = option("listen-tls", listen);
		argv[count++] = option("name", address);
		argv[count++] = option("ca-out", r->world.ca);
	}
	for (unsigned k = 0; k < section->key_count && count + 1 < most; k++) {
		const struct plan_key *key = &section->keys[k];
		const char *value = key->values.items[0];

		if (key->row->kind != OPTION_FLAG)
			argv[count++] = option(key->name, value);
		else if (strcmp(value, "yes") == 0)
			argv[count++] = option(key->name, NULL);
	}
	argv[count] = NULL;
}

void runner_start_origin(struct runner *r)
{
	char *argv[PLAN_KEYS_MAX + 8];
	char why[512];
	int err;

	if (r->link->kind == LINK_NONE)
		return;
	if (r->link->delay == LINK_DELAY_ORIGIN)
		r->world.origin_latency_ns = r->link->latency_ns;

	snprintf(r->world.ca, sizeof(r->world.ca), "%s", run_folder_file(r->folder, "ca.pem"));
	make_origin_command(r, argv, sizeof(argv) / sizeof(argv[0]));
	err = subprocess_start_in(link_netns(r->link, LINK_ORIGIN), &r->origin, argv, NULL, why,
				  sizeof(why));
	for (char **word = argv; *word; word++)
		free(*word);
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	err = listening(r, "http://", r->world.url);
	if (!err && plan_needs_tls(r->plan))
		err = listening(r, "https://", r->world.tls_url);
	if (err) {
		int status;

		subprocess_signal(&r->origin, SIGKILL);
		subprocess_wait(&r->origin, UINT64_C(1000000000), &status);
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&r->origin));
	}
}

void runner_stop_origin(struct runner *r)
{
	int status;

	if (r->link->kind == LINK_NONE)
		return;
	subprocess_signal(&r->origin, SIGTERM);
	while (subprocess_wait(&r->origin, UINT64_C(5000000000), &status) == -EINTR)
		;
}

bool runner_origin_died(const struct runner *r)
{
	return r->link->kind != LINK_NONE && !subprocess_running(&r->origin);
}
