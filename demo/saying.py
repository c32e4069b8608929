"""What both acts of the demo say, and how they stop."""


class WrongFigure(AssertionError):
    """A figure of the service differs from the demo's own."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def check(what: str, found: object, expected: object) -> None:
    """Stop when a figure is not what it should be."""
    if found != expected:
        raise WrongFigure(f"{what}: {found!r}, expected {expected!r}")
