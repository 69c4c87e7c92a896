# Holds one PostgreSQL cluster: does what each line of its input says, and answers each with a line that begins with `ok`
# or `failed`. When its input ends, PostgreSQL ends and its folder is deleted. The other end of that pipe is in the
# process of the tests, so it closes however that process ends, SIGKILL included.
#
# Runs as the user that PostgreSQL runs as, in a process group of its own: what ends the group of the tests must not end
# this before it has cleared up. Linux: it finds the processes of a server under /proc.
#
# sh -c SCRIPT sh FOLDER-WITH-POSTGRESQL'S-PROGRAMS

programs=$1
server=''

# An answer that nobody reads any more must not end this. Nor must the hang-up that the kernel sends to a group with a
# process in it that stands still, such as a frozen server, when whoever started the group has ended.
trap '' PIPE HUP
# Not `exit` alone: while this clears up already, that would be the end of it.
trap 'clear_up; exit 1' INT TERM
trap clear_up EXIT
umask 077

# In memory, where there is room: a server that waits for a disk on which much else is written stands still for seconds,
# which is what a broker calls an outage. The room is in KiB; a container may have as little as 64 MiB.
has_room() { [ "$(df -Pk "$1" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\) .*/\1/p')" -ge 4000000 ]; } 2>/dev/null

# The folder for temporary files may be one that only the person who runs the tests can reach.
folder=$(
    { has_room /dev/shm && mktemp -d /dev/shm/lodge-postgres.XXXXXX; } ||
        mktemp -d "${TMPDIR:-/tmp}/lodge-postgres.XXXXXX" || mktemp -d /tmp/lodge-postgres.XXXXXX
) || exit 1
cd "$folder" || exit 1
exec 2>>"$folder/log"

# The letter that the kernel has for what a process is doing: `T` stopped, `Z` ended. Fails when there is none.
state() {
    read -r line <"/proc/$1/stat" || return 1
    line=${line##*) }
    echo "${line%% *}"
} 2>/dev/null

# A process that nobody has waited for holds nothing any more, so it counts as gone.
is_gone() {
    case $(state "$1") in Z | X | '') return 0 ;; *) return 1 ;; esac
}

# The server's own processes. Each of them is a session of its own, so no signal to a group reaches them.
children() {
    for stat in /proc/[0-9]*/stat; do
        read -r line <"$stat" || continue
        child=${line%% *}
        line=${line##*) ? }
        [ "${line%% *}" = "$server" ] && echo "$child"
    done
} 2>/dev/null

# patiently COMMAND…: asks every 20 ms until the command succeeds; fails after 20 s.
patiently() {
    asked=0
    until "$@"; do
        asked=$((asked + 1))
        [ $asked -lt 1000 ] || return 1
        sleep 0.02
    done
}

is_stopped_or_gone() { [ "$(state "$1")" = T ] || is_gone "$1"; }

# The server goes first: once it stands still, no process is added to the list.
freeze() {
    kill -STOP "$server" && patiently is_stopped_or_gone "$server" || return 1
    for child in $(children); do
        kill -STOP "$child"
    done
}

thaw() {
    for child in $(children) "$server"; do
        kill -CONT "$child"
    done
}

kill_all() {
    kill -STOP "$server" && patiently is_stopped_or_gone "$server"
    doomed="$(children) $server"
    for process in $doomed; do
        kill -KILL "$process"
    done
    for process in $doomed; do
        patiently is_gone "$process"
    done
    server=''
}

# end SIGNAL: PostgreSQL's own ways to shut down: INT is fast, QUIT immediate. It clears up its shared memory itself.
end() {
    kill "-$1" "$server" || return 1
    thaw
    patiently is_gone "$server" || kill_all
    server=''
}

make() {
    "$programs/initdb" --pgdata data --username postgres --pwfile password --auth scram-sha-256 --encoding UTF8 \
        --locale C --no-sync --no-instructions "$@" >>log
}

# Real servers mostly sort text by a language, where `a` comes before `B`, and SQLite does not: a statement that counts
# on either must be noticed here. PostgreSQL 13 and 14, and builds without ICU, can only do without.
init() {
    IFS= read -r password && echo "$password" >password
    make --locale-provider icu --icu-locale en-US || make || return 1
    rm password
    # Nothing here need outlive the machine. The data survives a killed server all the same: the kernel has it.
    cat >>data/postgresql.conf <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 16MB
max_wal_size = 256MB
dynamic_shared_memory_type = mmap
fsync = off
full_page_writes = off
log_checkpoints = off
log_line_prefix = '%m [%p] %u@%d '
SETTINGS
}

# The file that a server keeps about itself begins with its process id and ends with how far it is. One that was killed
# leaves its file behind; the next one reads there what else was left, and clears it up.
is_ready() {
    [ "$(sed -n 1p data/postmaster.pid)" = "$server" ] && grep -q '^ready' data/postmaster.pid
} 2>/dev/null

is_ready_or_gone() { is_ready || is_gone "$server"; }

start() {
    [ -z "$server" ] || return 1
    "$programs/postgres" -D data -p "$1" >>log </dev/null &
    server=$!
    patiently is_ready_or_gone && is_ready && return
    kill_all
    return 1
}

clear_up() {
    trap '' INT TERM
    [ -z "$server" ] || end QUIT
    # A killed server leaves a few bytes of shared memory; the seventh line ends with its id.
    if [ -e data/postmaster.pid ]; then
        ipcrm -m "$(sed -n '7s/.* //p' data/postmaster.pid)"
    fi
    cd / && rm -rf "$folder"
}

answer() {
    if "$@"; then echo "ok $server"; else echo "failed to $*"; fi
}

echo "ok $folder"
while read -r verb argument; do
    case $verb in
        init) answer init ;;
        start) answer start "$argument" ;;
        stop) answer end INT ;;
        kill) answer kill_all ;;
        freeze) answer freeze ;;
        thaw) answer thaw ;;
        *) echo "failed to understand $verb" ;;
    esac
done
