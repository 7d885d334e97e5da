/* lab/plan: an INI text becomes the right cells, and a wrong one is refused by line and key. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/plan.h"
#include "lab/plans.h"

/* Reads text as a plan file; the plan must be released. */
static int read_text(const char *text, struct plan *plan, char *why, size_t why_size)
{
	char path[] = "/tmp/iolab-plan-XXXXXX.ini";
	int fd = mkstemps(path, 4);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = plan_read(path, 0, plan, why, why_size);
	unlink(path);
	return err;
}

static const struct plan_cell *find(const struct plan *plan, const char *name, bool control)
{
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (strcmp(plan->cells[i].name, name) == 0 && plan->cells[i].control == control)
			return &plan->cells[i];
	return NULL;
}

static void product_of_factors(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	assert_int_equal(read_text("[experiment]\nblocks = 3\nseed = 7\n"
				   "[fetch a]\nmodel = blocking, epoll ,uring\nwait=block,spin\n"
				   "connections = 1, 64\nduration = 10ms\nbaseline = epoll/spin\n"
				   "[sumsq]\nmodel = serial\nduration = 1s\n",
				   &plan, why, sizeof(why)),
			 0);
	assert_int_equal(plan.blocks, 3);
	assert_int_equal(plan.seed, 7);
	/* blocking cannot spin: (1 + 2 + 2) x 2, the baseline's two twins, and one sum. */
	assert_int_equal(plan.cell_count, 5 * 2 + 2 + 1);
	assert_null(find(&plan, "a/blocking/spin/1", false));
	assert_non_null(find(&plan, "a/blocking/block/64", false));
	assert_non_null(find(&plan, "a/epoll/spin/1", true));
	assert_null(find(&plan, "a/epoll/block/1", true));
	assert_non_null(find(&plan, "sumsq", false));
	assert_string_equal(plan_value(find(&plan, "a/uring/spin/64", false), "connections"), "64");
	assert_null(plan_value(find(&plan, "sumsq", false), "wait"));
	assert_int_equal(plan_duration_ns(find(&plan, "sumsq", false), "duration", 0), 1000000000);
	assert_int_equal(plan_duration_ns(find(&plan, "sumsq", false), "warmup", 5), 5);
	plan_release(&plan);
}

/* The values of the first section's key, with '|' between. */
static const char *values_of(const char *text, const char *key)
{
	static char joined[2048];
	const struct plan_key *found;
	struct plan plan;
	char why[512];
	size_t used = 0;

	if (read_text(text, &plan, why, sizeof(why)))
		fail_msg("%s: %s", text, why);
	found = plan_section_key(&plan.sections[0], key);
	joined[0] = '\0';
	for (size_t i = 0; found && i < found->values.count; i++)
		used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s", i ? "|" : "",
					 found->values.items[i]);
	plan_release(&plan);
	return joined;
}

static void values_and_ranges(void **state)
{
	static const struct {
		const char *key, *text, *values;
	} rows[] = {
		{"connections", "1, 2,4", "1|2|4"},
		{"connections", "1, 2 … 5", "1|2|3|4|5"},
		{"connections", "1, 2, 4 … 64", "1|2|4|8|16|32|64"},
		{"connections", "1, 2, 4, ..., 32", "1|2|4|8|16|32"},
		{"connections", "10, 20...50", "10|20|30|40|50"},
		{"connections", "64, 16, 4 … 1", "64|16|4|1"},
		{"connections", "9, 7 … 1", "9|7|5|3|1"},
		{"connections", "4, 6, 9, 12 … 18, 1, 2 … 3", "4|6|9|12|15|18|1|2|3"},
		{"connections", "16, 24, 36 … 81", "16|24|36|54|81"},
		{"body", "512, 1k, 2k … 8k", "512|1k|2k|4k|8k"},
		{"latency", "500us, 1ms … 2ms", "500us|1ms|1500us|2ms"},
		{"histogram", "\"a, b\", c", "a, b|c"},
		{"histogram", "\"a\" ,b... c", "a|b... c"},
		{"histogram[]", "a, \"b\"", "a, \"b\""},
		{"wait", "block,spin", "block|spin"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256], key[32];
		const char *values;

		snprintf(text, sizeof(text), "[fetch]\nmodel = epoll\nduration = 1s\n%s = %s\n",
			 rows[i].key, rows[i].text);
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(rows[i].key, "["), rows[i].key);
		values = values_of(text, key);
		if (strcmp(values, rows[i].values) != 0)
			fail_msg("%s: '%s' instead of '%s'", rows[i].text, values, rows[i].values);
	}
}

