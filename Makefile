# iolab: `make run` and `make test` do everything; the other targets are listed by `make help`.
MAKEFLAGS += --no-builtin-rules
VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CFLAGS ?= -O2 -g
ARCH := $(shell uname -m)
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null)

MODELS := $(shell sed -n 's/^MODEL(\(.*\))/\1/p' kernels/fetch/models.def)
NAPS := $(shell sed -n 's/^NAP(\(.*\))/\1/p' kernels/nap/naps.def)
PLACES := serial threads processes
PROGRAMS := $(MODELS:%=fetch-%) $(PLACES:%=sumsq-%) $(NAPS:%=nap-%) origin iolab
BINARIES := $(PROGRAMS:%=$(BUILD)/%)

# --- packages -------------------------------------------------------------------------------
PACKAGES := liburing hwloc openssl jansson zlib libbrotlienc libbrotlidec libbrotlicommon libzstd
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
XDP_PACKAGES := lwip libxdp libbpf
XDP_CFLAGS := $(shell pkg-config --cflags-only-I $(XDP_PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
XDP_LIBS := $(shell pkg-config --libs $(XDP_PACKAGES) 2>/dev/null)
# Newer distributions package llhttp as a library; Debian 12 ships its generated C only.
ifeq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),yes)
LLHTTP_CFLAGS := $(shell pkg-config --cflags libllhttp)
LLHTTP_LIBS := $(shell pkg-config --libs libllhttp)
LLHTTP_OBJECTS :=
else
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp
LLHTTP_LIBS :=
LLHTTP_OBJECTS := $(addprefix $(BUILD)/llhttp/,api.o http.o llhttp.o)
endif

# One line a file; V=1 shows the commands.
ifeq ($(V),1)
Q :=
say :=
else
Q := @
say = @printf '  %-5s %s\n'
endif

# --- flags ----------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	    -Wpointer-arith -Wwrite-strings
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(BUILD)/gen -pthread $(WARNINGS) $(PKG_CFLAGS) \
	     $(LLHTTP_CFLAGS) $(CFLAGS) $(SANITIZE) -MMD -MP
# A library that a program calls nothing of is not loaded by it: sumsq starts without OpenSSL.
override LDFLAGS := -Wl,--as-needed -Wl,-O1 $(LDFLAGS)
LIBS = $(LLHTTP_LIBS) $(PKG_LIBS) -lm
version_flags = -DIOLAB_VERSION='"$(VERSION)"' -DIOLAB_COMMIT='"$(COMMIT)"' \
		-DIOLAB_LIBURING='"$(shell pkg-config --modversion liburing)"' \
		-DIOLAB_FLAGS='"$(CFLAGS) $(SANITIZE)"'

