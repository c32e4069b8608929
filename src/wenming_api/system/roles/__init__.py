"""Roles (角色): a set of permissions and a data scope. Tables: roles, role_regions."""
