#!/usr/bin/python3
# RUN: timeout=900 variants=debug,release
"""The console in headless Chromium, as an operator uses it. Pictures are kept in build/VARIANT/test/web/pictures."""

import os
import subprocess
import unittest

import browser
from gateway import BUILD, WebTest, route, wait

PICTURES = os.path.join(BUILD, 'test', 'web', 'pictures')
KEY = 'beta-2'
KEYS = f'alpha-1 chat ann\n{KEY} operate ops\n'
ANN = {'X-Api-Key': 'alpha-1'}
CONF = {'plugins.operators': ['web'], 'agents.backoff_ms': 50, 'rate_limit.on': False, 'breaker.threshold': 1000,
        # A worker by hand is silent while a page is looked at, and what is said may look evil.
        'content.rules': [], 'agents.heartbeat_ms': 60000, 'agents.timeout_ms': 600000,
        'routes': [route(), {'name': 'slow', 'service': 'slow', 'command': '/slow'}]}
LIVE = 'document.querySelector("#status").dataset.state === "open"'


@unittest.skipIf(browser.FOUND is None, browser.ABSENT)
class Console(WebTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)
        os.makedirs(PICTURES, exist_ok=True)

    def setUp(self):
        super().setUp()
        self.it = self.web(api_keys=KEYS, conf=CONF)

    def open(self, view='overview', width=1280, height=860, phone=False, dark=False, keeps=True):
        page = self.browser.page()
        self.addCleanup(page.close)
        page.look_like(dark)
        page.size(width, height, phone, 2 if phone else 1)
        if not keeps:
            page.keep_nothing()
        page.open(f'http://127.0.0.1:{self.it.port}/console#key={KEY}')
        page.until(LIVE, 'the broker is looked at')
        self.go(page, view)
        return page

    def go(self, page, view):
        page.eval(f'location.hash = "#/{view}"')
        page.until('document.querySelector("h1")', f'{view} is shown')

    def picture(self, page, name):
        page.picture(os.path.join(PICTURES, f'console-{name}.png'))

    def kill(self, count=1, why='the list of prices is missing', text='Which fund?', first=0):
        """Messages that no agent can answer."""
        for number in range(first, first + count):
            waiting = self.it.say(f'{text} {number}', ANN, session=f's{number}', user=f'person-{number}')
            self.it.worker.nack(self.it.worker.job()['lease'], permanent=True, code='data_unavailable', reason=why)
            self.it.wait(waiting)
        wait(lambda: self.it.broker.ask('status')['counts']['dead'] >= first + count, 'the letters')

    def test_a_browser_that_keeps_nothing(self):
        page = self.open(keeps=False)
        page.click('#theme')
        self.assertEqual(page.eval('document.documentElement.dataset.theme'), 'dark')
        self.assertEqual(page.faults(), [])

    def test_more_workers_than_a_page_of_the_broker_has(self):
        page = self.open()
        page.eval('''(() => {
          const real = fetch;
          const worker = { name: 'crowd', services: ['advisor'], state: 'ready', build: '1', held: 1, credit: 2,
            silent_s: 0 };
          const page = (many, next) => new Response(JSON.stringify({ items: Array(many).fill(worker), next }));
          window.fetch = async (path, given) => !path.startsWith('/operate/agents') ? real(path, given)
            : path.includes('after=7') ? page(500, null) : page(1000, 7);
        })()''')
        page.until('document.body.innerText.includes("crowd × 1500")', 'all are counted')
        page.until('document.body.innerText.includes("works on 1,500 of 3,000")', 'and what they do')

    def test_a_look_at_each_view(self):
        self.kill(6)
        self.kill(2, 'no answer from https://prices.example/v1 (HTTP 502)', first=6)
        answered = self.it.say('hello', ANN, session='s9')
        self.it.answer('Good morning. **What** can I do for you?')
        self.it.wait(answered)
        page = self.open()
        page.until('document.querySelectorAll(".thing").length > 2', 'what is there')
        page.until('document.querySelectorAll(".line")[0].getAttribute("d").length > 20', 'the first line')
        self.picture(page, '1-overview')
        for name, view in (('2-dead', 'dead'), ('3-sessions', 'sessions'), ('4-session', 'session/web_s9'),
                           ('5-letter', 'letter/1'), ('12-traffic', 'events'), ('13-event', 'event/1')):
            self.go(page, view)
            page.until('document.querySelector("main .panel")', view)
            self.picture(page, name)
        self.assertEqual(page.text('.steps b').split('\n')[0], 'accepted')
        self.assertEqual(page.faults(), [])

    def test_on_a_phone_and_in_the_dark_nothing_is_cut(self):
        self.kill(3, 'no answer from https://prices.example/v1/' + 'a-very-long-path/' * 12)
        page = self.open(width=360, height=740, phone=True, dark=True)
        page.until('document.querySelectorAll(".thing").length > 2', 'what is there')
        for name, view in (('overview', 'overview'), ('dead', 'dead'), ('letter', 'letter/1'), ('sessions', 'sessions'),
                           ('session', 'session/web_s1'), ('traffic', 'events'), ('event', 'event/1'),
                           ('live', 'tail')):
            self.go(page, view)
            page.until(f'document.querySelector(".view-{view.split("/")[0]} .panel")', view)
            self.picture(page, f'phone-{name}')
            wide = page.eval("""[...document.querySelectorAll('main, main *')].filter((one) =>
                !one.closest('pre, .unseen, svg') && one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.outerHTML.slice(0, 200))""")
            self.assertEqual(wide, [], view)
        small = page.eval("""[...document.querySelectorAll('button, .nav a, .button')].filter((one) => one.offsetParent
            && Math.min(one.offsetWidth, one.offsetHeight) < 32).map((one) => one.outerHTML)""")
        self.assertEqual(small, [])
        self.assertEqual(page.faults(), [])

    def test_a_key_is_asked_for_and_forgotten(self):
        page = self.open()
        self.assertEqual(page.eval('location.hash'), '#/overview')  # the key is not left in the address
        self.assertEqual(page.text('#who'), 'ops')
        page.click('#leave')
        page.until('document.querySelector("#key").open', 'it asks for a key')
        self.assertEqual(page.eval('sessionStorage.length'), 0)
        for key, words in (('wrong', 'Nobody has this key.'), ('alpha-1', 'This key is not for operating.'),
                           ('b\u00e9ta\u20262', 'Nobody has this key.')):
            page.eval('document.querySelector("#key-text").focus()')
            page.type(key)
            page.key('Enter')
            page.until(f'document.querySelector("#key-fault").textContent === {words!r}', words)
        self.picture(page, '14-key')
        page.type(KEY)
        page.key('Enter')
        page.until('document.querySelector("h1")', 'the overview')

    def test_an_address_that_makes_no_sense_does_no_harm(self):
        page = self.open('constructor')
        self.assertEqual(page.text('h1'), 'Overview')
        for view, seen in (('dead', 'Dead letters'), ('toString', 'Overview'), ('sessions', 'Sessions')):
            page.eval(f'location.hash = "#/{view}"')
            page.until(f'document.querySelector("h1")?.textContent === {seen!r}', view)
        self.assertEqual(page.faults(), [])
        page.eval('location.hash = "#/session/%zz"')
        page.until('document.querySelector("main [role=alert]")', 'there is no such session')
        other = self.browser.page()
        self.addCleanup(other.close)
        other.open(f'http://127.0.0.1:{self.it.port}/console#key=100%')
        other.until('document.querySelector("#key-fault").textContent === "Nobody has this key."', 'nobody has it')

    def test_a_view_that_was_left_before_it_was_there_leaves_nothing_behind(self):
        page = self.open('sessions')
        page.eval("""const real = fetch; window.fetch = (path, ...more) => String(path).startsWith('/operate/events')
            ? new Promise((done) => { window.answer = () => real(path, ...more).then(done); }) : real(path, ...more)""")
        page.eval('location.hash = "#/events"')
        page.until('window.answer', 'events are asked for')
        page.eval('location.hash = "#/tail"')
        page.until('document.body.innerText.includes("Live: 0 lines")', 'it follows')
        page.eval('window.answer().then(() => new Promise((done) => setTimeout(done)))')
        self.go(page, 'sessions')
        wait(lambda: self.it.ask('GET', '/metrics', headers={'X-Api-Key': KEY}).body.count('palaver_web_streams 0'),
             'nobody follows')
        self.assertEqual(page.faults(), [])

    def test_without_the_right_it_says_what_to_set(self):
        it = self.web(api_keys=KEYS, worker=False)
        page = self.browser.page()
        self.addCleanup(page.close)
        page.size(1280, 860)
        page.open(f'http://127.0.0.1:{it.port}/console#key={KEY}')
        page.until('document.querySelector("#status").dataset.state === "away"', 'it is refused')
        self.assertIn('plugins.operators', page.text('#status'))

    def test_what_is_said_is_text(self):
        evil = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'
        self.kill(1, why=evil, text=evil)
        page = self.open('dead')
        page.until('document.querySelector("a.group")', 'the group')
        self.go(page, 'letter/1')
        page.until('document.querySelector(".quote .why")', 'the letter')
        self.assertEqual(page.text('.quote .why'), evil)
        self.assertEqual((page.count('main img, main script'), page.eval('window.evil')), (0, None))

    def test_a_route_is_paused_and_goes_on(self):
        page = self.open()
        page.until('document.querySelectorAll(".thing-action button").length === 2', 'the routes')
        self.press(page, '.thing-action button')
        page.until('document.querySelector("dialog[open] #route-reason")', 'it asks why')
        page.type('prices are down')
        page.key('Enter')
        page.until('document.querySelector(".notices")?.innerText.includes("paused: prices are down")', 'it is paused')
        waiting = self.it.say('hello', ANN)
        page.until('document.body.innerText.includes("1 event waits in it")', 'an event waits')
        self.picture(page, '16-paused')
        self.press(page, '.thing-action button')
        page.until('document.querySelector("dialog[open] #route-reason")', 'it asks why')
        page.type('up again')
        page.key('Enter')
        page.until('!document.querySelector(".notices")?.innerText.includes("paused")', 'it goes on')
        self.it.answer('hi')
        self.assertEqual(self.it.wait(waiting).status, 200)
        self.assertEqual(page.faults(), [])

    def set_aside(self, page, button, waiting):
        """What waits in what the view shows; who waits for it is told."""
        page.until(f'document.querySelector({button!r})', 'the button')
        self.press(page, button)
        page.until('document.querySelector("dialog[open] .soft")?.innerText.startsWith("1 event or reply waits")',
                   'it says how much')
        page.type('a flood')
        page.key('Enter')
        page.until('!document.querySelector("dialog[open]")', 'it is done')
        self.assertEqual(self.it.wait(waiting).status, 503)

    def test_what_waits_is_set_aside(self):
        self.it.broker.ask('routes.pause', route='default', who='ann')
        waiting = self.it.say('hello', ANN)
        page = self.open()
        self.set_aside(page, '.thing-action [data-name="aside default"]', waiting)
        waiting = self.it.say('again', ANN)
        wait(lambda: self.it.broker.ask('status')['counts']['pending_events'] == 1, 'it is there')
        self.go(page, 'session/web_s1')
        self.set_aside(page, '.actions .danger', waiting)
        letters = self.it.broker.ask('dead.list')['items']
        self.assertEqual([(one['reason'], one['why']) for one in letters], [('discarded', 'by ops: a flood')] * 2)
        self.assertEqual(page.faults(), [])

    def test_a_plan_that_takes_long_to_make_does_not_take_the_place_of_the_next(self):
        self.kill(3)
        page = self.open('dead?session=web_s0')
        page.eval('''(() => {
          const real = fetch;
          window.fetch = async (path, given) => {
            if (path.includes('/dead?') && path.includes('session=web_s0') && path.includes('limit=1000'))
              await new Promise((go) => { window.release = go; });
            return real(path, given);
          };
        })()''')
        plan = '.panel-head .button.main'
        for view in ('dead?session=web_s0', 'dead'):
            self.go(page, view)
            page.until(f'document.querySelector({plan!r})', 'the letters')
            page.click(plan)
            page.until('location.hash === "#/plan" && !!window.release', 'the plan is being made, and the first waits')
        page.until('document.querySelector(".view-plan h2")?.textContent === "3 letters in 3 sessions"', 'the second')
        page.eval('window.release()')
        for _ in range(2):
            self.go(page, 'overview')
            self.go(page, 'plan')
            page.until('document.querySelector(".hash")?.textContent.length === 64', 'a plan')
            told = page.eval('document.querySelector(".view-plan h2").textContent')
            self.assertEqual(told, '3 letters in 3 sessions')
        self.assertEqual(page.faults(), [])

    def test_a_saved_plan_is_one_of_the_command_line(self):
        self.kill(4, text='Was ist \u20ac "50"?\n')
        page = self.open('dead')
        page.until('document.querySelector(".panel-head .button.main")', 'the letters')
        page.click('.panel-head .button.main')
        page.until('document.querySelector(".hash")?.textContent.length === 64', 'the plan')
        page.eval("""(() => { const make = URL.createObjectURL; URL.createObjectURL = (blob) => {
            blob.text().then((text) => { window.saved = text; }); return make.call(URL, blob); }; })()""")
        page.click('.view-plan .panel:last-child .button:last-child')
        page.until('window.saved', 'the plan is saved')
        path = os.path.join(self.it.broker.folder, 'console.plan')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(page.eval('window.saved'))
        done = subprocess.run([f'{BUILD}/bin/palaver', 'dead', 'replay', '--apply', path, '--yes'], check=False,
                              capture_output=True, text=True, env={**os.environ, 'PALAVER_RUN': self.it.broker.run})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('"replayed":4', done.stdout.replace(' ', ''))
        self.jobs(4)

    def test_what_happens_is_shown_live(self):
        page = self.open('tail')
        page.until('document.body.innerText.includes("Live: 0 lines")', 'it follows')
        page.click('#tail-texts')
        page.until('document.body.innerText.includes("Live: 0 lines")', 'it follows anew')
        self.kill(2)
        page.until('document.querySelectorAll(".line-item .pill.bad").length === 2', 'two deaths')
        self.assertIn('Which fund? 1', page.text('.lines'))
        self.picture(page, '11-live')
        page.click('.head .button')
        page.until('document.body.innerText.includes("Paused")', 'it pauses')
        wait(lambda: self.it.ask('GET', '/metrics', headers={'X-Api-Key': KEY}).body.count('palaver_web_streams 0'),
             'nobody follows')
        self.assertEqual(page.faults(), [])

    def test_a_name_that_is_written_backwards_turns_nothing_else(self):
        page = self.open('tail')
        page.until('document.body.innerText.includes("Live: 0 lines")', 'it follows')
        waiting = self.it.say('Which fund?', ANN, session='back\u202ewards', user='\u202eann')
        self.it.worker.nack(self.it.worker.job()['lease'], permanent=True, code='data_unavailable', reason='\u202ewhy')
        self.it.wait(waiting)
        page.until('document.querySelector(".line-item .pill.bad")', 'a death')
        turned = """[...document.querySelectorAll(SELECTOR)].filter((one) => {
            const text = one.lastChild, at = (from) => { const range = document.createRange();
                range.setStart(text, from); range.setEnd(text, from + 1); return range.getBoundingClientRect().left; };
            return at(1) >= at(text.length - 1); }).length"""
        self.assertEqual(page.eval(turned.replace('SELECTOR', '".line-item p:first-child .soft"')), 0)
        self.go(page, 'letter/1')
        page.until('document.querySelector(".quote")', 'the letter')
        self.assertEqual(page.eval(turned.replace('SELECTOR', '".view-letter dt"')), 0)
        self.assertEqual(page.faults(), [])

    # ---------------------------------------------------------------- by keyboard

    def tab_to(self, page, wanted, most=90):
        """By the Tab key alone, until what has the focus fits."""
        for _ in range(most):
            if page.eval(f'document.activeElement.matches({wanted!r})'):
                return
            page.key('Tab')
        raise AssertionError(f'Tab does not reach {wanted}')

    def press(self, page, wanted):
        self.tab_to(page, wanted)
        page.key('Enter')

    def write(self, page, wanted, text):
        self.tab_to(page, wanted)
        page.eval('document.activeElement.select?.()')
        page.type(text)

    def jobs(self, count):
        return [self.it.worker.job() for _ in range(count)]

    def test_the_morning_after(self):
        """Something failed at night: what, why, how many; then exactly that is sent again, by keyboard alone."""
        self.kill(12)
        self.kill(2, 'no answer from https://prices.example/v1 (HTTP 502)', first=12)
        page = self.open()
        page.until('document.querySelector(".notices a")', 'what is wrong')
        self.assertIn('14 dead letters of 2 kinds; most often: the list of prices is missing', page.text('.notices'))
        page.key('g')
        page.key('d')
        page.until('document.querySelectorAll(".group").length === 2', 'two groups')
        self.assertEqual(page.text('.group-count').split(), ['12', '2'])
        self.press(page, 'a.group')
        page.until('document.querySelectorAll("tbody tr").length === 12', 'the letters of one group')
        self.picture(page, '6-group')
        page.key('j')
        page.key('Enter')
        page.until('document.querySelector(".steps li")', 'a ledger')
        self.assertEqual(page.text('.quote .why'), 'the list of prices is missing')
        page.eval('history.back()')
        page.until('document.querySelectorAll("tbody tr").length === 12', 'the group again')
        self.press(page, '.panel-head .button.main')
        page.until('document.querySelector(".hash")?.textContent.length === 64', 'the plan')
        self.assertIn('12 letters in 12 sessions', page.text('h2'))
        self.picture(page, '7-plan')
        plan = page.text('.hash')
        self.it.worker.quiet('JOB')  # nothing was sent by looking
        self.press(page, '.panel-try .button')
        trial = self.it.worker.job()
        self.assertEqual((trial['options']['trial'], trial['body']['message_text']), (True, 'Which fund? 0'))
        self.it.worker.reply(trial['lease'], 'The Global Equity Index Fund: for ten years or more.')
        page.until('document.querySelectorAll(".side-text").length === 2', 'both answers side by side')
        self.assertIn('not available', page.text('.side-text'))
        self.assertIn('Global Equity', page.text('.side-text.good'))
        self.assertEqual(self.it.broker.ask('status')['counts']['dead'], 14)
        page.eval('document.querySelector(".panel-try").scrollIntoView({block: "center"})')
        self.picture(page, '15-trial')
        self.press(page, '.view-plan .panel:last-child .button.main')
        page.until('document.body.innerText.includes("Done.")', 'it is done')
        self.assertIn('12 letters sent again', page.text('.view-plan'))
        self.picture(page, '8-sent')
        jobs = self.jobs(12)
        self.assertEqual([job['body']['message_text'] for job in jobs],
                         [f'Which fund? {number}' for number in range(12)])
        for job in jobs[1:]:
            self.it.worker.reply(job['lease'], 'Here it is.')
        self.it.worker.nack(jobs[0]['lease'], permanent=True, code='data_unavailable', reason='still no prices')
        self.it.worker.quiet('JOB')
        left = wait(lambda: len(items := self.it.broker.ask('dead.list')['items']) == 3 and items, 'one died again')
        again = next(item for item in left if item['why'] == 'still no prices')
        self.go(page, f'letter/{again["number"]}')
        page.until('document.querySelectorAll(".steps li").length === 3', 'the ledger')
        self.assertIn('replayed', page.text('.steps'))
        self.assertIn(f'ops · {plan[:16]}', page.text('.steps'))
        self.picture(page, '9-ledger')
        self.assertEqual(page.faults(), [])

    def test_a_replay_is_paced_stopped_and_gone_on_with_and_nothing_goes_twice(self):
        self.kill(24)
        page = self.open('dead')
        page.until('document.querySelectorAll("tbody tr").length === 24', 'the letters')
        self.press(page, '.panel-head .button.main')
        page.until('document.querySelector("#plan-rate")', 'how')
        self.write(page, '#plan-rate', '10')
        self.press(page, '.view-plan .panel:last-child .button.main')
        go_on = '[...document.querySelectorAll("button")].find((one) => one.innerText.startsWith("Go on with "))'
        page.until('document.querySelector("progress").value >= 3', 'some are sent')
        page.eval('[...document.querySelectorAll("button")].find((one) => one.innerText === "Stop").click()')
        page.until(f'{go_on} && !{go_on}.disabled', 'it has stopped')
        self.picture(page, '17-stopped')
        left = int(page.eval(f'{go_on}.innerText').split()[3])
        items = self.it.broker.ask('dead.list')['items']
        self.assertEqual(len(items), left)
        self.assertTrue(0 < left < 24, left)
        somebody = self.it.broker.ask('dead.replay', numbers=[items[-1]['number']])  # at another desk
        self.assertEqual(somebody['done'], 1)
        page.eval(f'{go_on}.click()')
        page.until('document.body.innerText.includes("Done.")', 'it is done')
        self.assertIn('23 letters sent again, of 24.', page.text('.view-plan'))
        self.assertIn('1 letter left out: sent or thrown away by somebody else', page.text('.view-plan'))
        self.assertEqual(sorted(job['body']['message_text'] for job in self.jobs(24)),
                         sorted(f'Which fund? {number}' for number in range(24)))
        self.it.worker.quiet('JOB')
        self.assertEqual(page.faults(), [])

    def test_a_corrected_text_goes_to_another_route(self):
        self.kill(1, text='Whihc fund?')
        slow = self.it.broker.worker('slow', services=['slow'])
        page = self.open('letter/1')
        self.press(page, '.button.main')
        page.until('document.querySelector("#plan-text")', 'how')
        first = page.text('.hash')
        self.write(page, '#plan-text', 'Which fund?')
        self.tab_to(page, '#plan-to')
        page.key('End')  # the last route
        page.until('document.querySelector("#plan-to").value === "slow"', 'the route is chosen')
        page.until(f'document.querySelector(".hash").textContent !== {first!r}', 'another plan')
        self.press(page, '.view-plan .panel:last-child .button.main')
        page.until('document.body.innerText.includes("Done.")', 'it is done')
        job = slow.job()
        self.assertEqual(job['body']['message_text'], 'Which fund?')
        self.it.worker.quiet('JOB')
        self.assertEqual(page.faults(), [])

    def test_a_text_with_other_line_ends_is_sent_as_it_was(self):
        self.kill(1, text='first\r\nsecond\r')
        page = self.open('letter/1')
        self.press(page, '.button.main')
        page.until('document.querySelector("#plan-text")', 'how')
        first = page.text('.hash')
        self.write(page, '#plan-rate', '7')
        self.press(page, '.view-plan .panel:last-child .button.main')
        page.until('document.body.innerText.includes("Done.")', 'it is done')
        self.assertNotEqual(page.text('.hash'), first)
        job = self.it.worker.job()
        self.assertEqual(job['body']['message_text'], 'first\r\nsecond\r 0')
        self.assertEqual(page.faults(), [])

    def test_what_was_discarded_before_it_was_stopped_is_gone_from_the_list(self):
        self.kill(3)
        page = self.open('dead')
        page.until('document.querySelectorAll("tbody tr").length === 3', 'the letters')
        page.eval("""const real = fetch; window.fetch = async (path, options) => {
            if (!String(path).endsWith('dead/discard')) return real(path, options);
            const order = JSON.parse(options.body), { numbers, expect } = order;
            const one = { ...order, numbers: numbers.slice(0, 1), expect: expect.slice(0, 1) };
            const told = numbers.length < 3 ? { done: 0 }
              : await (await real(path, { ...options, body: JSON.stringify(one) })).json();
            return new Response(JSON.stringify({ ...told, busy_numbers: numbers.slice(numbers.length < 3 ? 0 : 1) }));
        }""")
        self.press(page, '.button.danger')
        page.until('document.querySelector("dialog[open] #reason")', 'it asks why')
        self.tab_to(page, '#reason')
        page.type('too many')
        page.key('Enter')
        page.until('document.querySelector("dialog[open]").innerText.includes("1 of 3 discarded")', 'one is gone')
        page.key('Escape')
        page.until('document.querySelectorAll("tbody tr").length === 2', 'the list has the others')
        self.assertEqual(page.faults(), [])

    def test_letters_are_discarded_with_a_reason(self):
        self.kill(3)
        page = self.open('dead')
        page.until('document.querySelectorAll("tbody tr").length === 3', 'the letters')
        page.key('j')  # the group, then the first letter
        page.key('j')
        page.key('x')
        page.until('document.querySelector(".button.danger").textContent === "Discard 1 letter"', 'one is selected')
        self.press(page, '.button.danger')
        page.until('document.querySelector("dialog[open] #reason")', 'it asks why')
        self.picture(page, '10-discard')
        self.tab_to(page, '#reason')
        page.key('Enter')  # without a reason nothing happens
        self.assertEqual(self.it.broker.ask('status')['counts']['dead'], 3)
        page.type('\u0436' * 33)  # 66 bytes, of which two would be cut off
        page.key('Enter')
        self.assertFalse(page.eval('document.querySelector("#reason").checkValidity()'))
        self.assertEqual(self.it.broker.ask('status')['counts']['dead'], 3)
        page.eval('document.querySelector("#reason").select()')
        page.type('a test message')
        page.key('Enter')
        page.until('document.querySelectorAll("tbody tr").length === 2 && !document.querySelector("dialog[open]")',
                   'it is gone')
        self.assertEqual([item['number'] for item in self.it.broker.ask('dead.list')['items']], [3, 5])
        self.assertEqual(page.faults(), [])


if __name__ == '__main__':
    unittest.main()
