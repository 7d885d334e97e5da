/*
 * TLS as the user of fetch-MODEL meets it: what each bad certificate is called, who is trusted,
 * sessions that go on, who moves the bytes, and servers that break off or never speak TLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

/* The good one speaks plain HTTP too. */
static struct child good;
static unsigned plain_port, good_port;
static char good_url[64];

static void start_with(struct child *child, const char *kind, unsigned *port)
{
	char certificate[64], key[64];
	const char *const options[] = {"--listen-tls", "127.0.0.1:0", "--cert", certificate,
				       "--key",	       key,	      NULL};

	snprintf(certificate, sizeof(certificate), "%s.pem", serving_path(kind));
	snprintf(key, sizeof(key), "%s.key", serving_path(kind));
	serving_origin(child, options, port, 1);
}

static int start(void **state)
{
	const char *options[] = {"--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--cert",
				 NULL,	     "--key",	    NULL,	    NULL};
	unsigned ports[2];

	if (serving_make_folder(state))
		return -1;
	options[5] = serving_path("good.pem");
	options[7] = serving_path("good.key");
	serving_origin(&good, options, ports, 2);
	plain_port = ports[0];
	good_port = ports[1];
	snprintf(good_url, sizeof(good_url), "https://127.0.0.1:%u/", good_port);
	return 0;
}

static int stop(void **state)
{
	child_end(&good, 15, CHILD_LIMIT_MS);
	child_free(&good);
	return serving_remove_folder(state);
}

/* One line on stderr names this URL and the reason. */
static void assert_line(const struct child *child, const char *model, const char *url,
			const char *reason)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "fetch-%s: %s: %s", model, url, reason);
	if (fetching_lines(child->err.text, wanted, "") != 1)
		fail_msg("no line '%s' in '%s'", wanted, child->err.text);
}

static const struct {
	const char *kind, *says;
} bad[] = {
	{"expired", "TLS: certificate has expired"},
	{"not-yet-valid", "TLS: certificate is not yet valid"},
	/* OpenSSL writes it with a hyphen or without. */
	{"self-signed", "TLS: self"},
	{"wrong-name", "TLS: IP address mismatch"},
};

#define BAD (sizeof(bad) / sizeof(bad[0]))

/* Each has its line; what is good, before, between and after, is fetched all the same. */
static void bad_certificates(void **state)
{
	const char *const ca = serving_path("ca.pem");
	struct child servers[BAD], child;
	char urls[BAD][64];

	(void)state;
	for (size_t i = 0; i < BAD; i++) {
		unsigned port;

		start_with(&servers[i], bad[i].kind, &port);
		snprintf(urls[i], sizeof(urls[i]), "https://127.0.0.1:%u/", port);
	}
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {"--cacert", ca,      good_url, urls[0],  urls[1],
						 good_url,   urls[2], urls[3],	good_url, NULL};
		const char *const insecure[] = {"--insecure", urls[0], urls[1],
						urls[2],      urls[3], NULL};

		assert_int_equal(fetching_run(&child, fetching_all[m], arguments), 1);
		for (size_t i = 0; i < BAD; i++)
			assert_line(&child, fetching_all[m], urls[i], bad[i].says);
		assert_int_equal(fetching_lines(child.err.text, "", ""), BAD);
		assert_int_equal(fetching_lines(child.out.text, "Status Code: 200", good_url), 3);
		assert_non_null(strstr(child.out.text, "Downloaded 3 sites"));
		child_free(&child);
		if (fetching_run(&child, fetching_all[m], insecure) != 0)
			fail_msg("%s", child.err.text);
		assert_string_equal(child.err.text, "");
		assert_non_null(strstr(child.out.text, "Downloaded 4 sites"));
		child_free(&child);
	}
	for (size_t i = 0; i < BAD; i++)
		child_free(&servers[i]);
}

/* The system's CAs, and another one than this server's, do not know it. */
static void unknown_authority(void **state)
{
	const char *const other = serving_path("self-signed.pem");
	const char *const of_system[] = {good_url, NULL};
	const char *const of_file[] = {"--cacert", other, good_url, NULL};
	struct child child;

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const *const lists[] = {of_system, of_file};

		for (int i = 0; i < 2; i++) {
			assert_int_equal(fetching_run(&child, fetching_all[m], lists[i]), 1);
			assert_line(&child, fetching_all[m], good_url,
				    "TLS: unable to get local issuer certificate");
			assert_true(child_one_line(child.err.text));
			child_free(&child);
		}
	}
}

