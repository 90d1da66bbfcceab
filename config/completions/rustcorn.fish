# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rustcorn_global_optspecs
    string join \n app-dir= chdir= e/env= env-file= b/bind= backlog= reuse-port no-reuse-port certfile= keyfile= ssl-keyfile-password= ca-certs= cert-reqs= ssl-min-version= ciphers= forwarded-allow-ips= proxy-headers= no-proxy-headers secure-scheme-headers= proxy-protocol= no-proxy-protocol proxy-allow-from= http-protocols= http2-cleartext= http2-max-concurrent-streams= http2-initial-window-size= http2-max-frame-size= http2-max-header-list-size= http2-reset-limit= http2-ping-interval= http2-ping-timeout= limit-request-line= limit-request-fields= limit-request-field_size= limit-request-body= limit-concurrency= keepalive-requests= handshake-timeout= header-timeout= body-timeout= write-timeout= request-timeout= slow-request= server-header no-server-header date-header no-date-header header= request-id-header= w/workers= threads= worker-connections= balance no-balance max-requests= max-requests-jitter= max-worker-lifetime= max-worker-lifetime-jitter= max-rss= t/timeout= graceful-timeout= boot-timeout= keep-alive= reload-surge= reload no-reload reload-extra-file= reload-delay= k/worker-class= interface= factory no-factory pythonpath= root-path= asgi-loop= asgi-lifespan= lifespan-timeout= asgi-disconnect-grace-period= websocket-max-message-size= ws-max-queue= ws-ping-interval= ws-ping-timeout= ws-per-message-deflate= no-ws-per-message-deflate tmp-upload-dir= sendfile no-sendfile forwarder-headers= header-map= log-config= log-config-json= reload-dir= reload-include= reload-exclude= preload no-preload D/daemon no-daemon p/pid= u/user= g/group= initgroups no-initgroups m/umask= n/name= R/enable-stdio-inheritance no-enable-stdio-inheritance access-logfile= access-log= no-access-log access-logformat= disable-redirect-access-to-syslog no-disable-redirect-access-to-syslog error-logfile= log-level= capture-output no-capture-output log-format= use-colors= no-use-colors log-syslog no-log-syslog log-syslog-to= log-syslog-prefix= log-syslog-facility= c/config= check-config no-check-config print-config no-print-config host= port= uds= fd= worker-tmp-dir= http-parser= http= ws= suppress-ragged-eofs no-suppress-ragged-eofs do-handshake-on-connect no-do-handshake-on-connect reset-contextvars no-reset-contextvars control-socket= control-socket-mode= no-control-socket no-no-control-socket ssl-version= h11-max-incomplete-event-size= reload-engine= v/version h/help
end

