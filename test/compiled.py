"""Plugins that tests are made of: one C file against plugins/sdk, compiled once a process for each set of flags."""

import functools
import os
import shutil
import subprocess
import tempfile

from patience import TOP


@functools.lru_cache(None)
def folder():
    return tempfile.TemporaryDirectory(prefix='compiled-')


@functools.lru_cache(None)
def compiled(source, flags):
    path = os.path.join(folder().name, f'{compiled.cache_info().misses}.so')
    subprocess.run(['cc', '-std=c11', '-D_GNU_SOURCE', '-g', '-fPIC', '-shared', '-x', 'c', '-I',
                    os.path.join(TOP, 'plugins'), *flags, source, '-o', path], check=True)
    return path


def compile_plugin(source, path, *flags):
    """Makes `path` out of the source."""
    shutil.copy(compiled(source, flags), path)
    os.chmod(path, 0o755)
    return path
