"""What a request to the Messages API must look like, and the error that it gets when it does not."""

import hashlib
import json
import re

import models
import schema
from refused import Refused, need, refuse

VERSIONS = ('2023-06-01', '2026-10-21')
# From this version on the three ways to choose a temperature are errors.
NO_SAMPLING = ('2026-10-21',)
SAMPLING = ('temperature', 'top_p', 'top_k')
# These choose for themselves whether they use a tool.
NO_FORCED_TOOLS = ('claude-opus-5-5', 'claude-fable-5-1')
KEYS = {'model', 'max_tokens', 'messages', 'system', 'stream', 'stop_sequences', 'tools', 'tool_choice', 'metadata',
        'service_tier', 'thinking', 'output_config', 'cache_control', *SAMPLING}
# Of these a count takes what the model would read, and nothing about how it is to answer.
COUNTED_KEYS = {'model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control'}
BLOCKS = {
    'text': {'text', 'cache_control', 'citations'},
    'image': {'source', 'cache_control'},
    'document': {'source', 'title', 'context', 'citations', 'cache_control'},
    'tool_use': {'id', 'name', 'input', 'cache_control', 'caller'},
    'tool_result': {'tool_use_id', 'content', 'is_error', 'cache_control'},
    'thinking': {'thinking', 'signature'},
    'redacted_thinking': {'data'},
    'server_tool_use': {'id', 'name', 'input', 'cache_control'},
    'web_search_tool_result': {'tool_use_id', 'content', 'cache_control'},
}
BY_ROLE = {'user': {'text', 'image', 'document', 'tool_result'},
           'assistant': {'text', 'tool_use', 'thinking', 'redacted_thinking', 'server_tool_use',
                         'web_search_tool_result'}}
EFFORTS = ('low', 'medium', 'high', 'xhigh', 'max')
CACHE_POINTS_MAX = 4
NAME = re.compile(r'[a-zA-Z0-9_-]{1,128}')


