#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""palaver-exec: programs that know nothing of Palaver as workers, good ones and all kinds of bad ones."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import unittest

from palaverd import BUILD, SECONDS, BrokerTest, route, wait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = f'{TOP}/agents/exec/examples'
PROLOGUE = '''
import json, os, signal, sys, time
def jobs():
    for line in sys.stdin:
        message = json.loads(line)
        if message['type'] == 'job':
            yield message
def say(**message):
    print(json.dumps(message), flush=True)
'''


# With a model of its own that answers at once: nothing leaves this machine.
REAL_CREW = '''
from crewai import Agent, BaseLLM, Crew, Task

class Model(BaseLLM):
    def __init__(self):
        super().__init__(model='stand-in')
    def call(self, messages, *ignored, **also_ignored):
        said = messages if isinstance(messages, str) else messages[-1]['content']
        asked = said[said.index('about '):].splitlines()[0]
        return f'Thought: I now can give a great answer\\nFinal Answer: {asked}'

class MyCrew:
    def crew(self):
        clerk = Agent(role='clerk', goal='answer', backstory='none', llm=Model())
        task = Task(description='about {topic} for {user_id}', expected_output='a sentence', agent=clerk)
        return Crew(agents=[clerk], tasks=[task])
'''
STAND_IN_CREW = '''
class Output:
    raw, json_dict = '', {'confidence': 0.8}

class Crew:
    kicked = 0
    def kickoff(self, inputs=None):
        print('a crew prints a lot')
        self.kicked += 1
        assert self.kicked == 1, 'two conversations share a crew'
        if 'topic' not in inputs:
            raise ValueError("Missing required template variable 'topic' in description")
        output = Output()
        turns = len(inputs['history'].splitlines())
        output.raw = f"about {inputs['topic']} for {inputs['user_id']} after {turns} turns"
        return output

class MyCrew:
    def crew(self):
        return Crew()
'''


def pids_of(word):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                if word.encode() in file.read() and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Exec(BrokerTest):
    def exec(self, broker, program, *options, name='program.py', cwd=None):
        """`program`: Python text, or a command as a list."""
        if isinstance(program, str):
            path = os.path.join(self.folder(), name)
            with open(path, 'w') as file:
                file.write(PROLOGUE + program)
            program = [sys.executable, path]
        self.log = open(os.path.join(self.folder(), 'exec.log'), 'a+')  # who reads it does not move who writes it
        self.addCleanup(self.log.close)
        child = subprocess.Popen([f'{BUILD}/bin/palaver-exec', '--endpoint', f'ipc://{broker.run}/agents.ipc',
                                  '--services', 'advisor', *options, '--', *program],
                                 stdin=subprocess.DEVNULL, stderr=self.log, cwd=cwd)
        self.addCleanup(self.end, child)
        return child

    def end(self, child):
        if child.poll() is None:
            child.kill()
        child.wait()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def says(self, words):
        """What a child says comes through palaver-exec, when it has come to it."""
        wait(lambda: words in self.said(), f'{words!r} in its log')

    def answer(self, adapter, text, seconds=None, **options):
        adapter.publish(text, **options)
        return self.deliver(adapter, seconds)

    def nack_reasons(self, broker, count):
        wait(lambda: len(broker.logged('event.retry')) >= count, f'{count} retries')
        return [line['why'] if 'why' in line else str(line) for line in broker.logged('event.retry')]


