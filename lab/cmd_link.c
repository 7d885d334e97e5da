/*
 * iolab link: any program over a link of the lab's, by hand. The origin, or another server, runs
 * at one end; the command runs at the other and is told by its environment where to ask.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/cell.h"
#include "lab/cmd.h"
#include "lab/link.h"
#include "lab/options.h"
#include "lab/subprocess.h"

#define ORIGIN_NS     UINT64_C(5000000000)
#define CONNECT_TRIES 500
#define CONNECT_US    10000

struct link_options {
	uint64_t latency_ns;
	uint64_t queues;
	const char *origin_command;
	uint64_t origin_port;
	const char *origin_cpus;
};

#define FIELD(name) offsetof(struct link_options, name)

static const struct option_row rows[] = {
	{.name = "latency",
	 .kind = OPTION_DURATION,
	 .offset = FIELD(latency_ns),
	 .argument = "T",
	 .help = "added to each round trip: by netem, or by the origin where "
		 "the kernel has none (default "
		 "0)"},
	{.name = "queues",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(queues),
	 .argument = "N",
	 .help = "queues each way, for as many workers of fetch-xdp --processes (default 1)",
	 .least = 1,
	 .most = LINK_QUEUES_MAX},
	{.name = "origin-command",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(origin_command),
	 .argument = "LINE",
	 .help = "another server than the origin; '...' keeps blanks, no shell is asked"},
	{.name = "origin-port",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(origin_port),
	 .argument = "N",
	 .help = "where that one listens: waited for, and named in IOLAB_URL "
		 "(default: the origin's own)",
	 .least = 1,
	 .most = 65535},
	{.name = "origin-cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(origin_cpus),
	 .argument = "LIST",
	 .help = "CPUs for the origin or the other server"},
};

static const char about[] =
	"Runs COMMAND, or a shell, at one end of a veth link with an origin at the other, and\n"
	"ends with its status. All is taken down then. In its environment the command finds:\n\n"
	"  IOLAB_URL IOLAB_TLS_URL   http://ADDRESS:PORT/ of the origin, and with https\n"
	"  IOLAB_CA                  the file with the certificate to trust\n"
	"  IOLAB_INTERFACE           the interface at its end\n"
	"  IOLAB_ADDRESS IOLAB_ORIGIN_ADDRESS   of its own end, and of the other\n\n"
	"  iolab link -- sh -c 'curl -s $IOLAB_URL; build/fetch-epoll $IOLAB_URL'";

/* The link that everything here is about, its server, and the descriptor that holds the CA. */
static struct link net;
static struct subprocess server;
static int ca = -1;

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		status_exit(STATUS_UNABLE, "out of memory");
}

_Noreturn static void give_up(const char *what)
{
	const char *said;
	int status;

	subprocess_signal(&server, SIGTERM);
	subprocess_wait(&server, UINT64_C(1000000000), &status);
	link_down(&net);
	said = subprocess_last_error(&server);
	status_exit(STATUS_UNABLE, "%s%s%s", what, said && *said ? ": " : "", said ? said : "");
}

