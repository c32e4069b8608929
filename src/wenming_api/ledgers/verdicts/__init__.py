"""Verdicts (质控结果): what the rules in force say of a content, the same whenever it is asked. No table of its own."""
