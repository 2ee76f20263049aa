"""Runs functions named on its standard input, until that is closed."""

import importlib
import os
import pickle
import sys


def main() -> None:
    """Answer each (name, args) with (is_fine, value)."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the libraries print must not mix with the answers
    while True:
        try:
            name, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        module, _, function = name.partition(":")
        try:
            task = getattr(importlib.import_module(module), function)
            answer = (True, getattr(task, "fn", task)(*args))
        except Exception as error:
            answer = (False, error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
