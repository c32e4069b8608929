"""测评方案 (scheme): the configuration of an assessment and its checks.

No tables of its own: `assessments` stores it.
"""
