"""How fast a bot may send: about one message a second in a chat, twenty a minute in a group, thirty a second in all.

Telegram does not promise these numbers; each can be set, and all of them switched off.
"""

import collections
import math


class Limits:
    def __init__(self, on=True, chat_per_s=1.0, chat_burst=5, group_per_min=20, all_per_s=30):
        self.on, self.chat_per_s, self.chat_burst = on, chat_per_s, chat_burst
        self.group_per_min, self.all_per_s = group_per_min, all_per_s
        self.chats, self.groups, self.all = {}, {}, collections.deque()

    def set(self, **values):
        for name, value in values.items():
            if not hasattr(self, name) or name in ('chats', 'groups', 'all'):
                raise ValueError(f'no such limit: {name}')
            setattr(self, name, value)
        return {name: getattr(self, name) for name in ('on', 'chat_per_s', 'chat_burst', 'group_per_min', 'all_per_s')}

    def take(self, chat_id, now):
        """0: it may be sent, and counts; else how many seconds to wait."""
        if not self.on:
            return 0
        tokens, since = self.chats.get(chat_id, (self.chat_burst, now))
        tokens = min(self.chat_burst, tokens + (now - since) * self.chat_per_s)
        wait = (1 - tokens) / self.chat_per_s if tokens < 1 else 0
        windows = [(self.all, 1, self.all_per_s)]
        if chat_id < 0:
            windows.append((self.groups.setdefault(chat_id, collections.deque()), 60, self.group_per_min))
        for times, span, most in windows:
            while times and times[0] <= now - span:
                times.popleft()
            if len(times) >= most:
                wait = max(wait, times[0] + span - now)
        if wait > 0:
            return max(1, math.ceil(wait))
        self.chats[chat_id] = (tokens - 1, now)
        for times, _, _ in windows:
            times.append(now)
        return 0
