#!/usr/bin/env bash
# Starts and stops a Flink cluster on this machine: a JobManager, TaskManagers of a slot each, and Beam's job server, all on the
# loopback interface but for the job server, which listens on all. A TaskManager has a host name of its own where that is allowed,
# so that the cluster looks like one of several machines.
# usage: cluster.sh start STATE [TASKMANAGERS] | stop STATE | taskmanager STATE NUMBER [COMMAND...]
# STATE is a folder for logs, pids and ports; the job server's endpoint is in STATE/endpoint. The third form starts one TaskManager
# anew, under COMMAND if there is one.
set -euo pipefail

deps=${UPI_FLINK:-$(cd "$(dirname "$0")/../.." && pwd)/.deps/flink}

# free prints so many ports that nobody listens on.
free() {
	python3 - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])
P
}

# background NAME COMMAND... runs a command in a session of its own.
background() {
	local name=$1
	shift
	setsid "$@" >"$state/log/$name.out" 2>&1 </dev/null &
	echo $! >"$state/pid/$name"
}

configure() {
	mkdir -p "$state/conf"
	cat >"$state/conf/flink-conf.yaml" <<C
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: $rpc
jobmanager.bind-host: 127.0.0.1
jobmanager.memory.process.size: 768m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: $rest
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 1
parallelism.default: $managers
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 30
restart-strategy.fixed-delay.delay: 2 s
heartbeat.interval: 2000
heartbeat.timeout: 20000
io.tmp.dirs: $state/tmp
blob.storage.directory: $state/tmp
C
	cat >"$state/conf/log4j.properties" <<'C'
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-40c{1.} - %m%n
C
}

# The start scripts are not in the package: what they would compute of the memory stands here.
taskmanager() {
	local number=$1 command
	shift
	command=("$@" java -Xmx384m -Xms128m -XX:MaxDirectMemorySize=256m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC
		-Dlog4j.configurationFile="file:$state/conf/log4j.properties" -cp "$deps/flink/lib/*"
		org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$state/conf" -D "taskmanager.resource-id=machine-$number"
		-D taskmanager.cpu.cores=1 -D taskmanager.memory.task.heap.size=256m -D taskmanager.memory.task.off-heap.size=0
		-D taskmanager.memory.framework.heap.size=64m -D taskmanager.memory.framework.off-heap.size=64m
		-D taskmanager.memory.network.min=64m -D taskmanager.memory.network.max=64m -D taskmanager.memory.managed.size=128m
		-D taskmanager.memory.jvm-metaspace.size=256m -D taskmanager.memory.jvm-overhead.min=64m
		-D taskmanager.memory.jvm-overhead.max=64m)
	if unshare --uts true 2>/dev/null; then
		background "taskmanager-$number" unshare --uts --mount sh -c 'hostname "$1"; shift; exec "$@"' - "machine-$number" "${command[@]}"
	else
		background "taskmanager-$number" "${command[@]}"
	fi
}

# until_true COMMAND... waits until a command has come true, for two minutes at most, and while all processes live.
until_true() {
	for _ in $(seq 240); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.5
		for file in "$state"/pid/*; do kill -0 "$(<"$file")" 2>/dev/null || break 2; done
	done
	echo "upi: the cluster does not start; see $state/log" >&2
	return 1
}

registered() {
	python3 -c 'import json, sys, urllib.request
sys.exit(json.load(urllib.request.urlopen(sys.argv[1]))["taskmanagers"] < int(sys.argv[2]))' "http://127.0.0.1:$rest/overview" "$managers"
}

listens() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()' "$1"; }

start() {
	managers=${1:-2}
	[[ ! -e $state/endpoint ]] || { echo "upi: a cluster runs already, or was not stopped: $0 stop $state" >&2; exit 1; }
	mkdir -p "$state"/{log,pid,tmp,artifacts}
	read -r rpc rest jobs artifacts < <(free 4)
	configure
	echo "$rest" >"$state/rest"
	background jobmanager java -Xmx384m -Xms128m -XX:+UseSerialGC -Dlog4j.configurationFile="file:$state/conf/log4j.properties" \
		-cp "$deps/flink/lib/*" org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
		--configDir "$state/conf" --executionMode cluster
	for number in $(seq "$managers"); do taskmanager "$number"; done
	background jobserver java -Xmx384m -Xms64m -XX:+UseSerialGC -cp "$deps/jobserver/*" \
		org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master="127.0.0.1:$rest" --flink-conf-dir="$state/conf" \
		--job-host=127.0.0.1 --job-port="$jobs" --artifact-port="$artifacts" --expansion-port=-1 --artifacts-dir="$state/artifacts"
	until_true registered
	until_true listens "$jobs"
	echo "127.0.0.1:$jobs" >"$state/endpoint"
	echo "a Flink cluster runs: bin/upi-beam run CONFIG --runner flink --endpoint 127.0.0.1:$jobs (its page: http://127.0.0.1:$rest)"
}

stop() {
	local pids=() pid
	for file in "$state"/pid/*; do
		[[ -e $file ]] || continue
		pid=$(<"$file")
		if kill "$pid" 2>/dev/null; then pids+=("$pid"); fi
	done
	for pid in "${pids[@]}"; do
		for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
		kill -9 "$pid" 2>/dev/null || true
	done
	rm -rf "$state"/{pid,tmp,artifacts,endpoint}
}

mkdir -p "$2"
state=$(cd "$2" && pwd)
case $1 in
start) start "${3:-2}" ;;
stop) stop ;;
taskmanager) taskmanager "${@:3}" ;;
*) echo "usage: $0 start STATE [TASKMANAGERS] | stop STATE | taskmanager STATE NUMBER [COMMAND...]" >&2; exit 2 ;;
esac
