# fish completion for palaver. Made from the tables in tools/palaver: do not edit.

# What stands on the line, without options and what they take.
function __palaver_words
    set -l tokens (commandline -opc)
    set -l taken no
    for token in $tokens[2..-1]
        if test $taken = yes
            set taken no
            continue
        end
        switch $token
            case --run --timeout --session -s --user -u --platform -p --adapter --service --route --type --reason --outcome --fingerprint -f --code --text --since --until --attempts --limit -n --after --plan --apply --rate --concurrency --set --to --html --why --who --keys --data --conf --broker --workers -w --count -c --outstanding -o --id --what --lines -C
                set taken yes
            case '-*'
            case '*'
                echo $token
        end
    end
end

# They are these.
function __palaver_at
    set -l words (__palaver_words)
    test "$words" = "$argv"
end

# They begin with one of these.
function __palaver_in
    set -l words (__palaver_words)
    for command in $argv
        string match -q -- "$command *" "$words "; and return
    end
    return 1
end

complete -c palaver -f
complete -c palaver -n __palaver_at -a status -d 'the broker at a glance'
complete -c palaver -n __palaver_at -a top -d 'the broker as it lives, on the whole terminal'
complete -c palaver -n __palaver_at -a tail -d 'what happens, as it happens'
complete -c palaver -n __palaver_at -a metrics -d 'every counter, gauge and histogram'
complete -c palaver -n __palaver_at -a doctor -d 'what is wrong here, and what to do about it'
complete -c palaver -n __palaver_at -a send -d 'say something and wait for the answer'
complete -c palaver -n __palaver_at -a sessions
complete -c palaver -n '__palaver_at sessions' -a list -d 'the open sessions'
complete -c palaver -n '__palaver_at sessions' -a show -d 'one session: its history and state'
complete -c palaver -n '__palaver_at sessions' -a reset -d 'end sessions'
complete -c palaver -n '__palaver_at sessions' -a end -d 'end sessions, as an operator'
complete -c palaver -n '__palaver_at sessions' -a unpark -d 'let sessions go on that a dead letter holds'
complete -c palaver -n __palaver_at -a events
complete -c palaver -n '__palaver_at events' -a show -d 'one event on its way, whatever became of it'
complete -c palaver -n '__palaver_at events' -a list -d 'past traffic'
complete -c palaver -n '__palaver_at events' -a discard -d 'put what waits among the dead letters'
complete -c palaver -n '__palaver_at events' -a replay -d 'have past messages answered again, by another agent or a newer one, as a trial'
complete -c palaver -n __palaver_at -a dead
complete -c palaver -n '__palaver_at dead' -a list -d 'the dead letters'
complete -c palaver -n '__palaver_at dead' -a show -d 'dead letters whole, with their ledger'
complete -c palaver -n '__palaver_at dead' -a stats -d 'the dead letters by what went wrong'
complete -c palaver -n '__palaver_at dead' -a replay -d 'send dead letters again'
complete -c palaver -n '__palaver_at dead' -a discard -d 'throw dead letters away, on the record'
complete -c palaver -n '__palaver_at dead' -a export -d 'save dead letters'
complete -c palaver -n '__palaver_in "dead export"' -F
complete -c palaver -n '__palaver_at dead' -a import -d 'put saved dead letters back'
complete -c palaver -n '__palaver_in "dead import"' -F
complete -c palaver -n __palaver_at -a agents
complete -c palaver -n '__palaver_at agents' -a list -d 'the connected workers'
complete -c palaver -n '__palaver_at agents' -a drain -d 'let workers finish and leave'
complete -c palaver -n '__palaver_at agents' -a resume -d 'let drained workers go on'
complete -c palaver -n __palaver_at -a adapters
complete -c palaver -n '__palaver_at adapters' -a list -d 'the adapters: each plugin, its process, its traffic'
complete -c palaver -n '__palaver_at adapters' -a reload -d 'replace adapters by new processes, which have their part of the configuration as it is now'
complete -c palaver -n '__palaver_at adapters' -a stop -d 'drain and stop adapters'
complete -c palaver -n '__palaver_at adapters' -a start -d 'start adapters that were stopped or refused'
complete -c palaver -n __palaver_at -a routes
complete -c palaver -n '__palaver_at routes' -a list -d 'the routes and their circuit breakers'
complete -c palaver -n '__palaver_at routes' -a pause -d 'let the events of a route wait'
complete -c palaver -n '__palaver_at routes' -a resume -d 'let a route go on at once'
complete -c palaver -n __palaver_at -a keys
complete -c palaver -n '__palaver_at keys' -a new -d 'make a CURVE key pair for an agent on another machine, or for the broker'
complete -c palaver -n __palaver_at -a backup -d 'a consistent copy of the data of a running broker'
complete -c palaver -n '__palaver_in "backup"' -a '(__fish_complete_directories)'
complete -c palaver -n __palaver_at -a restore -d 'put a backup where a broker can start from it'
complete -c palaver -n '__palaver_in "restore"' -a '(__fish_complete_directories)'
complete -c palaver -n __palaver_at -a bench -d 'measure round trips'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "backup" "bench"' -l run -x -a '(__fish_complete_directories)' -d 'the run directory of the broker; default: $PALAVER_RUN, else the first of $XDG_RUNTIME_DIR/palaver, ~/.local/state/palaver/run and /run/palaver that has its sockets'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "backup" "bench"' -l timeout -x -d 'wait this long for an answer (10; send, adapters start and reload: 60; backup: 3600; bench: 300; dead replay --shadow: as long as the broker lets an agent work; tail: show so long, default: without end)'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "keys" "backup" "restore" "bench"' -l json -d 'JSON lines, also on a terminal'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "keys" "backup" "restore" "bench"' -l table -d 'tables and texts, also off a terminal'
complete -c palaver -n '__palaver_in "tail" "send" "events list" "events discard" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l session -s s -x -d 'the session; default of send: PLATFORM_USER'
complete -c palaver -n '__palaver_in "tail" "send" "events list" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l user -s u -x -d 'who speaks; default of send: $USER'
complete -c palaver -n '__palaver_in "tail" "send" "sessions list" "events list" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l platform -s p -x -d 'the platform that it comes from'
complete -c palaver -n '__palaver_in "tail" "send" "events discard" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l adapter -x -d 'the adapter that it comes from; send: the name to take among them, by default cli, or cli-2, cli-3, ... while that is in use'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l service -x -d 'only what a route leads to this service'
complete -c palaver -n '__palaver_in "events discard" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l route -x -d 'only what goes by this route'
complete -c palaver -n '__palaver_in "tail" "events list" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l type -x -d 'only events of this type: chat.message, chat.response, ...'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l reason -x -d 'only what died of this: attempts, permanent, no_route, rejected, expired, refused, unknown, discarded'
complete -c palaver -n '__palaver_in "events list" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l outcome -x -d 'only with this outcome: failed, rejected, expired, refused, unknown; of events: pending, delivering, delivered, silent, superseded, dead, discarded'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l fingerprint -s f -x -d 'only what failed like this; dead stats shows the fingerprints'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l code -x -d 'only with this code of the agent or the platform'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead replay" "dead discard" "dead export"' -l text -x -d 'only messages that this occurs in'
complete -c palaver -n '__palaver_in "events list" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l since -x -d 'only what died (of events: was accepted) at this time or later: 2026-01-31, 2026-01-31T08:00:00Z, or how long ago: 90s, 15m, 2h, 3d, 1w'
complete -c palaver -n '__palaver_in "events list" "events replay" "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l until -x -d 'only what died (of events: was accepted) before this time, said like --since'
complete -c palaver -n '__palaver_in "dead list" "dead show" "dead stats" "dead replay" "dead discard" "dead export"' -l attempts -x -d 'only with this many attempts or more'
complete -c palaver -n '__palaver_in "sessions list" "events list" "events replay" "dead list" "dead show" "dead stats"' -l limit -s n -x -d 'at most this many; default: 100 on a terminal, all off it'
complete -c palaver -n '__palaver_in "sessions list" "events list" "dead list"' -l after -x -d 'go on behind this session, or behind the dead letter or event of this number'
complete -c palaver -n '__palaver_in "dead replay" "dead discard" "dead export"' -l all -s a -d 'all dead letters that pass the filters'
complete -c palaver -n '__palaver_in "events discard" "dead replay" "dead discard"' -l yes -s y -d 'do not ask; needed off a terminal'
complete -c palaver -n '__palaver_in "events discard" "dead replay" "dead discard" "dead import"' -l dry-run -d 'say what would be done, and do nothing'
complete -c palaver -n '__palaver_in "dead replay"' -l allow-duplicates -d 'also those whose outcome is unknown: the person may get the answer a second time'
complete -c palaver -n '__palaver_in "dead replay"' -l plan -r -F -d 'send nothing: write what would be done into this new file'
complete -c palaver -n '__palaver_in "dead replay"' -l apply -r -F -d 'do what stands in this plan; go on with it when it was interrupted'
complete -c palaver -n '__palaver_in "events replay" "dead replay"' -l rate -x -d 'at most this many letters (events) a second; default: as fast as the broker takes them'
complete -c palaver -n '__palaver_in "events replay" "dead replay"' -l concurrency -x -d 'hand over at most this many letters at a time (200); try at most this many events at a time (8)'
complete -c palaver -n '__palaver_in "dead replay"' -l set -x -d 'send corrected copies, with this text; the originals stay on the record'
complete -c palaver -n '__palaver_in "dead replay"' -l edit -d 'send one corrected copy: edit its text in $VISUAL or $EDITOR'
complete -c palaver -n '__palaver_in "events replay" "dead replay"' -l to -x -d 'send events to this service, or by the route of this name'
complete -c palaver -n '__palaver_in "events replay" "dead replay"' -l shadow -d 'send nothing to anyone: let agents answer, and show old and new answers'
complete -c palaver -n '__palaver_in "events replay"' -l html -r -F -d 'write old and new answers side by side into this new file, a page for a browser that needs nothing else'
complete -c palaver -n '__palaver_in "events discard" "dead discard" "routes pause" "routes resume"' -l why -x -d 'why, for the record'
complete -c palaver -n '__palaver_in "sessions unpark" "events discard" "dead replay" "dead discard" "dead import" "agents drain" "agents resume" "routes pause" "routes resume"' -l who -x -d 'who does it, for the record; default: $USER'
complete -c palaver -n '__palaver_in "keys new"' -l keys -x -a '(__fish_complete_directories)' -d 'the directory of keys (listen.keys of the configuration); default: keys, beside the installed palaver.conf'
complete -c palaver -n '__palaver_in "status" "doctor" "sessions list" "sessions show" "events show" "events list" "events replay" "dead list" "dead show" "dead stats" "dead export" "routes list" "restore"' -l data -x -a '(__fish_complete_directories)' -d 'ask no running broker: look at the data of a stopped one, or at a backup, and change nothing in it; of doctor and restore: the data directory; default: $STATE_DIRECTORY, else ~/.local/state/palaver'
complete -c palaver -n '__palaver_in "status" "doctor" "sessions list" "sessions show" "events show" "events list" "events replay" "dead list" "dead show" "dead stats" "dead export" "routes list"' -l conf -r -F -d 'the configuration; default: the installed one, if there is one'
complete -c palaver -n '__palaver_in "bench"' -l start -d 'start a broker of its own, with its data in a temporary directory, and stop it in the end'
complete -c palaver -n '__palaver_in "status" "sessions list" "sessions show" "events show" "events list" "events replay" "dead list" "dead show" "dead stats" "dead export" "routes list" "bench"' -l broker -r -F -d 'the palaverd to start; default: the one beside palaver, else the one in $PATH'
complete -c palaver -n '__palaver_in "bench"' -l workers -s w -x -d 'worker processes of its own (4); 0: the agents that are connected answer'
complete -c palaver -n '__palaver_in "bench"' -l count -s c -x -d 'round trips to measure (20000)'
complete -c palaver -n '__palaver_in "bench"' -l outstanding -s o -x -d 'messages on their way at a time (256)'
complete -c palaver -n '__palaver_in "tail"' -l id -x -d 'only the event of this id, and the answers to it'
complete -c palaver -n '__palaver_in "tail"' -l what -x -d 'only lines of this kind: accepted, dispatched, failed, answered, delivered, dead, ...'
complete -c palaver -n '__palaver_in "tail"' -l lines -s C -x -d 'end after this many lines'
complete -c palaver -n '__palaver_in "tail"' -l live -d 'streamed text and presence, too'
complete -c palaver -n '__palaver_in "tail"' -l texts -d 'what was written, too; what looks like a password, a token or a key is masked'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "keys" "backup" "restore" "bench"' -l help -s h -d 'show help'
complete -c palaver -n '__palaver_in "" "status" "top" "tail" "metrics" "doctor" "send" "sessions" "events" "dead" "agents" "adapters" "routes" "keys" "backup" "restore" "bench"' -l version -s V -d 'show the version'
