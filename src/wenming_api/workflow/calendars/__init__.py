"""工作日历: public holidays and the weekends that are worked instead, as data; deadlines in working days (S4.3).

Tables: holidays.
"""
