"""What users ask of a bot and wait for (inline, shipping, checkout, web app and guest queries), and payments."""

import re
import secrets
import urllib.parse

from .contract import make
from .more_methods import bad

RESULTS_MAX = 50
PREPARED_S = 24 * 3600
OLD = 'query is too old and response timeout expired or query ID is invalid'


class Queries:
    def asked(self, kind, query_id):
        """A question of this kind that waits for its answer."""
        found = self.world.kept['asked'].get(query_id)
        if found is None or found['kind'] != kind or found['answer'] is not None or self.world.now() > found['until']:
            raise bad(OLD)
        return found

    def answered(self, kind, query_id, values):
        self.asked(kind, query_id)['answer'] = dict(values)
        self.fake.changed()
        return True

    def inline(self, result):
        """A message that a result became somewhere the bot is not."""
        number = 'AgAA' + secrets.token_urlsafe(18)
        self.world.kept['inline'][number] = result
        return {'inline_message_id': number}

    def answerInlineQuery(self, values):
        results = values['results']
        self.asked('inline_query', values['inline_query_id'])
        if len(results) > RESULTS_MAX:
            raise bad('RESULTS_TOO_MUCH')
        if len({one['id'] for one in results}) != len(results):
            raise bad('RESULT_ID_DUPLICATE')
        if len(values.get('next_offset', '').encode()) > 64:
            raise bad('NEXT_OFFSET_INVALID')
        return self.answered('inline_query', values['inline_query_id'], values)

    def answerWebAppQuery(self, values):
        self.answered('web_app', values['web_app_query_id'], values)
        return self.inline(values['result'])

    def answerGuestQuery(self, values):
        self.answered('guest_message', values['guest_query_id'], values)
        return self.inline(values['result'])

    def yes_or_no(self, kind, values, needs=None):
        if not values['ok'] and not values.get('error_message'):
            raise bad('ERROR_TEXT_EMPTY')
        if values['ok'] and needs and not values.get(needs):
            raise bad('SHIPPING_OPTIONS_EMPTY')
        return self.answered(kind, values[kind + '_id'], values)

    def answerShippingQuery(self, values):
        return self.yes_or_no('shipping_query', values, 'shipping_options')

    def answerPreCheckoutQuery(self, values):
        return self.yes_or_no('pre_checkout_query', values)

    def answerChatJoinRequestQuery(self, values):
        found = self.asked('chat_join_request', values['chat_join_request_query_id'])
        if values['result'] != 'queue':
            self.settle(self.world.chats[found['chat']], found['user'], values['result'] == 'approve')
        return self.answered('chat_join_request', values['chat_join_request_query_id'], values)

    def sendChatJoinRequestWebApp(self, values):
        found = self.asked('chat_join_request', values['chat_join_request_query_id'])
        if urllib.parse.urlsplit(values['web_app_url']).scheme != 'https':
            raise bad('Web App URL is invalid: Only HTTPS links are allowed')
        found['web_app_url'] = values['web_app_url']
        return True

    def savePreparedInlineMessage(self, values):
        number = secrets.token_urlsafe(12)
        self.world.kept['prepared'][number] = values['result']
        return {'id': number, 'expiration_date': self.world.date() + PREPARED_S}

    def savePreparedKeyboardButton(self, values):
        if not any(name in values['button'] for name in ('request_users', 'request_chat', 'request_managed_bot')):
            raise bad('BUTTON_TYPE_INVALID')
        number = secrets.token_urlsafe(12)
        self.world.kept['prepared'][number] = values['button']
        return {'id': number}

    # ------------------------------------------------------------ payments

    def invoice(self, values):
        stars = values['currency'] == 'XTR'
        if not re.fullmatch('[A-Z]{3}', values['currency']):
            raise bad('CURRENCY_INVALID')
        if not stars and not values.get('provider_token'):
            raise bad('PAYMENT_PROVIDER_INVALID')
        total = sum(one['amount'] for one in values['prices'])
        if not values['prices'] or total <= 0 or (stars and len(values['prices']) != 1):
            raise bad('CURRENCY_TOTAL_AMOUNT_INVALID')
        tips = values.get('suggested_tip_amounts', [])
        if tips and (sorted(set(tips)) != tips or not 0 < tips[0] <= tips[-1] <= values.get('max_tip_amount', 0)):
            raise bad('TIP_AMOUNTS_INVALID')
        return make('Invoice', {**values, 'total_amount': total})

    def sendInvoice(self, values):
        return self.deliver({name: one for name, one in values.items() if name != 'caption'},
                            invoice=self.invoice(values))

    def createInvoiceLink(self, values):
        if 'subscription_period' in values and values['currency'] != 'XTR':
            raise bad('SUBSCRIPTION_CURRENCY_INVALID')
        link = 'https://t.me/$' + secrets.token_urlsafe(12)
        self.world.kept['invoices'][link] = self.invoice(values)
        return link

    def charge(self, values):
        found = self.world.kept['charges'].get(values['telegram_payment_charge_id'])
        if found is None or found['user'] != values['user_id']:
            raise bad('CHARGE_NOT_FOUND')
        return found

    def refundStarPayment(self, values):
        charge = self.charge(values)
        if charge['refunded']:
            raise bad('CHARGE_ALREADY_REFUNDED')
        self.spend(charge['amount'])
        charge['refunded'] = True
        self.booked(charge['amount'], self.world.users[charge['user']], id_=values['telegram_payment_charge_id'],
                    transaction_type='invoice_payment')
        return True

    def editUserStarSubscription(self, values):
        charge = self.charge(values)
        if not charge['subscription']:
            raise bad('CHARGE_NOT_FOUND')
        charge['canceled'] = values['is_canceled']
        return True

    def setPassportDataErrors(self, values):
        if not values['errors']:
            raise bad('PASSPORT_ERRORS_EMPTY')
        self.world.kept['passport'][values['user_id']] = values['errors']
        return True
