/*
 * Requests to rtnetlink, put together attribute by attribute, sent, and their acknowledgements
 * read; see rtnetlink(7). Whoever reads more than that reads the socket itself. A netlink socket
 * belongs to the namespace that its thread was in when it was opened, and stays there.
 */
#ifndef FETCH_NETLINK_H
#define FETCH_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request under way. What does not fit is left out, and the message is then never sent. */
struct netlink_message {
	union {
		struct nlmsghdr header;
		char bytes[1024];
	};
	bool too_long;
};

/* The socket, or -errno. Close it. */
int netlink_open(void);

/* Begins with that body; flags beside NLM_F_REQUEST. */
void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *body,
		   size_t size);

/* Appends bytes that are no attribute; returns where they stand, or some place in a message that
 * is too long. */
void *netlink_put(struct netlink_message *message, const void *bytes, size_t size);

/* Appends an attribute. */
struct rtattr *netlink_attribute(struct netlink_message *message, unsigned short type,
				 const void *data, size_t size);
void netlink_text(struct netlink_message *message, unsigned short type, const char *value);

/* What is put behind it up to netlink_end_nest() belongs to it. */
struct rtattr *netlink_nest(struct netlink_message *message, unsigned short type);
void netlink_end_nest(struct netlink_message *message, struct rtattr *outer);

/*
 * Sends it and receives one datagram of the answer. Returns its length, or -errno; also the one in
 * an answer that is an error, and 0 for an acknowledgement. One too long is -EMSGSIZE.
 */
int netlink_ask(int fd, const struct netlink_message *message, void *answer, size_t size);

/* The next datagram of a dump, likewise. */
int netlink_next(int fd, void *answer, size_t size);

/* Sends it, to be acknowledged, which is the only answer that there will be; 0 or -errno. */
int netlink_do(int fd, struct netlink_message *message);

#endif
