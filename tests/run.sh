#!/bin/sh
# Runs the cmocka programs named on the command line, one after another, each with a time limit,
# and sums up. A program that dies counts as a failure, with its status.
build=${BUILD:-build}
failed=''
total=0
for name in "$@"; do
	echo "== $name"
	timeout --kill-after=5 "${TEST_TIMEOUT:-240}" "$build/tests/$name"
	status=$?
	total=$((total + 1))
	if [ $status -ne 0 ]; then
		failed="$failed $name($status)"
	fi
done
if [ -n "$failed" ]; then
	echo "$total test programs run; failed:$failed"
	exit 1
fi
echo "$total test programs run, all passed"
