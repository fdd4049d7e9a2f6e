# Waymark. "make" builds build/waymarkd, build/waymarkctl and build/waymark-agent; "make help" lists the rest.
# Written by hand; what the machine has is asked by configure and stands in build/config.mk.

BUILD ?= build
SANITIZE ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# Only what builds needs it: "make deps" and "make help" work before anything is there. check, demo and fuzz see to
# the packages first and then start make again.
ifneq ($(filter-out help deps deps-tests check check-asan check-tsan churn killed faults cross fleet year soak demo lab cdn fuzz mutants conform interop crowd page clean distclean format uninstall dist packages reproducible,$(or $(MAKECMDGOALS),all)),)
include build/config.mk
endif

# "make V=1" shows whole commands.
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-4s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(FLOATS) $(WARN) $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE))
ALL_CPPFLAGS = -D_GNU_SOURCE $(WIDTHS) -Isrc -Ibuild $(CPPFLAGS) $(LIB_CFLAGS)
# As needed: each program is bound to the libraries that it uses.
ALL_LDFLAGS = -Wl,--as-needed $(LDFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE))

# One archive of all rooms; each program takes from it what it needs.
main_sources := src/daemon/main.c src/tools/ctl.c src/tools/agent.c
room_sources := $(filter-out $(main_sources) $(if $(QUIC),,src/net/quic%.c) $(if $(XDP),src/net/xdp_none.c,$(filter-out src/net/xdp_none.c,$(wildcard src/net/xdp*.c))),$(wildcard src/*/*.c))
unit_sources := $(filter-out $(if $(QUIC),,tests/unit/net/test_quic.c tests/unit/net/quic_client.c) $(if $(XDP),,$(wildcard tests/unit/net/test_xdp*.c)),$(wildcard tests/unit/*.c tests/unit/*/*.c))
object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

programs := $(BUILD)/waymarkd $(BUILD)/waymarkctl $(BUILD)/waymark-agent

.PHONY: dist packages image reproducible all page help deps deps-tests check check-run check-asan check-tsan churn churn-run killed faults cross fleet year soak demo lab cdn bench fuzz mutants conform interop crowd format install uninstall clean distclean
all: $(programs)

help:
	@echo "make               build build/waymarkd, build/waymarkctl and build/waymark-agent"
	@echo "make page          build again with the console's page (needs npm)"
	@echo "make demo          build, start a server on loopback, ask it from around the world, stop it"
	@echo "make lab           cities in network namespaces: agents measure, the nameserver learns (a minute)"
	@echo "make cdn [WAYMARK_LATENCY=FOLDER]  a whole CDN in network namespaces and a day in it: nginx, resolvers, certificates, agents; build/cdn/index.html (nine minutes)"
	@echo "make check         build and run all tests (check-asan, check-tsan: under the sanitizers)"
	@echo "make deps          install the packages it is built with (Debian; needs root or sudo)"
	@echo "make install       [PREFIX=/usr/local] [DESTDIR=] a server that can be started: user, folders, units, an example"
	@echo "make dist          the sources with a configure, as build/waymark-VERSION.tar.gz: the same bytes of the same commit"
	@echo "make packages      Debian packages of it, in build/packages (needs debhelper); make reproducible: twice, and compared"
	@echo "make image         a container image of the program and its libraries, and what is in it (SPDX), in build/image"
	@echo "make uninstall     the same without what an operator may have changed"
	@echo "make conform [ZONES=500] [SEED=1]  compare our answers with those of NSD, Knot and BIND"
	@echo "make interop [CHANGES=20] [SEED=1]  primary and secondary of real named, nsd, knotd and pdns_server, through random changes; certificates by certbot and lego; chromium, unbound and dnsdist over TLS and HTTPS; updates sent on to named and knotd; steered names at all four; what gdnsd, knotd and pdns_server steer, beside the same in our words; catalogs both ways with named, knotd and pdns_server; QUERIES=2000 to each of unbound, named, pdns_recursor and kresd, which validate what pools answer; 300 random clients through each of unbound, pdns_recursor, dnsdist, named and kresd; as many by AF_XDP; all claims of the laboratory; a small CDN"
	@echo "make crowd [IDLE=10000] [SWAPS=100]  so many idle connections of TLS, half-open ones, and certificates that are renewed"
	@echo "make bench [W=\"W1 W5\"] [R=5] [T=2]  measure us and what else is installed of NSD, Knot, BIND, gdnsd, PowerDNS"
	@echo "make churn [T=600] [SEED=1]  everything at once, at random, under both sanitizers for T seconds each"
	@echo "make faults [N=100] [SEED=1]  system calls that fail, N times: no crash, and nothing that was confirmed is lost"
	@echo "make cross [ARCH=s390x|i386|armhf|arm64]  unit tests of zone images and what they are made of, on another kind of processor by qemu"
	@echo "make killed [N=1000] [SEED=1]  kill -9 in the middle of updates, N times: nothing that was confirmed is lost"
	@echo "make year [DAYS=365] [SEED=1]  a signed zone by a clock that jumps: keys roll, the server is killed, all is validated each hour (needs faketime, python3-dnspython and ldnsutils)"
	@echo "make fleet [ROUNDS=100] [SEED=1]  three servers on a Redis that is killed, stopped, emptied, full, slow, cut off: nothing that was confirmed is lost"
	@echo "make soak [HOURS=4]  the same without them for so long, then packets without end: memory stays as it is"
	@echo "make mutants [N=100] [SEED=1] [ROOMS=\"answer net\"]  change src/ in N random places: how many do the tests notice?"
	@echo "make fuzz [T=60]   run every fuzz target for T seconds (needs clang)"
	@echo "make clean         remove what was built; distclean: and what was configured"

