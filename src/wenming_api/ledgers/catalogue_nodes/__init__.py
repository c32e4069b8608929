"""Categories (大类、小类): the nodes of catalogues, built while the catalogue is a draft. No table of its own."""
