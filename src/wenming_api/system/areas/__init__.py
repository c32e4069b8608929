"""Custom areas (自定义区域: 城区、城乡结合部、网格): named sets of regions. Function C2.5.

Tables: ``areas``, ``area_members``.
"""