# --- configure, by itself ---------------------------------------------------------------------------------------

configure: configure.ac
	@command -v autoconf >/dev/null || { echo 'autoconf is missing; "make deps" installs what is needed' >&2; exit 1; }
	autoconf

build/config.mk: configure contrib/config.mk.in contrib/config.h.in
	./configure --quiet $(or $(CONFIGURE_FLAGS),$(if $(QUIC),--with-quic))
	@touch build/config.mk

deps:
	@contrib/deps.sh

deps-tests:
	@contrib/deps.sh tests

# --- programs ---------------------------------------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c build/config.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(if $(filter tests/%,$<),-Itests) $(ALL_CFLAGS) $(if $(filter tests/%,$<),-Wno-missing-prototypes) -MMD -MP -c -o $@ $<

# It speaks to a library of times as that one was compiled.
$(BUILD)/obj/src/probe/resolver_wait.o: WIDTHS =

# The program in the kernel, and the one that only is measured; each stands in the object of who loads it.
$(BUILD)/obj/xdp_program.o: src/net/bpf/xdp_program.c $(wildcard src/net/bpf/*.h) src/net/xdp_shared.h
$(BUILD)/obj/floor_program.o: tests/bench/floor_program.c
$(BUILD)/obj/xdp_program.o $(BUILD)/obj/floor_program.o: build/config.mk
	@mkdir -p $(@D)
	$(call say,BPF,$(filter %.c,$^))
	$(Q)$(BPF_CC) -Isrc -Wall -Wextra -c -o $@ $(filter %.c,$^)

$(BUILD)/obj/src/net/xdp_device.o: $(BUILD)/obj/xdp_program.o
$(BUILD)/obj/src/net/xdp_device.o: ALL_CPPFLAGS += -DXDP_PROGRAM='"$(BUILD)/obj/xdp_program.o"'
$(BUILD)/obj/tests/bench/floor_xdp.o: $(BUILD)/obj/floor_program.o
$(BUILD)/obj/tests/bench/floor_xdp.o: ALL_CPPFLAGS += -DFLOOR_PROGRAM='"$(BUILD)/obj/floor_program.o"'

# The console's page, once for all builds; without npm an empty table.
page_sources := contrib/page.sh $(shell find src/web/page -type f)
build/page/page_files.c: $(page_sources)
	$(Q)contrib/page.sh $@

page:
	@rm -f build/page/page_files.c
	@$(MAKE) --no-print-directory build/page/page_files.c
	@$(MAKE) --no-print-directory all

$(BUILD)/libwaymark.a: $(call object,$(room_sources) build/page/page_files.c)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/waymarkd: $(call object,src/daemon/main.c) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/waymarkctl: $(call object,src/tools/ctl.c) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/waymark-agent: $(call object,src/tools/agent.c) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# --- tests ------------------------------------------------------------------------------------------------------

# Every tests/unit/<room>/test_<name>.c has a suite_<name>(); this list calls them all.
$(BUILD)/obj/tests/unit/suites.h: $(unit_sources) Makefile build/config.mk
	@mkdir -p $(@D)
	@for f in $(sort $(notdir $(filter tests/unit/%,$(filter $(unit_sources),$(wildcard tests/unit/*/test_*.c))))); do \
		n=$${f#test_}; echo "SUITE($${n%.c})"; done > $@

$(BUILD)/obj/tests/unit/main.o: $(BUILD)/obj/tests/unit/suites.h
$(BUILD)/obj/tests/unit/main.o: ALL_CPPFLAGS += -I$(BUILD)/obj/tests/unit

# Memory ends there when a test says so, what nobody gives back is seen, and so is who lets go of a lock that it does not hold.
$(BUILD)/unit: $(call object,$(unit_sources)) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc free strdup strndup mmap mmap64 mremap munmap pthread_create pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_mutex_destroy) -o $@ $^ $(LIBS) -lcunit

