/* The origin that a plan's cells load: its command line, its addresses, its end. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

/* The address without a '/' at its end. */
static void take_address(const struct plan *plan, const char *name, char url[static 256])
{
	const struct plan_key *key = plan_section_key(&plan->origin, name);
	size_t length;

	snprintf(url, 256, "%s", key ? key->values.items[0] : "");
	length = strlen(url);
	if (length && url[length - 1] == '/')
		url[length - 1] = '\0';
}

/* Fetches a path once, as a person would: its status and length. 0 or -EIO: nobody answered. */
static int ask_once(struct runner *r, const char *path, unsigned *code, unsigned long *length)
{
	char url[300], why[512];
	char *argv[] = {cell_program("fetch-blocking"), option("connect-timeout", "5s"),
			option("max-time", "10s"), url, NULL};
	int status = 0, err;
	const char *line;

	snprintf(url, sizeof(url), "%s%s", r->world.url, path);
	/* The cell's own output may still be needed, and no origin of the lab's runs. */
	err = subprocess_start(&r->origin, argv, NULL, why, sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	while ((err = subprocess_wait(&r->origin, UINT64_C(15000000000), &status)) == -EINTR)
		;
	for (size_t i = 0; i < 3; i++)
		free(argv[i]);
	line = strstr(r->origin.out.text, "Read Contents: ");
	return !err && line &&
			       sscanf(line, "Read Contents: %lu, Status Code: %u", length, code) ==
				       2
		       ? 0
		       : -EIO;
}

/* What only the lab's origin has: a body of just that length, and a delay with a unit. */
static bool is_labs(struct runner *r)
{
	unsigned code;
	unsigned long length;

	return ask_once(r, "/bytes/17", &code, &length) == 0 && code == 200 && length == 17 &&
	       ask_once(r, "/delay/1us", &code, &length) == 0 && code == 200;
}

/* An origin that runs already: it must answer, and be the lab's where the plan needs that. */
static void meet_origin(struct runner *r)
{
	const struct plan_cell *asking = NULL;
	unsigned code;
	unsigned long length;

	take_address(r->plan, "url", r->world.url);
	take_address(r->plan, "tls-url", r->world.tls_url);
	if (ask_once(r, "/", &code, &length))
		status_exit(STATUS_UNABLE, "[origin] url: %s does not answer: %s", r->world.url,
			    subprocess_last_error(&r->origin));
	for (unsigned i = 0; i < r->plan->cell_count && !asking; i++)
		if (cell_asks_lab(&r->plan->cells[i]))
			asking = &r->plan->cells[i];
	if (asking && !is_labs(r))
		status_exit(STATUS_UNABLE,
			    "[origin] url: %s answers, but is not the lab's origin, and %s asks it "
			    "for a latency or body; ask it for a path = /... that it has",
			    r->world.url, asking->name);
}

void runner_start_origin(struct runner *r)
{
	char *argv[PLAN_KEYS_MAX + 8];
	char why[512];
	int err;

	if (r->world.external) {
		meet_origin(r);
		return;
	}
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

	if (r->world.external || r->link->kind == LINK_NONE || r->outcome->origin_lost)
		return;
	subprocess_signal(&r->origin, SIGTERM);
	while (subprocess_wait(&r->origin, UINT64_C(5000000000), &status) == -EINTR)
		;
}

/* Waits for the lab's origin to end; false when it did not, with how in `text`. */
static bool has_died(struct runner *r, int wait_ms, char text[static 512])
{
	struct pollfd end = {.fd = r->origin.pidfd, .events = POLLIN};
	const char *said;
	int status = 0;

	if (r->link->kind == LINK_NONE || poll(&end, 1, wait_ms) <= 0)
		return false;
	while (subprocess_wait(&r->origin, UINT64_C(1000000000), &status) == -EINTR)
		;
	said = subprocess_last_error(&r->origin);
	snprintf(text, 512, "the origin has died, %s %d%s%.400s",
		 WIFSIGNALED(status) ? "by signal" : "with status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), *said ? ", " : "",
		 said);
	return true;
}

/* Asks that of the plan's own. */
static bool is_silent(struct runner *r, char text[static 512])
{
	unsigned long length;
	unsigned code;

	if (ask_once(r, "/", &code, &length) == 0)
		return false;
	snprintf(text, 512, "the origin, %s, does not answer any more", r->world.url);
	return true;
}

bool runner_origin_lost(struct runner *r, int wait_ms, bool asking)
{
	char text[512];

	if (r->outcome->origin_lost)
		return true;
	if (r->world.external ? !asking || !is_silent(r, text) : !has_died(r, wait_ms, text))
		return false;
	progress_clear(&r->progress);
	status_warn("%s; what failed with it has no row, and iolab run --resume %s goes on", text,
		    r->folder->path);
	r->outcome->origin_lost = true;
	return true;
}
