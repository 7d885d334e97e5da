/*
 * Real servers for tests, started as a person would start them, and the files that they serve:
 * nginx, Debian's aiohttp, Python's http.server, the origin at several addresses. Each is a child
 * that is gone with the test.
 */
#ifndef TESTS_SERVING_H
#define TESTS_SERVING_H

#include <stddef.h>

#include "tests/child.h"

/*
 * A folder of this program's own in /tmp, made with its certificates (see certificates.h) or
 * removed with all that is in it. Group fixtures of cmocka.
 */
int serving_make_folder(void **state);
int serving_remove_folder(void **state);

/* The path of a file in the folder; valid for the next 255 calls. */
const char *serving_path(const char *name);

/* Writes a file there. */
void serving_put(const char *name, const void *bytes, size_t size);

/* Reads a file that has to be there, with a zero byte behind it; to be freed. */
char *serving_read(const char *path, size_t *size);

/* A port that was free a moment ago, for servers that cannot choose one themselves. */
unsigned serving_free_port(void);

/*
 * nginx in one process, serving the folder's subfolder "site"; `servers` are its server{} blocks.
 * Returns when it listens on `port`.
 */
void serving_nginx(struct child *child, const char *servers, unsigned port);

/*
 * aiohttp: /plain/N, /chunked/N, /gzip/N, /deflate/N, /closing/N bytes, /hop redirects to
 * /plain/10. Without and with TLS, at ports[0] and ports[1].
 */
void serving_aiohttp(struct child *child, unsigned ports[2]);

/* Python's http.server on the subfolder "site"; returns its port. */
unsigned serving_http_server(struct child *child);

/*
 * A server that says back what it was asked, request line and headers, a line each; its /here
 * redirects to its /there. Returns its port.
 */
unsigned serving_echo(struct child *child);

/* The origin with these options (NULL-terminated), and the ports of the `count` lines it prints. */
void serving_origin(struct child *child, const char *const *options, unsigned *ports,
		    unsigned count);

/* A port where connections are taken by the kernel and never by anyone else; *fd is to be closed. */
unsigned serving_silence(int *fd, int backlog);

#endif
