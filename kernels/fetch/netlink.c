/* Messages put together, sent, and their answers received: see netlink.h. */
#include "kernels/fetch/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

void netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags, const void *body,
		   size_t size)
{
	memset(m, 0, sizeof(*m));
	m->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(NLMSG_DATA(&m->header), body, size);
}

void *netlink_put(struct netlink_message *m, const void *bytes, size_t size)
{
	size_t end = NLMSG_ALIGN(m->header.nlmsg_len);
	char *at = m->bytes + end;

	if (m->too_long || size > sizeof(m->bytes) - end) {
		m->too_long = true;
		return m->bytes;
	}
	if (size)
		memcpy(at, bytes, size);
	m->header.nlmsg_len = (uint32_t)(end + size);
	return at;
}

struct rtattr *netlink_attribute(struct netlink_message *m, unsigned short type, const void *data,
				 size_t size)
{
	const struct rtattr head = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};
	struct rtattr *made = netlink_put(m, &head, sizeof(head));

	netlink_put(m, data, size);
	return made;
}

void netlink_text(struct netlink_message *m, unsigned short type, const char *value)
{
	netlink_attribute(m, type, value, strlen(value) + 1);
}

struct rtattr *netlink_nest(struct netlink_message *m, unsigned short type)
{
	return netlink_attribute(m, type, NULL, 0);
}

/* Its padding is part of it: what goes beyond the message's end is passed over without a word. */
void netlink_end_nest(struct netlink_message *m, struct rtattr *outer)
{
	if (m->too_long)
		return;
	m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len);
	outer->rta_len = (unsigned short)(m->bytes + m->header.nlmsg_len - (char *)outer);
}

int netlink_next(int fd, void *answer, size_t size)
{
	const struct nlmsghdr *header = answer;
	ssize_t got;

	do
		got = recv(fd, answer, size, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (!NLMSG_OK(header, (size_t)got))
		return -EBADMSG;
	if (header->nlmsg_type != NLMSG_ERROR)
		return (int)got;
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -EBADMSG;
	return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

int netlink_ask(int fd, const struct netlink_message *m, void *answer, size_t size)
{
	if (m->too_long)
		return -EMSGSIZE;
	if (send(fd, m->bytes, m->header.nlmsg_len, 0) < 0)
		return -errno;
	return netlink_next(fd, answer, size);
}

int netlink_do(int fd, struct netlink_message *m)
{
	struct netlink_message answer;
	int got;

	m->header.nlmsg_flags |= NLM_F_ACK;
	got = netlink_ask(fd, m, answer.bytes, sizeof(answer.bytes));
	return got > 0 ? -EPROTO : got;
}
