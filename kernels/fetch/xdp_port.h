/*
 * lwIP on this system: its errors in the words of errno, and what it draws by chance, the first
 * local port and each connection's first sequence number. Two runs one after the other must not
 * look like one connection to a server that still waits.
 */
#ifndef FETCH_XDP_PORT_H
#define FETCH_XDP_PORT_H

#include <lwip/err.h>

/* To be called once, before lwip_init(). */
void xdp_port_seed(void);

/* Of the connections that are over lwIP forgets all but the youngest so many, 1 or more. */
void xdp_port_forget(unsigned most);

/* lwIP's errors in the words of the socket calls, above 0. */
int xdp_port_errno(err_t err);

#endif