/* By name, too: a name that the certificate has, one that it has not. */
static void names(void **state)
{
	const char *const ca = serving_path("ca.pem");
	char right[64], wrong[64], resolve[64];
	const char *const arguments[] = {"--cacert", ca, "--resolve", resolve, wrong, right, NULL};
	struct child child;

	(void)state;
	snprintf(right, sizeof(right), "https://localhost:%u/", good_port);
	snprintf(wrong, sizeof(wrong), "https://other.test:%u/", good_port);
	snprintf(resolve, sizeof(resolve), "other.test:%u:127.0.0.1", good_port);
	assert_int_equal(fetching_run(&child, "epoll", arguments), 1);
	assert_line(&child, "epoll", wrong, "TLS: hostname mismatch");
	assert_true(child_one_line(child.err.text));
	assert_int_equal(fetching_lines(child.out.text, "Status Code: 200", right), 1);
	child_free(&child);
}

static void assert_refused(const char *model, const char *const *arguments, int status,
			   const char *says)
{
	struct child child;

	if (fetching_run(&child, model, arguments) != status || !child_one_line(child.err.text) ||
	    !strstr(child.err.text, says))
		fail_msg("fetch-%s: status %d, '%s'; expected %d, '%s'", model, child.status,
			 child.err.text, status, says);
	child_free(&child);
}

/* Said once, however many workers would have read the file. */
static void bad_ca_files(void **state)
{
	const char *const garbage = serving_path("garbage.pem"), *const cut = serving_path("cut");
	const char *const missing[] = {"--cacert", "/no/such.pem", "-t4", good_url, NULL};
	const char *const bad_text[] = {"--cacert", garbage, "-p3", good_url, NULL};
	const char *const half[] = {"--cacert", cut, good_url, NULL};
	const char *const both[] = {"--insecure", "--cacert", garbage, good_url, NULL};
	size_t size;
	char *whole = serving_read(serving_path("ca.pem"), &size);

	(void)state;
	serving_put("garbage.pem", "garbage\n", 8);
	serving_put("cut", whole, size / 2);
	assert_refused("epoll", missing, 2, "/no/such.pem cannot be read: No such file");
	assert_refused("blocking", bad_text, 2, "garbage.pem has no certificate");
	assert_refused("uring", half, 2, "is not valid PEM");
	assert_refused("epoll", both, 2, "exclude each other");
	free(whole);
}

/* The row's share, and what the origin says it has seen. */
static void sessions_go_on(void **state)
{
	const char *const ca = serving_path("ca.pem");

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		unsigned full = 0, resumed = 0, failed = 1;
		struct child origin, child;
		char url[64];
		unsigned port;
		const char *arguments[] = {"-n50",
					   "--connection-per-request",
					   "--tls-session=fresh",
					   "--json",
					   "--cacert",
					   ca,
					   url,
					   NULL};
		json_t *row;

		start_with(&origin, "chain", &port);
		snprintf(url, sizeof(url), "https://localhost:%u/", port);
		for (int resume = 0; resume < 2; resume++) {
			double share;

			if (resume)
				arguments[2] = "--tls-session=resumed";
			if (fetching_run(&child, fetching_all[m], arguments) != 0)
				fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
			row = fetching_row(&child);
			share = fetching_number(row, "tls_resumed_share");
			assert_int_equal(fetching_number(row, "requests"), 50);
			assert_int_equal(fetching_number(row, "tls"), 1);
			assert_true(fetching_number(row, "tls_p50_us") > 0);
			assert_string_equal(json_string_value(json_object_get(row, "tls_version")),
					    "TLSv1.3");
			assert_true(resume ? share > 0.9 : share == 0);
			json_decref(row);
			child_free(&child);
		}
		const char *line = peer_origin_end(&origin);
		const char *at = strstr(line, "handshakes: ");

		assert_non_null(at);
		assert_int_equal(sscanf(at, "handshakes: %u full, %u resumed, %u failed", &full,
					&resumed, &failed),
				 3);
		assert_int_equal(failed, 0);
		assert_int_equal(full + resumed, 100);
		assert_in_range(resumed, 46, 49);
		child_free(&origin);
	}
}

