"""Layouts (版式): how records are printed, by category, in versions that are tested before
they are used. Tables `layouts`, `layout_versions`."""
