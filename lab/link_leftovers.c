/* Finding and ending what is left of links: see link_leftovers.h. */
#include "lab/link_leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/fetch/netlink.h"
#include "lab/link_netlink.h"
#include "lab/usage.h"

#define PATIENCE_NS UINT64_C(2000000000)
/* Ended at a time; those beyond are found when the next round looks. */
#define AT_ONCE 256

/* The inode of /proc/WHO/ns/KIND, which is the namespace's identity; 0 with errno. */
static ino_t namespace_of(const char *who, const char *kind)
{
	char path[320];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", who, kind);
	return stat(path, &status) ? 0 : status.st_ino;
}

/* When the process was started, in ticks since the boot; 0 when it is gone or a zombie. */
static uint64_t started(pid_t pid)
{
	char path[64], text[1024] = "", state = 'Z';
	uint64_t ticks = 0;
	FILE *file;
	char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	/* The name may hold blanks and parentheses; the 20th behind it is proc(5)'s field 22. */
	name_end = strrchr(text, ')');
	if (!name_end ||
	    sscanf(name_end,
		   ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%" SCNu64,
		   &state, &ticks) != 2 ||
	    state == 'Z')
		return 0;
	return ticks;
}

void link_owner(char owner[static LINK_OWNER_SIZE])
{
	snprintf(owner, LINK_OWNER_SIZE, "%d %" PRIu64 " %" PRIuMAX, (int)getpid(),
		 started(getpid()), (uintmax_t)namespace_of("self", "pid"));
}

/* Whether the owner that an alias ends in is alive; true also where that cannot be told. */
static bool owner_lives(const char *alias, int *pid)
{
	uint64_t ticks;
	uintmax_t pids;

	*pid = 0;
	/* The word between is which end it is. */
	if (sscanf(alias, LINK_MARK "%*s %d %" SCNu64 " %" SCNuMAX, pid, &ticks, &pids) != 3)
		return true;
	return pids != namespace_of("self", "pid") || started(*pid) == ticks;
}

/* What ends processes, under way. */
struct ending {
	pid_t pids[AT_ONCE];
	int fds[AT_ONCE];	 /* pidfds: a number that was given away again is not signalled */
	char names[AT_ONCE][16]; /* read while they live */
	bool over[AT_ONCE];
	unsigned count;
};

static void read_name(pid_t pid, char name[static 16])
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(name, 16, "?");
	file = fopen(path, "re");
	if (file && fgets(name, 16, file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void find_inside(ino_t netns, struct ending *e)
{
	struct dirent *entry;
	DIR *all = opendir("/proc");

	e->count = 0;
	while (all && (entry = readdir(all)) && e->count < AT_ONCE) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		int fd;

		if (pid <= 0 || pid == getpid() || namespace_of(entry->d_name, "net") != netns)
			continue;
		fd = pidfd_open(pid, 0);
		if (fd < 0)
			continue;
		if (namespace_of(entry->d_name, "net") != netns) {
			close(fd);
			continue;
		}
		read_name(pid, e->names[e->count]);
		e->pids[e->count] = pid;
		e->fds[e->count++] = fd;
	}
	if (all)
		closedir(all);
}

/* Once it is known what became of them. */
static void say_ended(FILE *said, const struct ending *e)
{
	for (unsigned i = 0; i < e->count; i++)
		fprintf(said, "%s process %d (%s)\n", e->over[i] ? "Ended" : "Could not end",
			(int)e->pids[i], e->names[i]);
}

/* Signals all of them and waits for their ends; how many still live. */
static unsigned signal_all(struct ending *e, int signal)
{
	uint64_t until_ns = usage_now_ns() + PATIENCE_NS;
	unsigned left = 0;

	for (unsigned i = 0; i < e->count; i++)
		pidfd_send_signal(e->fds[i], signal, NULL, 0);
	for (unsigned i = 0; i < e->count; i++) {
		struct pollfd one = {.fd = e->fds[i], .events = POLLIN};
		uint64_t now_ns = usage_now_ns();
		int wait_ms = now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000) + 1 : 0;

		/* A signal of the user's must not cut the wait short: SIGKILL would be next. */
		while (poll(&one, 1, wait_ms) < 0 && errno == EINTR)
			;
		e->over[i] = one.revents != 0;
		left += !e->over[i];
	}
	return left;
}

/* One round; how many processes there were, and in *stayed how many of them still are. */
static unsigned end_once(ino_t netns, FILE *said, unsigned *stayed)
{
	struct ending *e = calloc(1, sizeof(*e));
	unsigned count;

	*stayed = 0;
	if (!e)
		return 0;
	find_inside(netns, e);
	if (e->count && signal_all(e, SIGTERM))
		*stayed = signal_all(e, SIGKILL);
	if (said)
		say_ended(said, e);
	for (unsigned i = 0; i < e->count; i++)
		close(e->fds[i]);
	count = e->count;
	free(e);
	return count;
}

