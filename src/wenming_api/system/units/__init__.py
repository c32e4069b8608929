"""Units (单位) and the departments (处室) inside them. Tables: units, departments."""
