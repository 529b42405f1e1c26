"""Headless Chromium over its DevTools protocol: pages are opened, looked at, typed into and photographed."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

from websocket import SECONDS, WebSocket

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome', 'chromium-headless-shell')
FOUND = next(filter(None, map(shutil.which, NAMES)), None)
ABSENT = 'no Chromium on this machine (Debian package chromium)'
NO_STORAGE = '''for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,
    { get () { throw new DOMException('refused', 'SecurityError'); } });'''
KEYS = {'Enter': (13, '\r'), 'Tab': (9, ''), 'Escape': (27, ''), 'n': (78, ''), ' ': (32, ' '),
        'End': (35, '')}


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='chromium-')
        self.process = subprocess.Popen(
            [FOUND, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
             '--force-color-profile=srgb', '--font-render-hinting=none', '--remote-debugging-port=0',
             f'--user-data-dir={self.folder}', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.port = int(self.wait(self.active_port, 'Chromium listens', 60))

    def active_port(self):
        try:
            with open(f'{self.folder}/DevToolsActivePort', encoding='ascii') as file:
                return file.readline().strip()
        except OSError:
            assert self.process.poll() is None, 'Chromium has ended'
            return None

    def wait(self, condition, what, seconds=SECONDS):
        until = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > until:
                raise AssertionError(f'not within {seconds} s: {what}')
            time.sleep(0.02)
        return found

    def page(self):
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}/json/new?about:blank', method='PUT')
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return Page(self, json.load(answer))

    def close(self):
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    def __init__(self, browser, told):
        self.browser, self.number, self.told = browser, 0, []
        path = told['webSocketDebuggerUrl'].split('/', 3)[3]
        self.socket = WebSocket('127.0.0.1', browser.port, '/' + path, seconds=SECONDS)
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')
        # A page behind another one paints nothing and has no focus.
        self.call('Page.bringToFront')
        self.call('Emulation.setFocusEmulationEnabled', enabled=True)

    def call(self, method, **words):
        self.number += 1
        self.socket.send(json.dumps({'id': self.number, 'method': method, 'params': words}))
        while True:
            answer = json.loads(self.socket.receive(30))
            if answer.get('id') == self.number:
                assert 'error' not in answer, answer
                return answer['result']
            if 'method' in answer:
                self.told.append(answer)

    def faults(self):
        """Exceptions, and what the console was told as an error or by the content security policy."""
        self.call('Runtime.evaluate', expression='0')
        found = []
        for event in self.told:
            if event['method'] == 'Runtime.exceptionThrown':
                found.append(event['params']['exceptionDetails'].get('exception', {}).get('description', '?'))
            elif event['method'] == 'Log.entryAdded' and event['params']['entry']['level'] == 'error':
                found.append(event['params']['entry']['text'] + ' ' + event['params']['entry'].get('url', ''))
        return found

    def size(self, width, height, phone=False, scale=1):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=scale,
                  mobile=phone)
        self.call('Emulation.setTouchEmulationEnabled', enabled=phone)

    def look_like(self, dark=False):
        """Light or dark; without movement, so that a picture is the same each time."""
        self.call('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-reduced-motion', 'value': 'reduce'},
            {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def offline(self, on):
        self.call('Network.emulateNetworkConditions', offline=on, latency=0, downloadThroughput=-1, uploadThroughput=-1)

    def keep_nothing(self):
        """From the next page on no storage is there, as when all cookies are refused."""
        self.call('Page.addScriptToEvaluateOnNewDocument', source=NO_STORAGE)

    def open(self, url):
        self.call('Page.navigate', url=url)
        self.until('document.readyState === "complete" && location.href !== "about:blank"', f'{url} is loaded')

    def reload(self):
        self.eval('window.before = true')
        self.call('Page.reload')
        self.until('!window.before && document.readyState === "complete"', 'it is loaded again')

    def eval(self, expression):
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def look(self, expression):
        """As eval, while a page is being exchanged for another."""
        try:
            return self.eval(expression)
        except AssertionError:
            return None

    def until(self, expression, what, seconds=SECONDS):
        return self.browser.wait(lambda: self.look(f'Boolean({expression})'), what, seconds)

    def text(self, selector):
        all_of_them = f'[...document.querySelectorAll({json.dumps(selector)})]'
        return self.eval(f'{all_of_them}.map((one) => one.innerText).join("\\n")')

    def count(self, selector):
        return self.eval(f'document.querySelectorAll({json.dumps(selector)}).length')

    def click(self, selector):
        spot = self.eval(f'''(() => {{ const one = document.querySelector({json.dumps(selector)});
            one.scrollIntoView({{block: 'nearest', behavior: 'instant'}}); const box = one.getBoundingClientRect();
            return {{x: box.x + box.width / 2, y: box.y + box.height / 2}}; }})()''')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, button='left', clickCount=1, **spot)

    def type(self, text):
        self.call('Input.insertText', text=text)

    def key(self, name, alt=False, shift=False):
        code, text = KEYS.get(name) or (ord(name.upper()), name)
        words = {'key': name, 'windowsVirtualKeyCode': code, 'modifiers': (1 if alt else 0) | (8 if shift else 0),
                 'code': f'Key{name.upper()}' if len(name) == 1 else name}
        self.call('Input.dispatchKeyEvent', type='keyDown', **words, **({'text': text} if text and not alt else {}))
        self.call('Input.dispatchKeyEvent', type='keyUp', **words)

    def picture(self, path):
        self.eval('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
        shot = self.call('Page.captureScreenshot', format='png')
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))

    def close(self):
        self.call('Page.close')
        self.socket.close()