/* Until none is found: one that was signalled may have made another meanwhile. */
static unsigned end_all(ino_t netns, FILE *said, unsigned *stayed)
{
	unsigned all = 0, count;

	do {
		count = end_once(netns, said, stayed);
		all += count;
	} while (count > 0 && *stayed == 0);
	return all;
}

unsigned link_end_inside(ino_t netns, FILE *said)
{
	unsigned stayed;

	return end_all(netns, said, &stayed);
}

/*
 * The mark of a namespace, looked at from inside. 0, -ENOENT when it has none, or -errno.
 */
static int read_mark(int netns, int home, char *alias, size_t size)
{
	int socket, err;

	if (setns(netns, CLONE_NEWNET))
		return -errno;
	socket = netlink_open();
	/* The way home was open a moment ago, and nothing that could fail lies between. */
	if (setns(home, CLONE_NEWNET))
		abort();
	if (socket < 0)
		return socket;
	err = link_netlink_alias(socket, LINK_MARK, alias, size);
	close(socket);
	return err;
}

/* A namespace that was looked at, and who alive holds the link that it is an end of, or 0. */
struct seen {
	ino_t netns;
	int owner;
};

static bool is_told(const struct seen *seen, size_t count, int owner)
{
	for (size_t i = 0; i < count; i++)
		if (seen[i].owner == owner)
			return true;
	return false;
}

/* A namespace of the lab's: whether somebody holds it, or what is in it is to be ended. */
static void judge(const char *alias, struct seen *seen, size_t earlier,
		  struct link_leftovers *found, FILE *said)
{
	unsigned stayed;
	int owner;

	if (owner_lives(alias, &owner)) {
		/* Both ends are found, and are one link. */
		if (!owner || !is_told(seen, earlier, owner))
			fprintf(said, "Left alone: a link that process %d holds\n", owner);
		seen[earlier].owner = owner;
		found->owned++;
		return;
	}
	found->ended += end_all(seen[earlier].netns, said, &stayed);
	found->stayed += stayed;
}

/* A namespace that has a process in it, the last one of those seen. */
static int look_at(const char *who, int home, struct seen *seen, size_t earlier,
		   struct link_leftovers *found, FILE *said)
{
	char path[320], alias[256];
	struct stat status = {.st_ino = 0};
	int netns, err;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", who);
	/* Open until the end: its number is not given to another one meanwhile. */
	netns = open(path, O_RDONLY | O_CLOEXEC);
	err = netns < 0 || fstat(netns, &status) ? -errno : 0;
	if (!err)
		err = read_mark(netns, home, alias, sizeof(alias));
	seen[earlier].netns = status.st_ino;
	if (!err)
		judge(alias, seen, earlier, found, said);
	if (netns >= 0)
		close(netns);
	/* What may not be entered is not known; what is gone or has no mark needs nothing. */
	found->hidden += err == -EPERM || err == -EACCES;
	return err == -ENOMEM || err == -EMFILE ? err : 0;
}

static bool among(const struct seen *seen, size_t count, ino_t netns)
{
	for (size_t i = 0; seen && i < count; i++)
		if (seen[i].netns == netns)
			return true;
	return false;
}

/* Every namespace that a process is in, once. */
static int look_at_all(DIR *all, int home, struct link_leftovers *found, FILE *said)
{
	struct seen *seen = NULL, *grown;
	size_t count = 0;
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(all))) {
		ino_t netns;

		if (atoi(entry->d_name) <= 0)
			continue;
		errno = 0;
		netns = namespace_of(entry->d_name, "net");
		found->hidden += netns == 0 && (errno == EACCES || errno == EPERM);
		if (netns == 0 || netns == namespace_of("thread-self", "net") ||
		    among(seen, count, netns))
			continue;
		grown = reallocarray(seen, count + 1, sizeof(*seen));
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		seen = grown;
		seen[count] = (struct seen){.netns = netns};
		err = look_at(entry->d_name, home, seen, count++, found, said);
	}
	free(seen);
	return err;
}

int link_clean(struct link_leftovers *found, FILE *said, char *why, size_t why_size)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	DIR *all = opendir("/proc");
	int err = home < 0 || !all ? -errno : 0;

	memset(found, 0, sizeof(*found));
	if (all && !err)
		err = look_at_all(all, home, found, said);
	if (err)
		snprintf(why, why_size, "cannot look for what links left behind: %s",
			 strerror(-err));
	if (all)
		closedir(all);
	if (home >= 0)
		close(home);
	return err;
}
