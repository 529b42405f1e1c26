#!/usr/bin/python3
"""Each rule catches what it is there for, and leaves good code alone."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import layers  # noqa: E402
import shape  # noqa: E402
import source  # noqa: E402

HEADER = '''/*  good -- what a good header looks like
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    none  */

#ifndef PLV_CORE_GOOD_H
#define PLV_CORE_GOOD_H

#include "base/view.h"

int good_count (plv_view_t view);

#endif
'''

CODE = '''#include "core/good.h"

#include <stdlib.h>

typedef struct {
    int value;
} row_t;

enum { ROWS = 2 };

static const row_t rows[ROWS] = {{.value = 1}, {.value = 2}};
static const char *const names[] = {"printf (1)", "fork ()"};
static volatile sig_atomic_t stop;

static_assert (ROWS == 2, "two");

static int first (void);

int good_count (plv_view_t view)
{
    /*  Not a call: sprintf ("x").  */
    static const int more = 1;
    const char *name = names[first ()];
    return (int) view.size + rows[0].value + more + name[0];
}

static int first (void)
{
    return 0;
}
'''

TABLE = '''/*  good.def -- what a good table looks like
    GOOD (NAME, "meaning")  */
GOOD (ONE, "the first of them")
GOOD (TWO,
      "the second one")
'''

TEST_PY = '''#!/usr/bin/python3
import time

def until(condition, deadline):
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
'''

GOOD = {
    'SConstruct': 'x = 1\n',
    'broker/core/good.h': HEADER,
    'broker/core/good.c': CODE,
    'broker/core/good.def': TABLE,
    'broker/core/good_test.c': '#include "core/good.h"\n#include "core/good.def"\n#include <stdio.h>\n',
    'test/system/good_test.py': TEST_PY,
}


def function(lines):
    return 'static void long_one (void)\n{\n' + '    first ();\n' * lines + '}\n'


#   rule: path, what is added to it (or its whole text, for a new file)
PLANTED = [
    (layers.layers, 'broker/core/good.c', '#include "store/store.h"\n'),
    (layers.layers, 'broker/core/good.c', '#include "../store/store.h"\n'),
    (layers.layers, 'broker/core/good.c', '#include "good.h"\n'),
    (layers.layers, 'broker/core/good.c', '#include <stdio.h>\n'),
    (layers.layers, 'broker/core/good.h', '#include <sys/socket.h>\n'),
    (layers.layers, 'broker/core/good.c', '  #  include <zmq.h>\n'),
    (layers.layers, 'broker/wire/a.c', '#include "core/good.h"\n'),
    (layers.layers, 'broker/base/a.c', '#include "wire/frame.h"\n'),
    (layers.layers, 'broker/store/a.c', '#include "wire/frame.h"\n'),
    (layers.layers, 'broker/shell/a.c', '#include <rocksdb/c.h>\n'),
    (layers.layers, 'plugins/web/web.c', '#include "base/err.h"\n'),
    (layers.layers, 'plugins/web/web.c', '#include "telegram/telegram.h"\n'),
    (layers.layers, 'plugins/web/web.c', '#include <zmq.h>\n'),
    (layers.layers, 'plugins/sdk/adapter.h', '#include <stdio.h>\n'),
    (layers.layers, 'agents/advisor/a.c', '#include "store/store.h"\n'),
    (layers.layers, 'tools/palaver/a.c', '#include "core/good.h"\n'),
    (layers.calls, 'broker/core/good.c', 'static int x (void)\n{\n    return printf ("");\n}\n'),
    (layers.calls, 'broker/core/good.c', 'static long x (void)\n{\n    return time (NULL);\n}\n'),
    (layers.calls, 'broker/core/good.c', 'static void *x (void)\n{\n    return malloc (1);\n}\n'),
    (layers.calls, 'broker/core/good.c', 'static int64_t x (void)\n{\n    return plv_clock_mono_us ();\n}\n'),
    (layers.calls, 'broker/core/good.c', 'static void x (void)\n{\n    plv_log (log, LOG_X, F_INT ("n", 1));\n}\n'),
    (layers.calls, 'broker/core/good.c', 'static void x (void)\n{\n    assert (1);\n}\n'),
    (layers.calls, 'broker/wire/a.c', 'static void x (char *to)\n{\n    strcpy (to, "");\n}\n'),
    (layers.calls, 'broker/store/a.c', 'static int x (void)\n{\n    return fork ();\n}\n'),
    (layers.calls, 'agents/sdk/a.c', 'static void *x (void)\n{\n    return plv_alloc (1);\n}\n'),
    (shape.lengths, 'broker/core/good.c', function(71)),
    (shape.lengths, 'broker/core/good.c', '\n' * 800),
    (shape.lengths, 'broker/core/good.c', '/* ' + 'x' * 120 + ' */\n'),
    (shape.words, 'broker/core/good.c', '/*  TO' + 'DO: more  */\n'),
    (shape.words, 'README.md', 'This is a st' + 'ub.\n'),
    (shape.words, 'broker/core/good.h', '/*  Not impl' + 'emented.  */\n'),
    (shape.conditionals, 'broker/core/good.c', '#ifdef DEBUG\n#endif\n'),
    (shape.conditionals, 'broker/core/good.c', '#if 0\n#endif\n'),
    (shape.conditionals, 'broker/core/good.h', '#ifdef DEBUG\n#endif\n'),
    (shape.conditionals, 'broker/core/other.h', 'int x;\n'),
    (shape.globals_, 'broker/core/good.c', 'static int counter;\n'),
    (shape.globals_, 'broker/core/good.c', 'int counter = 3;\n'),
    (shape.globals_, 'broker/core/good.c', 'static const char *names_too[] = {"a", "b"};\n'),
    (shape.globals_, 'broker/core/good.c', 'static struct {\n    int a;\n} state;\n'),
    (shape.globals_, 'broker/core/good.c', 'static row_t *table[4];\n'),
    (shape.globals_, 'broker/core/good.c', 'static int (*hook) (void);\n'),
    (shape.globals_, 'broker/core/good.c', '_Thread_local int depth;\n'),
    (shape.globals_, 'broker/core/good.c', 'static int x (void)\n{\n    static int n = 0;\n    return n++;\n}\n'),
    (shape.headers, 'broker/core/other.h', '#ifndef OTHER_H\n#define OTHER_H\n#endif\n'),
    (shape.headers, 'broker/core/other.h', HEADER.replace('good', 'other').replace('    COST    none', '')),
    (shape.headers, 'broker/core/other.h', HEADER),
    (shape.tables, 'broker/core/good.def', 'GOOD (THREE, "")\n'),
    (shape.tables, 'broker/core/lonely.def', TABLE.replace('good', 'lonely')),
    (shape.tables, 'broker/core/good.def', None),
    (shape.text_form, 'README.md', 'blank \n'),
    (shape.text_form, 'README.md', 'no end'),
    (shape.text_form, 'broker/core/good.c', '\tint x;\n'),
    (shape.paths, 'README.md', 'look into /home/' + 'someone/palaver\n'),
    (shape.paths, 'test/system/a_test.py', '#!/usr/bin/env python3\n'),
    (shape.top_entries, 'src/a.c', 'int x;\n'),
    (shape.sleeps, 'broker/core/good_test.c', 'static void x (void **state)\n{\n    usleep (1000);\n}\n'),
    (shape.sleeps, 'test/system/good_test.py', 'def late():\n    time.sleep(1)\n'),
]


def tree_with(path, text):
    texts = dict(GOOD)
    if text is None:
        texts[path] = texts[path].split('*/', 1)[1]
    else:
        texts[path] = texts.get(path, '') + text
    return source.Tree(texts)


class Tidy(unittest.TestCase):
    def test_good_code_is_left_alone(self):
        for rule in {rule for rule, _, _ in PLANTED}:
            self.assertEqual([str(finding) for finding in rule(source.Tree(GOOD))], [], rule.__name__)

    def test_every_planted_fault_is_found(self):
        for rule, path, text in PLANTED:
            with self.subTest(rule=rule.__name__, path=path, text=text and text[:60]):
                found = [finding for finding in rule(tree_with(path, text)) if finding.path in (path, 'src')]
                self.assertTrue(found, 'nothing was found')
                self.assertLessEqual(len(found), 2, [str(finding) for finding in found])

    def test_a_line_of_output_says_where_and_why(self):
        finding = source.Finding('broker/core/a.c', 7, 'words', 'finish it')
        self.assertEqual(str(finding), 'broker/core/a.c:7: words: finish it')

    def test_a_function_of_seventy_lines_is_short_enough(self):
        self.assertEqual(list(shape.lengths(tree_with('broker/core/good.c', function(70)))), [])

    def test_format(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(['git', 'init', '-q', folder], check=True)
            with open(os.path.join(source.TOP, '.clang-format')) as form:
                shaped = form.read()
            for name, text in {'.clang-format': shaped, 'good.c': 'int x;\n', 'bad.c': 'int  x ;\n'}.items():
                with open(os.path.join(folder, name), 'w') as file:
                    file.write(text)
            found = [finding.path for finding in shape.format_(source.read_tree(folder))]
        self.assertEqual(found, ['bad.c'])

    def test_names(self):
        with tempfile.TemporaryDirectory() as folder:
            lib, plugins = (os.path.join(folder, 'build/debug', name) for name in ('lib', 'plugins'))
            os.makedirs(lib)
            os.makedirs(plugins)
            code = 'int plv_good (void) {return 0;} int bad (void) {return 0;} static int own;'
            for target in (f'{lib}/libpalaver-base.a', f'{plugins}/a.so'):
                subprocess.run(['gcc', '-fPIC', '-w', '-x', 'c', '-', '-o', target,
                                '-shared' if target.endswith('.so') else '-c'], input=code, text=True, check=True)
            found = [str(finding) for finding in layers.names(source.Tree({}, folder))]
        self.assertEqual(len(found), 2, found)
        self.assertIn('gives away bad:', found[0])
        self.assertIn('not 2 names', found[1])


if __name__ == '__main__':
    unittest.main()
