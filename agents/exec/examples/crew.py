"""A CrewAI crew as a worker: palaver-exec --services crew --wait-ready 120 -- python3 crew.py MODULE:NAME

NAME is a Crew, or a function or class that gives one (also one whose method crew() does). Its tasks may use
{message}, {history} and {user_id}."""

import contextlib
import importlib
import json
import os
import sys

os.environ.setdefault('CREWAI_DISABLE_TELEMETRY', 'true')
say_to = sys.stdout


def say(message):
    print(json.dumps(message), file=say_to, flush=True)


def make(thing):
    thing = thing() if callable(thing) and not hasattr(thing, 'kickoff') else thing
    return thing if hasattr(thing, 'kickoff') else thing.crew()


def answer(crew, job):
    inputs = {'message': job.get('message_text', ''), 'user_id': job['event']['user_id'],
              'history': '\n'.join(f'{turn["role"]}: {turn["text"]}' for turn in job['history'])}
    result = crew.kickoff(inputs=inputs)
    fields = result.json_dict if getattr(result, 'json_dict', None) else {}
    return {'response_text': getattr(result, 'raw', str(result)), **fields}


sys.path.insert(0, os.getcwd())
module, _, name = sys.argv[1].partition(':')
with contextlib.redirect_stdout(sys.stderr):  # crews print a lot: it goes to the log
    crew = make(getattr(importlib.import_module(module), name or 'crew'))
    say({'type': 'ready'})
    for job in filter(lambda job: job['type'] == 'job', map(json.loads, sys.stdin)):
        try:
            say({'type': 'reply', 'id': job['id'], **answer(crew, job)})
        except Exception as error:
            reason = f'{type(error).__name__}: {error}'
            say({'type': 'nack', 'id': job['id'], 'code': 'llm_unavailable', 'reason': reason})
