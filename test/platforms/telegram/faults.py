"""What goes wrong, by script: a list of faults, each for a method (or `*`) and a number of requests."""

import asyncio

from .httpd import Cut, Response
from .params import ApiError

#   kind: what it does, and its arguments with their defaults
KINDS = {
    'flood': 'answers 429; retry_after=3',
    'server_error': 'answers 5xx; status=502, when=before',
    'error': 'answers an error of your own; code=400, description, parameters={}',
    'conflict': 'answers 409; which=poll or webhook',
    'cut_before': 'breaks the line, and nothing has happened',
    'cut_after': 'does what was asked, then breaks the line without an answer',
    'cut_half': 'does what was asked, then breaks the line in the middle of the answer',
    'slow': 'answers late; seconds=1, when=before',
    'hang': 'never answers, and nothing has happened',
    'garbage': 'does what was asked, and answers bytes that are no JSON; body',
    'wrong_json': 'does what was asked, and answers JSON that is no answer; body',
    'duplicate': 'updates come twice (getUpdates and webhook)',
    'reorder': 'updates come in the wrong order (getUpdates and webhook)',
}
ON_UPDATES = ('duplicate', 'reorder')
POLL_CONFLICT = 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'
WEBHOOK_CONFLICT = ("Conflict: can't use getUpdates method while webhook is active; "
                    'use deleteWebhook to delete the webhook first')


def flood(retry_after):
    return ApiError(429, f'Too Many Requests: retry after {retry_after}', retry_after=retry_after)


class Fault:
    def __init__(self, method, kind, count=1, after=0, chat=None, **arguments):
        if kind not in KINDS:
            raise ValueError(f'no such fault: {kind}; there are {", ".join(KINDS)}')
        self.method, self.kind, self.count, self.after, self.chat = method, kind, count, after, chat
        self.arguments, self.hits = arguments, 0

    def get(self, name, standard):
        return self.arguments.get(name, standard)

    def show(self):
        return {'method': self.method, 'kind': self.kind, 'left': self.count, 'after': self.after, 'chat': self.chat,
                'hits': self.hits, **self.arguments}


class Faults:
    def __init__(self):
        self.pending, self.used = [], []

    def add(self, method, kind, **more):
        self.pending.append(Fault(method, kind, **more))

    def take(self, method, chat_id=None, kinds=tuple(kind for kind in KINDS if kind not in ON_UPDATES)):
        """The first fault that fits this request, counted down; None: all goes well."""
        for fault in self.pending:
            if fault.method.lower() not in ('*', method.lower()) or fault.kind not in kinds:
                continue
            if fault.chat is not None and fault.chat != chat_id:
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.count -= 1
            fault.hits += 1
            if fault.count <= 0:
                self.pending.remove(fault)
                self.used.append(fault)
            return fault
        return None


async def before(fault):
    """Before the request is looked at; may raise what the client gets instead."""
    kind = fault.kind
    if kind == 'flood':
        raise flood(fault.get('retry_after', 3))
    if kind == 'error':
        raise ApiError(fault.get('code', 400), fault.get('description', 'Bad Request: scripted'),
                       **fault.get('parameters', {}))
    if kind == 'conflict':
        raise ApiError(409, WEBHOOK_CONFLICT if fault.get('which', 'poll') == 'webhook' else POLL_CONFLICT)
    if kind == 'cut_before':
        raise Cut
    if kind == 'hang':
        await asyncio.Event().wait()
    if fault.get('when', 'before') == 'before':
        await late_or_broken(fault)


async def late_or_broken(fault):
    if fault.kind == 'slow':
        await asyncio.sleep(fault.get('seconds', 1))  # slow on purpose
    if fault.kind == 'server_error':
        raise Broken(fault.get('status', 502))


async def after(fault, response):
    """After the request has been carried out; gives what the client gets in place of `response`."""
    if fault.kind == 'cut_after':
        raise Cut
    if fault.kind == 'cut_half':
        whole = response.head(True) + response.body
        raise Cut(whole[:len(whole) - len(response.body) // 2 - 1])
    if fault.get('when', 'before') == 'after':
        await late_or_broken(fault)
    if fault.kind == 'garbage':
        return Response(200, fault.get('body', '\x00\x01 not JSON {').encode())
    if fault.kind == 'wrong_json':
        return Response.json(fault.get('body', ['ok', True]))
    return response


class Broken(Exception):
    """An answer as the proxy in front of the real server gives it: HTML from 502 on, JSON for 500."""

    def __init__(self, status):
        super().__init__(str(status))
        self.status = status

    def response(self):
        if self.status == 500:
            return Response.json({'ok': False, 'error_code': 500, 'description': 'Internal Server Error'}, 500)
        title = {502: '502 Bad Gateway', 503: '503 Service Temporarily Unavailable', 504: '504 Gateway Time-out'}
        body = f'<html><head><title>{title.get(self.status, self.status)}</title></head></html>\r\n'
        return Response(self.status, body.encode(), 'text/html')
