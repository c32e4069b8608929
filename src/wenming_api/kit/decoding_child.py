"""The child process of `kit.decoding`: takes tasks from its standard input and does them within its limits."""

import os
import pickle
import resource
import sys
import time
from typing import Any

from wenming_api.kit.decoding import HEADER, Defect, Rejected


def perform(task: str, arguments: tuple[Any, ...]) -> Any:
    """Do one task in this process."""
    if task == "image":
        from wenming_api.kit import images

        return images.process_image(*arguments)
    if task == "video":
        from wenming_api.kit import videos

        return videos.process_video(*arguments)
    if task == "document":
        from wenming_api.kit import documents

        return documents.check_document(*arguments)
    if task == "shrink":
        from wenming_api.kit import shrinking

        return shrinking.shrink(*arguments)
    if task in {"print", "number", "merge"}:
        from wenming_api.kit.printing import press

        return press.perform(task, arguments)
    raise ValueError(f"unknown task {task!r}")


def main() -> None:
    memory, file_size, cpu_seconds = (int(value) for value in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not disturb the answers
    while header := tasks.read(HEADER.size):
        (size,) = HEADER.unpack(header)
        task, arguments = pickle.loads(tasks.read(size))  # noqa: S301 - sent by the parent
        used = int(time.process_time()) + 1
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_seconds, hard))
        answer: tuple[str, Any]
        try:
            answer = ("done", perform(task, arguments))
        except Rejected as error:
            answer = ("rejected", (error.defect, error.note))
        except MemoryError:
            answer = ("rejected", (Defect.TOO_EXPENSIVE, "memory"))
        except Exception as error:
            answer = ("failed", f"{type(error).__name__}: {error}"[:500])
        data = pickle.dumps(answer)
        answers.write(HEADER.pack(len(data)) + data)
        answers.flush()


if __name__ == "__main__":
    main()
