"""Who may include whom, what each layer may call, and which names it may give away."""

import glob
import os
import re
import subprocess

from source import Finding

#   component: our folders that it may include
MAY_INCLUDE = {
    'broker/base': {'base'},
    'broker/wire': {'base', 'wire'},
    'broker/core': {'base', 'wire', 'core'},
    'broker/store': {'base', 'store'},
    'broker/shell': {'base', 'wire', 'core', 'store', 'shell'},
    'broker/main.c': {'base', 'wire', 'core', 'store', 'shell'},
    'plugins/sdk': {'sdk'},
    'plugins/sdk/fake_host_kit.c': {'sdk', 'host', 'base'},  # what is pure is not written twice
    'plugins/host': {'sdk', 'host', 'base', 'wire'},
    'agents/sdk': {'sdk', 'base', 'wire'},
}

#   system headers that only these components may include
ONLY_IN = {
    r'zmq\.h|czmq\.h': ('broker/shell', 'plugins/host', 'agents/sdk', 'tools', 'test'),
    r'rocksdb/.*': ('broker/store', 'test'),
    r'dlfcn\.h': ('plugins/host', 'test', 'broker/shell'),
    r'systemd/.*': ('broker/shell',),
    r'libconfig\.h': ('broker/base', 'broker/shell', 'plugins/host', 'agents', 'test'),
}

#   system headers that the pure core does without
IMPURE_HEADERS = re.compile(r'(stdio|time|unistd|fcntl|pthread|threads|signal|errno|poll|dlfcn|stdatomic)\.h'
                            r'|sys/.*|rocksdb/.*|zmq\.h|czmq\.h|uv\.h|curl/.*|libconfig\.h')
FREESTANDING = {'stdint.h', 'stddef.h', 'stdbool.h'}

IMPURE_CALLS = (r'v?[fsdn]*printf|fopen|fclose|fputs|puts|fwrite|fread|open|close|read|write|time|gettimeofday'
                r'|clock_gettime|localtime|gmtime|rand|random|getrandom|randombytes_\w+|getenv|getpid|pthread_\w+'
                r'|plv_clock_\w+|plv_log(?:_fields|_new)?|sleep|usleep|nanosleep|exit|signal')
#   who: what must not be called, and what to do instead
FORBIDDEN_CALLS = [
    (r'broker/core/', IMPURE_CALLS, 'the core is pure: time, randomness and I/O are inputs and effects'),
    (r'broker/(core|store|shell)/|broker/main\.c', r'malloc|calloc|realloc|strdup|strndup',
     'broker memory comes from base/alloc.h'),
    (r'agents/sdk/|plugins/(?!host/)', r'plv_alloc\w*|plv_realloc|plv_strdup|plv_out_of_memory',
     'a library does not stop its host: use malloc and return ERR_NOMEM'),
    (r'', r'strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|tmpnam|mktemp|system|popen|rand|srand'
          r'|random|srandom|vfork', 'unbounded, or hides its errors'),
    (r'(?!broker/shell/|agents/exec/|tools/|plugins/host/)', r'fork|execv\w*|execl\w*|posix_spawn\w*',
     'only the shell, the adapter host, palaver-exec and the tools start programs'),
    (r'', r'assert', 'CHECK is on in every build; assert is not'),
]


def component_of(path):
    parts = path.split('/')
    return path if path in MAY_INCLUDE else '/'.join(parts[:2])


def allowed_for(component):
    """Our folders that a component may include; None: everything (tests)."""
    if component in MAY_INCLUDE:
        return MAY_INCLUDE[component]
    part, _, name = component.partition('/')
    if part == 'plugins':
        return {'sdk', name}
    if part in ('agents', 'tools'):
        return {'sdk', 'base', 'wire', name}
    return None


