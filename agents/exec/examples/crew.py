"""A CrewAI crew as a worker: palaver-exec --services crew --wait-ready 120 -- python3 crew.py MODULE:NAME [INPUT...]

NAME is a Crew, or a function or class that gives one (also one whose method crew() does), and then each message gets a
new one. Its tasks may use {message}, {history}, {user_id}, {current_year}, and {INPUT}: other names of the message."""

import contextlib
import datetime
import importlib
import json
import os
import sys
import traceback

os.environ.setdefault('CREWAI_DISABLE_TELEMETRY', 'true')
say_to = sys.stdout


def say(message):
    print(json.dumps(message), file=say_to, flush=True)


def make(thing):
    thing = thing() if callable(thing) and not hasattr(thing, 'kickoff') else thing
    return thing if hasattr(thing, 'kickoff') else thing.crew()


def answer(crew, job):
    text = job.get('message_text', '')
    history = '\n'.join(f'{turn["role"]}: {turn["text"]}' for turn in job['history'])
    inputs = {'message': text, 'user_id': job['event']['user_id'], 'history': history,
              'current_year': str(datetime.date.today().year), **{name: text for name in sys.argv[2:]}}
    result = crew.kickoff(inputs=inputs)
    fields = dict(getattr(result, 'json_dict', None) or {})
    fields.pop('state', None)  # a field of the crew's, and not the conversation's state
    return {'response_text': getattr(result, 'raw', str(result)), **fields}


if len(sys.argv) < 2:
    sys.exit(__doc__)
sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), 'src')]  # where `crewai create crew` puts it
module, _, name = sys.argv[1].partition(':')
with contextlib.redirect_stdout(sys.stderr):  # crews print a lot: it goes to the log
    thing = getattr(importlib.import_module(module), name or 'crew')
    make(thing)  # what is wrong with it is found now
    say({'type': 'ready'})
    for job in filter(lambda job: job['type'] == 'job', map(json.loads, sys.stdin)):
        try:
            say({**answer(make(thing), job), 'type': 'reply', 'id': job['id']})
        except Exception as error:
            traceback.print_exc()
            reason = f'{type(error).__name__}: {error}'
            say({'type': 'nack', 'id': job['id'], 'code': 'llm_unavailable', 'reason': reason})
