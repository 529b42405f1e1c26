#!/usr/bin/python3
# RUN: timeout=400 variants=debug,release
"""The chat page in headless Chromium, as a person uses it. Pictures are kept in build/VARIANT/test/web/pictures."""

import json
import os
import signal
import unittest

import browser
from gateway import BUILD, WebTest, route, wait

PICTURES = os.path.join(BUILD, 'test', 'web', 'pictures')
FUNDS = [{'name': 'Global Equity Index Fund', 'symbol': 'GEIF', 'risk_level': 5,
          'expected_return': '5.0 to 7.5 % a year', 'fee': '0.12 % a year',
          'why': 'Thousands of companies in one fund, for a horizon of ten years or more.'},
         {'name': 'Short-Term Bond Fund', 'symbol': 'STB', 'risk_level': 2, 'expected_return': '2.5 to 3.5 % a year',
          'fee': '0.05 % a year', 'why': 'Moves little, and can be sold on any day.'},
         {'name': 'Balanced Fund <b>60/40</b>', 'risk': 'high', 'return': 0.045}]
ANSWER = ('Two of them **suit you best**:\n\n1. The *equity* fund for what can wait.\n'
          '2. The bond fund for what cannot.\n\n'
          'See [the prospectus](https://funds.example/prospectus) and `GEIF`.')
TABLE = ('Before:\n| Fund | Fee | Risk |\n|:--|--:|:-:|\n| **VTI** | 0.03 % | 5 |\n| a \\| b | 0.05 % |\n\n'
         '- first\n  1. in it\n  2. too\n- second\n\nno | table')
OPEN = 'document.querySelector("#status").dataset.state === "open"'
EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>[x](javascript:window.evil=1) **<b>bold</b>**'


