"""答卷导入 (C3.7): answers on paper, typed into a table. Uses the tables of `city.answers`."""