# --- sources --------------------------------------------------------------------------------
SOURCES := $(wildcard kernels/*/*.c topology/*.c results/*.c lab/*.c)
ifneq ($(ARCH),x86_64)
SOURCES := $(filter-out kernels/sumsq/core_avx%.c,$(SOURCES))
endif
ifneq ($(ARCH),aarch64)
SOURCES := $(filter-out kernels/sumsq/core_neon.c,$(SOURCES))
endif
MAINS := $(wildcard lab/main_*.c)
# Only fetch-xdp is made of these, and needs lwIP and libxdp; the others have xdp_absent.c instead.
XDP_SOURCES := kernels/fetch/async_xdp.c $(filter-out %/xdp_absent.c %/xdp_options.c \
	       %/xdp_steering.c,$(wildcard kernels/fetch/xdp_*.c))
XDP_OBJECTS := $(XDP_SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libiolab.a
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(MAINS) $(XDP_SOURCES),$(SOURCES))) \
		   $(BUILD)/gen/plans.o $(LLHTTP_OBJECTS)
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/test_*.c tests/fuzz_*.c),\
		$(wildcard tests/*.c)))

.PHONY: all all-quietly run test check bench install clean deps help test-fresh tests
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINARIES)

# For the targets that go on: no word when there is nothing to build.
all-quietly: all
	@:

help:
	@echo 'make run        install what is missing, build, run the default experiment'
	@echo 'make test       install what is missing, build, run every test'
	@echo 'make check      tests under ASan+UBSan and TSan, gcc and clang, clang-tidy, cppcheck, format'
	@echo 'make bench      measure against wrk, h2load and bare loops (a few minutes, alone)'
	@echo 'make deps       look for the packages; install the missing ones or name them'
	@echo 'make install    into $$(DESTDIR)$$(PREFIX)'
	@echo 'make clean      remove what was built'
	@echo 'make test-fresh both Debians, made with debootstrap, from a clean clone (root)'

# --- the commands ---------------------------------------------------------------------------
deps:
	@sh lab/deps.sh build

run:
	@sh lab/deps.sh build run
	@$(MAKE) --no-print-directory all-quietly
	@$(BUILD)/iolab run $(PLAN)

test:
	@sh lab/deps.sh build run test
	@$(MAKE) --no-print-directory all tests
	@BUILD=$(BUILD) sh tests/run.sh $(TESTS:$(BUILD)/tests/%=%)

tests: $(TESTS)

check:
	@sh lab/deps.sh build run test check
	@$(MAKE) --no-print-directory all
	@sh tests/check.sh

bench:
	@sh lab/deps.sh build bench
	@$(MAKE) --no-print-directory all bench-programs
	@BUILD=$(BUILD) $(BUILD)/bench/bench $(or $(ROUNDS),9) $(SECTION)

test-fresh:
	@sh tests/fresh.sh

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/iolab/plans' \
		'$(DESTDIR)$(PREFIX)/share/iolab/schema'
	install -m 755 $(BINARIES) '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 $(wildcard lab/plans/*.ini) '$(DESTDIR)$(PREFIX)/share/iolab/plans'
	install -m 644 $(wildcard results/schema/*.json) '$(DESTDIR)$(PREFIX)/share/iolab/schema'

clean:
	rm -rf '$(BUILD)'

# --- rules ----------------------------------------------------------------------------------
# A build made with other flags or another compiler is stale: the stamp's text is the flags.
STAMP := $(BUILD)/flags
$(shell mkdir -p $(BUILD); echo '$(CC) $(CFLAGS) $(SANITIZE) $(COMMIT)' | cmp -s - $(STAMP) || \
	echo '$(CC) $(CFLAGS) $(SANITIZE) $(COMMIT)' > $(STAMP))

$(BUILD)/%.o: %.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/lab/version.o: ALL_CFLAGS += $(version_flags)

# The plans shipped with the lab are part of the executable, so that it runs from anywhere.
$(BUILD)/gen/plans.c: $(wildcard lab/plans/*.ini) lab/embed.sh
	@mkdir -p $(@D)
	$(Q)sh lab/embed.sh $(wildcard lab/plans/*.ini) > $@

$(BUILD)/gen/plans.o: $(BUILD)/gen/plans.c
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) -std=gnu17 $(LLHTTP_CFLAGS) $(CFLAGS) $(SANITIZE) -w -c -o $@ $<

$(LIBRARY): $(LIBRARY_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/lab/main_fetch_%.o: lab/main_fetch.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -DFETCH_MODEL=model_$* -c -o $@ $<

$(BUILD)/lab/main_sumsq_%.o: lab/main_sumsq.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -DSUMSQ_PLACE=sumsq_on_$* -c -o $@ $<

$(BUILD)/lab/main_nap_%.o: lab/main_nap.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(say),$(say) CC $@)
	$(Q)$(CC) $(ALL_CFLAGS) -DNAP_MODEL=nap_$* -c -o $@ $<

$(BUILD)/fetch-%: $(BUILD)/lab/main_fetch_%.o $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

$(XDP_OBJECTS): ALL_CFLAGS += $(XDP_CFLAGS)

$(BUILD)/fetch-xdp: $(BUILD)/lab/main_fetch_xdp.o $(XDP_OBJECTS) $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS) $(XDP_LIBS)

$(BUILD)/sumsq-%: $(BUILD)/lab/main_sumsq_%.o $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

$(BUILD)/nap-%: $(BUILD)/lab/main_nap_%.o $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

$(BUILD)/origin $(BUILD)/iolab: $(BUILD)/%: $(BUILD)/lab/main_%.o $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_SUPPORT) $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS) -lcmocka

# Fuzzers need clang: SANITIZE there has fuzzer-no-link, and the link adds the driver.
$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz_%.o $(BUILD)/tests/feed_origin_http.o $(LIBRARY)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

# One stamp a file, so that only what changed is looked at again.
TIDY := $(patsubst %.c,$(BUILD)/tidy/%.ok,$(SOURCES))
.PHONY: tidy
tidy: $(TIDY)

$(BUILD)/tidy/%.ok: %.c .clang-tidy $(wildcard kernels/*/*.h lab/*.h results/*.h topology/*.h)
	@mkdir -p $(@D)
	$(if $(say),$(say) TIDY $<)
	$(Q)clang-tidy --quiet $< -- -std=gnu17 -D_GNU_SOURCE -I. $(PKG_CFLAGS) $(LLHTTP_CFLAGS) \
		$(XDP_CFLAGS) -DFETCH_MODEL=model_epoll -DSUMSQ_PLACE=sumsq_on_threads \
		-DNAP_MODEL=nap_epoll $(version_flags) 2>/dev/null
	@touch $@

# bench is made of several files, its sections, and some share turns.c; each other file there is a
# program of its own.
BENCH_SECTIONS := $(wildcard tests/bench/sections_*.c)
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,\
		  $(filter-out $(BENCH_SECTIONS) tests/bench/turns.c,$(wildcard tests/bench/*.c)))
.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)

# OpenMP, to compare with: gcc brings it along.
$(BUILD)/tests/bench/dispatch.o $(BUILD)/bench/dispatch: private CC := gcc
$(BUILD)/tests/bench/dispatch.o $(BUILD)/bench/dispatch: private CFLAGS += -fopenmp

$(BUILD)/bench/bench: $(BENCH_SECTIONS:%.c=$(BUILD)/%.o)
$(BUILD)/bench/dispatch $(BUILD)/bench/pools_of_two: $(BUILD)/tests/bench/turns.o
$(BUILD)/bench/tls_exchange: $(BUILD)/tests/tls_server.o

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(if $(say),$(say) LD $@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $(filter %.o,$^) $(LIBRARY) $(LIBS)

-include $(patsubst %.c,$(BUILD)/%.d,$(SOURCES) $(wildcard tests/*.c tests/bench/*.c)) \
	 $(wildcard $(BUILD)/lab/main_*.d)