/* Bodies of all sizes, as the buffered way brings them; 16 connections, kept and new. */
static void by_openssl_itself(void **state)
{
	static const char *const able[] = {"blocking", "nonblocking", "select", "poll", "epoll"};
	static const char *const unable[] = {"uring", "none", "floor"};
	const char *const ca = serving_path("ca.pem"), *const output = serving_path("output");
	char large[96], chunked[96];
	size_t size, expected_size;
	char *expected;
	struct child child;

	(void)state;
	snprintf(large, sizeof(large), "%sbytes/1048577", good_url);
	snprintf(chunked, sizeof(chunked), "%schunked/70000", good_url);
	const char *const buffered[] = {"--cacert", ca,	   "-o",    output,
					good_url,   large, chunked, NULL};

	assert_int_equal(fetching_run(&child, "epoll", buffered), 0);
	child_free(&child);
	expected = serving_read(output, &expected_size);
	assert_int_equal(expected_size, 24 + 1048577 + 70000);
	for (size_t m = 0; m < sizeof(able) / sizeof(able[0]); m++) {
		for (int fresh = 0; fresh < 2; fresh++) {
			const char *const arguments[] = {"--tls-io=conventional",
							 "-n96",
							 "--json",
							 fetching_lanes(able[m], 16),
							 "--cacert",
							 ca,
							 "-o",
							 output,
							 good_url,
							 large,
							 chunked,
							 fresh ? "--connection-per-request" : NULL,
							 NULL};
			char *bytes;
			json_t *row;

			if (fetching_run(&child, able[m], arguments) != 0)
				fail_msg("fetch-%s: %s", able[m], child.err.text);
			row = fetching_row(&child);
			assert_int_equal(fetching_number(row, "requests"), 96);
			assert_string_equal(json_string_value(json_object_get(row, "tls_io")),
					    "conventional");
			json_decref(row);
			child_free(&child);
			bytes = serving_read(output, &size);
			assert_int_equal(size, expected_size);
			assert_memory_equal(bytes, expected, size);
			free(bytes);
		}
	}
	free(expected);
	for (size_t m = 0; m < sizeof(unable) / sizeof(unable[0]); m++) {
		const char *const arguments[] = {"--tls-io=conventional", "-n1", good_url, NULL};

		assert_refused(unable[m], arguments, 2, "--tls-io");
	}
}

/* Where the kernel has no TLS, that is the host's answer, once; where it has, bytes are right. */
static void by_the_kernel(void **state)
{
	const char *const ca = serving_path("ca.pem");
	/* Processes more than once: that two of them speak is a matter of chance. */
	static const char *const shares[] = {"-t1", "-t4", "-p4", "-p4", "-p4", "-p4"};
	char large[96];

	(void)state;
	snprintf(large, sizeof(large), "%sbytes/100000", good_url);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		const char *const arguments[] = {"--tls-io=ktls", "--cacert", ca,    shares[i],
						 "-n40",	  "--json",   large, NULL};
		struct child child;
		int status = fetching_run(&child, "epoll", arguments);

		if (status == 0) {
			json_t *row = fetching_row(&child);

			assert_int_equal(fetching_number(row, "body_bytes"), 100000);
			json_decref(row);
		} else {
			assert_int_equal(status, 3);
			assert_true(child_one_line(child.err.text));
			assert_int_equal(fetching_lines(child.err.text, "the kernel", "TLS"), 1);
		}
		child_free(&child);
	}
}

/* HTTP where TLS is spoken, TLS where HTTP is, and where nobody understands a word. */
static void wrong_language(void **state)
{
	static const char *const texts[] = {"?220 mail.test ready\r\n", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	const char *const ca = serving_path("ca.pem");
	char plain_to_tls[64], tls_to_plain[64], tls_to_mail[64];
	const char *const arguments[] = {"--cacert",  ca,	plain_to_tls, tls_to_plain,
					 tls_to_mail, good_url, NULL};
	struct child child;
	pid_t pid;

	(void)state;
	snprintf(plain_to_tls, sizeof(plain_to_tls), "http://127.0.0.1:%u/", good_port);
	snprintf(tls_to_plain, sizeof(tls_to_plain), "https://127.0.0.1:%u/", plain_port);
	snprintf(tls_to_mail, sizeof(tls_to_mail), "https://127.0.0.1:%u/",
		 fetching_serve(scripts, &pid));
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		assert_int_equal(fetching_run(&child, fetching_all[m], arguments), 1);
		assert_line(&child, fetching_all[m], plain_to_tls, "");
		assert_line(&child, fetching_all[m], tls_to_plain,
			    "TLS: the server does not speak TLS");
		assert_line(&child, fetching_all[m], tls_to_mail,
			    "TLS: the server does not speak TLS");
		assert_int_equal(fetching_lines(child.err.text, "", ""), 3);
		assert_non_null(strstr(child.out.text, "Downloaded 1 sites"));
		child_free(&child);
	}
	fetching_stop_server(pid);
}

