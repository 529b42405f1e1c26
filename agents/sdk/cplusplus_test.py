#!/usr/bin/python3
# RUN: timeout=60 variants=debug,release
"""A worker may be written in C++: the header compiles there without a warning, and what it declares is found."""

import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('PALAVER_BUILD', f'{TOP}/build/debug')
COMPILERS = (('g++', '-std=c++11'), ('g++', '-std=c++20'), ('clang++', '-std=c++17'))
WORKER = r'''
#include "sdk/agent.h"

#include <cstdio>
#include <string>

static void answer (plv_job_t *job, void *)
{
    plv_view_t said = plv_job_text (job);
    std::string text (reinterpret_cast<const char *> (said.data), said.size);
    plv_mp_t value;
    uint64_t count = 0;
    if (plv_job_state_get (job, "count", &value))
        plv_mp_u64 (&value, &count);
    plv_buf_t body = plv_buf_t ();
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "response_text", text.c_str ());
    plv_job_reply (job, plv_buf_view (&body), nullptr);
    plv_buf_free (&body);
}

int main ()
{
    plv_agent_options_t options = plv_agent_options_t ();
    plv_agent_t *agent = nullptr;
    plv_fail_t fail;
    plv_err_t err = plv_agent_new (&options, &agent, &fail);
    if (!err)
        err = plv_agent_run (agent, answer, nullptr, &fail);
    if (err)
        std::fprintf (stderr, "%s: %s\n", plv_err_name (err), fail.text);
    plv_agent_destroy (&agent);
    return plv_agent_exit_code (err);
}
'''


class CPlusPlus(unittest.TestCase):
    def test_a_worker_compiles_without_a_warning_and_runs(self):
        libraries = subprocess.run(['pkg-config', '--libs', 'libzmq', 'libsodium', 'libconfig', 'jansson'], check=True,
                                   capture_output=True, text=True).stdout.split()
        for compiler in COMPILERS:
            with self.subTest(compiler), tempfile.TemporaryDirectory() as folder:
                with open(f'{folder}/worker.cc', 'w', encoding='utf-8') as file:
                    file.write(WORKER)
                made = subprocess.run([*compiler, '-Wall', '-Wextra', '-pedantic', '-Werror', '-I', f'{TOP}/agents',
                                       '-I', f'{TOP}/broker', f'{folder}/worker.cc', f'{BUILD}/lib/libpalaver-agent.a',
                                       *libraries, '-lpthread', '-o', f'{folder}/worker'],
                                      capture_output=True, text=True)
                self.assertEqual((made.returncode, made.stderr), (0, ''))
                nowhere = {name: value for name, value in os.environ.items()
                           if name not in ('PALAVER_AGENTS', 'XDG_RUNTIME_DIR')}
                ran = subprocess.run([f'{folder}/worker'], env=nowhere, capture_output=True, text=True, timeout=30)
                self.assertEqual(ran.returncode, 64, ran.stderr)
                self.assertIn('ARG: ', ran.stderr)


if __name__ == '__main__':
    unittest.main()