/* Lines behind "[fetch]\nmodel = epoll\nduration = 1s\n" are from the fourth on. */
#define FETCH	"[fetch]\nmodel = epoll\nduration = 1s\n"
#define COMMAND "[command c]\nrun = true {url}\n"

static void wrong_plans(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"[experiment]\nblock = 3\n",
		 ":2: [experiment] has no key 'block'; did you mean blocks?"},
		{"[experiment]\nblocks = many\n", ":2: [experiment] blocks: 'many' is not of its"},
		{"[experiment]\nblocks = 0\n", "blocks: '0' is below the least"},
		{"[fetch]\nmodel = epol\nduration = 1s\n",
		 ":2: [fetch] model: 'epol' is not a fetch model; did you mean epoll?"},
		{"[fetch]\nmodel = xyz\nduration = 1s\n", " and floor are"},
		{"[fetch]\nmodel = epoll,,uring\n", ":2: [fetch] model: a value is empty"},
		{"[fetch]\nmodel = epoll,\n", ":2: [fetch] model: a value is empty"},
		{"[fetch]\nmodel =\n", ":2: [fetch] model: it has no value"},
		{"[fetch]\nmodel = epoll, epoll\n", ":2: [fetch] model: the value epoll is there"},
		{"[fetch]\nduration = 1s\n", ":1: [fetch]: the key model is missing"},
		{"[fetch]\nmodel = epoll\nduration = soon\n",
		 ":3: [fetch] duration: 'soon' is not"},
		{"[fetch]\nmodel = epoll\nmodel = uring\n",
		 ":3: [fetch] model: given twice, in line 2 too"},
		{FETCH "wait = later\n", ":4: [fetch] wait: 'later' is not one of its values"},
		{FETCH "wait = blok\n", "did you mean block?"},
		{FETCH "conections = 3\n",
		 ":4: [fetch] has no key 'conections'; did you mean connections?"},
		{FETCH "connections = 0\n", "connections: '0' is below the least"},
		{FETCH "json = yes\n", ":4: [fetch] has no key 'json'"},
		{FETCH "baseline = uring\n", ":4: [fetch] baseline: no cell is 'uring'"},
		{"[fetch]\nmodel = blocking, epoll\nconnections = 1, 4\nbaseline = epoll/4\n",
		 "terms: for fetch/epoll/4 write baseline = model=epoll connections=4"},
		{FETCH "baseline = model=uring\n", ":4: [fetch] baseline: no cell is"},
		{FETCH "baseline = modl=uring\n", "did you mean model?"},
		{FETCH "timeout = 1s, 2s\n", ":4: [fetch] timeout: '1s, 2s' is not of its form"},
		{FETCH "wait = spin\nskip = wait=spin\n", ":1: [fetch]: nothing is left of it"},
		{FETCH "skip = conections>1\n", "no key 'conections'; did you mean connections?"},
		{FETCH "skip = connections>many\n",
		 ":4: [fetch] skip: connections: 'many' is not a whole number"},
		{FETCH "skip = model>epoll\n", "model is not a number: it can be = or != only"},
		{FETCH "skip = model=epol\n", "did you mean epoll?"},
		{FETCH "skip = connections > 3\n", "'connections' is not a term"},
		{FETCH "skip = latency>5\nskip = latency>5q\n",
		 ":5: [fetch] skip: latency: '5q' is not a duration"},
		{FETCH "connections = 1, 2 … \n", "the range has no end"},
		{FETCH "connections = 1 … 5\n", "a range goes on from two terms at least"},
		{FETCH "connections = 1, 3 … 8\n",
		 ":4: [fetch] connections: the range does not hit its end, 8: after 7 comes 9"},
		{FETCH "connections = 1, 2, 4 … 1000\n", "after 512 comes 1024"},
		{FETCH "connections = 4, 6, 9 … 20\n", "after 9 comes none"},
		{FETCH "connections = 1, 1 … 5\n", "never ends at 5"},
		{FETCH "connections = 2, 1 … 5\n", "never ends at 5"},
		{FETCH "connections = 1, 2, 5 … 9\n", "1, 2, 5 does neither"},
		{FETCH "connections = 1, 2 … 1000000\n", "makes more than 512 values"},
		{FETCH "connections = 1, 2 … many\n", "'many' is none"},
		{FETCH "histogram = \"a, b\n", "the quote of \"a, b is not closed"},
		{FETCH "histogram = \"a\" b, c\n", "after the closing quote comes 'b, c'"},
		{"[fetch]\nmodel = blo{king, epoll\n", ":2: [fetch] model: 'blo{king' is not"},
		{FETCH "histogram = {prt}\n", "{prt} is neither a key of this section"},
		{FETCH "latency = 1ms\nbody = 1k\n", ":5: [fetch] latency and body do not go"},
		{FETCH "[fetch]\nmodel = uring\n",
		 ":4: [fetch]: the label fetch is taken, by line 1"},
		{FETCH "include = other.ini\n", ":4: include: it stands before the first section"},
		{"[sumsq]\nmodel = fibres\nduration = 1s\n", "'fibres' is not a sumsq model"},
		{"[sumsq]\nmodel = threads\nper-job = perhaps\n",
		 ":3: [sumsq] per-job: 'perhaps' is neither yes nor no"},
		{"[sumsq]\nmodel = threads\nplace = cores, wide\n",
		 ":3: [sumsq] place: 'wide' is not one of its values"},
		{FETCH "place = nic\n", ":4: [fetch] place: 'nic' is not one of its values"},
		{"[nap]\nmodel = epoll\nplace = wide\n", ":3: [nap] place: 'wide'"},
		{"[sumsq]\nmodel = threads\nidle = spin\n", ":3: [sumsq] idle: 'spin' is neither"},
		{"[sumsq]\nmodel = threads\ncore = abacus\n",
		 ":3: [sumsq] core: this build has no"},
		{"[sumsq]\nmodel = threads\nworkers = 1, most\n",
		 ":3: [sumsq] workers: 'most' is not of its form; give a whole number such as 64, or "
		 "all"},
		{"[sumsq]\nmodel = threads\nworkers = 1, all\nskip = workers<all\n",
		 ":4: [sumsq] skip: workers: 'all' is not a whole number"},
		{"[experiment]\nreport = grains\n", "did you mean grain?"},
		{"[experiment]\nread =\n", ":2: [experiment] read: it has no value"},
		{"[nap]\nmodel = poll\n", "'poll' is not a nap model"},
		{"[nap]\nmodel = epoll\ntick = 0\n", ":3: [nap] tick: '0' is below"},
		{"[disk]\nmodel = x\n", ":1: section [disk]"},
		{"[fetc a]\nmodel = x\n",
		 ":1: section [fetc a]: there is no kind 'fetc'; did you mean [fetch a]?"},
		{"[Experiment]\nblocks = 1\n", "did you mean [experiment]?"},
		{"[origin here]\nthreads = 1\n", ":1: section [origin here]: it is none of"},
		{"[default fetch]\nmodel = x\n", "did you mean [defaults fetch]?"},
		{"[defaults fetsh]\nmodel = x\n", "are; did you mean fetch?"},
		{"[command c]\nrun = x {tls-prt}\n", "did you mean {tls-port}?"},
		{"[command c]\nn = 1, 2\n\nrun = no-such-program {n}\n",
		 ":4: [c] run: cannot run 'no-such-program': no folder of PATH has it"},
		{"[command c]\nrun = ./no/such/program\n", ":2: [c] run: cannot run './no/such/"},
		{"[command c]\nrun = /etc/passwd\n", "'/etc/passwd': Permission denied"},
		{"[command c]\nrun = /usr\n", "cannot run '/usr': Permission denied"},
		{"[command c]\nn = true, falze\nrun = {n}\n",
		 ":3: [c] run: cannot run 'falze': no folder"},
		{"[defaults disk]\nmodel = x\n", ":1: [defaults disk]: 'disk' is no workload"},
		{"[fetch\nmodel = x\n", ":1: '[fetch' is not a section's header"},
		{"[fetch]\nmodel epoll\n", ":2: neither a section nor KEY = VALUE: 'model epoll'"},
		{"model = epoll\n", ":1: model: a key before the first section"},
		{COMMAND "clients = 4\n",
		 ":3: [c] has no key 'clients', and run does not hold {clients}"},
		{COMMAND "counts = (x)\n", "did you mean count?"},
		{COMMAND "rate = (\n", ":3: [c] rate: "},
		{COMMAND "rate = [0-9]+\n", "it has no (group)"},
		{"[command c]\nrun = sh -c 'a\n", ":2: [c] run: a quote is not closed"},
		{"[command c]\nrate = (.)\n", ":1: [c]: the key run is missing"},
		{"[command c]\nrun = x {nothing}\n", "{nothing} is neither"},
		{FETCH "rate = 20%, 0%\n", ":4: [fetch] rate: '0%' is no share of the capacity"},
		{FETCH "rate = 2000%\n", "'2000%' is no share"},
		{FETCH "rate = -5%\n", "'-5%' is no share"},
		{FETCH "rate = 5%x\n", "'5%x' is no share"},
		{FETCH "rate = %\n", "'%' is no share"},
		{FETCH "connections = 20%\n", "connections: '20%' is not of its form"},
		{FETCH "rate = 20%, 80%\nskip = rate>8x%\n",
		 ":5: [fetch] skip: rate: '8x%' is not"},
		{"[fetch]\nmodel = epoll\nrate = 20%\n",
		 ":3: [fetch] rate: 20% is a share of what the cell reaches without a rate, which "
		 "needs a duration"},
		{"[fetch]\nrate = 20%\nduration = 1s\n", ":1: [fetch]: the key model is missing"},
		{COMMAND "[origin]\nurl = 127.0.0.1:80\n", ":4: [origin] url: "},
		{COMMAND "[origin]\nurl = http://\n", ":4: [origin] url: "},
		{COMMAND "[origin]\nurl = https://127.0.0.1:443\n",
		 "is not of its form; give http://HOST:PORT and nothing behind it"},
		{COMMAND "[origin]\nurl = http://127.0.0.1:80/bytes/3\n", "nothing behind it"},
		{COMMAND "[origin]\nurl = http://127.0.0.1:1, http://127.0.0.1:2\n",
		 "it is one address, and no factor"},
		{COMMAND "[origin]\nurl = http://127.0.0.1:1\nthreads = 2\n",
		 ":5: [origin] threads: an origin that runs already is as it was started"},
		{COMMAND "[origin]\ntls-url = https://127.0.0.1:1\n", "it goes with url"},
		{FETCH "tls = yes\n[origin]\nurl = http://127.0.0.1:1\n",
		 ":6: [origin] url: a cell asks by TLS; say where with tls-url"},
		{FETCH "tls = yes\ncacert = {ca}\n[origin]\nurl = http://127.0.0.1:1\n"
		       "tls-url = https://127.0.0.1:2\n",
		 ":5: {ca} is the certificate of an origin that the lab starts"},
		{"[experiment]\nreport = regime\n", "did you mean regimes?"},
		{"[origin]\nprot = 3\n", ":2: [origin] has no key 'prot'"},
		{"[experiment]\nblocks = ${IOLAB_NO_SUCH}\n",
		 ":2: the environment has no variable IOLAB_NO_SUCH"},
		{"include = /no/such/plan.ini\n", ":1: cannot read the plan /no/such/plan.ini"},
		{"[experiment]\nblocks = 1\n", "no workload"},
		{"", "no workload"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan;
		char why[512] = "";
		int err = read_text(rows[i].text, &plan, why, sizeof(why));

		if (err == 0 || !strstr(why, rows[i].says) || strchr(why, '\n'))
			fail_msg("'%s' does not say '%s'", why, rows[i].says);
		plan_release(&plan);
	}
}