class Good(Exec):
    def test_the_python_example_answers_and_keeps_state(self):
        broker = self.broker()
        self.exec(broker, [sys.executable, f'{EXAMPLES}/plain.py'])
        adapter = broker.adapter()
        self.assertEqual(self.answer(adapter, 'Ünïcode')['response_text'], 'Ünïcode? That is question 1.')
        self.assertEqual(self.answer(adapter, 'b')['response_text'], 'b? That is question 2.')
        self.assertEqual(self.answer(adapter, 'c', session='2')['response_text'], 'c? That is question 1.')

    @unittest.skipUnless(shutil.which('node'), 'node is not installed')
    def test_the_node_example_answers(self):
        broker = self.broker()
        self.exec(broker, ['node', f'{EXAMPLES}/plain.mjs'])
        self.assertEqual(self.answer(broker.adapter(), 'a')['response_text'], 'a? That is question 1.')

    def test_a_job_brings_everything(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    assert job['attempt'] == 1 and 0 < job['left_ms'], job
    assert job['event']['user_id'] == 'u1' and job['event']['type'] == 'chat.message', job
    assert job['event']['body']['message_text'] == job['message_text'], job
    assert job['event']['timestamp'].endswith('Z'), job
    turns = [(turn['role'], turn['text']) for turn in job['history']]
    say(type='typing')
    say(type='delta', text='so ')
    say(type='reply', id=job['id'], response_text=str(turns), confidence=0.5,
        recommendations=[{'symbol': 'VT'}], metadata={'a': [1, None, True]})
''')
        adapter = broker.adapter()
        first = self.answer(adapter, 'one')
        self.assertEqual(first['response_text'], '[]')
        self.assertEqual((first['confidence'], first['recommendations'], first['metadata']['a']),
                         (0.5, [{'symbol': 'VT'}], [1, None, True]))
        self.assertEqual(self.answer(adapter, 'two')['response_text'], "[('user', 'one'), ('assistant', '[]')]")

    def test_children_work_side_by_side(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    time.sleep(2)
    say(type='reply', response_text=str(os.getpid()))
''', '--children', '4')
        adapter = broker.adapter()
        wait(lambda: broker.ask('agents.list')['items'], 'the worker')
        began = time.monotonic()
        for session in range(4):
            adapter.publish('x', session=str(session))
        pids = {self.deliver(adapter)['response_text'] for _ in range(4)}
        self.assertEqual(len(pids), 4)
        self.assertLess(time.monotonic() - began, 2 * 4)

    def test_a_step_is_not_done_again_after_a_crash(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    if 'model' not in job['steps']:
        say(type='step', name='model', result={'tokens': 7})
        assert json.loads(sys.stdin.readline()) == {'type': 'saved', 'name': 'model'}
        os._exit(3)
    say(type='reply', response_text=f"{job['attempt']} {job['steps']}")
''')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], "2 {'model': {'tokens': 7}}")

    def test_a_step_that_another_worker_saved_on_several_lines_is_in_one(self):
        broker = self.broker()
        worker, adapter = broker.worker(), broker.adapter()
        adapter.publish('x')
        job = worker.job()
        worker.step(job['lease'], 'model', b'{\n  "tokens":\r\n  7\n}\n')
        worker.nack(job['lease'], delay_ms=1)
        worker.bye()
        self.exec(broker, '''
for job in jobs():
    say(type='reply', response_text=str(job['steps']))
''')
        self.assertEqual(self.deliver(adapter)['response_text'], "{'model': {'tokens': 7}}")

    def test_a_nack_says_why_and_when(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    say(type='nack', code='data_unavailable', reason='no prices', permanent=True)
''')
        adapter = broker.adapter()
        self.assertIn('not available', self.answer(adapter, 'x')['response_text'])
        self.assertIn('no prices', str(broker.letter()))

    def test_it_drains_on_sigterm_and_the_children_end(self):
        broker = self.broker()
        child = self.exec(broker, '''
for job in jobs():
    print('at work', file=sys.stderr, flush=True)
    time.sleep(0.7)
    say(type='reply', response_text='done')
''', name='drained.py')
        adapter = broker.adapter()
        adapter.publish('x')
        self.says('at work')
        child.send_signal(signal.SIGTERM)
        self.assertEqual(self.deliver(adapter)['response_text'], 'done')
        self.assertEqual(child.wait(SECONDS), 0)
        self.assertEqual(pids_of('drained.py'), [])

    def test_a_child_that_was_started_again_ends_by_itself_when_the_worker_drains(self):
        broker, folder = self.broker(), self.folder()
        child = self.exec(broker, f'''
def note(what):
    open(f'{folder}/{{what}}', 'a').write(f'{{os.getpid()}} ')
for job in jobs():
    if job['attempt'] == 1:
        os._exit(1)
    note('worked')
    say(type='reply', response_text='done')
until = time.monotonic() + 0.3      # longer than it takes to leave
while time.monotonic() < until:
    time.sleep(0.01)
note('ended')
''', '--children', '3')
        adapter = broker.adapter()
        for session in '123456':
            adapter.publish('x', session=session)
        for _ in range(6):
            self.assertEqual(self.deliver(adapter)['response_text'], 'done')
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(SECONDS), 0)
        pids = {}
        for what in ('worked', 'ended'):
            with open(f'{folder}/{what}') as file:
                pids[what] = set(file.read().split())
        self.assertEqual(pids['worked'], pids['ended'])

    def test_kill_9_takes_the_children_with_it(self):
        broker = self.broker()
        child = self.exec(broker, 'for job in jobs(): pass', '--children', '2', name='orphaned.py')
        wait(lambda: len(pids_of('orphaned.py')) >= 3, 'the children')
        child.kill()
        child.wait()
        wait(lambda: not pids_of('orphaned.py'), 'nobody is left')

    def test_a_byte_order_mark_is_no_part_of_a_line(self):
        """What .NET and PowerShell begin their output with."""
        broker = self.broker()
        self.exec(broker, r'''
print('\ufeff', end='')
say(type='ready')
for job in jobs():
    print('\ufeff', end='')
    say(type='reply', response_text='\ufeffa ' + job['message_text'])
''', '--wait-ready', '30')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], '\ufeffa x')

    def test_wait_ready_gives_no_job_before(self):
        broker = self.broker()
        self.exec(broker, '''
print('loading the model ...')
sys.stdin.readline()  # the hello: what a program does before it is ready
say(type='ready')
for job in jobs():
    say(type='reply', response_text=str(job['left_ms'] > 29000))
''', '--wait-ready', '30')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], 'True')

    def crew(self, broker, factory, *inputs):
        """A project as `crewai create crew` lays it out, with this crew in it, as a worker."""
        folder = self.folder()
        os.makedirs(f'{folder}/src/my_crew')
        with open(f'{folder}/src/my_crew/crew.py', 'w') as file:
            file.write(factory)
        self.exec(broker, [sys.executable, f'{EXAMPLES}/crew.py', 'my_crew.crew:MyCrew', *inputs],
                  '--wait-ready', '120', cwd=folder)
        return broker.adapter()

    def test_the_crew_example_drives_a_crew(self):
        """CrewAI itself where it is installed; else what its documentation says about Crew.kickoff."""
        there = importlib.util.find_spec('crewai') is not None
        print('the crew is one of CrewAI' if there else
              'CrewAI is not installed: the crew is a stand-in with its documented interface', file=sys.stderr)
        broker = self.broker({'agents.attempts': 1, 'agents.deadline_ms': 120000})
        adapter = self.crew(broker, REAL_CREW if there else STAND_IN_CREW, 'topic')
        reply = self.answer(adapter, 'funds', seconds=60 if there else None)
        self.assertIn('about funds for u1', reply['response_text'])

    def test_a_crew_knows_what_was_said_and_answers_with_its_fields(self):
        broker = self.broker()
        adapter = self.crew(broker, STAND_IN_CREW, 'topic')
        reply = self.answer(adapter, 'funds')
        self.assertEqual((reply['response_text'], reply['confidence']), ('about funds for u1 after 0 turns', 0.8))
        reply = self.answer(adapter, 'more')
        self.assertEqual(reply['response_text'], 'about more for u1 after 2 turns')   # a new crew: it counts from one
        self.says('a crew prints a lot')

    def test_fields_of_a_crew_that_are_called_as_ours_are_do_no_harm(self):
        broker = self.broker({'agents.attempts': 1, 'agents.deadline_ms': 10000})
        fields = "{'type': 'fund', 'id': 7, 'state': 'CA', 'confidence': 0.8}"
        adapter = self.crew(broker, STAND_IN_CREW.replace("{'confidence': 0.8}", fields), 'topic')
        reply = self.answer(adapter, 'funds')
        self.assertEqual((reply['response_text'], reply['confidence']), ('about funds for u1 after 0 turns', 0.8))

    def test_what_a_crew_lacks_is_said_in_the_log_and_the_letter(self):
        broker = self.broker({'agents.attempts': 1})
        adapter = self.crew(broker, STAND_IN_CREW)
        self.answer(adapter, 'funds')
        self.assertIn("Missing required template variable 'topic'", str(broker.letter()))
        self.says('Traceback')

    def test_a_crew_that_cannot_be_loaded_ends_the_worker_with_the_reason(self):
        broker = self.broker()
        child = self.exec(broker, [sys.executable, f'{EXAMPLES}/crew.py', 'nowhere.crew:MyCrew'], '--wait-ready', '60')
        self.assertNotEqual(child.wait(SECONDS), 0)
        self.says("No module named 'nowhere'")


