"""Do the same with several servers at once."""

from __future__ import annotations

import threading
from typing import Callable, Sequence, TypeVar

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def together(action: Callable[[Thing], Answer], things: Sequence[Thing]) -> list[Answer]:
    """Call `action` for each in a thread; answers in their order, or the first error.

    Not an executor: it would make Ctrl-C wait for its threads. These end with the process.
    """
    answers: dict[int, Answer] = {}
    errors: dict[int, BaseException] = {}

    def work(index: int) -> None:
        try:
            answers[index] = action(things[index])
        except BaseException as error:
            errors[index] = error

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(things))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in sorted(errors):
        raise errors[index]
    return [answers[index] for index in range(len(things))]
