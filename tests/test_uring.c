/*
 * fetch-uring's variants: each fetches right, alone and with others, from servers that keep
 * connections open, close and reset them; contradictory ones are usage errors, refused ones say
 * what the kernel said; and the model keeps its contract when fetches are overdue or fall due.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/model_choices.h"
#include "tests/fetching.h"
#include "tests/peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every variant, then the ways to receive and to send with one another. */
static const char *const lists[] = {
	"",
	"defer",
	"coop",
	"sqpoll",
	"fixed",
	"multishot",
	"poll-first",
	"linked",
	"bundle",
	"incremental",
	"huge-pages",
	"zerocopy",
	"napi",
	"min-wait:50us",
	"registered-wait",
	"direct",
	"coop,fixed,multishot,poll-first",
	"defer,fixed,linked",
	"linked,poll-first,zerocopy",
	"linked,bundle",
	"linked,incremental,direct",
	"multishot,bundle",
	"multishot,incremental",
	"multishot,bundle,incremental",
	"defer,direct,multishot,poll-first",
	"direct,fixed,linked,zerocopy",
	"sqpoll,direct,multishot",
	"sqpoll,linked,fixed",
	"sqpoll,registered-wait",
	"registered-wait,min-wait:20us,defer",
};

/* The ways in which bytes arrive: what breaks connections is tried with each. */
static const char *const receiving[] = {
	"",
	"fixed",
	"linked",
	"linked,zerocopy",
	"multishot,zerocopy",
	"multishot,bundle,defer",
	"multishot,incremental",
	"direct",
	"direct,linked",
	"direct,multishot,defer,poll-first",
	"sqpoll,multishot",
	"poll-first,fixed,huge-pages",
};

static struct child origin;
static unsigned port;

static int start(void **state)
{
	(void)state;
	port = peer_origin(&origin, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	peer_origin_end(&origin);
	child_free(&origin);
	return 0;
}

/* Runs fetch-uring with --uring=list (without, if it is empty), a few options and a URL. */
static int run(struct child *child, const char *list, const char *url, const char *const *options)
{
	const char *arguments[12];
	char variant[128];
	int count = 0;

	snprintf(variant, sizeof(variant), "--uring=%s", list);
	if (*list)
		arguments[count++] = variant;
	while (*options && count < 10)
		arguments[count++] = *options++;
	arguments[count++] = url;
	arguments[count] = NULL;
	return fetching_run(child, "uring", arguments);
}

static void assert_fetches(const char *list, const char *url, const char *const *options,
			   unsigned requests, unsigned body)
{
	struct child child;

	if (run(&child, list, url, options) != 0)
		fail_msg("--uring=%s %s: status %d, %s", list, url, child.status, child.err.text);
	json_t *row = fetching_row(&child);

	assert_int_equal(fetching_number(row, "requests"), requests);
	assert_int_equal(fetching_number(row, "errors"), 0);
	assert_int_equal(fetching_number(row, "body_bytes"), body);
	assert_int_equal(fetching_number(row, "bytes_received") > (double)requests * body, 1);
	json_decref(row);
	child_free(&child);
}

static void assert_fails(const char *list, const char *url, const char *const *options, int status,
			 const char *says)
{
	struct child child;
	int got = run(&child, list, url, options);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("--uring=%s: status %d, expected %d and '%s'; stderr: '%s'", list, got,
			 status, says, child.err.text);
	child_free(&child);
}

static void every_list_fetches_right(void **state)
{
	static const char *const options[] = {"-c16", "-n200", "--json", NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
		assert_fetches(lists[i], url, options, 200, 24);
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/bytes/100k", port);
		assert_fetches(lists[i], url, options, 200, 102400);
	}
}

static void spinning_fetches_right(void **state)
{
	static const char *const spinning[] = {"",	 "coop,fixed,multishot", "defer,linked",
					       "fixed",	 "sqpoll,multishot",	 "direct",
					       "bundle", "zerocopy,incremental"};
	static const char *const options[] = {"-c16", "-n200", "--json", "--wait=spin", NULL};
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/bytes/100k", port);
	for (size_t i = 0; i < COUNT(spinning); i++)
		assert_fetches(spinning[i], url, options, 200, 102400);
}

/* More arrivals at once than there are buffers: who finds none is served later. */
static void buffers_run_out(void **state)
{
	static const char *const options[] = {"-c400", "-n1200", "--json", NULL};
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/bytes/100k", port);
	for (size_t i = 0; i < COUNT(receiving); i++)
		assert_fetches(receiving[i], url, options, 1200, 102400);
}

/* Who finds no buffer waits his turn: asking at once, all together, is asking in vain. */
static void refused_arrivals_wait_their_turn(void **state)
{
	static const char *const options[] = {"-c900", "-n9000", "--json", NULL};
	struct child child;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	assert_int_equal(run(&child, "coop,fixed,multishot,poll-first", url, options), 0);
	json_t *row = fetching_row(&child);

	assert_int_equal(fetching_number(row, "requests"), 9000);
	assert_true(fetching_number(row, "would_block_per_request") < 3);
	json_decref(row);
	child_free(&child);
}

static void lists_are_recorded(void **state)
{
	static const struct {
		const char *list, *effective;
	} rows[] = {
		{"", "defer,fixed,multishot,poll-first,huge-pages"},
		{"defer,huge-pages", "defer,huge-pages"},
		{"coop", "coop"},
		{"poll-first,defer", "defer,poll-first"},
		{"sqpoll:0", "sqpoll:0"},
		{"napi", "napi:50us(not effective)"},
		{"napi:20us", "napi:20us(not effective)"},
		{"min-wait:1ms", "min-wait:1000us"},
		{"zerocopy,linked", "linked,zerocopy(copied)"},
		{"direct,registered-wait,incremental,bundle,multishot",
		 "multishot,bundle,incremental,registered-wait,direct"},
	};
	static const char *const options[] = {"-n3", "--json", NULL};
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct child child;

		assert_int_equal(run(&child, rows[i].list, url, options), 0);
		json_t *row = fetching_row(&child);
		const char *requested =
			json_string_value(json_object_get(row, "variant_requested"));

		assert_string_equal(requested ? requested : "", rows[i].list);
		assert_string_equal(json_string_value(json_object_get(row, "variant_effective")),
				    rows[i].effective);
		json_decref(row);
		child_free(&child);
	}
}