# The corpora are replayed by plain programs: the same targets without the fuzzer.
fuzz_names := $(filter-out world $(if $(QUIC),,quic),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
$(BUILD)/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/fuzz_world.o $(BUILD)/obj/tests/fuzz/replay.o $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# What measures: the load, and what the kernel alone costs.
$(BUILD)/bench/load: $(call object,$(addprefix tests/bench/,load.c lane.c flight.c))
$(BUILD)/bench/floor: $(call object,$(addprefix tests/bench/,floor.c fixed.c))
$(BUILD)/bench/floor_xdp: $(call object,$(addprefix tests/bench/,floor_xdp.c fixed.c))
bench_programs := $(addprefix $(BUILD)/bench/,load floor $(if $(XDP),floor_xdp))
$(bench_programs):
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(if $(filter %_xdp,$@),-lxdp -lbpf) -lpthread

# The Internet of the laboratory.
$(BUILD)/lab_router: $(call object,tests/lab/router.c) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Under a sanitizer everything writes everywhere. Bound at once, or the first call of a function would be a write.
$(BUILD)/shared: $(call object,$(addprefix tests/bench/,shared.c own.c anything.c) tests/fuzz/fuzz_world.c) $(BUILD)/libwaymark.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,-z,now $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc mmap free) -o $@ $^ $(LIBS)

# Memory that ends in a whole process.
$(BUILD)/fail_alloc.so: tests/serve/fail_alloc.c build/config.mk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -shared -fPIC -o $@ $<

# Disks that take their time, and threads that are held. No sanitizer of its own: it stands behind theirs.
$(BUILD)/slow.so: tests/churn/slow.c build/config.mk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) -std=gnu11 $(CFLAGS) $(WARN) -Wno-missing-prototypes $(LDFLAGS) -shared -fPIC -o $@ $< -ldl

# System calls that fail.
$(BUILD)/fail_calls.so: tests/faults/fail_calls.c build/config.mk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) -std=gnu11 $(CFLAGS) $(WARN) -Wno-missing-prototypes $(LDFLAGS) -shared -fPIC -o $@ $< -ldl

comma := ,
test_programs = $(if $(SANITIZE),,$(BUILD)/shared $(BUILD)/fail_alloc.so) $(BUILD)/slow.so $(programs) $(BUILD)/unit $(patsubst %,$(BUILD)/replay_%,$(fuzz_names)) $(bench_programs) $(BUILD)/lab_router