class Bad(Exec):
    def failing(self, program, *words, attempts=2, conf=None, options=(), more=()):
        broker = self.broker({'agents.attempts': attempts, **(conf or {})})
        self.exec(broker, program, *options)
        adapter = broker.adapter()
        self.answer(adapter, 'x', **dict(more))
        letter = str(broker.letter())
        for word in words:
            self.assertIn(word, letter)
        return broker, adapter

    def test_a_dead_child_is_started_again_and_its_job_retried(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    if job['attempt'] < 3:
        os.kill(os.getpid(), 11)
    say(type='reply', response_text=str(job['attempt']))
''')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], '3')
        self.says('SIGSEGV')

    def test_its_last_words_are_the_reason(self):
        self.failing('''
for job in jobs():
    raise KeyError('prices')
''', 'ended with status 1', "KeyError: 'prices'")

    def test_a_signal_without_a_name_is_named_by_its_number(self):
        self.failing(f'''
for job in jobs():
    os.kill(os.getpid(), {signal.SIGRTMIN + 3})
''', f'killed by signal {signal.SIGRTMIN + 3}')

    def test_a_hung_child_is_killed_at_the_deadline(self):
        broker, adapter = self.failing('''
for job in jobs():
    if job['message_text'] == 'x':
        while True:
            time.sleep(60)
    say(type='reply', response_text='well')
''', 'timeout', attempts=1, conf={'agents.deadline_ms': 1000})
        self.assertEqual(self.answer(adapter, 'y')['response_text'], 'well')

    def test_what_a_killed_child_left_in_a_session_of_its_own_holds_nobody_up(self):
        broker, adapter = self.failing('''
import subprocess
for job in jobs():
    if job['message_text'] == 'x':
        left = subprocess.Popen(['sleep', '1000'], start_new_session=True)
        print(left.pid, file=sys.stderr, flush=True)
        os._exit(1)
    say(type='reply', response_text='well')
''', 'ended with status 1', attempts=1)
        self.addCleanup(os.kill, int(re.search(r'child 1: (\d+)', self.said())[1]), signal.SIGKILL)
        self.assertEqual(self.answer(adapter, 'y')['response_text'], 'well')

    def test_a_job_that_is_not_read(self):
        self.failing('''
sys.stdin.readline()        # the hello
signal.pause()
''', 'timeout', attempts=1, conf={'agents.deadline_ms': 1000}, more={'filling': 'x' * 200000})
        self.says('read nothing until')

    def test_what_is_not_understood(self):
        for line, word in (('{"type": "rply"}', 'did you mean reply'), ('{"a": 1}', 'no type'),
                           ('{"type": "reply"}', 'response_text'), ('{', 'not JSON'),
                           ('{"type": "step", "name": "a"}', 'result'),
                           ('{"type": "reply", "response_text": "a", "state": 1}', 'state')):
            with self.subTest(line=line):
                self.failing(f'''
for job in jobs():
    print({line!r}, flush=True)
''', word, attempts=1)

    def test_prints_on_stdout_do_no_harm(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    print('thinking ...')
    say(type='reply', response_text='good')
''')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], 'good')
        self.says('thinking ...')

    def test_python_that_does_not_flush_is_heard(self):
        broker = self.broker()
        self.exec(broker, '''
for job in jobs():
    print(json.dumps({'type': 'reply', 'response_text': 'heard'}))
''')
        self.assertEqual(self.answer(broker.adapter(), 'x')['response_text'], 'heard')

    def test_a_broker_that_is_not_there_is_said(self):
        broker = self.broker(start=False)
        self.exec(broker, 'for job in jobs(): pass')
        wait(lambda: 'no answer from ipc://' in self.said(), 'a word about the broker')

    def test_an_answer_to_an_earlier_job_is_not_given_to_a_later_one(self):
        broker = self.broker()
        self.exec(broker, '''
before = None
for job in jobs():
    if before:
        say(type='reply', id=before, response_text='for the one before')
    before = job['id']
    say(type='reply', id=job['id'], response_text=job['message_text'])
''')
        adapter = broker.adapter()
        self.assertEqual([self.answer(adapter, text)['response_text'] for text in 'abc'], ['a', 'b', 'c'])

    def test_a_program_that_is_not_there(self):
        broker = self.broker()
        child = self.exec(broker, ['/nowhere/program'])
        self.assertNotEqual(child.wait(SECONDS), 0)
        self.says('/nowhere/program cannot be started: No such file or directory')

    def test_a_line_without_end_and_one_that_nobody_reads(self):
        self.failing('''
for job in jobs():
    sys.stdout.write('{"type": "reply", "response_text": "')
    for _ in range(6 * 1024):
        sys.stdout.write('x' * 1024)
    sys.stdout.flush()
    time.sleep(60)
''', 'too long', attempts=1)

    def test_a_line_without_end_on_stderr_is_seen_while_it_grows(self):
        broker = self.broker()
        child = self.exec(broker, '''
for job in jobs():
    for percent in range(8000):
        sys.stderr.write(f"\\rloading {percent} of 8000")
    sys.stderr.flush()
    sys.stdin.readline()        # a cancel, which does not come
''')
        broker.adapter().publish('x')
        wait(lambda: 'child 1: ' in self.said() and 'loading 7000' in self.said(), 'what the program is doing')
        self.assertIsNone(child.poll())

    def test_a_delay_beyond_all_numbers_is_as_long_as_may_be(self):
        broker = self.broker({'agents.backoff_ms': 20, 'agents.backoff_max_ms': 60000})
        self.exec(broker, '''
for job in jobs():
    say(type='nack', code='data_unavailable', reason='much later', delay_ms=1e300)
''')
        broker.adapter().publish('x')
        self.assertIn('much later', self.nack_reasons(broker, 1)[0])
        self.assertEqual(broker.logged('event.retry')[0]['wait_ms'], 60000)

    def test_an_oversized_answer_fails_its_job_alone(self):
        broker, adapter = self.failing('''
for job in jobs():
    say(type='reply', response_text='y' * (2 * 1024 * 1024 if job['message_text'] == 'x' else 3))
''', attempts=1)
        self.assertEqual(self.answer(adapter, 'y')['response_text'], 'yyy')