static void contradictions_are_usage_errors(void **state)
{
	static const struct {
		const char *list, *wait, *says;
	} rows[] = {
		{"defer,coop", "--wait=block", "defer and coop do not go together"},
		{"sqpoll,defer", "--wait=block", "defer and sqpoll do not go together"},
		{"coop,sqpoll", "--wait=block", "coop and sqpoll do not go together"},
		{"linked,fixed,multishot", "--wait=block",
		 "linked and multishot do not go together"},
		{"min-wait:5us", "--wait=spin", "min-wait goes with --wait=block"},
		{"registered-wait", "--wait=spin", "registered-wait goes with --wait=block"},
		{"napi", "--wait=spin", "napi goes with --wait=block"},
		{"min-wait", "--wait=block", "min-wait needs a value"},
		{"min-wait:10ns", "--wait=block", "min-wait counts whole microseconds"},
		{"napi:1h", "--wait=block", "napi:1h is not of its form"},
		{"sqpoll:99999999999", "--wait=block", "sqpoll:99999999999 is no CPU"},
		{"sqpoll:x", "--wait=block", "sqpoll:x is not of its form"},
		{"multi-shot", "--wait=block", "did you mean multishot?"},
		{"fixed,fixed", "--wait=block", "fixed is there twice"},
		{"fixed:1", "--wait=block", "fixed takes no value"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *const options[] = {"-n1", rows[i].wait, NULL};

		assert_fails(rows[i].list, "http://127.0.0.1:1/", options, 2, rows[i].says);
	}
}

static void no_such_cpu(void **state)
{
	static const char *const options[] = {"-n1", NULL};

	(void)state;
	assert_fails("sqpoll:999", "http://127.0.0.1:1/", options, 3,
		     "io_uring_setup with sqpoll:999: Invalid argument");
}

/* How many of a process's descriptors are sockets. */
static int sockets_of(pid_t pid)
{
	char path[64], target[64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		return -1;
	for (struct dirent *entry; (entry = readdir(folder));) {
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		if (length > 0 && strncmp(target, "socket:", 7) == 0)
			count++;
	}
	closedir(folder);
	return count;
}

/* The most sockets seen in the process's table while 8 connections wait for slow answers. */
static int sockets_held(const char *list)
{
	char url[64], variant[64];
	const char *const argv[] = {
		child_program("fetch-uring"), variant, "-c8", "-n16", "-q", url, NULL};
	struct child child;
	int most = 0;

	snprintf(variant, sizeof(variant), "--uring=%s", list);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/delay/100ms", port);
	child_start(&child, argv);
	struct pollfd ended = {.fd = child.pidfd, .events = POLLIN};

	while (poll(&ended, 1, 5) == 0) {
		int seen = sockets_of(child.pid);

		most = seen > most ? seen : most;
	}
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 0);
	child_free(&child);
	return most;
}

static void direct_sockets_have_no_descriptors(void **state)
{
	(void)state;
	assert_int_equal(sockets_held("fixed"), 8);
	assert_int_equal(sockets_held("direct"), 0);
}

/* What a server of a test does with a connection once a request has come. */
enum manner {
	CLOSE_AFTER_ANSWER,
	CLOSE_WITHOUT_LENGTH,
	RESET_IT,
	RESET_IN_THE_BODY,
	RESET_WHEN_IDLE,
	ANSWER_UNREAD
};

static void treat(int fd, enum manner manner)
{
	static const char *const answers[] = {
		[CLOSE_AFTER_ANSWER] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		[CLOSE_WITHOUT_LENGTH] = "HTTP/1.1 200 OK\r\n\r\nhello",
		[RESET_IN_THE_BODY] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel",
		[RESET_WHEN_IDLE] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		[ANSWER_UNREAD] = "what?\r\n\r\n",
	};
	const struct linger at_once = {.l_onoff = 1};
	char request[4096];

	if (recv(fd, request, sizeof(request), 0) > 0 && answers[manner])
		send(fd, answers[manner], strlen(answers[manner]), MSG_NOSIGNAL);
	if (manner == RESET_IN_THE_BODY || manner == RESET_WHEN_IDLE)
		usleep(5000);
	if (manner >= RESET_IT && manner <= RESET_WHEN_IDLE)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (manner != ANSWER_UNREAD)
		close(fd);
}

static int listen_somewhere(int backlog, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(listener, (struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(listener, backlog), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)address, &length), 0);
	return listener;
}

