"""Printed documents: one model of pages, four forms of it (PDF, HTML, DOCX, XLSX), and long PDFs made of short ones.

A caller describes a document as `model.Paper`: cover, contents, forms of labelled cells, photo pages. What users typed
enters it as data and never as a template's or a program's text. `press.Press` prints it in a child process with limits;
the same paper and the same pictures give the same bytes, in every form.
"""
