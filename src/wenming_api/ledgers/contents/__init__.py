"""Contents of records (台账内容): what a record says, how it is compared, searched and judged. No table of its own."""
