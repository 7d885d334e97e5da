/* See mangling.h. */
#include "tests/mangling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/veth.h"

#define TAP	   "wtap"
#define FRAME_MOST 2048
/* Frames held back at a time, and how many may overtake one. */
#define SLOTS	  8
#define OVERTAKEN 8
/* With nothing else to carry, what is held goes on after so many milliseconds. */
#define IDLE_MS 5

struct slot {
	unsigned left; /* frames that are yet to overtake it; 0: free */
	size_t length;
	char bytes[FRAME_MOST];
};

/* One way of the link. */
struct way {
	int from, to;
	uint64_t state; /* of the generator */
	struct slot slots[SLOTS];
};

static pid_t carrier;

/* Knuth's MMIX generator: its upper bits are the good ones. */
static unsigned draw(struct way *way, unsigned below)
{
	way->state = way->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((way->state >> 33) % below);
}

/* What does not go out is lost, as on any link. */
static void put(const struct way *way, const char *bytes, size_t length)
{
	(void)!write(way->to, bytes, length);
}

/* One more has overtaken those that are held; all of them go on when there is no other. */
static void let_go(struct way *way, bool all)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &way->slots[i];

		if (!slot->left || (!all && --slot->left))
			continue;
		slot->left = 0;
		put(way, slot->bytes, slot->length);
	}
}

static bool hold(struct way *way, const char *bytes, size_t length)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &way->slots[i];

		if (slot->left)
			continue;
		slot->left = 1 + draw(way, OVERTAKEN);
		slot->length = length;
		memcpy(slot->bytes, bytes, length);
		return true;
	}
	return false;
}

static void carry_one(struct mangling *m, struct way *ways, unsigned which)
{
	struct way *way = &ways[which];
	char bytes[FRAME_MOST];
	ssize_t length = read(way->from, bytes, sizeof(bytes));

	if (length <= 0)
		return;
	m->carried[which]++;
	if (draw(way, 1000) < m->lose[which]) {
		m->lost[which]++;
		return;
	}
	if (draw(way, 1000) < m->hold[which] && hold(way, bytes, (size_t)length)) {
		m->held[which]++;
		return;
	}
	put(way, bytes, (size_t)length);
	let_go(way, false);
}

_Noreturn static void carry(struct mangling *m, struct way *ways)
{
	for (;;) {
		struct pollfd list[MANGLING_WAYS];

		for (unsigned i = 0; i < MANGLING_WAYS; i++)
			list[i] = (struct pollfd){.fd = ways[i].from, .events = POLLIN};
		int ready = poll(list, MANGLING_WAYS, IDLE_MS);

		for (unsigned i = 0; i < MANGLING_WAYS; i++) {
			if (list[i].revents)
				carry_one(m, ways, i);
			else if (ready == 0)
				let_go(&ways[i], true);
		}
	}
}

static int open_tap(void)
{
	struct ifreq request = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int open_packets(const char *name)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL),
				      .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	int room = 8 << 20;

	assert_true(fd >= 0);
	/* Its own frames are not to come back; and none is to be lost by chance. */
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void make_ends(void)
{
	char words[128];

	veth_ip("link set " TAP " up");
	veth_ip("link set " TAP " txqueuelen 10000");
	veth_ip("addr add " MANGLING_SERVER "/24 dev " TAP);
	snprintf(words, sizeof(words),
		 "link add wtxdp3 type veth peer name " MANGLING_NAME " netns %d", veth_holder());
	veth_ip(words);
	veth_ip("link set wtxdp3 up");
	veth_to_clients();
	veth_checksums_by_software(MANGLING_NAME);
	veth_mark(MANGLING_NAME);
	veth_ip("addr add " MANGLING_CLIENT "/24 dev " MANGLING_NAME);
	veth_ip("link set " MANGLING_NAME " up");
	veth_wait_for_carrier(MANGLING_NAME);
	veth_to_servers();
}

struct mangling *mangling_start(uint64_t seed)
{
	struct mangling *m =
		mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct way *ways = calloc(MANGLING_WAYS, sizeof(*ways));
	int tap = open_tap(), packets;
	pid_t parent = getpid();

	assert_true(m != MAP_FAILED && ways);
	if (tap < 0) {
		print_message("skipped: no tap devices here: %s\n", strerror(errno));
		free(ways);
		munmap(m, sizeof(*m));
		return NULL;
	}
	make_ends();
	packets = open_packets("wtxdp3");
	ways[MANGLING_TO_CLIENTS] = (struct way){.from = tap, .to = packets, .state = seed};
	ways[MANGLING_TO_SERVERS] = (struct way){.from = packets, .to = tap, .state = ~seed};
	carrier = fork();
	assert_true(carrier >= 0);
	if (carrier == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
			_exit(1);
		carry(m, ways);
	}
	close(tap);
	close(packets);
	free(ways);
	return m;
}

void mangling_stop(struct mangling *m)
{
	if (!m)
		return;
	/* The tap goes with the last who has it open. */
	kill(carrier, SIGKILL);
	waitpid(carrier, NULL, 0);
	veth_ip("link del wtxdp3");
	munmap(m, sizeof(*m));
}