/* What only one model has makes no cells of the others, and is not passed to them. */
/* Without a baseline of the plan's own: every kind of workload has its A/A control. */
static void first_cells_are_baselines(void **state)
{
	struct plan plan, twice;
	char why[512];

	(void)state;
	if (read_text("[fetch a]\nmodel = blocking, epoll, uring\n"
		      "[nap b]\nmodel = blocking, uring\n[sumsq c]\nmodel = threads\n",
		      &plan, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.cell_count, 3 + 1 + 2 + 1 + 1);
	/* The twin stands behind its cell. */
	assert_string_equal(plan.cells[0].name, "a/blocking");
	assert_true(plan.cells[0].baseline && !plan.cells[0].control);
	assert_true(plan.cells[1].baseline && plan.cells[1].control);
	assert_string_equal(plan.cells[1].name, "a/blocking");
	assert_string_equal(plan.cells[2].name, "a/epoll");
	assert_string_equal(plan.cells[3].name, "a/uring");
	assert_false(plan.cells[2].baseline || plan.cells[3].baseline);
	assert_non_null(find(&plan, "b/blocking", true));
	assert_null(find(&plan, "b/uring", true));
	assert_null(find(&plan, "c", true));
	assert_int_equal(read_text("[fetch a]\nmodel = blocking, epoll, uring\n"
				   "[nap b]\nmodel = blocking, uring\n[sumsq c]\nmodel = threads\n"
				   "[experiment]\nblocks = 20\n",
				   &twice, why, sizeof(why)),
			 0);
	assert_true(plan.blocks != 20 && fabs(plan_expected_s(&twice) * (double)plan.blocks -
					      plan_expected_s(&plan) * 20.0) < 1e-6);
	plan_release(&twice);
	plan_release(&plan);
	/* A workload that names one is the others' too. */
	assert_int_equal(read_text("[fetch a]\nmodel = blocking, epoll\n"
				   "[fetch b]\nmodel = epoll, uring\nbaseline = uring\n",
				   &plan, why, sizeof(why)),
			 0);
	assert_int_equal(plan.cell_count, 2 + 2 + 1);
	assert_non_null(find(&plan, "b/uring", true));
	plan_release(&plan);
	/* Commands are of one workload; beside fetches they have theirs. */
	assert_int_equal(read_text("[command a]\nrun = true\n[command b]\nrun = false\n", &plan,
				   why, sizeof(why)),
			 0);
	assert_int_equal(plan.cell_count, 3);
	assert_true(find(&plan, "a", true) == &plan.cells[1]);
	plan_release(&plan);
	assert_int_equal(read_text("[command a]\nrun = true\n[command b]\nrun = false\n"
				   "[fetch c]\nmodel = epoll\n",
				   &plan, why, sizeof(why)),
			 0);
	assert_int_equal(plan.cell_count, 3);
	plan_release(&plan);
}

static void models_own_options(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	if (read_text("[fetch a]\nmodel = blocking, epoll\nepoll = edge, \"level\"\n"
		      "connections = 1, 2\nduration = 1s\nbaseline = model=epoll epoll=level\n",
		      &plan, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.cell_count, 2 + 4 + 2);
	assert_non_null(find(&plan, "a/blocking/1", false));
	assert_null(plan_value(find(&plan, "a/blocking/1", false), "epoll"));
	assert_string_equal(plan_value(find(&plan, "a/epoll/edge/1", false), "epoll"), "edge");
	assert_non_null(find(&plan, "a/epoll/level/2", true));
	assert_null(find(&plan, "a/epoll/edge/2", true));
	plan_release(&plan);
	if (read_text("[fetch a]\nmodel = epoll, uring\nuring = \"coop,fixed\", defer\n"
		      "epoll = level\n",
		      &plan, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.cell_count, 3 + 1);
	assert_string_equal(plan_value(find(&plan, "a/uring/coop,fixed", false), "uring"),
			    "coop,fixed");
	assert_string_equal(plan_value(find(&plan, "a/epoll", false), "epoll"), "level");
	plan_release(&plan);
	assert_int_equal(
		read_text("[fetch a]\nmodel = epoll\nepoll = egde\n", &plan, why, sizeof(why)),
		-EINVAL);
	assert_non_null(strstr(why, ":3: [fetch a] epoll: "));
	plan_release(&plan);
}

static void skips(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	if (read_text(
		    "[defaults fetch]\nskip = latency>=1ms body<1m\nduration = 2s\n"
		    "[fetch a]\nmodel = epoll, uring\nwait = block, spin\nconnections = 1, 10, 100\n"
		    "latency = 0, 1000us\n"
		    "skip = model=uring connections>10\nskip = latency<1ms wait!=block\n"
		    "baseline = model=epoll wait=block connections<=10\n",
		    &plan, why, sizeof(why)))
		fail_msg("%s", why);
	/* 2 x 2 x 3 x 2, less uring's 100 (4), less spin at 0 (epoll 3, uring 2), plus 4 twins. */
	assert_int_equal(plan.cell_count, 24 - 4 - 5 + 4);
	assert_null(find(&plan, "a/uring/block/100/0", false));
	assert_null(find(&plan, "a/epoll/spin/1/0", false));
	assert_non_null(find(&plan, "a/epoll/spin/100/1000us", false));
	assert_non_null(find(&plan, "a/epoll/block/10/0", true));
	assert_null(find(&plan, "a/epoll/block/100/0", true));
	assert_int_equal(plan_duration_ns(&plan.cells[0], "duration", 0), 2000000000);
	plan_release(&plan);
}

static void too_many_cells(void **state)
{
	static const char text[] = "[fetch]\nmodel=epoll\nduration=1s\nconnections=1, 2 … 24\n"
				   "body=1, 2 … 24\n";
	static const char million[] = "[fetch]\nmodel=epoll\nduration=1s\nconnections=1, 2 … 500\n"
				      "body=1, 2 … 500\nlatency=1, 2 … 500\n";
	char path[] = "/tmp/iolab-plan-XXXXXX.ini", why[512];
	struct plan plan;
	int fd;

	(void)state;
	assert_int_equal(read_text(text, &plan, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "more than 512 cells"));
	assert_non_null(strstr(why, "--cells-max"));
	plan_release(&plan);
	/* When told so it is taken, but never a million. */
	fd = mkstemps(path, 4);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) > 0);
	assert_int_equal(plan_read(path, 577, &plan, why, sizeof(why)), 0);
	assert_int_equal(plan.cell_count, 576 + 1);
	plan_release(&plan);
	assert_int_equal(plan_read(path, 576, &plan, why, sizeof(why)), -EINVAL);
	plan_release(&plan);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, million, strlen(million), 0), strlen(million));
	assert_int_equal(plan_read(path, PLAN_CELLS_MOST, &plan, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "latency and body"));
	plan_release(&plan);
	close(fd);
	unlink(path);
	assert_int_equal(read_text("[fetch]\nmodel=epoll\nduration=1s\nconnections=1, 2 … 500\n"
				   "body=1, 2 … 500\nthreads=1, 2 … 500\n",
				   &plan, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "a million cells or more"));
	assert_int_equal(plan.cell_count, 0);
	plan_release(&plan);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void includes(void **state)
{
	char folder[] = "/tmp/iolab-plan-XXXXXX", main_path[64], sub[64], command[96], why[512];
	struct plan plan, again;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	snprintf(main_path, sizeof(main_path), "%s/main.ini", folder);
	snprintf(command, sizeof(command), "mkdir %s && exec true", sub);
	assert_int_equal(system(command), 0);
	setenv("IOLAB_TEST_CONNECTIONS", "8, 9", 1);
	write_file(folder, "main.ini",
		   "; Main.\ninclude = sub/one.ini\nblocks = 5\n"
		   "[fetch own]\nmodel = uring\nduration = \\\n  1s\n"
		   "connections = ${IOLAB_TEST_CONNECTIONS}\n");
	/* Relative to the including file, and its defaults are everyone's. */
	write_file(sub, "one.ini", "include = two.ini\n[fetch one]\nmodel = epoll\n");
	write_file(sub, "two.ini",
		   "[experiment]\nblocks = 2\nseed = 3\n[defaults fetch]\n"
		   "warmup = 7ms\n");
	if (plan_read(main_path, 0, &plan, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.blocks, 5);
	assert_int_equal(plan.seed, 3);
	assert_int_equal(plan.cell_count, 2 + 1 + 1);
	assert_non_null(find(&plan, "own/9", false));
	assert_int_equal(plan_duration_ns(find(&plan, "one", false), "warmup", 0), 7000000);
	assert_int_equal(plan_duration_ns(find(&plan, "own/8", false), "duration", 0), 1000000000);
	/* What goes into the run's folder stands alone. */
	unsetenv("IOLAB_TEST_CONNECTIONS");
	if (read_text(plan.text.flat, &again, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(again.cell_count, 4);
	assert_int_equal(again.blocks, 5);
	assert_non_null(strstr(plan.text.flat, "; Main.\n"));
	plan_release(&again);
	plan_release(&plan);
	setenv("IOLAB_TEST_CONNECTIONS", "1", 1);
	/* An error in an included file is told by that file's name and line. */
	write_file(sub, "two.ini", "[experiment]\nblocks = 2\n\nsed = 3\n");
	assert_int_equal(plan_read(main_path, 0, &plan, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "/sub/two.ini:4: [experiment] has no key 'sed'"));
	plan_release(&plan);
	write_file(sub, "two.ini", "include = ../main.ini\n");
	assert_int_equal(plan_read(main_path, 0, &plan, why, sizeof(why)), -ELOOP);
	assert_non_null(strstr(why, "would include itself"));
	plan_release(&plan);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void how_long(void **state)
{
	static const struct {
		const char *text;
		double least_s, most_s;
	} rows[] = {
		{"[fetch]\nmodel=epoll\nduration=2s\nwarmup=1s\n", 3, 3.2},
		{"[fetch]\nmodel=epoll\nrepeat=3\nurls=http://a/delay/80ms http://b/delay/120ms\n",
		 0.6, 0.7},
		{"[fetch]\nmodel=epoll\nrepeat=3\nconnections=6\n"
		 "urls=http://a/delay/80ms http://b/delay/120ms\n",
		 0.1, 0.2},
		{"[nap]\nmodel=blocking\n", 6, 6.1},
		{"[nap]\nmodel=uring\ntick=2s\n", 6, 6.1},
		{"[nap]\nmodel=epoll\ntasks[]=a:1,b:5\n", 5, 5.1},
		{"[experiment]\nblocks=3\n[command]\nrun=true {duration}\nduration=2s\n", 6, 6.3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256], why[512];
		struct plan plan;

		snprintf(text, sizeof(text), "[experiment]\nblocks = 1\n%s", rows[i].text);
		if (read_text(text, &plan, why, sizeof(why)))
			fail_msg("%s", why);
		if (plan_expected_s(&plan) < rows[i].least_s ||
		    plan_expected_s(&plan) > rows[i].most_s)
			fail_msg("%s takes %g s", rows[i].text, plan_expected_s(&plan));
		plan_release(&plan);
	}
}

/* What the sums have of their own: all workers, any placement, a report of its own. */
static void sums(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	if (read_text(
		    "[experiment]\nread = Look, commas; \\\n\tand = signs.\nreport = grain\n"
		    "[sumsq a]\nmodel = threads\nworkers = 1, 2, all\nsize = 100, 1000, 10000 … "
		    "1000000\nplace = none, nic:eth0\nbaseline = workers=all size=100 place=none\n"
		    "skip = workers>1 size<1000\n",
		    &plan, why, sizeof(why)))
		fail_msg("%s", why);
	assert_non_null(strstr(plan.read, "Look, commas; "));
	assert_non_null(strstr(plan.read, "and = signs."));
	assert_int_equal(plan.report, PLAN_GRAIN);
	assert_int_equal(plan.cell_count, (3 * 5 - 1) * 2 + 1);
	assert_non_null(find(&plan, "a/all/100/none", true));
	assert_non_null(find(&plan, "a/2/1000000/nic:eth0", false));
	assert_null(find(&plan, "a/2/100/none", false));
	plan_release(&plan);
}

/* Shares of a capacity: which cells have one in common, and what that takes. */
static void shares(void **state)
{
	const struct plan_cell *first;
	double share;
	struct plan plan;
	char why[512];

	(void)state;
	assert_true(plan_share("80%", &share) && share == 0.8);
	assert_true(plan_share("12.5%", &share) && share == 0.125);
	assert_false(plan_share("80", &share) || plan_share("80 %", &share) ||
		     plan_share("8e1%", &share) || plan_share("inf%", &share));
	if (read_text("[experiment]\nblocks = 4\n[fetch a]\nmodel = epoll, uring\n"
		      "rate = 1000, 50%, 90%, 110%\nconnections = 2, 8\nduration = 1s\n"
		      "skip = rate>100% connections>2\nskip = rate=50% model=uring\n"
		      "baseline = model=epoll\n",
		      &plan, why, sizeof(why)))
		fail_msg("%s", why);
	/* epoll: 4 + 3, and their twins; uring: 3 + 2. */
	assert_int_equal(plan.cell_count, 2 * 7 + 5);
	assert_null(find(&plan, "a/epoll/110%/8", false));
	assert_null(find(&plan, "a/uring/50%/2", false));
	assert_null(plan_capacity_cell(&plan, find(&plan, "a/epoll/1000/2", false)));
	first = find(&plan, "a/epoll/50%/8", false);
	assert_ptr_equal(plan_capacity_cell(&plan, first), first);
	assert_ptr_equal(plan_capacity_cell(&plan, find(&plan, "a/epoll/90%/8", false)), first);
	assert_ptr_equal(plan_capacity_cell(&plan, find(&plan, "a/epoll/90%/8", true)), first);
	assert_ptr_equal(plan_capacity_cell(&plan, find(&plan, "a/uring/110%/2", false)),
			 find(&plan, "a/uring/90%/2", false));
	/* Four capacities, three times each, and four blocks. */
	assert_true(fabs(plan_expected_s(&plan) -
			 (12 + 4 * 19) * (double)plan_expected_ns(first) / 1e9) < 1e-6);
	plan_release(&plan);
}

/* Several loads, and nothing else, are for the table of latency against load. */
static void loads_have_their_report(void **state)
{
	static const struct {
		const char *text;
		enum plan_report report;
	} rows[] = {
		{"[fetch f]\nmodel = epoll\nduration = 1s\nrate = 20%, 40%\n", PLAN_LATENCY},
		{"[fetch f]\nmodel = epoll, uring\nduration = 1s\nrate = 20%\n", PLAN_MATRIX},
		{"[fetch f]\nmodel = epoll\nduration = 1s\nrate = 2000, 4000\n", PLAN_MATRIX},
		{"[experiment]\nreport = cells\n[fetch f]\nmodel = epoll\nduration = 1s\n"
		 "rate = 20%, 40%\n",
		 PLAN_CELLS},
		{"[fetch f]\nmodel = epoll\nduration = 1s\nrate = 20%, 40%\n"
		 "[sumsq s]\nmodel = serial\njobs = 1\n",
		 PLAN_MATRIX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan;
		char why[512];

		if (plan_read_text("p", rows[i].text, 0, &plan, why, sizeof(why)))
			fail_msg("%zu: %s", i, why);
		assert_int_equal(plan.report, rows[i].report);
		plan_release(&plan);
	}
}

/* The cells of each shipped plan, controls and capacities' cells as they should be. */
static void shipped_plans_have(void **state)
{
	static const struct {
		const char *name;
		unsigned cells, controls;
		enum plan_report report;
		double most_s;
	} rows[] = {
		{"fetch", 4 * 3 * 3 * 2 + 18, 18, PLAN_CELLS, 900},
		{"uring", 2 * (21 + 1) + 2, 2, PLAN_CELLS, 900},
		{"latency", 4 * 8 + 8, 8, PLAN_LATENCY, 900},
		{"scaling", 2 * 6 + 1 + 3 * 4 + 1, 2, PLAN_SCALING, 900},
		{"regimes", 4 * 3 * 3 + 9, 9, PLAN_REGIMES, 900},
		{"overlap", 3 * 6 + 3 + 1, 3, PLAN_CELLS, 900},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned controls = 0;
		struct plan plan;
		char why[512];

		if (plan_read(rows[i].name, 0, &plan, why, sizeof(why)))
			fail_msg("%s: %s", rows[i].name, why);
		for (unsigned k = 0; k < plan.cell_count; k++)
			controls += plan.cells[k].control;
		assert_int_equal(plan.cell_count, rows[i].cells);
		assert_int_equal(controls, rows[i].controls);
		assert_int_equal(plan.report, rows[i].report);
		assert_true(strlen(plan.read) > 100);
		assert_true(plan.blocks >= 10 && plan_expected_s(&plan) < rows[i].most_s);
		plan_release(&plan);
	}
}

static void shipped_plans_read(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	for (const struct plan_text *p = plan_texts; p->name; p++) {
		if (plan_read(p->name, 0, &plan, why, sizeof(why)))
			fail_msg("%s: %s", p->name, why);
		assert_true(plan.cell_count > 0);
		assert_string_equal(plan.name, p->name);
		/* How many there are is counted, and not written down to grow wrong. */
		assert_null(memmem(p->text, strcspn(p->text, "["), " cells, ", 8));
		plan_release(&plan);
	}
	assert_int_equal(plan_read("matrx", 0, &plan, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "did you mean matrix?"));
	plan_release(&plan);
	assert_int_equal(plan_read("./no-such.ini", 0, &plan, why, sizeof(why)), -ENOENT);
	plan_release(&plan);
}

/* Every key that a plan may have stands in the help, and every report. */
static void help_has_every_key(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	plan_kind_print_help(file);
	assert_int_equal(fclose(file), 0);
	for (unsigned kind = 0; kind < PLAN_KINDS; kind++) {
		char shown[160], *section;
		size_t count;
		const struct option_row *rows = plan_kind_own((enum plan_kind)kind, &count);

		snprintf(shown, sizeof(shown), "\n[%s", plan_kind_names[kind]);
		section = strstr(text, shown);
		assert_non_null(section);
		for (size_t i = 0; i < count; i++) {
			assert_non_null(rows[i].help);
			snprintf(shown, sizeof(shown), "\n  %s = %s", rows[i].name,
				 rows[i].argument);
			if (!strstr(section, shown))
				fail_msg("'%s' is not in:\n%s", shown, section);
			for (const char *const *c = rows[i].choices; c && *c; c++)
				assert_non_null(strstr(rows[i].argument, *c));
		}
	}
	free(text);
}

/* PATH is searched as execvp() does: what may not be executed is told when no folder has it. */
static void programs_by_path(void **state)
{
	char *path = strdup(getenv("PATH"));
	struct plan plan;
	char why[512] = "";

	(void)state;
	assert_int_equal(setenv("PATH", "/no/such:/etc", 1), 0);
	assert_int_equal(read_text("[command c]\nrun = passwd\n", &plan, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "cannot run 'passwd': Permission denied"));
	plan_release(&plan);
	assert_int_equal(setenv("PATH", "/etc:/bin:/usr/bin", 1), 0);
	assert_int_equal(read_text("[command c]\nrun = env\n", &plan, why, sizeof(why)), 0);
	plan_release(&plan);
	assert_int_equal(unsetenv("PATH"), 0);
	assert_int_equal(read_text("[command c]\nrun = env\n", &plan, why, sizeof(why)), 0);
	plan_release(&plan);
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(product_of_factors),
		cmocka_unit_test(values_and_ranges),
		cmocka_unit_test(wrong_plans),
		cmocka_unit_test(skips),
		cmocka_unit_test(first_cells_are_baselines),
		cmocka_unit_test(models_own_options),
		cmocka_unit_test(includes),
		cmocka_unit_test(how_long),
		cmocka_unit_test(too_many_cells),
		cmocka_unit_test(sums),
		cmocka_unit_test(shares),
		cmocka_unit_test(programs_by_path),
		cmocka_unit_test(help_has_every_key),
		cmocka_unit_test(loads_have_their_report),
		cmocka_unit_test(shipped_plans_have),
		cmocka_unit_test(shipped_plans_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