/* After nothing, after half a message in order, and cut off with the client's hello unread. */
static void broken_off(void **state)
{
	/* A handshake record of 257 bytes, of which there are a few. */
	static const char *const half[] = {"?\x16\x03\x03\x01\x01\x02", "/", NULL};
	static const char *const at_once[] = {"?", NULL};
	static const char *const nothing[] = {"?", "/", NULL};
	static const char *const *const scripts[][2] = {
		{half, NULL}, {at_once, NULL}, {nothing, NULL}};
	static const char *const says[] = {"TLS: the server closed in the middle of the handshake",
					   "TLS: Connection reset by peer",
					   "TLS: the server closed in the middle of the handshake"};
	const char *const ca = serving_path("ca.pem");
	struct child child;

	(void)state;
	for (int i = 0; i < 3; i++) {
		char url[64];
		pid_t pid;
		const char *const arguments[] = {"--cacert", ca, url, good_url, NULL};

		snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
			 fetching_serve(scripts[i], &pid));
		for (unsigned m = 0; m < FETCHING_ALL; m++) {
			assert_int_equal(fetching_run(&child, fetching_all[m], arguments), 1);
			assert_line(&child, fetching_all[m], url, says[i]);
			assert_true(child_one_line(child.err.text));
			assert_non_null(strstr(child.out.text, "Downloaded 1 sites"));
			child_free(&child);
		}
		fetching_stop_server(pid);
	}
}

/* A server of TLS 1.2 is a good server; its sessions go on as well. One of 1.1 is refused. */
static void older_versions(void **state)
{
	unsigned ports[2] = {serving_free_port(), serving_free_port()};
	const char *const ca = serving_path("ca.pem"), *const output = serving_path("output");
	char servers[1024], url[64], old[64];
	struct child nginx, child;
	size_t size;

	(void)state;
	snprintf(servers, sizeof(servers),
		 "ssl_certificate good.pem; ssl_certificate_key good.key;\n"
		 "ssl_ciphers ALL:@SECLEVEL=0;\n"
		 "server { listen 127.0.0.1:%u ssl; ssl_protocols TLSv1.2; }\n"
		 "server { listen 127.0.0.1:%u ssl; ssl_protocols TLSv1.1; }\n",
		 ports[0], ports[1]);
	serving_put("site/page", "twelve bytes", 12);
	serving_nginx(&nginx, servers, ports[1]);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/page", ports[0]);
	snprintf(old, sizeof(old), "https://127.0.0.1:%u/page", ports[1]);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {"-n20",     "--connection-per-request",
						 "--cacert", ca,
						 "-o",	     output,
						 "--json",   url,
						 NULL};
		const char *const too_old[] = {"--cacert", ca, old, NULL};
		char *bytes;
		json_t *row;

		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		row = fetching_row(&child);
		assert_string_equal(json_string_value(json_object_get(row, "tls_version")),
				    "TLSv1.2");
		assert_true(fetching_number(row, "tls_resumed_share") > 0.9);
		json_decref(row);
		child_free(&child);
		bytes = serving_read(output, &size);
		assert_string_equal(bytes, "twelve bytes");
		free(bytes);
		assert_int_equal(fetching_run(&child, fetching_all[m], too_old), 1);
		assert_line(&child, fetching_all[m], old, "TLS: ");
		assert_true(child_one_line(child.err.text));
		child_free(&child);
	}
	child_end(&nginx, 15, CHILD_LIMIT_MS);
	child_free(&nginx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_certificates),
		cmocka_unit_test(unknown_authority),
		cmocka_unit_test(names),
		cmocka_unit_test(bad_ca_files),
		cmocka_unit_test(sessions_go_on),
		cmocka_unit_test(by_openssl_itself),
		cmocka_unit_test(by_the_kernel),
		cmocka_unit_test(wrong_language),
		cmocka_unit_test(broken_off),
		cmocka_unit_test(older_versions),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
