"""申报材料打包 (C1.5): packages are written as a stream into object storage, continued after any interruption.

Tables: packages, package_members, package_parts (of `ledgers.packages`).
"""
