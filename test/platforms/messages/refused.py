"""A request that gets an error instead of an answer."""


class Refused(Exception):
    """HTTP status, the error's type and text, and its details."""

    def __init__(self, status, kind, message, details=None):
        super().__init__(message)
        self.status, self.kind, self.message, self.details = status, kind, message, details


def refuse(message):
    raise Refused(400, 'invalid_request_error', message)


def need(condition, message):
    if not condition:
        refuse(message)
