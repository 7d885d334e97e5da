/* See fetching.h. */
#include "tests/fetching.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

const char *const fetching_all[FETCHING_ALL] = {"blocking", "nonblocking", "select",
						"poll",	    "epoll",	   "uring"};

void fetching_start(struct child *child, const char *model, const char *const *arguments)
{
	const char *argv[96];
	char name[64];
	size_t count = 1;

	snprintf(name, sizeof(name), "fetch-%s", model);
	argv[0] = child_program(name);
	for (size_t i = 0; arguments[i]; i++) {
		assert_true(count < sizeof(argv) / sizeof(argv[0]) - 1);
		argv[count++] = arguments[i];
	}
	argv[count] = NULL;
	child_start(child, argv);
}

int fetching_run(struct child *child, const char *model, const char *const *arguments)
{
	fetching_start(child, model, arguments);
	return child_wait(child, CHILD_LIMIT_MS);
}

const char *fetching_lanes(const char *model, unsigned count)
{
	static char text[32];

	snprintf(text, sizeof(text), "-%c%u", strcmp(model, "blocking") == 0 ? 't' : 'c', count);
	return text;
}

json_t *fetching_row(const struct child *child)
{
	json_error_t error;
	json_t *row = json_loads(child->out.text, 0, &error);

	if (!row)
		fail_msg("no JSON row: %s in '%s', stderr '%s'", error.text, child->out.text,
			 child->err.text);
	return row;
}

double fetching_number(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_number(value))
		fail_msg("the row has no number %s", key);
	return json_number_value(value);
}

unsigned fetching_lines(const char *text, const char *a, const char *b)
{
	unsigned count = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		count += memmem(text, length, a, strlen(a)) && memmem(text, length, b, strlen(b));
		text += length + (text[length] == '\n');
	}
	return count;
}

/* Reads up to the end of a request's head; false at the end of the stream. */
static bool read_head(int fd)
{
	char text[4096];
	size_t length = 0;

	while (length < sizeof(text) - 1) {
		ssize_t got = recv(fd, text + length, sizeof(text) - 1 - length, 0);

		if (got <= 0)
			return false;
		length += (size_t)got;
		text[length] = 0;
		if (strstr(text, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void serve_one(int fd, const char *const *texts)
{
	for (; *texts; texts++) {
		const char *text = *texts;
		bool unasked = text[0] == '!', anything = text[0] == '?';
		char some[1];

		if (strcmp(text, "/") == 0) {
			char dropped[256];

			shutdown(fd, SHUT_WR);
			while (recv(fd, dropped, sizeof(dropped), 0) > 0)
				;
			break;
		}
		text += unasked || anything;
		if (unasked)
			usleep(20000);
		else if (anything ? recv(fd, some, sizeof(some), MSG_PEEK) <= 0 : !read_head(fd))
			break;
		if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
}

unsigned fetching_serve(const char *const *const *scripts, pid_t *pid)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		alarm(60); /* never left behind */
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0)
				serve_one(fd, *scripts);
			if (scripts[1])
				scripts++;
		}
	}
	close(listener);
	return ntohs(address.sin_port);
}

void fetching_stop_server(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

double fetching_straced_calls(const char *path)
{
	/* Not close: the lab reads files of its own at both ends of the interval. */
	static const char *const names[] = {
		"sendto",     "recvfrom",    "connect",	     "socket",	  "setsockopt",
		"epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "io_uring_enter",
		"select",     "pselect6",    "poll",	     "ppoll"};
	FILE *file = fopen(path, "r");
	char line[256];
	double sum = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char name[64];
		double calls;

		/* "% time  seconds  usecs/call  calls  [errors]  syscall" */
		if (sscanf(line, "%*f %*f %*f %lf %*f %63s", &calls, name) != 2 &&
		    sscanf(line, "%*f %*f %*f %lf %63s", &calls, name) != 2)
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(name, names[i]) == 0)
				sum += calls;
	}
	fclose(file);
	return sum;
}
