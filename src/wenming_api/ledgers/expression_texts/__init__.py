"""Quality expressions as JSON (质控表达式的解析): read strictly, every fault named in Chinese. No tables."""
