"""What is shown of a family to those who may not see it. Pure."""


def masked_name(name: str) -> str:
    """The first character and stars: `王小明` → `王**`."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def masked_address(address: str) -> str:
    """Nothing of an address is shown, only that there is one."""
    return "******" if address else ""
