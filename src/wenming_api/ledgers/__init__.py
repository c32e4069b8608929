"""电子台账: records, their quality, review, submission, books, documents; shared by the sub-systems that keep them."""
