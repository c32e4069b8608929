"""测评表单: which standards are judged at a site of a type, what a filled-in form may say, and what it is worth.

Used by `city.scoring`; no tables.
"""
