"""Evidence (证据照片): the photos behind a sheet's scores, to be looked at by whoever may open the sheet.

No tables of its own: line_photos belong to `city.scoring`, files to `system.files`.
"""