def tokens_of(value):
    """About four characters a token."""
    return max(1, len(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) // 4)


def plain(value):
    """The value without its cache marks: they are no part of what the model reads."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key != 'cache_control'}
    return [plain(one) for one in value] if isinstance(value, list) else value


def digest(*values):
    return hashlib.sha256(json.dumps([plain(value) for value in values], sort_keys=True).encode()).hexdigest()[:32]


def prefix(body, index):
    """What stands before message number `index`."""
    return digest(body['model'], body.get('system'), body.get('tools'), body['messages'][:index])


def check_type(headers):
    need('application/json' in headers.get('content-type', ''), 'content-type: must be application/json')


def check_headers(headers, key):
    version = headers.get('anthropic-version')
    need(version, 'anthropic-version: header is required')
    need(version in VERSIONS, f'anthropic-version: "{version}" is not a valid version')
    given = headers.get('x-api-key')
    bearer = headers.get('authorization', '')
    if given is None and bearer.lower().startswith('bearer '):
        given = bearer[7:]
    if given is None:
        raise Refused(401, 'authentication_error', 'x-api-key header is required')
    if given != key:
        raise Refused(401, 'authentication_error', 'invalid x-api-key')
    return version


class Request:
    """A request's body, checked against everything that is known; `issued`: what this server said before; `counting`:
    it asks for its number of tokens alone."""

    def __init__(self, body, version, issued, counting=False):
        self.body, self.version, self.issued, self.counting = body, version, issued, counting
        self.cache_points = []
        need(isinstance(body, dict), 'the body must be a JSON object')
        self.check_thread()
        for key in body:
            need(key in (COUNTED_KEYS if counting else KEYS), f'{key}: Extra inputs are not permitted')
        self.check_model()
        self.check_numbers()
        self.check_tools()
        self.check_system()
        self.check_messages()
        self.check_tool_choice()
        self.check_output()
        self.check_rest()
        self.check_cache()
        tokens = tokens_of(body)
        need(tokens <= models.WINDOW_TOKENS, f'prompt is too long: {tokens} tokens > {models.WINDOW_TOKENS} maximum')

    def check_thread(self):
        """The vendor's SDK tries whether a server holds conversations, and goes on without when this is the answer."""
        if self.body.pop('thread', None) is not None:
            raise Refused(400, 'invalid_request_error', 'thread: this server holds no conversations',
                          {'error_code': 'thread_unsupported_request', 'unsupported': ['thread']})

    def check_model(self):
        model = self.body.get('model')
        need(isinstance(model, str) and model, 'model: Field required')
        if not models.known(model):
            raise Refused(404, 'not_found_error', f'model: {model}')

    def check_numbers(self):
        if self.counting:
            return
        most = self.body.get('max_tokens')
        need(type(most) is int, 'max_tokens: Field required')
        need(1 <= most <= models.MAX_TOKENS_MOST, f'max_tokens: must be 1 to {models.MAX_TOKENS_MOST}')
        for key in SAMPLING:
            if key in self.body:
                need(self.version not in NO_SAMPLING, f'{key}: is not supported in version {self.version}')
                value = self.body[key]
                need(isinstance(value, (int, float)) and not isinstance(value, bool), f'{key}: must be a number')
                need(key == 'top_k' or 0 <= value <= 1, f'{key}: range: 0..1')
        need(type(self.body.get('stream', False)) is bool, 'stream: must be a boolean')

    def check_tools(self):
        tools = self.body.get('tools', [])
        need(isinstance(tools, list), 'tools: must be a list')
        names = set()
        for number, tool in enumerate(tools):
            path = f'tools.{number}'
            need(isinstance(tool, dict), f'{path}: must be an object')
            need(tool.get('type', 'custom') == 'custom', f'{path}.type: this server has no such tool')
            extra = set(tool) - {'type', 'name', 'description', 'input_schema', 'cache_control', 'strict'}
            need(not extra, f'{path}.{"".join(sorted(extra)[:1])}: Extra inputs are not permitted')
            name = tool.get('name')
            need(isinstance(name, str) and NAME.fullmatch(name), f'{path}.name: must match ^[a-zA-Z0-9_-]{{1,128}}$')
            need(name not in names, 'tools: Tool names must be unique.')
            names.add(name)
            need(isinstance(tool.get('description', ''), str), f'{path}.description: must be a string')
            try:
                check = schema.check if tool.get('strict') else schema.check_tool
                check(tool.get('input_schema'), path=f'{path}.input_schema')
            except schema.SchemaError as error:
                refuse(str(error))
            self.mark(tool, path)
        self.tool_names = names

    def mark(self, block, path):
        """Remembers a block's cache_control."""
        if 'cache_control' not in block or block['cache_control'] is None:
            return
        control = block['cache_control']
        need(isinstance(control, dict) and control.get('type') == 'ephemeral' and set(control) <= {'type', 'ttl'},
             f'{path}.cache_control: must be {{"type": "ephemeral"}}')
        need(control.get('ttl', '5m') in ('5m', '1h'), f'{path}.cache_control.ttl: must be "5m" or "1h"')
        need(block.get('type') not in ('thinking', 'redacted_thinking'),
             f'{path}.cache_control: cannot be set for thinking blocks')
        self.cache_points.append((path, control.get('ttl', '5m')))

    def check_system(self):
        system = self.body.get('system')
        if system is None or isinstance(system, str):
            return
        need(isinstance(system, list), 'system: must be a string or a list of text blocks')
        for number, block in enumerate(system):
            need(isinstance(block, dict) and block.get('type') == 'text', f'system.{number}: must be a text block')
            self.check_block(block, 'user', f'system.{number}')

    def check_messages(self):
        messages = self.body.get('messages')
        need(isinstance(messages, list) and messages, 'messages: at least one message is required')
        open_uses, self.seen_uses = [], set()
        turns = self.turns(messages)
        for number, role, blocks in turns:
            open_uses = self.check_pairs(blocks, open_uses, role, number)
        need(not open_uses, self.lonely(len(messages) - 1, open_uses))
        if turns[-1][1] == 'assistant':
            need(digest(messages[-1]['content']) in self.issued.paused,
                 'messages: this model does not support assistant message prefill')

    def turns(self, messages):
        """(number of its first message, role, blocks): messages of one role in a row are one turn."""
        turns = []
        for number, message in enumerate(messages):
            path = f'messages.{number}'
            need(isinstance(message, dict) and set(message) == {'role', 'content'},
                 f'{path}: must have role and content, and nothing else')
            role = message['role']
            need(role in BY_ROLE, f'{path}.role: must be "user" or "assistant"')
            need(turns or role == 'user', 'messages: first message must use the "user" role')
            blocks = self.blocks(message['content'], role, path)
            self.check_thinking(blocks, number)
            if turns and turns[-1][1] == role:
                turns[-1][2].extend(blocks)
            else:
                turns.append((number, role, list(blocks)))
        return turns

    def blocks(self, content, role, path):
        if isinstance(content, str):
            need(content.strip(), f'{path}: text content blocks must be non-empty')
            return [{'type': 'text', 'text': content}]
        need(isinstance(content, list) and content, f'{path}.content: must be a string or a list of blocks')
        for number, block in enumerate(content):
            self.check_block(block, role, f'{path}.content.{number}')
        return content

    def check_block(self, block, role, path):
        kind = block.get('type') if isinstance(block, dict) else None
        need(kind in BY_ROLE[role], f'{path}: Input tag {kind!r} found using \'type\' does not match any of the '
                                    f'expected tags')
        extra = set(block) - BLOCKS[kind] - {'type'}
        need(not extra, f'{path}.{kind}.{"".join(sorted(extra)[:1])}: Extra inputs are not permitted')
        if kind == 'text':
            need(isinstance(block.get('text'), str), f'{path}.text.text: Field required')
            need(block['text'].strip(), 'messages: text content blocks must contain non-whitespace text')
        if kind == 'tool_use':
            need(isinstance(block.get('id'), str) and NAME.fullmatch(block['id']), f'{path}.id: is no id')
            need(isinstance(block.get('input'), dict), f'{path}.input: Input should be a valid dictionary')
            need(isinstance(block.get('name'), str), f'{path}.name: Field required')
        if kind == 'tool_result':
            self.check_result(block, path)
        self.mark(block, path)

    def check_result(self, block, path):
        need(isinstance(block.get('tool_use_id'), str), f'{path}.tool_use_id: Field required')
        need(type(block.get('is_error', False)) is bool, f'{path}.is_error: must be a boolean')
        content = block.get('content', '')
        need(isinstance(content, (str, list)), f'{path}.content: must be a string or a list')
        for number, one in enumerate(content if isinstance(content, list) else []):
            need(isinstance(one, dict) and one.get('type') in ('text', 'image', 'document'),
                 f'{path}.content.{number}: is no block of a result')
            self.check_block(one, 'user', f'{path}.content.{number}')

    def lonely(self, number, ids):
        return (f'messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: '
                f'{", ".join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in the next '
                f'message.')

    def check_pairs(self, blocks, open_uses, role, number):
        """Each tool_use is answered in the next message, whose results stand before anything else."""
        results = [block['tool_use_id'] for block in blocks if block['type'] == 'tool_result']
        for one in results:
            need(one in open_uses, f'messages.{number}: unexpected `tool_use_id` found in `tool_result` blocks: {one}. '
                                   f'Each `tool_result` block must have a corresponding `tool_use` block in the '
                                   f'previous message.')
        need(len(set(results)) == len(results), f'messages.{number}: each tool_use must have a single result')
        missing = [one for one in open_uses if one not in results]
        need(not missing, self.lonely(number - 1, missing))
        kinds = [block['type'] for block in blocks]
        if results:
            need(kinds[:len(results)] == ['tool_result'] * len(results),
                 f'messages.{number}: `tool_result` blocks must come first in the content')
        uses = [block['id'] for block in blocks if block['type'] == 'tool_use']
        for one in uses:
            need(one not in self.seen_uses, 'messages: `tool_use` ids must be unique')
            self.seen_uses.add(one)
        return uses

    def check_thinking(self, blocks, number):
        """A thinking block comes back as it was issued, behind the very prefix that it was issued for."""
        for block in blocks:
            if block['type'] != 'thinking':
                continue
            path = f'messages.{number}.content'
            found = self.issued.thoughts.get(block.get('signature'))
            need(found, f'{path}: Invalid `signature` in `thinking` block')
            need(found[0] == block.get('thinking') and found[1] == prefix(self.body, number),
                 f'{path}: `thinking` blocks in the latest assistant message cannot be modified')

    def check_tool_choice(self):
        choice = self.body.get('tool_choice')
        if choice is None:
            return
        kind = choice.get('type') if isinstance(choice, dict) else None
        need(kind in ('auto', 'any', 'tool', 'none'), 'tool_choice.type: must be auto, any, tool or none')
        need(self.body.get('tools'), 'tool_choice: may only be specified while providing tools')
        allowed = {'auto': {'disable_parallel_tool_use'}, 'any': {'disable_parallel_tool_use'}, 'none': set(),
                   'tool': {'name', 'disable_parallel_tool_use'}}[kind]
        need(set(choice) <= allowed | {'type'}, f'tool_choice: Extra inputs are not permitted for {kind}')
        need(type(choice.get('disable_parallel_tool_use', False)) is bool,
             'tool_choice.disable_parallel_tool_use: must be a boolean')
        if kind in ('any', 'tool'):
            need(not self.body['model'].startswith(NO_FORCED_TOOLS),
                 f'tool_choice: type "{kind}" is not supported on {self.body["model"]}')
            need(self.body.get('thinking', {}).get('type', 'disabled') == 'disabled',
                 'Thinking may not be enabled when tool_choice forces tool use.')
        if kind == 'tool':
            need(choice.get('name') in self.tool_names, f'tool_choice.name: Tool {choice.get("name")!r} not found')

    def check_output(self):
        output = self.body.get('output_config')
        self.format = None
        if output is None:
            return
        need(isinstance(output, dict) and set(output) <= {'effort', 'format'},
             'output_config: Extra inputs are not permitted')
        if output.get('effort') is not None:
            need(output['effort'] in EFFORTS, f'output_config.effort: must be one of {", ".join(EFFORTS)}')
        form = output.get('format')
        if form is None:
            return
        need(isinstance(form, dict) and form.get('type') == 'json_schema' and set(form) == {'type', 'schema'},
             'output_config.format: must be {"type": "json_schema", "schema": ...}')
        try:
            schema.check(form['schema'], path='output_config.format.schema')
        except schema.SchemaError as error:
            refuse(str(error))
        self.format = form['schema']

    def check_rest(self):
        body = self.body
        metadata = body.get('metadata')
        if metadata is not None:
            need(isinstance(metadata, dict) and set(metadata) <= {'user_id'}, 'metadata: only user_id is permitted')
            user = metadata.get('user_id') or ''
            need(isinstance(user, str) and len(user) <= 256, 'metadata.user_id: must be a string of at most 256')
            need('@' not in user, 'metadata.user_id: user_id appears to contain an email address')
            number = re.fullmatch(r'\+?\d[\d ()-]{8,}\d', user)
            need(not number, 'metadata.user_id: user_id appears to be a phone number')
        sequences = body.get('stop_sequences', [])
        need(isinstance(sequences, list) and all(isinstance(one, str) and one.strip() for one in sequences),
             'stop_sequences: each stop sequence must contain non-whitespace')
        need(body.get('service_tier', 'auto') in ('auto', 'standard_only'), 'service_tier: auto or standard_only')
        thinking = body.get('thinking')
        if thinking is not None:
            kind = thinking.get('type') if isinstance(thinking, dict) else None
            need(kind in ('enabled', 'disabled', 'adaptive'), 'thinking.type: enabled, disabled or adaptive')
            if kind == 'enabled':
                budget = thinking.get('budget_tokens')
                need(type(budget) is int and 1024 <= budget < body.get('max_tokens', models.MAX_TOKENS_MOST),
                     'thinking.enabled.budget_tokens: must be at least 1024 and below max_tokens')

    def check_cache(self):
        if self.body.get('cache_control') is not None:
            self.mark({'cache_control': self.body['cache_control']}, 'body')
        need(len(self.cache_points) <= CACHE_POINTS_MAX,
             f'A maximum of {CACHE_POINTS_MAX} blocks with cache_control may be provided. '
             f'Found {len(self.cache_points)}.')
        ttls = [ttl for _, ttl in self.cache_points]
        need(ttls == sorted(ttls), 'a ttl="1h" cache_control block must not come after a ttl="5m" cache_control block')

    # ------------------------------------------------------------ what a script may ask about it

    def last_text(self):
        """The text of the last user message that has any."""
        for message in reversed(self.body['messages']):
            if message['role'] == 'user':
                content = message['content']
                texts = [content] if isinstance(content, str) else [
                    block['text'] for block in content if block['type'] == 'text']
                if texts:
                    return '\n'.join(texts)
        return ''

    def results(self):
        """How many tool results the conversation holds."""
        return sum(block['type'] == 'tool_result' for message in self.body['messages']
                   if isinstance(message['content'], list) for block in message['content'])

    def cached_prefixes(self):
        """(digest, tokens) of what stands before each cache mark, in the order tools, system, messages."""
        parts = list(self.body.get('tools', []))
        system = self.body.get('system') or []
        parts += [{'type': 'text', 'text': system}] if isinstance(system, str) else system
        for message in self.body['messages']:
            content = message['content']
            parts += [{'type': 'text', 'text': content}] if isinstance(content, str) else content
        found, tokens = [], 0
        for number, part in enumerate(parts):
            tokens += tokens_of(plain(part))
            if part.get('cache_control'):
                found.append((digest(self.body['model'], parts[:number + 1]), tokens))
        return found
