"""The updates that wait for the bot: confirmed by offset, filtered by allowed_updates, polled by one at a time."""

import asyncio

from . import faults
from .params import ApiError
from .table import UPDATES, UPDATES_OPT_IN

TIMEOUT_MAX_S = 50
CONFLICT_PAUSE_S = 3
SLOW_S = 3


class Inbox:
    def __init__(self, script, now, first_id=100000001):
        self.script, self.now = script, now
        self.waiting = {}          # update_id: (update, chat_id), in order
        self.next_id = first_id
        self.allowed = []          # as getMe's owner set it last; empty: all but the opt-in ones
        self.last = None           # (offset, when) of the last poll
        self.poll = None           # the future of a long poll that waits
        self.next_conflict = 0.0
        self.delivered = []        # what was fetched, for duplicates
        self.on_new = None         # the webhook, when it is set
        self.confirmed = 0         # the highest update_id that the bot confirmed

    def wanted(self, kind):
        return kind in self.allowed if self.allowed else kind not in UPDATES_OPT_IN

    def push(self, kind, body, chat_id):
        """The update's id; None: the bot did not ask for such updates."""
        if not self.wanted(kind):
            return None
        update = {'update_id': self.next_id, kind: body}
        self.next_id += 1
        self.waiting[update['update_id']] = (update, chat_id)
        if self.on_new:
            self.on_new(update, chat_id)
        elif self.poll and not self.poll.done():
            self.poll.set_result('new')
        return update['update_id']

    def allow(self, names):
        if names is None:
            return []
        self.allowed = [name for name in names if name in UPDATES]
        return [f'allowed_updates: no such update: {name}' for name in names if name not in UPDATES]

    def forget(self, update_id):
        self.waiting.pop(update_id, None)
        self.confirmed = max(self.confirmed, update_id)

    def drop_all(self):
        self.waiting.clear()

    def confirm(self, offset):
        if offset < 0:
            kept = list(self.waiting)[offset:]
            offset = kept[0] if kept else self.next_id
        for update_id in [one for one in self.waiting if one < offset]:
            self.forget(update_id)

    def stop_poll(self, description):
        """Ends the long poll that waits, if one does."""
        if self.poll and not self.poll.done():
            self.poll.set_exception(ApiError(409, description))

    async def get(self, offset=0, limit=100, timeout=0):
        limit, timeout = min(max(limit, 1), 100), min(max(timeout, 0), TIMEOUT_MAX_S)
        now = self.now()
        # A client that asks the same again and again is slowed: it gets a long poll instead.
        if self.last and self.last[0] == offset and now < self.last[1] + SLOW_S and timeout < SLOW_S:
            timeout = SLOW_S
        self.last = (offset, now)
        self.confirm(offset)
        if not self.waiting and timeout:
            await self.wait(timeout)
        return self.take(limit)

    async def wait(self, timeout):
        self.stop_poll(faults.POLL_CONFLICT)
        poll = self.poll = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(poll, timeout)
        except asyncio.TimeoutError:
            pass
        except ApiError:
            await self.conflict_pause()
            raise
        finally:
            if self.poll is poll:
                self.poll = None

    async def conflict_pause(self):
        """Of several conflicts within three seconds only the first is told at once."""
        if self.now() < self.next_conflict:
            await asyncio.sleep(CONFLICT_PAUSE_S)  # slow on purpose
        else:
            self.next_conflict = self.now() + CONFLICT_PAUSE_S

    def take(self, limit):
        batch = [update for update, _ in list(self.waiting.values())[:limit]]
        if batch:
            kinds = ('duplicate', 'reorder') if len(batch) > 1 else ('duplicate',)
            fault = self.script.take('getUpdates', kinds=kinds)
            if fault:
                # What was fetched before, and confirmed since, comes again too.
                batch = batch[::-1] if fault.kind == 'reorder' else self.delivered[-1:] + batch + batch[-1:]
        self.delivered = (self.delivered + batch)[-1000:]
        return batch