class Usage(unittest.TestCase):
    def test_the_readme_names_every_line_as_the_table_does(self):
        with open(f'{TOP}/agents/exec/say.def') as file:
            rows = re.findall(r'^SAY \(\w+, +"(.*?)", +"(.*?)", "(.*?)"\)', file.read(), re.M)
        with open(f'{TOP}/agents/exec/README.md') as file:
            readme = file.read()
        self.assertGreater(len(rows), 5)
        for name, fields, meaning in rows:
            shown = re.search(rf'^\| `{name}` \| ?(.*?) ?\| (.*?) \|$', readme, re.M)
            self.assertTrue(shown, name)
            self.assertEqual((shown[1].replace('`', ''), shown[2]), (fields, meaning))

    def run_exec(self, *options):
        return subprocess.run([f'{BUILD}/bin/palaver-exec', *options], capture_output=True, text=True, timeout=SECONDS)

    def test_help_and_mistakes(self):
        self.assertIn('usage: palaver-exec', self.run_exec('--help').stdout)
        for options, word in (((), 'which program'), (('--children', '0', 'cat'), 'from 1 to 256'),
                              (('--nonsense', 'cat'), '--help')):
            with self.subTest(options=options):
                done = self.run_exec(*options)
                self.assertEqual(done.returncode, 64)
                self.assertIn(word, done.stderr)


if __name__ == '__main__':
    unittest.main()
