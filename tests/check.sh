#!/bin/sh
# `make check`: everything that reads or runs the code to find mistakes, in one go. Each step
# prints its name; the first that finds something ends the whole with its output.
set -eu

jobs=$(nproc)
step() { printf '== %s\n' "$*"; }
tests() { ls tests/test_*.c | sed 's|tests/||; s|\.c$||'; }

flavour() { # NAME, compiler, sanitizer flags
	step "tests, $1"
	make --no-print-directory -s -j"$jobs" BUILD="build/$1" CC="$2" SANITIZE="$3" all tests
	BUILD="build/$1" TEST_TIMEOUT=600 sh tests/run.sh $(tests)
}

step 'format'
clang-format --dry-run --Werror $(git ls-files '*.c' '*.h')

step 'functions of at most 70 lines'
long=$(ctags -x --c-kinds=f --_xformat='%{end} %n %N %F' $(git ls-files 'kernels/*.c' 'lab/*.c' \
	'results/*.c' 'topology/*.c') | awk '$1 - $2 >= 70 { print $4 ":" $2 ": " $3 " is too long" }')
[ -z "$long" ] || { echo "$long"; exit 1; }

flavour clang clang ''
flavour asan cc '-fsanitize=address,undefined -fno-sanitize-recover=undefined'
flavour tsan cc '-fsanitize=thread'

step "fuzzers, ${FUZZ_SECONDS:-30} seconds each"
for fuzzer in tests/fuzz_*.c; do
	name=$(basename "$fuzzer" .c)
	make --no-print-directory -s -j"$jobs" BUILD=build/fuzz CC=clang \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link' "build/fuzz/$name"
	"build/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-30}" -verbosity=0 -print_final_stats=1
done

step 'cppcheck'
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -D__x86_64__ -I. \
	--enable=warning,performance,portability --suppress=missingInclude \
	--suppress=missingIncludeSystem kernels lab results topology

step 'clang-tidy'
make --no-print-directory -s -j"$jobs" tidy
echo 'check: nothing found'
