#!/bin/sh
# Looks for what the named groups need (build, run, test, check, bench) and installs what is missing
# with apt-get, as root or through sudo, saying what. On other systems it names the packages and
# stops. Looking costs a few milliseconds when everything is there.
set -u

missing=''
need() { missing="$missing $1"; }
has_library() { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$1" 2>/dev/null; }
has_command() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

look_build() {
	has_command cc || has_command "${CC:-cc}" || need gcc
	[ -e /usr/include/stdio.h ] || need libc6-dev
	has_command pkg-config || need pkg-config
	has_library liburing || need liburing-dev
	has_library hwloc || need libhwloc-dev
	has_library openssl || need libssl-dev
	has_library jansson || need libjansson-dev
	has_library zlib || need zlib1g-dev
	has_library libbrotlienc || need libbrotli-dev
	has_library libzstd || need libzstd-dev
	# For fetch-xdp alone.
	has_library lwip || need liblwip-dev
	has_library libxdp || need libxdp-dev
	has_library libbpf || need libbpf-dev
	if ! has_library libllhttp && ! [ -e /usr/share/llhttp/llhttp.c ]; then
		# A library where the distribution has one, its generated C on Debian 12.
		need "$(llhttp_package)"
	fi
}

llhttp_package() {
	case $(. /etc/os-release 2>/dev/null && echo "${ID:-}-${VERSION_ID:-}") in
	debian-12) echo node-llhttp ;;
	*) echo libllhttp-dev ;;
	esac
}

look_run() {
	has_command gnuplot || need gnuplot-nox
}

look_test() {
	has_library cmocka || need libcmocka-dev
	has_command nginx || need nginx-light
	has_command python3 || need python3
	[ -e /usr/lib/python3/dist-packages/aiohttp ] || need python3-aiohttp
	[ -e /usr/lib/python3/dist-packages/jsonschema ] || need python3-jsonschema
	has_command strace || need strace
	has_command curl || need curl
	has_command openssl || need openssl
	has_command ip || need iproute2
	has_command objdump || need binutils
	# The core for AArch64 is built and run on other machines too.
	if [ "$(uname -m)" = x86_64 ]; then
		has_command aarch64-linux-gnu-gcc || need gcc-aarch64-linux-gnu
		[ -e /usr/aarch64-linux-gnu/include/stdio.h ] || need libc6-dev-arm64-cross
		has_command qemu-aarch64 || has_command qemu-aarch64-static || need qemu-user
	fi
}

look_check() {
	has_command clang || need clang
	has_command clang-tidy || need clang-tidy
	has_command clang-format || need clang-format
	has_command cppcheck || need cppcheck
	has_command ctags || need universal-ctags
}

look_bench() {
	has_command wrk || need wrk
	has_command h2load || need nghttp2-client
	has_command nginx || need nginx-light
	has_command python3 || need python3
	has_command gcc || need gcc
}

for group in "$@"; do
	"look_$group"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "make deps: this system has no apt-get; install the equivalents of:$missing" >&2
	exit 3
fi
run=''
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "make deps: as root: apt-get install$missing" >&2
		exit 3
	fi
	run=sudo
fi
echo "make deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Debian's nginx starts itself on port 80 when it is installed; the tests start their own.
install() {
	$run env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends \
		$missing >"$log" 2>&1
}
if ! install; then
	$run apt-get update >"$log" 2>&1
	if ! install; then
		tail -5 "$log" >&2
		echo "make deps: apt-get could not install:$missing (log: $log)" >&2
		exit 3
	fi
fi
rm -f "$log"
