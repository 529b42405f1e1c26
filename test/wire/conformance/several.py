"""A worker of two brokers."""

from conformance.case import reply, test
from peer import Broker, Unexpected, Worker, check, frame, job


class Both:
    """What a worker of two brokers is told about where they are."""

    def __init__(self, one, other):
        self.environment = {'PALAVER_AGENTS': f'{one.endpoint} {other.endpoint}'}


def for_two(run):
    """A worker of this broker and another one: (peer there, the other broker, peer at the other, worker)."""
    def with_two(broker, worker):
        broker.expect('HELLO')
        worker.process.kill()
        worker.process.wait()
        other = Broker()
        two = Worker(worker.process.args[:-3], Both(broker, other))
        try:
            run(broker, broker.accept()[0], other, other.accept()[0], two)
        except Unexpected as problem:
            raise Unexpected(f'{problem}: {two.text()}') from None
        finally:
            two.close()
            other.close()
    with_two.__name__ = run.__name__
    return with_two


@test()
@for_two
def jobs_of_two_brokers_are_answered_to_their_own(broker, peer, other, there, worker):
    broker.send(peer, job(65537, 'sleep 300'))
    other.send(there, job(65537, 'echo there'))      # the same lease: it is another broker's
    reply(other, 65537, 'there')
    reply(broker, 65537, 'slept')
    other.nothing(0.1)


@test()
@for_two
def a_broker_that_is_away_does_not_disturb_the_other(broker, peer, other, there, worker):
    other.unbind()
    for number in range(1, 4):
        broker.send(peer, job(number << 16 | 1, f'echo {number}'))
        reply(broker, number << 16 | 1, str(number))
    broker.nothing(2.5)     # the other one's silence is noticed
    other.bind()
    there, _ = other.accept()
    other.send(there, job(65537, 'echo back'))
    reply(other, 65537, 'back')


@test()
@for_two
def a_broker_that_refuses_ends_its_own_connection_alone(broker, peer, other, there, worker):
    other.send(there, frame('ERROR', 'AUTH', 'not this key', 'HELLO'))
    worker.says('not this key')
    broker.send(peer, job(65537, 'echo here'))
    reply(broker, 65537, 'here')
    worker.signal()
    broker.expect('CREDIT')
    broker.expect('BYE')
    code, text = worker.exit()
    check(code == 77, f'exit code {code}: {text}')


@test()
@for_two
def a_signal_drains_both(broker, peer, other, there, worker):
    for one, at in ((broker, peer), (other, there)):    # each has its WELCOME
        one.send(at, job(65537, 'echo ready'))
        reply(one, 65537, 'ready')
    worker.signal()
    for one in (broker, other):
        one.expect('CREDIT')
        one.expect('BYE')
    code, text = worker.exit()
    check(code == 0, f'exit code {code}: {text}')
