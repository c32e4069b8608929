"""Sheets of an indicator system (体系工作簿): their columns, and how a cell of each is read and shown. No tables."""
