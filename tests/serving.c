/* See serving.h. */
#include "tests/serving.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/certificates.h"

static char folder[] = "/tmp/iolab-serving-XXXXXX";

int serving_make_folder(void **state)
{
	(void)state;
	/* nginx's worker may be another user. */
	if (!mkdtemp(folder) || chmod(folder, 0755) || mkdir(serving_path("site"), 0755))
		return -1;
	certificates_make(folder, NULL);
	return 0;
}

int serving_remove_folder(void **state)
{
	const char *const argv[] = {"rm", "-rf", folder, NULL};
	struct child child;
	int status = child_run(&child, argv);

	(void)state;
	child_free(&child);
	return status;
}

const char *serving_path(const char *name)
{
	static char paths[256][128];
	static unsigned turn;

	turn = (turn + 1) % 256;
	snprintf(paths[turn], sizeof(paths[0]), "%s/%s", folder, name);
	return paths[turn];
}

void serving_put(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(serving_path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

char *serving_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *bytes;

	if (!file)
		fail_msg("%s is not there", path);
	assert_int_equal(fstat(fileno(file), &status), 0);
	*size = (size_t)status.st_size;
	bytes = malloc(*size + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *size, file), *size);
	bytes[*size] = 0;
	fclose(file);
	return bytes;
}

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons((uint16_t)port)};
}

static unsigned bind_any(int fd)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

unsigned serving_free_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned port = bind_any(fd);

	close(fd);
	return port;
}

unsigned serving_silence(int *fd, int backlog)
{
	unsigned port;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	port = bind_any(*fd);
	assert_int_equal(listen(*fd, backlog), 0);
	return port;
}

/* Returns when something listens there; fails the test when that takes too long. */
static void wait_for(struct child *child, unsigned port)
{
	const struct sockaddr_in address = loopback(port);

	for (int i = 0; i < CHILD_LIMIT_MS / 20; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int err = connect(fd, (const struct sockaddr *)&address, sizeof(address));

		close(fd);
		if (!err)
			return;
		usleep(20000);
	}
	child_end(child, 9, CHILD_LIMIT_MS);
	fail_msg("nothing listens on port %u: %s", port, child->err.text);
}

void serving_nginx(struct child *child, const char *servers, unsigned port)
{
	const char *const argv[] = {"/usr/sbin/nginx", "-p", folder, "-c", "nginx.conf", NULL};
	char text[4096];
	int length =
		snprintf(text, sizeof(text),
			 "daemon off; master_process off; pid nginx.pid; error_log nginx.log;\n"
			 "worker_rlimit_nofile 4096;\n"
			 "events { worker_connections 2048; }\n"
			 "http { access_log off; default_type text/plain; root site;\n"
			 "client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;\n"
			 "uwsgi_temp_path t; scgi_temp_path t;\n"
			 "%s }\n",
			 servers);

	assert_in_range(length, 1, sizeof(text) - 1);
	serving_put("nginx.conf", text, (size_t)length);
	child_start(child, argv);
	wait_for(child, port);
}

static const char aiohttp_program[] =
	"import asyncio, functools, ssl, sys\n"
	"from aiohttp import web\n"
	"\n"
	"@functools.lru_cache\n"
	"def body(size):\n"
	"    lines = (b'%d squared is %d\\n' % (i, i * i) for i in range(size // 10 + 1))\n"
	"    return b''.join(lines)[:size]\n"
	"\n"
	"async def answer(request):\n"
	"    kind, size = request.match_info['kind'], int(request.match_info['size'])\n"
	"    response = web.Response(body=body(size))\n"
	"    if kind == 'closing':\n"
	"        response.force_close()\n"
	"    elif kind != 'plain':\n"
	"        response.enable_compression(web.ContentCoding(kind))\n"
	"    return response\n"
	"\n"
	"async def chunked(request):\n"
	"    rest, piece = body(int(request.match_info['size'])), 1\n"
	"    response = web.StreamResponse()\n"
	"    response.enable_chunked_encoding()\n"
	"    await response.prepare(request)\n"
	"    while rest:\n"
	"        await response.write(rest[:piece])\n"
	"        rest, piece = rest[piece:], piece * 3\n"
	"    await response.write_eof()\n"
	"    return response\n"
	"\n"
	"async def hop(request):\n"
	"    raise web.HTTPFound('/plain/10')\n"
	"\n"
	"async def main():\n"
	"    app = web.Application()\n"
	"    app.add_routes([web.get('/hop', hop), web.get('/chunked/{size}', chunked),\n"
	"                    web.get('/{kind}/{size}', answer)])\n"
	"    runner = web.AppRunner(app, access_log=None)\n"
	"    await runner.setup()\n"
	"    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
	"    tls.load_cert_chain(sys.argv[1], sys.argv[2])\n"
	"    for context in None, tls:\n"
	"        await web.TCPSite(runner, '127.0.0.1', 0, ssl_context=context).start()\n"
	"        print(runner.addresses[-1][1], flush=True)\n"
	"    await asyncio.Event().wait()\n"
	"\n"
	"asyncio.run(main())\n";

