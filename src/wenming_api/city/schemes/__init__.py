"""测评方案 (scheme): the configuration of an assessment and its checks; no tables of its own, `assessments` stores it."""