static pid_t serve(enum manner manner, struct sockaddr_in *address)
{
	int listener = listen_somewhere(64, address);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* never left behind */
		for (;;)
			treat(accept(listener, NULL, NULL), manner);
	}
	close(listener);
	return pid;
}

/* A server that closes each connection after its answer, more often than there are buffers. */
static void closing_servers(void **state)
{
	static const enum manner manners[] = {CLOSE_AFTER_ANSWER, CLOSE_WITHOUT_LENGTH};
	static const char *const options[] = {"-c4", "-n300", "--json", NULL};

	(void)state;
	for (size_t m = 0; m < COUNT(manners); m++) {
		struct sockaddr_in address;
		pid_t pid = serve(manners[m], &address);
		char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
		for (size_t i = 0; i < COUNT(receiving); i++)
			assert_fetches(receiving[i], url, options, 300, 5);
		fetching_stop_server(pid);
	}
}

static void resets_are_told(void **state)
{
	static const enum manner manners[] = {RESET_IT, RESET_IN_THE_BODY};
	static const char *const options[] = {"-r3", "-c3", NULL};

	(void)state;
	for (size_t m = 0; m < COUNT(manners); m++) {
		struct sockaddr_in address;
		pid_t pid = serve(manners[m], &address);
		char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
		for (size_t i = 0; i < COUNT(receiving); i++) {
			struct child child;

			if (run(&child, receiving[i], url, options) != 1 ||
			    !strstr(child.err.text, "receive: Connection reset by peer"))
				fail_msg("--uring=%s: status %d, %s", receiving[i], child.status,
					 child.err.text);
			child_free(&child);
		}
		fetching_stop_server(pid);
	}
}

