"""Documents (台账文档): records, submissions and books as HTML, PDF, DOCX and XLSX. Tables `documents`,
`document_parts`."""
