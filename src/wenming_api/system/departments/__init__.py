"""Departments (处室) inside units. Their table, `departments`, stands with the units."""