static void refused_connections_are_told(void **state)
{
	static const char *const options[] = {"-n20", "-c4", "-q", NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(receiving); i++)
		assert_fails(receiving[i], "http://127.0.0.1:1/", options, 1,
			     "connect: Connection refused");
}

/*
 * The model by itself, driven by a lab of the test's own: lanes whose fetches go to a server that
 * answers and, in turn, to one that does not and is given up when the tick comes.
 */
static struct {
	struct worker worker;
	struct connection connections[8];
	struct endpoint endpoints[2];
	struct request requests[2];
	struct model_choices choices;
	struct observer observer;
	atomic_bool stop;
	unsigned connected, done, failed, begun, fetches;
	const char *failure; /* what is expected to be said of a fetch that fails */
	int full;	     /* a listener whose queue is full, or -1 */
} lab;

static void on_connected(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
	lab.connected++;
}

static void on_first_byte(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
}

static void on_done(struct observer *o, struct connection *c)
{
	(void)o;
	assert_int_equal(c->status, 200);
	lab.done++;
}

/* Whoever held the queue is taken out of it: from here on the server can be connected to. */
static void on_failed(struct observer *o, struct connection *c)
{
	int fd;

	(void)o;
	assert_string_equal(c->failure, lab.failure);
	while (lab.full >= 0 && (fd = accept(lab.full, NULL, NULL)) >= 0)
		close(fd);
	lab.failed++;
}

static struct connection *begin(struct connection *c)
{
	unsigned which = lab.begun++ / lab.worker.lanes % lab.worker.endpoints_count;

	c = c - c->index % lab.worker.endpoints_count + which;
	connection_begin(c, &lab.requests[which], NULL);
	return c;
}

static struct connection *next(struct worker *w, struct connection *c)
{
	if (lab.worker.open_loop)
		return NULL;
	if (lab.begun == lab.fetches) {
		w->in_flight--;
		return NULL;
	}
	return begin(c);
}

/* Each fetch falls due when the one before it is done, a little later. */
static struct connection *due(struct worker *w)
{
	if (lab.done < lab.begun)
		return NULL;
	if (lab.begun == lab.fetches) {
		w->in_flight = 0;
		return NULL;
	}
	return begin(worker_lane(w, 0));
}

static int64_t until_due_ns(struct worker *w)
{
	(void)w;
	return lab.done < lab.begun ? -1 : 2000000;
}

static bool overdue(struct worker *w, struct connection *c)
{
	(void)w;
	/* Only the first fetch of a server with a full queue is given up while it connects. */
	if (c->request->endpoint != 0 || strcmp(lab.failure, "it took too long") != 0 ||
	    (!c->open && (lab.full < 0 || lab.failed)))
		return false;
	connection_give_up(c, "it took too long", NULL);
	return true;
}

static void on_tick(int signal)
{
	(void)signal;
	atomic_store(&lab.worker.tick, true);
}

static const struct driver driver = {
	.next = next, .due = due, .until_due_ns = until_due_ns, .overdue = overdue};

static void set_endpoint(unsigned which, const struct sockaddr_in *address)
{
	static char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

	memcpy(&lab.endpoints[which].address, address, sizeof(*address));
	lab.endpoints[which].address_length = sizeof(*address);
	lab.requests[which] = (struct request){
		.url = "http://h/", .bytes = get, .length = sizeof(get) - 1, .endpoint = which};
}

static void make_lab(const char *list, unsigned lanes, unsigned endpoints, unsigned fetches)
{
	char why[256] = "";

	memset(&lab, 0, sizeof(lab));
	if (*list && model_choices_parse(&model_uring, list, &lab.choices, why, sizeof(why)))
		fail_msg("%s", why);
	lab.full = -1;
	lab.failure = "it took too long";
	lab.fetches = fetches;
	lab.observer = (struct observer){.connected = on_connected,
					 .first_byte = on_first_byte,
					 .done = on_done,
					 .failed = on_failed};
	lab.worker.lanes = lab.worker.in_flight = lanes;
	lab.worker.endpoints_count = endpoints;
	lab.worker.connections = lab.connections;
	lab.worker.endpoints = lab.endpoints;
	lab.worker.stop = &lab.stop;
	lab.worker.driver = &driver;
	lab.worker.choices = &lab.choices;
	for (unsigned i = 0; i < lanes * endpoints; i++)
		connection_init(&lab.connections[i], i, &lab.observer);
}

