"""Base class of all expected errors of this product."""


class RotationError(Exception):
    """Base of expected errors: the message says what failed and what to do next.

    Callers that only report a failure, such as the command line, catch this class. Defects, as a
    rule that can't be evaluated, do not derive from it, and show their traceback.
    """