static void start_server(char *const argv[], const struct link_options *o)
{
	char why[512];

	if (subprocess_start_in(link_netns(&net, LINK_ORIGIN), &server, argv, o->origin_cpus, why,
				sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
}

/* The certificate is in memory: a file would stay when this process is killed. */
static void start_origin(const struct link_options *o)
{
	char listen[64], listen_tls[64], ca_path[64], ca_out[80], name[64], latency[64], url[256];
	char *program = cell_program("origin");
	char *argv[] = {program, listen, listen_tls, ca_out, name, latency, NULL};

	ca = memfd_create("iolab-ca.pem", MFD_CLOEXEC);
	if (ca < 0)
		status_exit(STATUS_UNABLE, "no memory for the certificate: %m");
	snprintf(ca_path, sizeof(ca_path), "/proc/%d/fd/%d", (int)getpid(), ca);
	snprintf(ca_out, sizeof(ca_out), "--ca-out=%s", ca_path);
	snprintf(listen, sizeof(listen), "--listen=%s:0", net.address[LINK_ORIGIN]);
	snprintf(listen_tls, sizeof(listen_tls), "--listen-tls=%s:0", net.address[LINK_ORIGIN]);
	snprintf(name, sizeof(name), "--name=%s", net.address[LINK_ORIGIN]);
	snprintf(latency, sizeof(latency), "--latency=%" PRIu64 "ns",
		 net.delay == LINK_DELAY_ORIGIN ? net.latency_ns : 0);
	start_server(argv, o);
	free(program);
	if (subprocess_expect(&server, ORIGIN_NS, "http://", url, sizeof(url)))
		give_up("the origin did not start");
	set("IOLAB_URL", url);
	if (subprocess_expect(&server, ORIGIN_NS, "https://", url, sizeof(url)))
		give_up("the origin did not start");
	set("IOLAB_TLS_URL", url);
	set("IOLAB_CA", ca_path);
}

/* Until something listens there; this thread is at the client's end meanwhile, and stays there. */
static void wait_for_port(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	char what[96];

	inet_pton(AF_INET, net.address[LINK_ORIGIN], &to.sin_addr);
	for (int i = 0; i < CONNECT_TRIES && subprocess_running(&server); i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int err = connect(fd, (const struct sockaddr *)&to, sizeof(to));

		close(fd);
		if (!err)
			return;
		usleep(CONNECT_US);
	}
	snprintf(what, sizeof(what), "nothing listens at %s:%u, as --origin-port says",
		 net.address[LINK_ORIGIN], port);
	give_up(what);
}

static void start_other(const struct link_options *o)
{
	char **words, url[64];

	if (cell_words(o->origin_command, &words))
		status_exit(STATUS_USAGE, "--origin-command: '%s' is no command line",
			    o->origin_command);
	if (net.delay == LINK_DELAY_ORIGIN)
		status_exit(STATUS_UNABLE,
			    "--latency: this kernel has no netem, and another server "
			    "than the origin makes none");
	start_server(words, o);
	for (char **word = words; *word; word++)
		free(*word);
	free(words);
	if (!o->origin_port)
		return;
	wait_for_port((uint16_t)o->origin_port);
	snprintf(url, sizeof(url), "http://%s:%" PRIu64 "/", net.address[LINK_ORIGIN],
		 o->origin_port);
	set("IOLAB_URL", url);
}

static volatile pid_t command;

/* Ctrl-C reaches the command by the terminal; what is sent to this process alone is passed on. */
static void on_signal(int signal)
{
	if (signal == SIGTERM && command > 0)
		kill(command, SIGTERM);
}

static _Noreturn void become(char **argv, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	execvp(argv[0], argv);
	status_warn("cannot run %s: %m", argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Runs it with this process's own input and output; its status, as a shell has it. */
static int run(char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	pid_t parent = getpid();
	int status;

	command = fork();
	if (command < 0)
		status_exit(STATUS_UNABLE, "cannot start %s: %m", argv[0]);
	if (command == 0)
		become(argv, parent);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (waitpid(command, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void take_down(void)
{
	int status;

	subprocess_signal(&server, SIGTERM);
	while (subprocess_wait(&server, ORIGIN_NS, &status) == -EINTR)
		;
	link_down(&net);
}

enum status cmd_link(int argc, char **argv)
{
	static const struct option_set set_of_options = {
		.usage = "link [options] [--] [COMMAND...]",
		.about = about,
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};
	struct link_options options = {.queues = 1};
	int operands = options_parse(&set_of_options, &options, argc, argv);
	char *shell[] = {getenv("SHELL"), NULL};
	char **words = operands ? argv + 1 : shell;
	char why[512];
	int err;

	if (options.origin_port && !options.origin_command)
		status_exit(STATUS_USAGE, "--origin-port is that of --origin-command; the origin "
					  "takes a free one");
	argv[operands + 1] = NULL;
	if (!words[0])
		words[0] = (char[]){"/bin/sh"};
	err = link_up(&net, LINK_VETH, (unsigned)options.queues, options.latency_ns, why,
		      sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	set("IOLAB_INTERFACE", net.interface[LINK_CLIENT]);
	set("IOLAB_ADDRESS", net.address[LINK_CLIENT]);
	set("IOLAB_ORIGIN_ADDRESS", net.address[LINK_ORIGIN]);
	/* From here on this process is at the client's end. */
	err = link_enter(&net, LINK_CLIENT);
	if (err)
		status_exit(STATUS_UNABLE, "cannot enter the link: %s", strerror(-err));
	if (options.origin_command)
		start_other(&options);
	else
		start_origin(&options);
	err = run(words);
	take_down();
	return (enum status)err;
}