function __fish_rustcorn_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rustcorn_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rustcorn_using_subcommand
    set -l cmd (__fish_rustcorn_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rustcorn -n "__fish_rustcorn_needs_command" -l app-dir -d 'Look for the application\'s library or module in this directory first' -r -f -a "(__fish_complete_directories)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l chdir -d 'Change to this directory before anything is loaded' -r -f -a "(__fish_complete_directories)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s e -l env -d 'Set an environment variable for the application, as NAME=VALUE' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l env-file -d 'Set environment variables for the application as this file says, one NAME=VALUE a line' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s b -l bind -d 'Listen on this address [default: 127.0.0.1:8000]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l backlog -d 'How many connections may wait to be accepted [default: 2048]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l certfile -l ssl-certfile -d 'Serve TLS with the certificates in this PEM file' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l keyfile -l ssl-keyfile -d 'The private key of the certificate, as a PEM file' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ssl-keyfile-password -d 'The password of private keys that are encrypted' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ca-certs -l ssl-ca-certs -d 'Who may vouch for the certificates of clients: a PEM file' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l cert-reqs -l ssl-cert-reqs -d 'Whether clients must show a certificate; 0: no, 1: they may, 2: they must [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ssl-min-version -d 'The oldest version of TLS that is spoken [default: 1.2]' -r -f -a "1.2\t''
1.3\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ciphers -l ssl-ciphers -d 'Only these cipher suites, by their IANA or OpenSSL names, with colons or commas between them' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l forwarded-allow-ips -d 'Believe what these proxies say of their clients in the headers of a request [default: 127.0.0.1 ::1]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l proxy-headers -d 'Which headers a trusted proxy speaks of its client with [default: any]' -r -f -a "off\t''
x-forwarded\t''
forwarded\t''
any\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l secure-scheme-headers -d 'What a trusted proxy says of a client that came over TLS, as HEADER=VALUE [default: X-FORWARDED-PROTOCOL=ssl X-FORWARDED-PROTO=https X-FORWARDED-SSL=on]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l proxy-protocol -d 'Take the client\'s address from a PROXY header in front of each connection [default: off]' -r -f -a "off\t''
v1\t''
v2\t''
auto\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l proxy-allow-from -d 'Demand PROXY headers from these peers, and forbid them to others [default: 127.0.0.1 ::1]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http-protocols -d 'Which versions of HTTP are offered in a TLS handshake (ALPN), the preferred one first [default: h2,h1]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-cleartext -d 'Whether HTTP/2 is spoken without TLS [default: prior-knowledge]' -r -f -a "off\t''
prior-knowledge\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-max-concurrent-streams -d 'The most requests that a HTTP/2 connection may have in flight [default: 100]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-initial-window-size -d 'How many bytes of a request\'s body a HTTP/2 client may send before the application has read them [default: 262144]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-max-frame-size -d 'The most bytes of one HTTP/2 frame that a client may send [default: 16384]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-max-header-list-size -d 'The most bytes of a HTTP/2 request\'s head, counted without compression [default: 65536]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-reset-limit -d 'How many requests a HTTP/2 client may cancel beyond those that it lets be answered [default: 200]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-ping-interval -d 'Ask a HTTP/2 client that has sent nothing for this long whether it is still there; 0: never [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http2-ping-timeout -d 'How long a HTTP/2 client may take to answer that; then the connection is cut [default: 20]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l limit-request-line -d 'The most bytes of a request line; 0: only what a whole request\'s head may have (64 KiB) [default: 4094]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l limit-request-fields -d 'The most header fields of a request [default: 100]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l limit-request-field_size -l limit-request-field-size -d 'The most bytes of one header field; 0: only what a whole request\'s head may have (64 KiB) [default: 8190]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l limit-request-body -d 'The most bytes of a request\'s body; 0: any number [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l limit-concurrency -d 'The most requests that a worker works on at a time; 0: any number [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l keepalive-requests -d 'Close a connection after this many requests; 0: never [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l handshake-timeout -l ssl-handshake-timeout -d 'How long a TLS handshake or a proxy\'s header may take; 0: for ever [default: 10]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l header-timeout -d 'How long the head of a request may take; 0: for ever [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l body-timeout -d 'How long a request\'s body may come to a halt; 0: for ever [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l write-timeout -d 'How long a client may take nothing of its response; 0: for ever [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l request-timeout -d 'How long a request may take as a whole, from its head to the end of its response; 0: for ever [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l slow-request -d 'Log a request that takes longer than this, once, with a stack trace of its worker; 0: never [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l header -l headers -d 'Send this field with each response that has none of this name, as NAME:VALUE' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l request-id-header -d 'The field that holds a request\'s id, as in X-Request-ID' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s w -l workers -d 'How many worker processes serve [default: 1]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l threads -d 'How many threads each worker runs its event loop on [default: 1]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l worker-connections -d 'How many connections each worker has open at most [default: 1000]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l max-requests -l limit-max-requests -d 'Replace a worker after this many requests; 0: never [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l max-requests-jitter -l limit-max-requests-jitter -d 'Add up to this many requests to max_requests, at random for each worker [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l max-worker-lifetime -d 'Replace a worker at this age; 0: never [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l max-worker-lifetime-jitter -d 'Add up to this much to max_worker_lifetime, at random for each worker [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l max-rss -d 'Replace a worker whose resident memory exceeds this; 0: never [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s t -l timeout -l timeout-worker-healthcheck -d 'Kill and replace a worker that has given no sign of life for this long; 0: never [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l graceful-timeout -l timeout-graceful-shutdown -d 'How long a worker that is being stopped or replaced may finish what it holds [default: 30]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l boot-timeout -d 'How long a worker may take to load the application; 0: for ever [default: 60]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l keep-alive -l timeout-keep-alive -d 'Close a connection that has been idle between two requests for this long; 0: after each request [default: 2]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-surge -d 'How many workers beyond their number a reload may start at a time; 0: as many as there are workers [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-extra-file -d 'With reload, watch this file or pattern too' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-delay -d 'With reload, wait this long after the last change [default: 0.25]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s k -l worker-class -d 'What kind of Python application it is: asgi, wsgi, or one of the names that Gunicorn and uvicorn use' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l interface -d 'What a Python application is called with [default: auto]' -r -f -a "auto\t''
asgi3\t''
asgi2\t''
wsgi\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l pythonpath -d 'Look for Python modules in these directories too, with commas between them' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l root-path -d 'The path under which a proxy offers the application: ASGI\'s root_path [default: ]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l asgi-loop -l loop -d 'Which event loop an ASGI application has [default: auto]' -r -f -a "auto\t''
asyncio\t''
uvloop\t''
none\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l asgi-lifespan -l lifespan -d 'Whether an ASGI application hears of the start and the end of its worker [default: auto]' -r -f -a "auto\t''
on\t''
off\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l lifespan-timeout -d 'How long an ASGI application may take for the end of its lifespan; 0: no limit of its own [default: 0]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l asgi-disconnect-grace-period -d 'How long an ASGI application may go on with a request whose client is gone [default: 3]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l websocket-max-message-size -l ws-max-size -d 'The most bytes of a message of a WebSocket; 0: any number [default: 16M]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ws-max-queue -d 'How many messages of a WebSocket may wait for the application [default: 32]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ws-ping-interval -d 'Ask a WebSocket\'s client at this interval whether it is still there; 0: never [default: 20]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ws-ping-timeout -d 'How long a WebSocket\'s client may take to answer that; 0: for ever [default: 20]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ws-per-message-deflate -d 'Compress messages of WebSockets with clients that can (permessage-deflate) [default: on]' -r -f -a "on\t''
off\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l tmp-upload-dir -d 'The directory for bodies of WSGI requests that are too large for memory' -r -f -a "(__fish_complete_directories)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l forwarder-headers -d 'Headers with underscores that a trusted proxy may send all the same, with commas between them [default: SCRIPT_NAME,PATH_INFO]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l header-map -d 'What becomes of headers with underscores in their names [default: drop]' -r -f -a "drop\t''
refuse\t''
dangerous\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-config -d 'Set up Python\'s logging from this file in each worker' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-config-json -d 'Set up Python\'s logging from this JSON file in each worker, as logging.config.dictConfig reads it' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-dir -d 'With reload, watch this directory instead of the working directory' -r -f -a "(__fish_complete_directories)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-include -d 'With reload, watch files of these names in the directories too' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-exclude -d 'With reload, do not watch files and directories of these names' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s p -l pid -d 'Write the process id to this file' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s u -l user -d 'Run the workers as this user' -r -f -a "(__fish_complete_users)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s g -l group -d 'Run the workers as this group' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s m -l umask -d 'Take these permission bits away from files and sockets that are created' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s n -l name -d 'Show this name in the list of processes' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l access-logfile -d 'Write the access log to this file; "-": standard output' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l access-log -d 'Turn the access log on or off [default: auto]' -r -f -a "auto\t''
on\t''
off\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l access-logformat -d 'How a line of the access log looks [default: %(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l error-logfile -l log-file -d 'Write the log to this file; `-`: standard error [default: -]' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-level -d 'Log what is at least this important [default: info]' -r -f -a "trace\t''
debug\t''
info\t''
warning\t''
error\t''
critical\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-format -d 'How a line of the log looks [default: text]' -r -f -a "text\t''
json\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l use-colors -d 'Colour the log [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-syslog-to -d 'Where syslog listens [default: udp://localhost:514]' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-syslog-prefix -d 'Name messages to syslog after this instead of the application' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-syslog-facility -d 'Send messages to syslog under this facility [default: user]' -r -f -a "auth\t''
authpriv\t''
cron\t''
daemon\t''
ftp\t''
kern\t''
lpr\t''
mail\t''
news\t''
security\t''
syslog\t''
user\t''
uucp\t''
local0\t''
local1\t''
local2\t''
local3\t''
local4\t''
local5\t''
local6\t''
local7\t''"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s c -l config -d 'Read the settings from this TOML file' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l host -d 'Listen on this host: uvicorn\'s spelling of bind, with port' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l port -d 'Listen on this port: uvicorn\'s spelling of bind, with host' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l uds -d 'Listen on this Unix socket: uvicorn\'s spelling of bind' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l fd -d 'Listen on this inherited socket: uvicorn\'s spelling of bind' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l worker-tmp-dir -d 'Has no effect: heartbeats are in shared memory, not in files' -r -f -a "(__fish_complete_directories)"
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http-parser -d 'Has no effect: there is one parser of HTTP, in Rust (Gunicorn\'s option)' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l http -d 'Has no effect: there is one implementation of HTTP, in Rust (uvicorn\'s option)' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ws -d 'Has no effect: there is one implementation of WebSockets, in Rust (uvicorn\'s option)' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l control-socket -d 'Has no effect: there is no control socket' -r -F
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l control-socket-mode -d 'Has no effect: there is no control socket' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l ssl-version -d 'Has no effect: see ssl_min_version' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l h11-max-incomplete-event-size -d 'Has no effect: a setting of h11, which is not used; see limit_request_line' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload-engine -d 'Has no effect: changed files are told by the kernel (inotify)' -r -f
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reuse-port -d 'Give each worker a listening socket of its own (SO_REUSEPORT)'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-reuse-port -d 'Turn reuse_port off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-proxy-headers -d 'Turn proxy_headers off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-proxy-protocol -d 'Turn proxy_protocol off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l server-header -d 'Send a Server field with each response that has none [default: true]'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-server-header -d 'Turn server_header off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l date-header -d 'Send a Date field with each response that has none [default: true]'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-date-header -d 'Turn date_header off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l balance -d 'Let the least loaded worker take the next connection [default: true]'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-balance -d 'Turn balance off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reload -d 'For development: reload when the application changes, and build it before if it is a library'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-reload -d 'Turn reload off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l factory -d 'The application is a function without arguments that returns the real one'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-factory -d 'Turn factory off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-ws-per-message-deflate -d 'Turn ws_per_message_deflate off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l sendfile -d 'Let the kernel copy files to the client [default: true]'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-sendfile -d 'Turn sendfile off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l preload -d 'Import the application once in each generation, and fork its workers from there'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-preload -d 'Turn preload_app off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s D -l daemon -d 'Run in the background'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-daemon -d 'Turn daemon off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l initgroups -d 'Give the workers all groups that the user is a member of'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-initgroups -d 'Turn initgroups off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s R -l enable-stdio-inheritance -d 'Leave to workers their standard output and, as a daemon, all standard streams'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-enable-stdio-inheritance -d 'Turn enable_stdio_inheritance off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-access-log -d 'Turn access_log off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l disable-redirect-access-to-syslog -d 'Keep the access log out of syslog'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-disable-redirect-access-to-syslog -d 'Turn disable_redirect_access_to_syslog off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l capture-output -d 'Write what the application prints to the file of the log too'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-capture-output -d 'Turn capture_output off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-use-colors -d 'Turn use_colors off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l log-syslog -d 'Send the log and the access log to syslog too'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-log-syslog -d 'Turn syslog off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l check-config -d 'Check the settings, load the application, serve nothing'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-check-config -d 'Turn check_config off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l print-config -d 'Show every setting and where it comes from, as TOML, then check as check_config does'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-print-config -d 'Turn print_config off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l suppress-ragged-eofs -d 'Has no effect: a setting of Python\'s ssl module, which is not used'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-suppress-ragged-eofs -d 'Turn suppress_ragged_eofs off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l do-handshake-on-connect -d 'Has no effect: a setting of Python\'s ssl module, which is not used'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-do-handshake-on-connect -d 'Turn do_handshake_on_connect off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l reset-contextvars -d 'Has no effect: each request is a task with contextvars of its own'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-reset-contextvars -d 'Turn reset_contextvars off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-control-socket -d 'Has no effect: there is no control socket'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -l no-no-control-socket -d 'Turn control_socket_disable off'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s v -l version -d 'Print version'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rustcorn -n "__fish_rustcorn_needs_command" -a "generate" -d 'Print the manual, completions or settings texts that follow from the options'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "man" -d 'Print the manual page'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "completions" -d 'Print completions for a shell'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "reference" -d 'Print the reference of all options as Markdown'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "peers" -d 'Print what becomes of Gunicorn\'s and uvicorn\'s options, as Markdown'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "sample-config" -d 'Print a settings file with every option explained'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "schema" -d 'Print the JSON schema of the settings file'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and not __fish_seen_subcommand_from man completions reference peers sample-config schema all" -f -a "all" -d 'Write all of them to files'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from reference" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from peers" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from sample-config" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c rustcorn -n "__fish_rustcorn_using_subcommand generate; and __fish_seen_subcommand_from all" -s h -l help -d 'Print help'
