#!/usr/bin/env bash
# Starts SLURM with two nodes on this machine, runs the command given, and takes everything down again, however it ends.
#
#     cluster/tests/slurm.sh cargo test -p partita-cluster --profile cluster --test deploy -- --ignored slurm
#
# Needs root and the Debian packages slurmctld, slurmd, slurm-client and munge; everything else is in a folder of its own.
set -euo pipefail

for program in munged slurmctld slurmd sbatch squeue; do
    command -v "$program" > /dev/null || { echo "$program is not there: apt-get install slurmctld slurmd slurm-client munge" >&2; exit 1; }
done
place=$(mktemp -d /tmp/slurm.XXXXXX)
chmod 755 "$place"
started=()
down() {
    code=$?
    trap - EXIT
    [ $code = 0 ] || tail -n 40 "$place"/*.log >&2 || true
    command -v scancel > /dev/null && timeout 10 scancel --user="$(id -un)" 2> /dev/null || true
    # the last first: nodes before what they report to
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do kill -TERM "${started[i]}" 2> /dev/null || true; done
    for process in "${started[@]}"; do
        for _ in $(seq 50); do kill -0 "$process" 2> /dev/null || break; sleep 0.1; done
        kill -KILL "$process" 2> /dev/null || true
    done
    rm -rf "$place"
    exit $code
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# four ports in a row that nobody has
for _ in $(seq 100); do
    port=$((20000 + RANDOM % 20000))
    free=1
    for p in $port $((port + 1)) $((port + 2)); do
        (: < "/dev/tcp/127.0.0.1/$p") 2> /dev/null && free=0
    done
    [ $free = 1 ] && break
done

mkdir -m 711 "$place/munge"
head -c 1024 /dev/urandom > "$place/munge/key"
chmod 600 "$place/munge/key"
munged --foreground --force --key-file="$place/munge/key" --socket="$place/munge/socket" --pid-file="$place/munge/pid" \
    --log-file="$place/munge/log" --seed-file="$place/munge/seed" > "$place/munged.log" 2>&1 &
started+=($!)

mkdir "$place/state"
cat > "$place/slurm.conf" <<END
ClusterName=partita
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$place/munge/socket
CredType=cred/munge
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool-%n
SlurmctldPidFile=$place/slurmctld.pid
SlurmdPidFile=$place/slurmd-%n.pid
SlurmctldLogFile=$place/slurmctld.log
SlurmdLogFile=$place/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SchedulerParameters=sched_min_interval=100000
KillWait=10
ReturnToService=2
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=3 RealMemory=2000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=3 RealMemory=2000
PartitionName=multiple Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$place/slurm.conf

until [ -S "$place/munge/socket" ]; do kill -0 "${started[0]}"; sleep 0.1; done
slurmctld -D -i >> "$place/out.log" 2>&1 &
started+=($!)
for node in n1 n2; do
    slurmd -D -N "$node" >> "$place/out.log" 2>&1 &
    started+=($!)
done
for _ in $(seq 300); do
    [ "$(timeout 5 sinfo -h -t idle -o %D 2> /dev/null)" = 2 ] && break
    for process in "${started[@]}"; do kill -0 "$process"; done
    sleep 0.2
done
sinfo
"$@"