static void run_lab(const char *list, bool with_ticks)
{
	char why[256] = "";
	const struct sigaction action = {.sa_handler = on_tick};
	const struct itimerval ticks = {{0, 20000}, {0, 20000}}, none = {{0, 0}, {0, 0}};

	sigaction(SIGALRM, &action, NULL);
	if (model_uring.prepare(&lab.worker, why, sizeof(why)))
		fail_msg("%s: %s", list, why);
	if (with_ticks)
		setitimer(ITIMER_REAL, &ticks, NULL);
	assert_int_equal(model_uring.run(&lab.worker), 0);
	setitimer(ITIMER_REAL, &none, NULL);
	model_uring.release(&lab.worker);
	for (unsigned i = 0; i < COUNT(lab.connections); i++)
		assert_true(lab.connections[i].fd <= 0);
}

static void answering(struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_port = htons((uint16_t)port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Four lanes: never answered, answered, never answered again on a new connection, answered. */
static void overdue_answers_are_given_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(receiving); i++) {
		struct sockaddr_in mute, good;
		int listener = listen_somewhere(64, &mute);

		answering(&good);
		make_lab(receiving[i / 2], 4, 2, 16);
		lab.worker.wait = i % 2 ? WAIT_SPIN : WAIT_BLOCK;
		set_endpoint(0, &mute);
		set_endpoint(1, &good);
		run_lab(receiving[i / 2], true);
		assert_int_equal(lab.failed, 8);
		assert_int_equal(lab.done, 8);
		assert_int_equal(lab.connected, 12);
		close(listener);
	}
}

/* One lane: connecting hangs and is given up; the slot's next socket connects all the same. */
static void overdue_connects_are_given_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(receiving); i++) {
		struct sockaddr_in full, good;
		int listener = listen_somewhere(0, &full); /* a queue of one */
		int holds = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(holds, (struct sockaddr *)&full, sizeof(full)), 0);
		answering(&good);
		make_lab(receiving[i], 1, 2, 4);
		set_endpoint(0, &full);
		set_endpoint(1, &good);
		lab.full = listener;
		fcntl(listener, F_SETFL, O_NONBLOCK);
		run_lab(receiving[i], true);
		assert_int_equal(lab.failed, 2);
		assert_int_equal(lab.done, 2);
		/* The first one did hang; the answering server's stayed. */
		assert_int_equal(lab.connected, 2);
		close(holds);
		close(listener);
	}
}

/*
 * A request that the server never reads, and answers wrongly: its send is still under way when the
 * connection is closed, and must neither hold the socket nor be taken for the next one's.
 */
static void blocked_sends_end(void **state)
{
	static char large[8 << 20];
	struct sockaddr_in unread, good;
	pid_t pid = serve(ANSWER_UNREAD, &unread);

	(void)state;
	memset(large, 'x', sizeof(large));
	memcpy(large, "GET /", 5);
	answering(&good);
	for (size_t i = 0; i < COUNT(receiving); i++) {
		make_lab(receiving[i], 2, 2, 16);
		set_endpoint(0, &unread);
		set_endpoint(1, &good);
		lab.requests[0].bytes = large;
		lab.requests[0].length = sizeof(large);
		/* A linked receive has not even begun: such a fetch can only be given up. */
		bool linked = strstr(receiving[i], "linked");

		if (!linked)
			lab.failure = "the response is not HTTP";
		run_lab(receiving[i], linked);
		assert_int_equal(lab.failed, 8);
		assert_int_equal(lab.done, 8);
	}
	fetching_stop_server(pid);
}