@unittest.skipIf(browser.FOUND is None, browser.ABSENT)
class Page(WebTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)
        os.makedirs(PICTURES, exist_ok=True)

    def open(self, width=1200, height=860, phone=False, path='/', conf=None, keeps=True, **keys):
        # The worker of the test gives no sign of life while a browser is looked at.
        self.it = self.web(conf={'agents.timeout_ms': 60000, **(conf or {})}, **keys)
        page = self.browser.page()
        self.addCleanup(page.close)
        page.look_like()
        page.size(width, height, phone, 2 if phone else 1)
        if not keeps:
            page.keep_nothing()
        page.open(f'http://127.0.0.1:{self.it.port}{path}')
        return page

    def picture(self, page, name):
        page.picture(os.path.join(PICTURES, f'{name}.png'))

    def ask(self, page, text):
        page.eval('document.querySelector("#text").focus()')
        page.type(text)
        page.key('Enter')
        return self.it.worker.job()

    def test_a_first_question_by_hand(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        self.picture(page, '1-welcome')
        page.click('.starter')
        job = self.it.worker.job()
        page.until('document.querySelector(".typing")', 'an answer is being written')
        self.picture(page, '2-waiting')
        for at, piece in enumerate(('Two of them **suit', ' you best**:\n\n1. The *equity* fund')):
            self.it.live(job, 'chat.delta', delta=piece, index=at)
        page.until('document.querySelector(".turn-agent strong")', 'the answer streams')
        self.assertIn('suit you best', page.text('.turn-agent'))
        self.picture(page, '3-streaming')
        self.it.worker.reply(job['lease'], ANSWER, recommendations=FUNDS, sources=['product catalogue'], confidence=0.8)
        page.until('document.querySelectorAll(".card").length === 3', 'three cards')
        self.assertEqual(page.count('.turn-agent'), 1)
        self.assertEqual(page.text('.card h3').split('\n'), [fund['name'] for fund in FUNDS])
        self.assertIn('5 of 7, rather high', page.text('.card'))
        self.assertIn('5.0 to 7.5 % a year', page.text('.card'))
        self.assertIn('4.5 % a year', page.text('.card'))
        self.assertIn('not investment advice', page.text('.law'))
        self.assertEqual(page.eval('document.querySelector(".turn-agent a").href'), 'https://funds.example/prospectus')
        self.picture(page, '4-answer')
        page.look_like(dark=True)
        page.until('document.documentElement.dataset.theme === "dark"', 'it is dark')
        self.picture(page, '5-dark')
        self.assertEqual(page.faults(), [])

    def test_on_a_phone_nothing_is_cut(self):
        page = self.open(360, 740, phone=True)
        page.until(OPEN, 'the line is open')
        self.picture(page, '6-phone-welcome')
        job = self.ask(page, 'What suits me? ' + 'x' * 300)
        self.it.worker.reply(job['lease'], ANSWER + '\n\n```\n' + 'wide ' * 60 + '\n```', recommendations=FUNDS)
        page.until('document.querySelectorAll(".card").length === 3', 'three cards')
        self.assertTrue(page.eval('document.documentElement.scrollWidth <= innerWidth'))
        self.assertTrue(page.eval('document.querySelector("main").scrollWidth <= innerWidth'))
        small = page.eval('''[...document.querySelectorAll('button')].filter((one) => one.offsetParent
            && Math.min(one.offsetWidth, one.offsetHeight) < 32).map((one) => one.outerHTML)''')
        self.assertEqual(small, [])
        self.picture(page, '7-phone-answer')
        page.eval('document.querySelector(".cards").scrollIntoView({behavior: "instant"})')
        self.picture(page, '8-phone-cards')

    def test_by_keyboard_alone(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        page.until('document.activeElement.id === "text"', 'the field has the focus')
        page.type('first line')
        page.key('Enter', shift=True)
        page.type('second line')
        page.key('Enter')
        job = self.it.worker.job()
        self.assertEqual(job['body']['message_text'], 'first line\nsecond line')
        self.it.worker.reply(job['lease'], 'one')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'an answer')
        self.assertTrue(page.eval('document.activeElement.id === "text"'))
        before = page.eval('localStorage["palaver.session"]')
        page.key('n', alt=True)
        page.until(f'localStorage["palaver.session"] !== {before!r} && !document.querySelector("#welcome").hidden',
                   'a new conversation')
        reached = set()
        for _ in range(12):
            page.key('Tab')
            reached.add(page.eval('document.activeElement.id || document.activeElement.className'))
        self.assertLessEqual({'theme', 'fresh', 'starter', 'text', 'skip'}, reached)

    def test_tables_and_lists_and_a_copy_of_the_words(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'Compare them.')
        self.it.worker.reply(job['lease'], TABLE)
        page.until('document.querySelectorAll(".turn-agent td").length === 6', 'the table')
        self.assertEqual(page.text('.turn-agent th').split('\n'), ['Fund', 'Fee', 'Risk'])
        self.assertEqual(page.text('.turn-agent td').split('\n'), ['VTI', '0.03 %', '5', 'a | b', '0.05 %', ''])
        self.assertEqual(page.eval('getComputedStyle(document.querySelector("td.right")).textAlign'), 'right')
        self.assertEqual(page.count('.turn-agent td strong'), 1)
        self.assertEqual(page.count('.turn-agent .prose > ul'), 1)
        self.assertEqual(page.count('.turn-agent .prose > ul > li'), 2)
        self.assertEqual(page.count('.turn-agent .prose > ul > li > ol > li'), 2)
        self.assertEqual(page.text('.turn-agent .prose > ul > li > ol > li').split('\n'), ['in it', 'too'])
        self.assertEqual(page.text('.turn-agent .prose > p').split('\n'), ['Before:', 'no | table'])
        page.eval('navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }')
        page.click('.act')
        page.until('document.querySelector(".act").textContent === "Copied"', 'it says so')
        self.assertEqual(page.eval('window.copied'), TABLE)
        page.size(360, 740, phone=True)
        page.until('innerWidth <= 400', 'a phone')
        self.assertTrue(page.eval('document.querySelector("main").scrollWidth <= innerWidth'))
        self.picture(page, '11-table')
        self.assertEqual(page.faults(), [])

    def test_what_is_said_cannot_become_code(self):
        page = self.open(conf={'content.rules': []})
        page.until(OPEN, 'the line is open')
        job = self.ask(page, EVIL)
        self.it.worker.reply(job['lease'], EVIL, sources=[EVIL], recommendations=[
            {'name': EVIL, 'symbol': EVIL, 'risk': EVIL, 'why': EVIL, 'expected_return': EVIL}])
        page.until('document.querySelectorAll(".card").length === 1', 'a card')
        self.assertIn('<img src=x', page.text('.card'))
        self.assertEqual(page.eval('window.evil'), None)
        self.assertEqual(page.count('#talk img, #talk script, #talk b'), 0)
        self.assertEqual(page.count('#talk a'), 0)
        self.assertEqual(page.faults(), [])
        self.assertRaises(AssertionError, page.eval, 'document.body.innerHTML = "<b>x</b>"')  # the policy forbids it

    def test_a_heading_may_stand_further_in(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'A listing, please.')
        self.it.worker.reply(job['lease'], 'first\n  # open it ##\nopen()\n # \nlast\n#\tC#\n# a\u2028b')
        page.until('document.querySelector(".turn-agent .prose")', 'the answer')
        self.assertEqual(page.eval('[...document.querySelectorAll(".turn-agent h3")].map((one) => one.textContent)'),
                         ['open it', '', 'C#', 'a\u2028b'])
        self.assertEqual(page.text('.turn-agent .prose > p').split('\n'), ['first', 'open()', 'last'])
        self.assertEqual(page.faults(), [])

    def test_a_fence_ends_where_its_own_marks_do(self):
        page = self.open()
        for text, blocks in (('a\n```py\nx\n```\nb', ['P a', 'PRE x', 'P b']), ('```\nx', ['PRE x']),
                             ('````md\n```\nx\n```\n````\nb', ['PRE ```\nx\n```', 'P b']),
                             ('~~~\n```\n~~~~ \nb', ['PRE ```', 'P b']), ('```\nx\n``` y\n```', ['PRE x\n``` y']),
                             ('```a``` is code\n\nb', ['P a is code', 'P b'])):
            found = page.eval(f"""import('/chat/markdown.js').then(({{ blocks }}) => blocks({json.dumps(text)})
                .map((one) => `${{one.tagName}} ${{one.textContent}}`))""")
            self.assertEqual(found, blocks, text)

    def test_marks_that_nothing_ends_do_not_hold_the_page_up(self):
        page = self.open()
        for text in ('**a ', '*a ', '~~a ', '__a ', '_a ', '[', '`a ``', '[a](http://x(', '# a' + ' ' * 60000 + 'b'):
            took = page.eval(f"""import('/chat/markdown.js').then(({{ blocks }}) => {{
                const text = {json.dumps(text)}, long = text.repeat(Math.ceil(60000 / text.length));
                const begun = performance.now(), prose = document.createElement('div');
                prose.append(...blocks(long));
                return prose.textContent.length ? performance.now() - begun : -1; }})""")
            self.assertGreaterEqual(took, 0, text[:20])
            self.assertLess(took, 2000, text[:20])

    def test_a_reload_keeps_the_conversation(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        for number in range(2):
            job = self.ask(page, f'question {number}')
            self.it.worker.reply(job['lease'], f'answer {number}', recommendations=FUNDS[:number])
            page.until(f'document.querySelectorAll(".turn-agent .prose").length === {number + 1}', 'an answer')
        page.reload()
        page.until('document.querySelectorAll(".turn-agent .prose").length === 2', 'both answers')
        page.until('document.querySelectorAll(".card").length === 1', 'the card')
        self.assertEqual(page.text('.said').split('\n'), ['question 0', 'question 1'])
        order = page.eval('[...document.querySelectorAll(".turn")].map((one) => one.className.includes("user"))')
        self.assertEqual(order, [True, False, True, False])

    def test_it_connects_again_and_sends_what_waits_once(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'before')
        self.it.worker.reply(job['lease'], 'answered before')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'an answer')
        # A port of its own choice would be another one after the crash.
        self.it.broker.write_conf({'adapters': {'web': {'port': self.it.port}}})
        self.it.broker.signal(signal.SIGHUP)
        pid = wait(self.it.pid, 'the host')
        os.kill(pid, signal.SIGSTOP)
        page.type('while it hangs')
        page.key('Enter')
        page.until('document.querySelectorAll(".said").length === 2', 'the message is on the page')
        os.kill(pid, signal.SIGKILL)
        page.until('document.querySelector("#status").dataset.state !== "open"', 'it knows')
        self.picture(page, '9-away')
        job = self.it.worker.job(60)
        self.assertEqual(job['body']['message_text'], 'while it hangs')
        self.it.worker.reply(job['lease'], 'answered after')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 2', 'the second answer', 40)
        self.assertEqual(page.count('.said'), 2)
        self.it.worker.quiet('JOB')
        self.assertEqual([turn['text'] for turn in self.it.ask(
            'GET', '/chat/session/' + page.eval('JSON.parse(localStorage["palaver.session"])')).json['history']],
            ['before', 'answered before', 'while it hangs', 'answered after'])

    def test_a_letter_that_is_typed_with_alt_begins_nothing_anew(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        self.it.worker.reply(self.ask(page, 'hello')['lease'], 'one')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'an answer')
        for key, modifiers in (('\u0144', 3), ('n', 3), ('Dead', 1)):  # a Polish n, AltGr, and a tilde on a Mac
            page.call('Input.dispatchKeyEvent', type='keyDown', key=key, code='KeyN', windowsVirtualKeyCode=78,
                      modifiers=modifiers)
            self.assertEqual(page.count('.turn'), 2, key)

    def test_another_attempt_writes_anew(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'hello')
        for index, piece in enumerate(('first ', 'try')):
            self.it.live(job, 'chat.delta', delta=piece, index=index)
        page.until('document.querySelector(".turn-agent")?.innerText === "first try"', 'the first attempt')
        for index, piece in enumerate(('second ', 'one')):
            self.it.live(job, 'chat.delta', delta=piece, index=index)
        page.until('document.querySelector(".turn-agent").innerText.endsWith("one")', 'the second attempt')
        self.assertEqual(page.text('.turn-agent'), 'second one')

    def test_a_message_that_is_too_long_is_given_up(self):
        page = self.open(socket_message_kb=4)
        page.until(OPEN, 'the line is open')
        page.eval('document.querySelector("#text").focus()')
        page.type('\u00fc' * 3000)
        page.key('Enter')
        page.until('document.querySelector(".note-bad")?.innerText.includes("too long")', 'it says so')
        page.until(OPEN, 'the line is open again')
        self.it.worker.reply(self.ask(page, 'short')['lease'], 'an answer')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'the answer')
        self.assertEqual(page.eval('[...document.querySelectorAll(".turn")].map((one) => one.ariaLabel)'),
                         ['You', 'You', 'Answer'])

    def test_what_was_said_twice_is_shown_twice(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        for number in (1, 2):
            self.it.worker.reply(self.ask(page, 'yes')['lease'], 'good')
            page.until(f'document.querySelectorAll(".turn-agent .prose").length === {number}', 'an answer')
        self.it.broker.write_conf({'adapters': {'web': {'port': self.it.port}}})
        self.it.broker.signal(signal.SIGHUP)
        pid = self.it.pid()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: self.it.pid() not in (None, pid), 'another process')
        self.it.up()
        page.reload()
        page.until(OPEN, 'the line is open')
        page.until('document.querySelectorAll(".turn").length === 4', 'all of it, from the broker')

    def test_what_fails_is_told_to_who_listens(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        held = self.ask(page, 'first')
        page.type('second')
        page.key('Enter')
        wait(lambda: self.it.broker.ask('status')['counts']['pending_events'] == 2, 'one waits')
        self.it.broker.ask('events.discard', adapter='web', who='ops')
        page.until('document.querySelector(".note-bad")', 'it is set aside')
        self.assertIn('set aside', page.eval('document.querySelector("#spoken").textContent'))
        self.it.worker.reply(held['lease'], 'one')

    def test_a_message_says_that_a_newer_one_took_its_place(self):
        page = self.open(conf={'routes': [route(overlap='interrupt')]})
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'first')
        self.it.live(job, 'chat.delta', delta='half an answer', index=0)
        page.until('document.body.textContent.includes("half an answer")', 'it streams')
        job = self.ask(page, 'no, second')
        page.until('document.querySelector(".note")?.textContent === "A newer message took its place"', 'it says so')
        self.assertEqual(page.count('.note-bad'), 0)
        self.assertNotIn('half an answer', page.text('body'))
        page.until('document.querySelector(".typing")', 'the newer one is worked on')
        self.it.worker.reply(job['lease'], 'to the second')
        page.until('document.querySelector(".turn-agent")?.textContent.includes("to the second")', 'its answer')
        self.assertEqual(page.count('.typing'), 0)

    def test_an_answer_is_told_as_it_is_shown(self):
        page = self.open()
        page.until(OPEN, 'the line is open')
        number, told = 0, ''
        while not told and number < 100:  # what comes while the page loads was there before
            self.it.worker.reply(self.ask(page, 'hello')['lease'], 'This **suits** you:\n\n- [one](https://a.example/)',
                                 recommendations=FUNDS[1:2])
            number += 1
            page.until(f'document.querySelectorAll(".turn-agent .card").length === {number}', 'an answer')
            told = page.eval('document.querySelector("#spoken").textContent')
        self.assertTrue(told.startswith('This suits you:'), told)
        for words in ('one', 'Short-Term Bond Fund', 'not investment advice'):
            self.assertIn(words, told)
        self.assertNotIn('*', told)
        self.assertNotIn('https', told)

    def test_two_windows_keep_what_neither_could_send(self):
        page = self.open()
        other = self.browser.page()
        self.addCleanup(other.close)
        other.open(f'http://127.0.0.1:{self.it.port}/?session=other')
        for one in (page, other):
            one.until(OPEN, 'the line is open')
        pid = self.it.pid()
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        for one in (page, other):
            one.call('Page.bringToFront')
            one.eval('document.querySelector("#text").focus()')
            one.type('while it hangs')
            one.key('Enter')
            one.until('document.querySelectorAll(".said").length === 1', 'the message is on the page')
        unsent = 'Object.keys(localStorage).filter((name) => name.startsWith("palaver.unsent."))'
        self.assertEqual(page.eval(f'{unsent}.length'), 2)
        os.kill(pid, signal.SIGCONT)
        page.until(f'{unsent}.length === 0', 'both are stored')

    def test_a_browser_that_keeps_nothing(self):
        page = self.open(api_keys='good chat\n', keeps=False)
        page.until('document.querySelector("#key").open', 'it asks for the key')
        page.eval('document.querySelector("#key-text").focus()')
        page.type('good')
        page.key('Enter')
        page.until(OPEN, 'the line is open')
        self.it.worker.reply(self.ask(page, 'hello')['lease'], 'welcome')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'the answer')

    def test_what_the_broker_takes_late_is_not_kept_to_be_sent_again(self):
        page = self.open(timeout_s=1)
        page.until(OPEN, 'the line is open')
        self.it.broker.signal(signal.SIGSTOP)
        self.addCleanup(self.it.broker.signal, signal.SIGCONT)
        page.eval('document.querySelector("#text").focus()')
        page.type('while it hangs')
        page.key('Enter')
        wait(lambda: page.count('.note') and any(
            'in-flight' in event['params']['response']['payloadData'] for event in page.told
            if event['method'] == 'Network.webSocketFrameReceived'), 'it is on its way, and not taken')
        self.it.broker.signal(signal.SIGCONT)
        self.it.worker.reply(self.it.worker.job()['lease'], 'an answer')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'the answer')
        page.until('!Object.keys(localStorage).some((name) => name.startsWith("palaver.unsent."))', 'nothing waits')
        self.assertEqual(page.count('.turn'), 2)
        self.it.worker.quiet('JOB')

    def test_an_address_that_names_no_conversation_opens_another(self):
        page = self.open()
        for named in ('a%2Fb', '..', '%07', '%E4%BD%A0' * 100):
            page.open(f'http://127.0.0.1:{self.it.port}/?session={named}')
            page.until(OPEN, f'the line is open, not to {named[:10]}')

    def test_two_windows_of_one_conversation(self):
        page = self.open(path='/?session=shared')
        other = self.browser.page()
        self.addCleanup(other.close)
        other.open(f'http://127.0.0.1:{self.it.port}/?session=shared')
        for one in (page, other):
            one.until(OPEN, 'the line is open')
        job = self.ask(page, 'hello from here')
        other.until('document.querySelectorAll(".said").length === 1', 'the other window sees the question')
        self.it.worker.reply(job['lease'], 'hello to both')
        for one in (page, other):
            one.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'the answer')
            self.assertEqual(one.count('.turn'), 2)

    def test_a_key_is_asked_for(self):
        good = 'let/me+in(100%)=='  # as openssl rand -base64 writes some
        page = self.open(api_keys=f'{good} chat\n')
        page.until('document.querySelector("#key").open', 'it asks for the key')
        self.picture(page, '10-key')
        for key in ('wrong', 'wro/ng', good):
            page.eval('document.querySelector("#key-text").focus()')
            page.type(key)
            page.key('Enter')
            page.until('!document.querySelector("#key").open || !document.querySelector("#key-text").value', 'taken')
            if key != good:
                page.until('document.querySelector("#key").open && document.querySelector("#key-fault").textContent',
                           'it asks again')
        page.until(OPEN, 'the line is open')
        job = self.ask(page, 'hello')
        self.it.worker.reply(job['lease'], 'welcome')
        page.until('document.querySelectorAll(".turn-agent .prose").length === 1', 'the answer')


if __name__ == '__main__':
    unittest.main()
