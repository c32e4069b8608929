"""The sheets of an indicator system's workbook: their columns and how a cell of each is read. No tables."""
