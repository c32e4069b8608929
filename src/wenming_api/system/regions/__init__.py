"""Regions (区域): the management tree of the city on the national 12-digit codes. Tables: regions, region_parents."""