/* A connection that died while its lane was busy elsewhere: the send fails, and is repeated. */
static void dead_connections_are_replaced(void **state)
{
	static char slow[] = "GET /delay/15ms HTTP/1.1\r\nHost: h\r\n\r\n";
	struct sockaddr_in dying, good;
	pid_t pid = serve(RESET_WHEN_IDLE, &dying);

	(void)state;
	answering(&good);
	for (size_t i = 0; i < COUNT(receiving); i++) {
		make_lab(receiving[i], 1, 2, 8);
		set_endpoint(0, &dying);
		set_endpoint(1, &good);
		lab.requests[1].bytes = slow;
		lab.requests[1].length = sizeof(slow) - 1;
		lab.failure = "none";
		run_lab(receiving[i], false);
		assert_int_equal(lab.failed, 0);
		assert_int_equal(lab.done, 8);
		assert_int_equal(lab.connected, 5);
	}
	fetching_stop_server(pid);
}

/* The wait ends when a fetch falls due, although nothing completes. */
static void fetches_fall_due(void **state)
{
	static const char *const waiting[] = {"",
					      "coop",
					      "sqpoll",
					      "registered-wait",
					      "registered-wait,min-wait:10us",
					      "min-wait:10us"};
	struct sockaddr_in good;

	(void)state;
	answering(&good);
	for (size_t i = 0; i < COUNT(waiting); i++)
		for (int wait = 0; wait < 2; wait++) {
			if (wait && strstr(waiting[i], "wait"))
				continue;
			make_lab(waiting[i], 4, 1, 20);
			lab.worker.wait = wait ? WAIT_SPIN : WAIT_BLOCK;
			lab.worker.open_loop = true;
			set_endpoint(0, &good);
			run_lab(waiting[i], false);
			assert_int_equal(lab.done, 20);
			assert_int_equal(lab.failed, 0);
			/* It slept: looking for 40 ms would have taken thousands of calls. */
			if (wait == 0)
				assert_true(lab.worker.calls.total < 1000);
		}
}

/* From here on this process and its children run under the filter. */
static void install(struct sock_filter *program, size_t length)
{
	struct sock_fprog filter = {.len = (unsigned short)length, .filter = program};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

/* io_uring_register() of this operation fails with that errno. */
static void refuse_to_register(unsigned operation, unsigned error)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, operation, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(program, COUNT(program));
}

static void refuse_to_set_up(unsigned error)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(program, COUNT(program));
}

/* Last: a filter is for good. */
static void refusals_tell_the_reason(void **state)
{
	static const char *const options[] = {"-n3", "--json", NULL};
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	refuse_to_register(27, EINVAL);
	assert_fails("napi", url, options, 3, "io_uring refuses napi: Invalid argument");
	refuse_to_register(34, EINVAL);
	assert_fails("registered-wait", url, options, 3,
		     "io_uring refuses registered-wait: Invalid argument");
	assert_fetches("fixed", url, options, 3, 24);
	refuse_to_register(22, EINVAL);
	assert_fails("incremental", url, options, 3,
		     "registering an incremental buffer ring: Invalid argument");
	refuse_to_register(13, ENOMEM);
	assert_fails("fixed", url, options, 3, "fixed files: Cannot allocate memory");
	refuse_to_set_up(EPERM);
	assert_fails("", url, options, 3, "Operation not permitted (see kernel.io_uring_disabled)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_fetches_right),
		cmocka_unit_test(spinning_fetches_right),
		cmocka_unit_test(buffers_run_out),
		cmocka_unit_test(refused_arrivals_wait_their_turn),
		cmocka_unit_test(lists_are_recorded),
		cmocka_unit_test(contradictions_are_usage_errors),
		cmocka_unit_test(no_such_cpu),
		cmocka_unit_test(direct_sockets_have_no_descriptors),
		cmocka_unit_test(closing_servers),
		cmocka_unit_test(resets_are_told),
		cmocka_unit_test(refused_connections_are_told),
		cmocka_unit_test(overdue_answers_are_given_up),
		cmocka_unit_test(overdue_connects_are_given_up),
		cmocka_unit_test(blocked_sends_end),
		cmocka_unit_test(dead_connections_are_replaced),
		cmocka_unit_test(fetches_fall_due),
		cmocka_unit_test(refusals_tell_the_reason),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
