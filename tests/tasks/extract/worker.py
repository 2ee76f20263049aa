"""Run functions named on standard input until it is closed."""

import importlib
import os
import pickle
import sys


def main() -> None:
    """Reply to each (name, args) with (succeeded, value or exception)."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the output of the libraries must not mix with the replies
    while True:
        try:
            name, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        module, _, function = name.partition(":")
        try:
            task = getattr(importlib.import_module(module), function)
            reply = (True, getattr(task, "fn", task)(*args))
        except Exception as error:
            reply = (False, error)
        pickle.dump(reply, replies)
        replies.flush()


if __name__ == "__main__":
    main()