def layers(tree):
    for file in tree.c_files + tree.named('.def'):
        component = component_of(file.path)
        allowed = allowed_for(component)
        for number, line in enumerate(file.lines, 1):
            ours = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            theirs = re.match(r'\s*#\s*include\s+<([^>]+)>', line)
            if ours:
                path = ours[1]
                beside = file.is_test and f'{os.path.dirname(file.path)}/{path}' in tree.files
                if '..' in path or ('/' not in path and not beside):
                    yield Finding(file.path, number, 'layers',
                                  f'"{path}": write it from the top of its component, as "base/err.h"')
                elif allowed is not None and path.split('/')[0] not in allowed:
                    yield Finding(file.path, number, 'layers',
                                  f'{component} may not include "{path}", only {", ".join(sorted(allowed))}')
            if theirs:
                yield from foreign(file, component, number, theirs[1])


def foreign(file, component, number, header):
    if component == 'broker/core' and not file.is_test and IMPURE_HEADERS.fullmatch(header):
        yield Finding(file.path, number, 'layers', f'the core is pure: no <{header}>')
    if file.path == 'plugins/sdk/adapter.h' and header not in FREESTANDING:
        yield Finding(file.path, number, 'layers', f'the plugin ABI is freestanding: no <{header}>')
    for pattern, homes in ONLY_IN.items():
        if re.fullmatch(pattern, header) and not file.path.startswith(homes):
            yield Finding(file.path, number, 'layers', f'<{header}> is for {", ".join(homes)} only')


def calls(tree):
    for file in tree.c_files:
        if file.is_test:
            continue
        for where, names, why in FORBIDDEN_CALLS:
            if not re.match(where, file.path):
                continue
            for number, line in enumerate(file.code_lines, 1):
                for found in re.finditer(rf'(?<![\w.>])({names}) ?\(', line):
                    if not line.lstrip().startswith('#'):
                        yield Finding(file.path, number, 'calls', f'{found[1]}: {why}')


def symbols(path, *flags):
    """(name, type) of what an object gives away."""
    listed = subprocess.run(['nm', '--defined-only', '--extern-only', '--format=posix', *flags, path],
                            capture_output=True, text=True, check=False).stdout
    return [tuple(line.split()[:2]) for line in listed.splitlines() if len(line.split()) >= 2]


def check_symbols(path, found, pattern, why):
    bad = sorted({name for name, _ in found if not re.fullmatch(pattern, name)})
    if bad:
        yield Finding(path, 1, 'names', f'gives away {", ".join(bad[:5])}: {why}')


SANITIZER = r'|__(asan|odr_asan|ubsan|tsan|sanitizer)\w*(\..*)?'


def names(tree):
    """What the built libraries export; nothing to say where nothing is built."""
    for variant in ('debug', 'release', 'asan'):
        top = os.path.join(tree.folder or '/nonexistent', 'build', variant)
        if os.path.isdir(os.path.join(top, 'lib')):
            yield from exported(top, f'build/{variant}')
            return


def exported(top, shown):
    for name in ('base', 'wire', 'agent'):
        path = f'{top}/lib/libpalaver-{name}.a'
        yield from check_symbols(f'{shown}/lib/libpalaver-{name}.a', symbols(path), r'plv_\w+' + SANITIZER,
                                 'a library exports plv_ names only')
    for name in ('core', 'store', 'shell', 'host'):
        path = f'{top}/lib/libpalaver-{name}.a'
        yield from check_symbols(f'{shown}/lib/libpalaver-{name}.a', symbols(path), r'[a-z][a-z0-9]*_\w+' + SANITIZER,
                                 'write module_verb, or make it static')
    shared = f'{top}/lib/libpalaver-agent.so'
    if os.path.exists(shared):
        found = [row for row in symbols(shared, '-D') if not re.fullmatch(SANITIZER[1:], row[0])]
        yield from check_symbols(f'{shown}/lib/libpalaver-agent.so', found, r'plv_\w+', 'plv_ names only')
        if not found:
            yield Finding(f'{shown}/lib/libpalaver-agent.so', 1, 'names', 'exports nothing')
    for path in sorted(glob.glob(f'{top}/plugins/*.so')):
        found = [row for row in symbols(path, '-D') if not re.fullmatch(SANITIZER[1:], row[0])]
        if len(found) != 1:
            yield Finding(f'{shown}/plugins/{os.path.basename(path)}', 1, 'names',
                          f'a plugin exports its descriptor and nothing else, not {len(found)} names')