void serving_aiohttp(struct child *child, unsigned ports[2])
{
	/* The distribution's Python: another one may come first in PATH, without aiohttp. */
	const char *const argv[] = {"/usr/bin/python3",	      "-c",
				    aiohttp_program,	      serving_path("good.pem"),
				    serving_path("good.key"), NULL};

	child_start(child, argv);
	for (unsigned i = 0; i < 2; i++) {
		const char *line = child_line(child, CHILD_LIMIT_MS);

		if (!line)
			fail_msg("aiohttp: %s", child->err.text);
		ports[i] = (unsigned)strtoul(line, NULL, 10);
	}
}

static const char http_server_program[] =
	"import functools, http.server, sys\n"
	"class Server(http.server.ThreadingHTTPServer):\n"
	"    request_queue_size = 64 # of 5, connections are lost and tried again a second later\n"
	"http.server.SimpleHTTPRequestHandler.log_message = lambda *what: None\n"
	"handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])\n"
	"with Server(('127.0.0.1', 0), handler) as server:\n"
	"    print(server.server_port, flush=True)\n"
	"    server.serve_forever()\n";

/* Starts a program of Python's that prints the port it listens at, which it returns. */
static unsigned start_python(struct child *child, const char *program, const char *argument)
{
	const char *const argv[] = {"/usr/bin/python3", "-c", program, argument, NULL};
	const char *line;

	child_start(child, argv);
	line = child_line(child, CHILD_LIMIT_MS);
	if (!line)
		fail_msg("python3: %s", child->err.text);
	return (unsigned)strtoul(line, NULL, 10);
}

unsigned serving_http_server(struct child *child)
{
	return start_python(child, http_server_program, serving_path("site"));
}

static const char echo_program[] =
	"import http.server\n"
	"class Echo(http.server.BaseHTTPRequestHandler):\n"
	"    protocol_version = 'HTTP/1.1'\n"
	"    def do_GET(self):\n"
	"        redirects = self.path == '/here'\n"
	"        body = b'' if redirects else (self.requestline + '\\n' + str(self.headers)).encode()\n"
	"        self.send_response(302 if redirects else 200)\n"
	"        if redirects:\n"
	"            self.send_header('Location', '/there')\n"
	"        self.send_header('Content-Length', len(body))\n"
	"        self.end_headers()\n"
	"        self.wfile.write(body)\n"
	"    def log_message(self, *what):\n"
	"        pass\n"
	"server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Echo)\n"
	"print(server.server_port, flush=True)\n"
	"server.serve_forever()\n";

unsigned serving_echo(struct child *child)
{
	return start_python(child, echo_program, NULL);
}

void serving_origin(struct child *child, const char *const *options, unsigned *ports,
		    unsigned count)
{
	const char *argv[24] = {child_program("origin")};

	for (size_t i = 0; options && options[i]; i++)
		argv[i + 1] = options[i];
	child_start(child, argv);
	for (unsigned i = 0; i < count; i++) {
		const char *line = child_line(child, CHILD_LIMIT_MS);

		if (!line)
			fail_msg("origin: %s", child->err.text);
		ports[i] = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
	}
}
