#!/usr/bin/env bash
# Take a bare Linux machine to a serving instance, from the unpacked bundle that this script lies in.
#
#   bash install.sh           install, start, and end when /readyz answers
#   bash install.sh --bake    install only: the image build runs this, an instance of it the line above
#
# Running it again changes nothing; running another bundle's replaces the version. The settings come
# from the environment: NINEWAYS_QUEUE_URL (required), NINEWAYS_VARIANT, NINEWAYS_VERSION,
# NINEWAYS_HOST, NINEWAYS_PORT, NINEWAYS_RUN_WORKER=true for the worker beside the web service, AWS_*.
#
# Root on a machine that systemd runs: /opt/nineways, units nineways-web and nineways-worker, user
# nineways. Anybody else, or with NINEWAYS_HOME set: under that folder (default ~/nineways), as the
# same user, with a background process that starts the service again when it dies; its process id is
# in run/web.pid, TERM stops it, the log is log/web.log.
set -Eeuo pipefail

bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Who runs this may have switched off the byte code that makes the service start in half the time.
unset PYTHONDONTWRITEBYTECODE
# The user that systemd starts the service as must be able to read it.
umask 022
release="" wanted_python="" wanted_arch=""
# The build wrote these three there.
# shellcheck source=/dev/null
. "$bundle/release"

if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && [ -z "${NINEWAYS_HOME:-}" ]; then
  by=systemd
else
  by=supervisor
fi
if [ "$(id -u)" = 0 ]; then home=${NINEWAYS_HOME:-/opt/nineways}; else home=${NINEWAYS_HOME:-${HOME:?}/nineways}; fi
port=${NINEWAYS_PORT:-8000}
ready_s=${NINEWAYS_READY_S:-60}  # how long the service may take to become ready
stop_s=60  # how long it may take to finish what it had begun
services=(web)
if [ "${NINEWAYS_RUN_WORKER:-false}" = true ]; then services+=(worker); fi
here=$home/releases/$release
settings=$home/service.env

# --- telling what happens -----------------------------------------------------------------------

doing="start"
note=""

say() { printf 'nineways: %s\n' "$*"; }

fail() {
  trap - ERR
  printf 'nineways: FAILED: %s\n' "$*" >&2
  exit 1
}
trap 'fail "$doing"' ERR

# step "text" command…: run it, say how long it took and what it noted.
step() {
  local began=$EPOCHREALTIME ended what=$1
  doing=$what
  note=""
  shift
  "$@"
  ended=$EPOCHREALTIME
  # A locale may write the point as a comma.
  local us=$((${ended/[.,]/} - ${began/[.,]/}))
  printf 'nineways: %6d.%02d s  %s%s\n' $((us / 1000000)) $((us % 1000000 / 10000)) "$what" "${note:+: $note}"
}

# --- installing ---------------------------------------------------------------------------------

is_wanted() { [ "$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$wanted_python" ]; }

look_for_python() {
  local candidate
  python=""
  for candidate in "python$wanted_python" python3; do
    if is_wanted "$candidate"; then
      python=$candidate
      return
    fi
  done
}

find_python() {
  local machine=${wanted_arch/arm64/aarch64}
  [ "$(uname -m)" = "$machine" ] || fail "this bundle is for $machine, this machine is $(uname -m); build the other one"
  look_for_python
  if [ -z "$python" ] && [ "$(id -u)" = 0 ]; then
    # Amazon Linux 2023 comes with Python 3.9 and has the later ones as packages.
    if command -v dnf >/dev/null; then
      dnf install --assumeyes --quiet "python$wanted_python"
    elif command -v apt-get >/dev/null; then
      apt-get update --quiet=2 && apt-get install --yes --quiet=2 "python$wanted_python"
    fi
    look_for_python
    note="installed $python"
  fi
  [ -n "$python" ] || fail "there is no Python $wanted_python here; install it, or build the bundle for the Python that is (nineways build --python)"
}

# Unpack the wheels that the lock names by hash. A wheel is a zip whose files go where Python finds
# them; doing just that takes a quarter of the time that pip needs, and pip need not be there.
unpack_wheels() {
  "$1/venv/bin/python" -I - "$bundle" <<'PYTHON'
import hashlib, pathlib, sys, sysconfig, zipfile

bundle = pathlib.Path(sys.argv[1])
lock = (bundle / "server.lock").read_text()
wheels = sorted((bundle / "wheels").glob("*.whl"))
locked = sum("==" in line for line in lock.splitlines())
if len(wheels) != locked:
    sys.exit(f"the bundle holds {len(wheels)} wheels, its lock names {locked}")
for wheel in wheels:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if f"--hash=sha256:{digest}" not in lock:
        sys.exit(f"{wheel.name} is not the file that the lock names")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".data/" not in name]
        archive.extractall(sysconfig.get_path("purelib"), names)
PYTHON
}