# With the packages in place, make starts again, so that it sees what configure then finds.
check: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) check-run

check-run: $(test_programs)
	@BUILD=$(BUILD) tests/run

check-asan: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=build/asan SANITIZE=address,undefined check-run

check-tsan: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=build/tsan SANITIZE=thread check-run

# What every target is built of, ready to be compiled.
.PHONY: fuzz-sources
fuzz-sources: $(if $(XDP),$(BUILD)/obj/xdp_program.o) build/page/page_files.c
	@echo $(filter-out src/tools/ctl%,$(room_sources)) build/page/page_files.c

# What of it is replayed as this is configured.
.PHONY: fuzz-names
fuzz-names:
	@echo $(fuzz_names)

fuzz: T ?= 60
fuzz: deps-tests
	@$(MAKE) --no-print-directory build/config.mk
	@tests/fuzz/run $(T)

# Everything that may be done to a server, at random, while it answers; and for hours, with packets that are none.
churn: T ?= 600
churn: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=build/asan SANITIZE=address,undefined T=$(T) SEED=$(SEED) churn-run
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=build/tsan SANITIZE=thread T=$(T) SEED=$(SEED) churn-run

churn-run: $(programs) $(BUILD)/slow.so
	@BUILD=$(BUILD) tests/churn/churn.py --seconds $(T) --seed $(SEED)

soak: HOURS ?= 4
soak: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD) T=$$(($(HOURS) * 3600)) churn-run
	@BUILD=$(BUILD) tests/serve/soak.py --packets $$(($(HOURS) * 50000000)) --seed $(SEED)

ZONES ?= 500
SEED ?= 1
conform: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) tests/conform/compare.py --zones $(ZONES) --seed $(SEED)
	@BUILD=$(BUILD) TUPLES=100000 SEED=$(SEED) python3 tests/serve/test_pools.py

killed: N ?= 1000
killed: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) tests/churn/killed.py --rounds $(N) --seed $(SEED)

# Three servers on a Redis that fails in ROUNDS random ways.
fleet: ROUNDS ?= 100
fleet: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) tests/interop/redis_faults.py --rounds $(ROUNDS) --seed $(SEED)

# A year of a signed zone's rolls by libfaketime's clock, validated each hour.
year: DAYS ?= 365
year: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) tests/interop/year.py --days $(DAYS) --seed $(SEED)

# System calls that fail, one kind in each run, in the midst of all that a server does.
cross: ARCH ?= s390x
cross: deps-tests
	@$(MAKE) --no-print-directory build/config.mk
	@BUILD=$(BUILD) tests/cross.sh $(ARCH)

faults: N ?= 100
faults: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all $(BUILD)/fail_calls.so
	@BUILD=$(BUILD) tests/faults/faults.py --runs $(N) --seed $(SEED)

# Real nameservers as our secondaries; those that are not installed are skipped.
interop: CHANGES ?= 20
interop: QUERIES ?= 2000
interop: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all $(BUILD)/lab_router $(BUILD)/bench/load
	@export BUILD=$(BUILD); failed=; part() { "$$@" || failed="$$failed $$1"; }; \
	part tests/interop/interop.py --changes $(CHANGES) --seed $(SEED); \
	part tests/interop/acme.py; \
	part tests/interop/abuse.py --seed $(SEED); \
	part tests/interop/encrypted.py; \
	part tests/interop/fleet.py --seed $(SEED); \
	part tests/interop/redis.py; \
	part tests/interop/redis_measured.py; \
	part tests/interop/redis_zones.py; \
	part tests/interop/redis_signed.py; \
	part tests/interop/redis_faults.py --rounds 6 --seed $(SEED); \
	part tests/interop/rolls.py --seed $(SEED); \
	part tests/interop/year.py --days 8 --seed $(SEED); \
	part tests/interop/peers.py --seed $(SEED); \
	part tests/interop/upgrade.py --seed $(SEED) --upgrades 6 --kills 5; \
	part tests/interop/console.py; \
	part tests/interop/beacon.py; \
	part tests/lab/lab.py --claims; \
	part tests/cdn/cdn.py --short; \
	part tests/interop/resolvers.py --seed $(SEED); \
	part tests/interop/validate.py --queries $(QUERIES) --seed $(SEED); \
	part tests/interop/xdp.py --queries $(QUERIES) --seed $(SEED); \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# Thousands of connections that do nothing, and certificates that are renewed.
