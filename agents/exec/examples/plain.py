"""A worker in plain Python: palaver-exec --services exec -- python3 plain.py"""

import json
import sys

for line in sys.stdin:
    job = json.loads(line)
    if job['type'] != 'job':
        continue
    asked = job['state'].get('asked', 0) + 1
    text = f'{job.get("message_text", "")}? That is question {asked}.'
    print(json.dumps({'type': 'reply', 'id': job['id'], 'response_text': text, 'state': {'asked': asked}}), flush=True)