# A release is complete or not there: made beside its place, moved when done.
install_release() {
  if [ -d "$here" ]; then
    note="already there"
    return
  fi
  local draft=$home/releases/.draft
  mkdir -p "$home/releases"
  rm -rf "$draft"
  mkdir "$draft"
  "$python" -I -m venv --without-pip "$draft/venv"
  unpack_wheels "$draft"
  cp -R "$bundle/app" "$bundle/install.sh" "$bundle/release" "$draft/"
  # Importing shows that the release works here before the old one is stopped, and compiles what
  # the service imports.
  (cd "$draft" && venv/bin/python -c 'import app.entrypoints.web, app.entrypoints.worker')
  # The user that systemd starts it as may not write here: compile the rest as well.
  if [ "$by" = systemd ]; then "$draft/venv/bin/python" -I -m compileall -q -j 0 "$draft/venv/lib" "$draft/app"; fi
  mv "$draft" "$here"
}

drop_old_releases() {
  local old
  for old in "$home"/releases/*; do
    if [ "$old" != "$here" ]; then rm -rf "$old"; fi
  done
}

# --- settings -----------------------------------------------------------------------------------

# Ask the metadata service (IMDSv2: a token first) which instance this is. Where there is none, the
# service names itself. The file is for the user data that signals CloudFormation with it.
name_instance() {
  if [ -z "${NINEWAYS_COMPUTE_ID:-}" ]; then
    NINEWAYS_COMPUTE_ID=$("$python" -I - "${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}" <<'PYTHON'
import sys, urllib.request

base = sys.argv[1].rstrip("/") + "/latest/"
# The address is on this machine's own link: never by way of a proxy.
ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
wish = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
try:
    token = ask(urllib.request.Request(base + "api/token", method="PUT", headers=wish), timeout=2).read().decode()
    proof = {"X-aws-ec2-metadata-token": token}
    print(ask(urllib.request.Request(base + "meta-data/instance-id", headers=proof), timeout=2).read().decode())
except OSError:
    pass
PYTHON
    )
  fi
  if [ -n "$NINEWAYS_COMPUTE_ID" ]; then
    export NINEWAYS_COMPUTE_ID
    echo "$NINEWAYS_COMPUTE_ID" >instance-id
  fi
  note=${NINEWAYS_COMPUTE_ID:-no instance id}
}

# One NAME=value a line, as systemd's EnvironmentFile and our supervisor read it. It may hold
# credentials where no role provides them: for its owner only.
write_settings() {
  local text
  [ -n "${NINEWAYS_QUEUE_URL:-}" ] || fail "NINEWAYS_QUEUE_URL is not set; the template's user data must export it"
  text=$(env | grep -E '^(AWS_|NINEWAYS_)' | grep -vE '^NINEWAYS_(HOME|RUN_WORKER|READY_S)=' | LC_ALL=C sort)
  if [ "$text" = "$(cat "$settings" 2>/dev/null)" ]; then
    note="unchanged"
  else
    rm -f "$settings"
    (umask 077 && printf '%s\n' "$text" >"$settings")
  fi
}

# What is running is known by the release and the settings it was started with.
wanted_stamp() { printf '%s %s\n' "$release" "$(sha256sum <"$settings")"; }

is_started() {
  [ "$(cat "$home/run/$1.stamp" 2>/dev/null)" = "$(wanted_stamp)" ] && is_up "$1"
}

# --- running under systemd ----------------------------------------------------------------------

unit_text() {
  local capabilities=""
  # Only root may listen below 1024; the one right that takes is given, not root.
  if [ "$1" = web ] && [ "$port" -lt 1024 ]; then capabilities=CAP_NET_BIND_SERVICE; fi
  cat <<UNIT
[Unit]
Description=nineways $1
Wants=network-online.target
After=network-online.target
# Never give up: the instance has nothing else to do.
StartLimitIntervalSec=0

[Service]
User=nineways
EnvironmentFile=$settings
Environment=PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WorkingDirectory=$home/current
ExecStart=$home/current/venv/bin/python -m app.entrypoints.$1
Restart=always
RestartSec=1
TimeoutStopSec=$stop_s
AmbientCapabilities=$capabilities
CapabilityBoundingSet=$capabilities
LimitNOFILE=65536
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077

[Install]
WantedBy=multi-user.target
UNIT
}

install_units() {
  local service unit
  id nineways >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin nineways
  for service in "${services[@]}"; do
    unit=/etc/systemd/system/nineways-$service.service
    if ! unit_text "$service" | cmp -s - "$unit"; then
      unit_text "$service" >"$unit"
      rm -f "$home/run/$service.stamp"
      systemctl daemon-reload
    fi
  done
}

# --- running without it -------------------------------------------------------------------------

# The process that `setsid … --supervise` started and that still lives, if any.
supervisor_pid() {
  local pid
  pid=$(cat "$home/run/$1.pid" 2>/dev/null) || return 1
  # A process id is used again after a while: ask whether it is still ours.
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "--supervise $1" || return 1
  echo "$pid"
}

# Run one service for ever, again when it dies, until TERM, which it passes on.
supervise() {
  local child="" stopping="" guard=() line
  while IFS= read -r line; do export "${line?}"; done <"$settings"
  # Should this process be killed the hard way, its service goes too.
  if command -v setpriv >/dev/null; then guard=(setpriv --pdeathsig TERM); fi
  trap - ERR
  set +e
  trap 'stopping=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
  while [ -z "$stopping" ]; do
    cd "$home/current" || exit 1
    "${guard[@]}" venv/bin/python -m "app.entrypoints.$1" &
    child=$!
    # A signal ends `wait` early: the service may still be finishing what it had begun.
    while kill -0 "$child" 2>/dev/null; do wait "$child"; done
    child=""
    if [ -z "$stopping" ]; then
      say "$1 ended; starting it again in a second"
      sleep 1 &
      wait $!
    fi
  done
}

# --- starting and stopping, either way ----------------------------------------------------------

is_up() {
  case $by in
    systemd) systemctl is-active --quiet "nineways-$1" ;;
    supervisor) supervisor_pid "$1" >/dev/null ;;
  esac
}

stop() {
  local pid until=$((SECONDS + stop_s))
  rm -f "$home/run/$1.stamp"
  case $by in
    systemd) systemctl disable --now --quiet "nineways-$1" ;;
    supervisor)
      pid=$(supervisor_pid "$1") || return 0
      kill -TERM "$pid"
      while supervisor_pid "$1" >/dev/null; do
        # What does not end when asked is killed; the supervisor then ends by itself.
        if ((SECONDS > until)); then xargs -r kill -KILL <"/proc/$pid/task/$pid/children" || true; fi
        sleep 0.05
      done
      ;;
  esac
}

start() {
  if is_started "$1"; then
    note="already running"
    return
  fi
  stop "$1"
  # The old one has let go: from here on the release is the new one.
  ln -sfn "releases/$release" "$home/current"
  case $by in
    systemd) systemctl enable --now --quiet "nineways-$1" ;;
    supervisor)
      setsid bash "$home/current/install.sh" --supervise "$1" </dev/null >>"$home/log/$1.log" 2>&1 &
      echo $! >"$home/run/$1.pid"
      ;;
  esac
  wanted_stamp >"$home/run/$1.stamp"
}

# The worker of an earlier run that this one does not want.
stop_worker() {
  if [ -e "$home/run/worker.stamp" ]; then stop worker; else note="there is none"; fi
}

last_lines() {
  case $by in
    systemd) journalctl --unit "nineways-$1" --lines 20 --no-pager --output cat ;;
    supervisor) tail -n 20 "$home/log/$1.log" ;;
  esac
}

wait_until_ready() {
  local address=${NINEWAYS_HOST:-127.0.0.1} why
  if [ "$address" = 0.0.0.0 ]; then address=127.0.0.1; fi
  if why=$("$here/venv/bin/python" -I - "http://$address:$port" "$ready_s" <<'PYTHON'
import json, os, sys, time, urllib.error, urllib.request

base, ready_s = sys.argv[1], float(sys.argv[2])
ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
ours = os.environ.get("NINEWAYS_COMPUTE_ID")
until = time.monotonic() + ready_s
why = ""
while True:
    try:
        ask(base + "/readyz", timeout=5).read()
        who = json.load(ask(base + "/whoami", timeout=5))["compute_id"] if ours else None
        if who == ours:
            sys.exit()
        pause_s = 0.5
        why = f"another service, {who}, answers at {base}: is the port taken?"
    except urllib.error.HTTPError as error:
        pause_s = 0.5
        why = f"the service runs, but /readyz answers {error.code} {error.read(500).decode(errors='replace')}: can it reach the queue, and may it?"
    except OSError:
        pause_s = 0.05
        why = f"nothing listens at {base}: the service does not start"
    if time.monotonic() > until:
        sys.exit(print(why) or 1)
    time.sleep(pause_s)
PYTHON
  ); then return; fi
  say "the last lines of the log:"
  last_lines web
  fail "not ready after $ready_s s: ${why:-the check itself failed}"
}

wait_for_worker() {
  is_up worker || { last_lines worker; fail "the worker does not run"; }
}

# --- the order of things ------------------------------------------------------------------------

main() {
  mkdir -p "$home/run" "$home/log"
  step "find Python $wanted_python" find_python
  step "install release $release in $home" install_release
  if [ "$by" = systemd ]; then step "write the units" install_units; fi
  if [ "${1:-}" = --bake ]; then
    ln -sfn "releases/$release" "$home/current"
    return
  fi
  step "ask which instance this is" name_instance
  step "write the settings" write_settings
  step "start web" start web
  if [ "${#services[@]}" = 2 ]; then step "start the worker" start worker; else step "stop the worker" stop_worker; fi
  step "wait until /readyz answers" wait_until_ready
  if [ "${#services[@]}" = 2 ]; then step "look whether the worker runs" wait_for_worker; fi
  step "remove older releases" drop_old_releases
  note=""
}

case ${1:-} in
  --supervise) supervise "$2" ;;
  "" | --bake) step "in all" main "$@" ;;
  *) fail "unknown option $1; there is only --bake" ;;
esac