crowd: IDLE ?= 10000
crowd: SWAPS ?= 100
crowd: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) tests/interop/crowd_tls.py --idle $(IDLE) --swaps $(SWAPS)

# In a copy of the tree, one after the other.
mutants: N ?= 100
mutants: LIMIT ?= 60
mutants: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all build/unit
	@tests/mutants/mutants.py -n $(N) --seed $(SEED) --rooms "$(ROOMS)" --files "$(FILES)" --at "$(AT)" --limit $(LIMIT) $(if $(ONLY),--only $(ONLY))

# Measures what is installed; installs nothing.
bench: W ?= all
bench: R ?= 5
bench: T ?= 2
bench: $(programs) $(bench_programs)
	$(if $(filter W% all,$(W)),@BUILD=$(BUILD) tests/bench/bench -w "$(filter W% all,$(W))" -r $(R) -t $(T) --json $(BUILD)/bench.json $(BENCH_FLAGS))
	$(if $(filter X% K% all,$(W)),@BUILD=$(BUILD) tests/bench/veth.py -w "$(filter X% K% all,$(W))" -r $(R) -t $(T))
	$(if $(filter C% all,$(W)),@BUILD=$(BUILD) tests/bench/changes.py -w "$(filter C% all,$(W))")

lab: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all $(BUILD)/lab_router
	@BUILD=$(BUILD) tests/lab/lab.py

# A whole CDN of real programs, and a day in it.
cdn: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all $(BUILD)/lab_router
	@BUILD=$(BUILD) tests/cdn/cdn.py

demo: deps-tests
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(BUILD) contrib/demo

# --- the rest ---------------------------------------------------------------------------------------------------

format:
	clang-format -i $(wildcard src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

# Also by the names of GNU's standards: make install prefix=/usr
given = $(if $(filter command,$(origin $(1))),$($(1)))
PREFIX := $(or $(call given,prefix),$(PREFIX),/usr/local)
SYSCONFDIR := $(or $(call given,sysconfdir),$(SYSCONFDIR),/etc)
LOCALSTATEDIR := $(or $(call given,localstatedir),$(LOCALSTATEDIR),/var)
RUNSTATEDIR := $(or $(call given,runstatedir),$(RUNSTATEDIR),/run)
into = BUILD='$(BUILD)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' SYSCONFDIR='$(SYSCONFDIR)' LOCALSTATEDIR='$(LOCALSTATEDIR)' RUNSTATEDIR='$(RUNSTATEDIR)'

# A server that can be started: contrib/install.sh.
install: all
	@$(into) contrib/install.sh install

uninstall:
	@$(into) contrib/install.sh uninstall

# What others build from, and what they get.
dist: build/page/page_files.c
	@contrib/dist.sh

packages: dist
	@contrib/packages.sh build/packages

reproducible: dist
	@contrib/packages.sh build/packages
	@contrib/packages.sh build/packages.again
	@cd build/packages && for f in *.deb; do cmp "$$f" ../packages.again/"$$f" || exit 1; done && echo "reproducible: the same bytes, twice"

image: all
	@BUILD=$(BUILD) contrib/image.py $(BUILD)/image

clean:
	rm -rf build/dist build/packages build/packages.again build/image build/waymark-*.tar.gz build/waymark-agent
	rm -rf build/obj build/asan build/tsan build/fuzz build/unit build/replay_* build/fail_alloc.so build/fail_calls.so build/slow.so build/bench build/bench.json build/libwaymark.a build/waymarkd build/waymarkctl

distclean: clean
	rm -rf build configure autom4te.cache config.log config.status

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
